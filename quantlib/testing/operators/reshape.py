"""Random RESHAPE, SQUEEZE, EXPAND_DIMS and SHAPE models: the elements stay where they are."""

from __future__ import annotations

import math

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.reshape import ReshapeOptions
from quantlib.ops.shape import ShapeOptions
from quantlib.ops.squeeze import SqueezeOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, axis, extents, factors
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases


@cases("RESHAPE", *ANY)
def reshape(choices: Choices, configuration: str) -> Case:
    """The shape as a tensor, as an option, as both, and as a tensor that the kernel passes over."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 0, 6, empty=not movement.dynamic)
    movement.data(shape)
    asked = factors(choices, math.prod(shape), 4)
    if 0 not in asked and choices.choice((False, True)):
        asked[choices.integer(0, len(asked) - 1)] = -1
    if asked == [1] and choices.choice((False, True)):
        asked = []  # a scalar
    if asked == [0]:
        asked = [0, 2]  # alone, and as an option, 0 means a scalar
    where = choices.choice(("tensor", "both", "options", "passed over"))
    options = ReshapeOptions(tuple(asked)) if where != "both" else ReshapeOptions((7, 7))
    if where == "options" and not asked and choices.choice((False, True)):
        options = ReshapeOptions((0,))
    if where in ("tensor", "both"):
        movement.parameter(asked)
    elif where == "passed over":
        movement.dynamic = False
        movement.parameter(np.asarray(asked).reshape(-1), TensorType.INT64)
    return movement.finished("RESHAPE", None if where == "tensor" else options)


@cases("SQUEEZE", *ANY)
def squeeze(choices: Choices, configuration: str) -> Case:
    """Some axes by name, one of them twice (LiteRT reads eight names at most), or all of extent 1."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 0, 8, largest=choices.choice((1, 2, 3)), empty=True)
    movement.data(shape)
    ones = [position for position, extent in enumerate(shape) if extent == 1]
    named = [position for position in ones if choices.choice((False, True))]
    dims = tuple(position - choices.choice((0, len(shape))) for position in named)
    return movement.finished("SQUEEZE", SqueezeOptions((dims + dims[: choices.integer(0, 1)])[:8]))


@cases("EXPAND_DIMS", *ANY)
def expand_dims(choices: Choices, configuration: str) -> Case:
    """At any place."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 0, 5, empty=not movement.dynamic)
    movement.data(shape)
    at = axis(choices, len(shape) + 1)
    movement.index_parameter(np.full(choices.choice(((), (1,))), at))
    return movement.finished("EXPAND_DIMS")


@cases("SHAPE", *ANY)
def shape(choices: Choices, configuration: str) -> Case:
    """Of one to eight dimensions; a scalar's shape is empty, which LiteRT's Python cannot read."""
    movement = Movement.of(choices, TYPES[configuration])
    movement.data(extents(choices, 1, 8, empty=True))
    wanted = choices.choice((TensorType.INT32, TensorType.INT64))
    return movement.finished("SHAPE", ShapeOptions(wanted), type=wanted)
