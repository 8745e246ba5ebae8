"""Random models of ABS, NEG, SQRT, RSQRT, SQUARE, FLOOR and LOGICAL_NOT: one input, one output."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices, integers
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    input_quantization,
    numbers,
    output_quantization,
    shape,
)
from quantlib.testing.single_operator import Case, cases, quantization

_CODES = (TensorType.INT8, TensorType.INT16)


def _numbers(choices: Choices, operator: str, type: TensorType, version: int = 1) -> Case:
    operands = Operands(choices)
    operands.add(numbers(choices, shape(choices), type), type)
    return operands.finished(operator, type, version=version)


def _codes(choices: Choices, operator: str, type: TensorType, *, power: float, signed: bool) -> Case:
    """Codes, below the zero point only if `signed`; results grow as the input to that power."""
    assert type.dtype is not None
    info = np.iinfo(type.dtype)
    parameters = input_quantization(choices, type)
    zero = int(parameters.zero_point[0])
    low = int(info.min) if signed else zero
    x = integers(choices, shape(choices), low, int(info.max), type.dtype)
    largest = float((float(parameters.scale[0]) * (int(info.max) if power > 0 else 1)) ** power)
    output = output_quantization(choices, type, largest)
    if operator == "ABS" and choices.choice((False, True)):
        output = quantization(parameters.scale, output.zero_point)  # not requantized then
    operands = Operands(choices)
    operands.add(x, type, parameters)
    return operands.finished(operator, type, output, version=3 if operator == "ABS" else 2)


@cases("ABS", "int8", "int16", "int16 unquantized", "int32", "float32")
def absolute(choices: Choices, configuration: str) -> Case:
    """Magnitudes."""
    type = TYPES[configuration.split(maxsplit=1)[0]]
    if type in _CODES and "unquantized" not in configuration:
        return _codes(choices, "ABS", type, power=1.0, signed=True)
    return _numbers(choices, "ABS", type, version=3)


@cases("NEG", "int8", "int16", "int32", "int64", "float32", "float16")
def negative(choices: Choices, configuration: str) -> Case:
    """Codes and numbers, the smallest among them."""
    type = TYPES[configuration]
    if type in _CODES:
        operands = Operands(choices)
        operands.codes(shape(choices), type, input_quantization(choices, type))
        return operands.finished("NEG", type, input_quantization(choices, type))
    return _numbers(choices, "NEG", type)


@cases("SQRT", "int8", "int16", "float32")
def root(choices: Choices, configuration: str) -> Case:
    """Codes from the zero point up; any float."""
    type = TYPES[configuration]
    if type in _CODES:
        return _codes(choices, "SQRT", type, power=0.5, signed=False)
    return _numbers(choices, "SQRT", type)


@cases("RSQRT", "int8", "int16", "float32")
def reciprocal_root(choices: Choices, configuration: str) -> Case:
    """Codes from the zero point up; any float."""
    type = TYPES[configuration]
    if type in _CODES:
        return _codes(choices, "RSQRT", type, power=-0.5, signed=False)
    return _numbers(choices, "RSQRT", type)


@cases("SQUARE", "float32")
def square(choices: Choices, configuration: str) -> Case:
    """Any float."""
    return _numbers(choices, "SQUARE", TYPES[configuration])


@cases("FLOOR", "float32", "float16")
def floor(choices: Choices, configuration: str) -> Case:
    """Any float."""
    return _numbers(choices, "FLOOR", TYPES[configuration])


@cases("LOGICAL_NOT", "bool")
def logical_not(choices: Choices, configuration: str) -> Case:
    """Truth values."""
    return _numbers(choices, "LOGICAL_NOT", TYPES[configuration])
