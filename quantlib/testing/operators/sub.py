"""Random SUB models."""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops.sub import SubOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators import _sums
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    activation,
    broadcastable_shapes,
    input_quantization,
    numbers,
)
from quantlib.testing.single_operator import Case, cases, quantization


@cases("SUB", "int8 beyond the output")
def beyond(choices: Choices, _: str) -> Case:
    """x - x and small differences at an output scale so small that the sign alone is left."""
    parameters = input_quantization(choices, TensorType.INT8)
    small = float(parameters.scale[0]) * 2.0 ** choices.real(-22.9, -19.1)
    operands = Operands(choices)
    for shape in broadcastable_shapes(choices, 8):
        operands.codes(shape, TensorType.INT8, parameters)
    output = quantization(small, choices.integer(-128, 127))
    return operands.finished("SUB", TensorType.INT8, output, SubOptions(), version=2)


@cases("SUB", "int8", "uint8", "int16")
def codes(choices: Choices, configuration: str) -> Case:
    """Scales far apart, close, and powers of two."""
    options = SubOptions(activation(choices), pot_scale_int16=False)
    return _sums.codes(choices, "SUB", TYPES[configuration], options)


@cases("SUB", "int16 power of two")
def power_of_two(choices: Choices, _: str) -> Case:
    """Shifts alone."""
    return _sums.power_of_two(choices, "SUB", SubOptions(activation(choices)), broadcast=True)


@cases("SUB", "int32", "int64", "float32")
def unquantized(choices: Choices, configuration: str) -> Case:
    """Numbers as they are."""
    type = TYPES[configuration]
    operands = Operands(choices)
    for shape in broadcastable_shapes(choices, 8):
        operands.add(numbers(choices, shape, type), type)
    return operands.finished("SUB", type, None, SubOptions(activation(choices)), version=5)
