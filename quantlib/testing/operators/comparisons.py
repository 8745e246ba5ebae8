"""Random models of EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL; LOGICAL_AND, LOGICAL_OR."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    broadcastable_shapes,
    input_quantization,
    numbers,
)
from quantlib.testing.single_operator import Case, cases, quantization, random_quantization


def _codes(choices: Choices, operator: str, type: TensorType) -> Case:
    """Scales equal, close, and above 1; not exactly 1, which LiteRT does not survive."""
    first, second = (input_quantization(choices, type), input_quantization(choices, type))
    if type is not TensorType.INT16:
        first, second = random_quantization(choices, type), random_quantization(choices, type)
    manner = choices.choice(("as drawn", "equal", "above"))
    if manner == "equal":
        second = quantization(first.scale, second.zero_point)
    elif manner == "above":
        # What C leaves undefined begins at 2**16 for 8 bits and at 2**8 for 16.
        most = 2 if type is TensorType.INT16 else 4.3
        first = quantization(10.0 ** choices.real(0.1, most), first.zero_point)
        second = quantization(float(first.scale[0]) * choices.choice((1.0, 2.5)), second.zero_point)
    operands = Operands(choices)
    for shape, parameters in zip(broadcastable_shapes(choices, 8), (first, second), strict=True):
        scale = float(parameters.scale[0])
        operands.codes(shape, type, quantization(0.75 if scale == 1.0 else scale, parameters.zero_point))
    return operands.finished(operator, TensorType.BOOL, version=2)


def _numbers(choices: Choices, operator: str, type: TensorType, output: TensorType, version: int) -> Case:
    """Numbers of which many are equal."""
    operands = Operands(choices)
    shared = numbers(choices, (6,), type)
    for shape in broadcastable_shapes(choices, 8):
        random = choices.generator()
        picked = shared[random.integers(0, shared.size, shape)]
        operands.add(np.where(random.random(shape) < 0.5, picked, numbers(choices, shape, type)), type)
    return operands.finished(operator, output, version=version)


def _comparison(operator: str) -> Callable[[Choices, str], Case]:
    def compare(choices: Choices, configuration: str) -> Case:
        type = TYPES[configuration.split(maxsplit=1)[0]]
        if configuration in ("int8", "uint8", "int16"):
            return _codes(choices, operator, type)
        version = 4 if operator == "EQUAL" else 2
        return _numbers(choices, operator, type, TensorType.BOOL, version)

    return compare


_NUMBERS = ("float32", "float16", "int32", "int64")
for _operator in ("EQUAL", "NOT_EQUAL"):
    _more = ("int16 unquantized",) if _operator == "EQUAL" else ()
    cases(_operator, "int8", "uint8", "int16", "bool", *_NUMBERS, *_more)(_comparison(_operator))
for _operator in ("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
    cases(_operator, "int8", "uint8", "int16 unquantized", *_NUMBERS)(_comparison(_operator))


@cases("LOGICAL_AND", "bool")
def logical_and(choices: Choices, configuration: str) -> Case:
    """Truth values."""
    return _numbers(choices, "LOGICAL_AND", TYPES[configuration], TensorType.BOOL, 1)


@cases("LOGICAL_OR", "bool")
def logical_or(choices: Choices, configuration: str) -> Case:
    """Truth values."""
    return _numbers(choices, "LOGICAL_OR", TYPES[configuration], TensorType.BOOL, 1)
