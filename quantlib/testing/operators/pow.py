"""Random POW models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices, reals
from quantlib.testing.operators._operands import Operands, broadcastable_shapes, numbers
from quantlib.testing.single_operator import Case, cases


@cases("POW", "float32")
def float32(choices: Choices, _: str) -> Case:
    """Bases of either sign; exponents real, whole, and nearly whole."""
    first, second = broadcastable_shapes(choices, 8)
    type = TensorType.FLOAT32
    x = numbers(choices, first, type)
    manner = choices.choice(("real", "whole", "nearly", "special"))
    y = reals(choices, second, 3.0) if manner != "special" else numbers(choices, second, type)
    if manner in ("whole", "nearly"):
        y = np.round(y) + np.float32(0 if manner == "whole" else choices.choice((9e-6, -9e-6, 2e-5)))
    operands = Operands(choices)
    operands.add(x, type)
    operands.add(np.asarray(y, np.float32), type)
    return operands.finished("POW", type)


@cases("POW", "int32")
def int32(choices: Choices, _: str) -> Case:
    """Powers that fit, and powers that do not."""
    first, second = broadcastable_shapes(choices, 8)
    random = choices.generator()
    most = choices.choice((3, 12, 50000))
    x = random.integers(-most, most, first, endpoint=True)
    y = random.integers(0, choices.choice((4, 12, 40)), second, endpoint=True)
    operands = Operands(choices)
    operands.add(np.asarray(x, np.int32), TensorType.INT32)
    operands.add(np.asarray(y, np.int32), TensorType.INT32)
    return operands.finished("POW", TensorType.INT32)
