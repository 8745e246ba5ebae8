"""Random models of FLOOR_DIV and FLOOR_MOD."""

from __future__ import annotations

import numpy as np

from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    broadcastable_shapes,
    input_quantization,
    numbers,
)
from quantlib.testing.single_operator import Case, cases


def _division(choices: Choices, operator: str, configuration: str) -> Case:
    """No divisor of 0; the smallest integer over -1 only where LiteRT survives it."""
    type = TYPES[configuration]
    assert type.dtype is not None
    first, second = broadcastable_shapes(choices, 8)
    x, y = numbers(choices, first, type), numbers(choices, second, type)
    if operator == "FLOOR_DIV" or type.dtype.kind == "i":
        y = np.where(y == 0, np.asarray(-1, type.dtype), y)
    if type.dtype.kind == "i":
        info = np.iinfo(type.dtype)
        x = np.where(choices.generator().random(first) < 0.1, np.asarray(info.min, type.dtype), x)
        if operator == "FLOOR_MOD" and type.dtype.itemsize >= 4:
            y = np.where(y == -1, np.asarray(7, type.dtype), y)
    parameters = input_quantization(choices, type) if configuration in ("int8", "int16") else None
    operands = Operands(choices)
    operands.add(x, type, parameters)
    operands.add(y, type, parameters)
    return operands.finished(operator, type, parameters, version=2)


@cases("FLOOR_DIV", "int8", "int16", "int32", "float32")
def floor_div(choices: Choices, configuration: str) -> Case:
    """Quotients."""
    return _division(choices, "FLOOR_DIV", configuration)


@cases("FLOOR_MOD", "int8", "int16", "int32", "int64", "float32")
def floor_mod(choices: Choices, configuration: str) -> Case:
    """Remainders."""
    return _division(choices, "FLOOR_MOD", configuration)
