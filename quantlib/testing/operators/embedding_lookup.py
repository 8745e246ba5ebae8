"""Random EMBEDDING_LOOKUP models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices, integers
from quantlib.testing.operators._movement import ANY, Movement, extents
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases, quantization


def _indices(choices: Choices, movement: Movement, rows: int) -> None:
    picks = choices.generator().integers(0, rows, choices.integer(1, 6))
    movement.add(np.asarray(picks, np.int32), TensorType.INT32, None, constant=False)


@cases("EMBEDDING_LOOKUP", *ANY)
def copied(choices: Choices, configuration: str) -> Case:
    """Rows as they are, of tables given or computed."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 2, 5)
    _indices(choices, movement, shape[0])
    movement.data(shape, constant=choices.choice((True, False)))
    return movement.finished("EMBEDDING_LOOKUP", version=3)


@cases(
    "EMBEDDING_LOOKUP",
    *(
        "int8 per tensor",
        "int8 per row",
        "uint8 per row",
        "int4 per tensor",
        "int4 per row",
        "int8 to float16",
    ),
)
def dequantized(choices: Choices, configuration: str) -> Case:
    """Scales far apart; for 4 bits rows of odd and even length."""
    kind = configuration.split(maxsplit=1)[0]
    type = TensorType.INT4 if kind == "int4" else TYPES[kind]
    shape = extents(choices, 2, 4)
    rows = shape[0] if "row" in configuration else 1
    scales = 10.0 ** choices.generator().uniform(-4, 1, rows)
    if "float16" in configuration:
        scales = scales * 10.0 ** choices.integer(-4, 2)  # subnormal results, and results too large
    movement = Movement(choices, TensorType.FLOAT16 if "float16" in configuration else TensorType.FLOAT32)
    _indices(choices, movement, shape[0])
    low, high = {"int4": (-8, 7), "int8": (-128, 127), "uint8": (0, 255)}[kind]
    table = integers(choices, shape, low, high, np.uint8 if kind == "uint8" else np.int8)
    movement.add(table, type, quantization(scales), constant=True)
    return movement.finished("EMBEDDING_LOOKUP", version=4)
