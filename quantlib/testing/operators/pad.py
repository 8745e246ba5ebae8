"""Random PAD, PADV2 and MIRROR_PAD models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.mirror_pad import MirrorPadMode, MirrorPadOptions
from quantlib.ops.pad import PadOptions, PadV2Options
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, codes_quantization, extents
from quantlib.testing.operators._operands import TYPES, numbers
from quantlib.testing.single_operator import Case, cases

_PADDING_TYPES = (
    TensorType.INT32,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.INT16,
    TensorType.INT8,
    TensorType.BOOL,
)


def _paddings(choices: Choices, movement: Movement, shape: list[int]) -> None:
    rows = [[choices.integer(0, 3), choices.integer(0, 3)] for _ in shape]
    if len(shape) == 4 and choices.choice((False, True)):
        rows[0] = rows[3] = [0, 0]  # an image: LiteRT takes another path
    movement.parameter(np.reshape(rows, (len(shape), 2)), choices.choice(_PADDING_TYPES))


@cases("PAD", *ANY)
def pad(choices: Choices, configuration: str) -> Case:
    """Every type of paddings; images among them."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 0, 5, empty=not movement.dynamic)
    movement.data(shape)
    _paddings(choices, movement, shape)
    return movement.finished("PAD", PadOptions(), version=4)


@cases("PAD", *(f"{one} of another zero point" for one in ("int8", "uint8", "int16")), unclaimed=["xnnpack"])
def other_zero_point(choices: Choices, configuration: str) -> Case:
    """The output's parameters are others than the input's, which the delegate does not survive."""
    movement = Movement.of(choices, TYPES[configuration.split(maxsplit=1)[0]])
    shape = extents(choices, 0, 5)
    movement.data(shape)
    _paddings(choices, movement, shape)
    other = codes_quantization(choices, movement.type)
    return movement.finished("PAD", PadOptions(), quantization=other, version=4)


@cases("PADV2", *ANY)
def padv2(choices: Choices, configuration: str) -> Case:
    """A constant, given or computed, or none."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 0, 5)
    movement.data(shape)
    _paddings(choices, movement, shape)
    if choices.integer(0, 7):
        constant = numbers(choices, choices.choice(((), (1,))), movement.type)
        if choices.integer(0, 7) == 0:
            constant = -np.zeros_like(constant) if constant.dtype.kind == "f" else constant
        fixed = choices.choice((True, False))
        movement.add(np.asarray(constant), movement.type, movement.quantization, constant=fixed)
    return movement.finished("PADV2", PadV2Options(), version=4)


@cases("MIRROR_PAD", *ANY, "uint32")
def mirror_pad(choices: Choices, configuration: str) -> Case:
    """Up to as much as there is to reflect."""
    movement = Movement.of(choices, TYPES[configuration])
    mode = choices.choice((MirrorPadMode.REFLECT, MirrorPadMode.SYMMETRIC))
    shape = extents(choices, 0, 5)
    movement.data(shape)
    most = [extent - (1 if mode is MirrorPadMode.REFLECT else 0) for extent in shape]
    rows = [[choices.integer(0, room), choices.integer(0, room)] for room in most]
    movement.index_parameter(np.reshape(rows, (len(shape), 2)))
    return movement.finished("MIRROR_PAD", MirrorPadOptions(mode), version=2)
