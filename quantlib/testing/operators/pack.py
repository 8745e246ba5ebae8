"""Random PACK and UNPACK models."""

from __future__ import annotations

from quantlib.ops.pack import PackOptions
from quantlib.ops.unpack import UnpackOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import Movement, axis, extents
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases


@cases("PACK", "float32", "int8", "uint8", "int16", "int32", "int64", "uint32")
def pack(choices: Choices, configuration: str) -> Case:
    """One to five tensors, constants among them."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 0, 5, empty=True)
    count = choices.integer(1, 5)
    for position in range(count):
        movement.data(shape, constant=position > 0 and choices.integer(0, 3) == 0)
    options = PackOptions(values_count=count, axis=axis(choices, len(shape) + 1))
    return movement.finished("PACK", options, version=3)


@cases("UNPACK", "float32", "float16", "int8", "uint8", "int16", "int32", "bool")
def unpack(choices: Choices, configuration: str) -> Case:
    """Down to scalars."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 1, 6)
    along = axis(choices, len(shape))
    movement.data(shape)
    options = UnpackOptions(num=shape[along], axis=along)
    return movement.finished("UNPACK", options, outputs=shape[along], version=4)
