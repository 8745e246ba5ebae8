"""Random PRELU models."""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    input_quantization,
    numbers,
    output_quantization,
)
from quantlib.testing.single_operator import Case, cases


@cases("PRELU", "int8", "uint8", "int16", "int16 with int16 alpha", "float32")
def prelu(choices: Choices, configuration: str) -> Case:
    """One slope for all, for each channel, or for each element."""
    type = TYPES[configuration.split(maxsplit=1)[0]]
    assert type.dtype is not None
    rank = choices.integer(1, 5)
    extents = tuple(choices.integer(1, 9 if rank < 4 else 5) for _ in range(rank))
    shared = tuple(choices.choice((1, 1, extent)) for extent in extents)[choices.integer(0, rank) :]
    operands = Operands(choices)
    if configuration == "float32":
        operands.add(numbers(choices, extents, type), type)
        operands.add(numbers(choices, shared, type), type)
        return operands.finished("PRELU", type)
    alpha_type = TensorType.INT8 if configuration == "int16" else type
    x, alpha = input_quantization(choices, type), input_quantization(choices, alpha_type)
    operands.codes(extents, type, x)
    operands.codes(shared, alpha_type, alpha)
    largest = float(x.scale[0]) * 2.0 ** (8 * type.dtype.itemsize - 1)
    largest *= choices.choice((1.0, 100 * float(alpha.scale[0])))
    return operands.finished("PRELU", type, output_quantization(choices, type, largest))
