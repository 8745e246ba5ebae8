"""Random ADD models."""

from __future__ import annotations

from quantlib.ops.add import AddOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators import _sums
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    activation,
    broadcastable_shapes,
    numbers,
)
from quantlib.testing.single_operator import Case, cases


@cases("ADD", "int8", "uint8", "int16")
def codes(choices: Choices, configuration: str) -> Case:
    """Scales far apart, close, and powers of two."""
    options = AddOptions(activation(choices), pot_scale_int16=False)
    return _sums.codes(choices, "ADD", TYPES[configuration], options)


@cases("ADD", "int16 power of two")
def power_of_two(choices: Choices, _: str) -> Case:
    """Shifts alone; equal shapes, because LiteRT does not survive others."""
    return _sums.power_of_two(choices, "ADD", AddOptions(activation(choices)), broadcast=False)


@cases("ADD", "int32", "int64", "float32", "float16", "int16 unquantized")
def unquantized(choices: Choices, configuration: str) -> Case:
    """Numbers as they are."""
    type = TYPES[configuration.split(maxsplit=1)[0]]
    operands = Operands(choices)
    for shape in broadcastable_shapes(choices, 8):
        operands.add(numbers(choices, shape, type), type)
    return operands.finished("ADD", type, None, AddOptions(activation(choices)), version=5)
