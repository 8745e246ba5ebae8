"""Random SQUARED_DIFFERENCE models."""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    broadcastable_shapes,
    input_quantization,
    numbers,
    output_quantization,
)
from quantlib.testing.single_operator import Case, cases, quantization


@cases("SQUARED_DIFFERENCE", "int8")
def codes(choices: Choices, _: str) -> Case:
    """Scales equal, as drawn, and far apart."""
    type = TensorType.INT8
    first, second = input_quantization(choices, type), input_quantization(choices, type)
    factor = choices.choice((0.0, 0.0, 1.0, 2.0 ** choices.integer(-20, -1)))
    if factor:
        second = quantization(float(first.scale[0]) * factor, second.zero_point)
    operands = Operands(choices)
    for shape, parameters in zip(broadcastable_shapes(choices, 8), (first, second), strict=True):
        operands.codes(shape, type, parameters)
    largest = (128 * float(max(first.scale[0], second.scale[0]))) ** 2
    return operands.finished(
        "SQUARED_DIFFERENCE", type, output_quantization(choices, type, largest), version=2
    )


@cases("SQUARED_DIFFERENCE", "int32", "float32")
def unquantized(choices: Choices, configuration: str) -> Case:
    """Numbers as they are."""
    type = TYPES[configuration]
    operands = Operands(choices)
    for shape in broadcastable_shapes(choices, 8):
        operands.add(numbers(choices, shape, type), type)
    return operands.finished("SQUARED_DIFFERENCE", type)
