"""Random MUL models."""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops.mul import MulOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    TYPES,
    Operands,
    activation,
    broadcastable_shapes,
    input_quantization,
    numbers,
    output_quantization,
    shape,
)
from quantlib.testing.single_operator import Case, cases


@cases("MUL", "int8", "uint8", "int16")
def codes(choices: Choices, configuration: str) -> Case:
    """Products of codes; now and then an output scale so small that the multiplier's shift overflows."""
    type = TYPES[configuration]
    operands = Operands(choices)
    pair = input_quantization(choices, type), input_quantization(choices, type)
    for extents, parameters in zip(broadcastable_shapes(choices, 8), pair, strict=True):
        operands.codes(extents, type, parameters)
    levels = 2.0**30 if type is TensorType.INT16 else 2.0**14
    largest = levels * float(pair[0].scale[0]) * float(pair[1].scale[0])
    if choices.integer(0, 9) == 0:
        largest *= 10.0 ** choices.integer(-30, 6)
        options = MulOptions()
    else:
        options = MulOptions(activation(choices))
    parameters = output_quantization(choices, type, largest)
    return operands.finished("MUL", type, parameters, options, version=4)


@cases("MUL", "int8 square", "uint8 square")
def square(choices: Choices, configuration: str) -> Case:
    """A tensor times itself, which XNNPACK computes in another way."""
    type = TYPES[configuration.split(maxsplit=1)[0]]
    operands = Operands(choices)
    parameters = input_quantization(choices, type)
    operands.codes(shape(choices), type, parameters)
    operands.indices *= 2
    largest = 2.0**14 * float(parameters.scale[0]) ** 2 * 2.0 ** choices.choice((0, 0, -3, 4, -12, 12))
    output = output_quantization(choices, type, largest)
    return operands.finished("MUL", type, output, MulOptions(activation(choices)), version=2)


@cases("MUL", "int16 to int8", "int16 to uint8")
def fractions(choices: Choices, configuration: str) -> Case:
    """Fractions, whose scales do not matter; equal shapes, because LiteRT does not survive others."""
    type = TYPES[configuration.rsplit(maxsplit=1)[-1]]
    operands = Operands(choices)
    extents = broadcastable_shapes(choices)[0]
    for _ in range(2):
        operands.codes(extents, TensorType.INT16, input_quantization(choices, TensorType.INT16))
    parameters = output_quantization(choices, type, choices.choice((1.0, 10.0)))
    return operands.finished("MUL", type, parameters, MulOptions(activation(choices)), version=4)


@cases("MUL", "int32", "int64", "uint32", "float32", "float16", "int16 unquantized")
def unquantized(choices: Choices, configuration: str) -> Case:
    """Numbers as they are."""
    type = TYPES[configuration.split(maxsplit=1)[0]]
    operands = Operands(choices)
    for extents in broadcastable_shapes(choices, 8):
        operands.add(numbers(choices, extents, type), type)
    return operands.finished("MUL", type, None, MulOptions(activation(choices)), version=7)
