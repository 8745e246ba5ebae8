"""Random models of RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1."""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    input_quantization,
    numbers,
    output_quantization,
    shape,
)
from quantlib.testing.single_operator import Case, cases, quantization


def _clip(choices: Choices, operator: str, configuration: str) -> Case:
    """Output scales from those that saturate to those that round, and some far away."""
    type = TYPES[configuration]
    assert type.dtype is not None
    operands = Operands(choices)
    if configuration == "float32":
        operands.add(numbers(choices, shape(choices), type), type)
        return operands.finished(operator, type)
    parameters = input_quantization(choices, type)
    if type.dtype.itemsize == 1 and choices.choice((False, True)):
        # About -5 to 5: several codes on either side of every bound.
        middle = 0 if type is TensorType.INT8 else 128
        scale = choices.choice((2.0**-5, 10.0 ** choices.real(-2.3, -1)))
        parameters = quantization(scale, middle + choices.integer(-60, 60))
    operands.codes(shape(choices), type, parameters)
    largest = float(parameters.scale[0]) * 2.0 ** (8 * type.dtype.itemsize - 1)
    if choices.integer(0, 9) == 0:
        largest *= 2.0 ** choices.integer(-40, 40)
    output = output_quantization(choices, type, largest)
    version = 1 if operator in ("RELU_N1_TO_1", "RELU_0_TO_1") else 3
    return operands.finished(operator, type, output, version=version)


@cases("RELU", "int8", "uint8", "int16", "float32")
def relu(choices: Choices, configuration: str) -> Case:
    """Nothing below 0."""
    return _clip(choices, "RELU", configuration)


@cases("RELU6", "int8", "uint8", "int16", "float32")
def relu6(choices: Choices, configuration: str) -> Case:
    """Nothing below 0 or above 6."""
    return _clip(choices, "RELU6", configuration)


@cases("RELU_N1_TO_1", "int8", "uint8", "float32")
def relu_n1_to_1(choices: Choices, configuration: str) -> Case:
    """Nothing below -1 or above 1."""
    return _clip(choices, "RELU_N1_TO_1", configuration)


@cases("RELU_0_TO_1", "int8", "uint8", "float32")
def relu_0_to_1(choices: Choices, configuration: str) -> Case:
    """Nothing below 0 or above 1."""
    return _clip(choices, "RELU_0_TO_1", configuration)
