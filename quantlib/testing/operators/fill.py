"""Random FILL, RANGE, RANK, ZEROS_LIKE, ONE_HOT, BROADCAST_TO and BROADCAST_ARGS models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.one_hot import OneHotOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, extents
from quantlib.testing.operators._operands import TYPES, numbers
from quantlib.testing.single_operator import Case, cases


@cases("FILL", *ANY)
def fill(choices: Choices, configuration: str) -> Case:
    """Any shape, an empty one now and then; the value given or computed."""
    movement = Movement.of(choices, TYPES[configuration])
    movement.index_parameter(extents(choices, 0, 5, empty=not movement.dynamic))
    movement.data((), constant=choices.choice((True, False)))
    return movement.finished("FILL", version=4)


@cases("RANGE", "float32", "int32", "int64")
def range_(choices: Choices, configuration: str) -> Case:
    """Up and down, in steps that do and do not lead to the limit exactly."""
    movement = Movement.of(choices, TYPES[configuration])
    if movement.type is TensorType.FLOAT32:
        start = np.float32(choices.real(-10, 10))
        delta = np.float32(
            choices.choice((0.1, 0.5, -0.25, 1.0, choices.real(0.01, 2), -choices.real(0.01, 2)))
        )
        limit = np.float32(start + delta * np.float32(choices.choice((0, 3, choices.real(0, 40)))))
    else:
        start = np.float32(choices.integer(-1000, 1000))
        delta = np.float32(choices.choice((1, -1, choices.integer(1, 9), -choices.integer(1, 9))))
        limit = np.float32(start + np.sign(delta) * choices.integer(0, 60))
    if start == limit:
        limit = np.float32(start + delta)  # else nothing comes out, which LiteRT's Python cannot read
    for value in (start, limit, delta):
        movement.parameter(value, movement.type)
    return movement.finished("RANGE")


@cases("RANK", *ANY)
def rank(choices: Choices, configuration: str) -> Case:
    """None to eight dimensions."""
    movement = Movement.of(choices, TYPES[configuration])
    movement.data(extents(choices, 0, 8, empty=True))
    return movement.finished("RANK", type=TensorType.INT32)


@cases("ZEROS_LIKE", "float32", "int32", "int64")
def zeros_like(choices: Choices, configuration: str) -> Case:
    """Any shape."""
    movement = Movement.of(choices, TYPES[configuration])
    movement.data(extents(choices, 0, 6, empty=True))
    return movement.finished("ZEROS_LIKE")


@cases("ONE_HOT", "float32", "int8", "uint8", "int32", "int64", "bool")
def one_hot(choices: Choices, configuration: str) -> Case:
    """Indices inside and outside, some of them only when they wrap."""
    movement = Movement(choices, TYPES[configuration], dynamic=choices.integer(0, 3) == 0)
    shape = extents(choices, 0, 4)
    depth = choices.integer(1 if movement.dynamic else 0, 6)
    indices = choices.generator().integers(-2, depth + 2, shape)
    type = choices.choice((TensorType.INT32, TensorType.INT64))
    if type is TensorType.INT64 and choices.integer(0, 3) == 0:
        indices = indices + (1 << 32) * choices.integer(-2, 2)
    assert type.dtype is not None
    movement.add(np.asarray(indices, type.dtype), type, None, constant=False)
    movement.parameter(depth)
    for _value in ("on", "off"):
        element = numbers(choices, choices.choice(((), (1,))), movement.type)
        movement.add(np.asarray(element), movement.type, None, constant=choices.choice((True, False)))
    return movement.finished("ONE_HOT", OneHotOptions(choices.integer(-1, len(shape))))


@cases("BROADCAST_TO", *ANY)
def broadcast_to(choices: Choices, configuration: str) -> Case:
    """Axes repeated, axes added."""
    movement = Movement.of(choices, TYPES[configuration])
    whole = extents(choices, 0, 6, empty=not movement.dynamic)
    shape = [1 if choices.choice((False, True)) else extent for extent in whole]
    movement.data(shape[choices.integer(0, len(shape)) :])
    movement.index_parameter(whole)
    return movement.finished("BROADCAST_TO", version=3)


@cases("BROADCAST_ARGS", "int32", "int64")
def broadcast_args(choices: Choices, configuration: str) -> Case:
    """Two shapes, of which one may be shorter."""
    movement = Movement.of(choices, TYPES[configuration])
    whole = extents(choices, 1, 6)
    pair = [[1 if choices.integer(0, 2) == 0 else extent for extent in whole] for _ in range(2)]
    short = choices.integer(0, 1)
    pair[short] = pair[short][choices.integer(0, len(whole)) :]
    for values in pair:
        movement.parameter(values, movement.type)
    return movement.finished("BROADCAST_ARGS")
