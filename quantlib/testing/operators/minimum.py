"""Random MINIMUM models."""

from __future__ import annotations

from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    broadcastable_shapes,
    input_quantization,
    numbers,
)
from quantlib.testing.single_operator import Case, cases


@cases("MINIMUM", "int8", "uint8", "int16", "int32", "int64", "float32", "float16")
def minimum(choices: Choices, configuration: str) -> Case:
    """Codes whose scales differ, and numbers with NaN among them."""
    type = TYPES[configuration]
    operands = Operands(choices)
    quantized = configuration in ("int8", "uint8", "int16")
    shapes = broadcastable_shapes(choices, 8)
    if choices.integer(0, 3) == 0:
        shapes = shapes[0], (1,)  # as a constant it is a bound
    for shape in shapes:
        if quantized:
            operands.codes(shape, type, input_quantization(choices, type))
        else:
            operands.add(numbers(choices, shape, type), type)
    if choices.choice((False, True)):
        operands.indices.reverse()
    parameters = input_quantization(choices, type) if quantized else None
    return operands.finished("MINIMUM", type, parameters, version=4)
