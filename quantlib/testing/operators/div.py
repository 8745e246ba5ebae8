"""Random DIV models."""

from __future__ import annotations

import numpy as np

from quantlib.ops.div import DivOptions
from quantlib.testing.choices import Choices, integers
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    activation,
    broadcastable_shapes,
    input_quantization,
    numbers,
    output_quantization,
)
from quantlib.testing.single_operator import Case, cases


@cases("DIV", "int8", "uint8", "int16")
def codes(choices: Choices, configuration: str) -> Case:
    """Quotients around 1 and of every size; now and then an output scale that shifts go astray at."""
    type = TYPES[configuration]
    assert type.dtype is not None
    info = np.iinfo(type.dtype)
    x, y = input_quantization(choices, type), input_quantization(choices, type)
    first, second = broadcastable_shapes(choices, 8)
    divisors = integers(choices, second, int(info.min), int(info.max), type.dtype)
    zero = int(y.zero_point[0])
    other = zero + (1 if zero < info.max else -1)
    divisors = np.where(divisors == zero, other, divisors).astype(type.dtype)
    operands = Operands(choices)
    operands.codes(first, type, x)
    operands.add(divisors, type, y)
    largest = float(x.scale[0]) / float(y.scale[0]) * choices.choice((1.0, 10.0, 100.0))
    if choices.integer(0, 9) == 0:
        largest *= 10.0 ** choices.integer(-12, 6)
        options = DivOptions()
    else:
        options = DivOptions(activation(choices))
    output = output_quantization(choices, type, largest)
    return operands.finished("DIV", type, output, options, version=2)


@cases("DIV", "int32", "float32")
def unquantized(choices: Choices, configuration: str) -> Case:
    """Numbers as they are; the smallest int32 over -1 among them."""
    type = TYPES[configuration]
    first, second = broadcastable_shapes(choices, 8)
    x, y = numbers(choices, first, type), numbers(choices, second, type)
    if configuration == "int32":
        random = choices.generator()
        y = np.where(y == 0, np.int32(-1), y)
        x = np.where(random.random(first) < 0.1, np.int32(-(2**31)), x)
    operands = Operands(choices)
    operands.add(x, type)
    operands.add(y, type)
    return operands.finished("DIV", type, None, DivOptions(activation(choices)))
