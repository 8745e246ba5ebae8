"""Random LEAKY_RELU models."""

from __future__ import annotations

from quantlib.ops.leaky_relu import LeakyReluOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    input_quantization,
    numbers,
    output_quantization,
    shape,
)
from quantlib.testing.single_operator import Case, cases


@cases("LEAKY_RELU", "int8", "uint8", "int16", "float32")
def leaky_relu(choices: Choices, configuration: str) -> Case:
    """Slopes of either sign, smaller and larger than 1, powers of two and 0."""
    type = TYPES[configuration]
    assert type.dtype is not None
    slopes = (0.2, 0.01, 0.0, 0.5, 1.0, -0.25, choices.real(-3, 3), choices.choice((1e-12, -1e6)))
    options = LeakyReluOptions(choices.choice(slopes))
    operands = Operands(choices)
    if configuration == "float32":
        operands.add(numbers(choices, shape(choices), type), type)
        return operands.finished("LEAKY_RELU", type, None, options)
    parameters = input_quantization(choices, type)
    operands.codes(shape(choices), type, parameters)
    largest = float(parameters.scale[0]) * 2.0 ** (8 * type.dtype.itemsize - 1)
    output = output_quantization(choices, type, largest)
    return operands.finished("LEAKY_RELU", type, output, options, version=2)
