"""Random models of quantized ADD and SUB, which differ in a sign."""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import (
    Operands,
    broadcastable_shapes,
    input_quantization,
    output_quantization,
)
from quantlib.testing.single_operator import Case, quantization

__all__ = ["codes", "power_of_two"]


def codes(choices: Choices, operator: str, type: TensorType, options: object) -> Case:
    """Both inputs brought to a common scale; the ratio of their scales up to 2**40."""
    first, second = input_quantization(choices, type), input_quantization(choices, type)
    manner = choices.choice(("as drawn", "equal", "far apart"))
    if manner != "as drawn":
        factor = 1.0 if manner == "equal" else 2.0 ** choices.integer(-40, -1)
        second = quantization(float(first.scale[0]) * factor, second.zero_point[0])
        if choices.choice((False, True)):
            first, second = second, first
    operands = Operands(choices)
    for shape, parameters in zip(broadcastable_shapes(choices, 8), (first, second), strict=True):
        operands.codes(shape, type, parameters)
    levels = 2**15 if type is TensorType.INT16 else 2**7
    largest = levels * float(max(first.scale[0], second.scale[0]))
    if choices.integer(0, 5) == 0:
        # Sums of up to 2**8 units of 2**18 (8 bits) or 2**13 (16 bits): they pass every register's end.
        largest *= 2.0 ** -choices.integer(1, 10 if type is TensorType.INT16 else 16)
    if choices.integer(0, 9) == 0:
        options = None  # no table at all: pot_scale_int16 is then false, whatever the schema says
    return operands.finished(operator, type, output_quantization(choices, type, largest), options, version=3)


def power_of_two(choices: Choices, operator: str, options: object, *, broadcast: bool) -> Case:
    """int16 tensors whose scales are powers of two, one input's the output's; shifts up to 31."""
    exponent = choices.integer(-15, -3)
    shift = choices.choice((0, 1, 2, 3, choices.integer(0, 31)))
    scales = [2.0**exponent, 2.0 ** (exponent - shift)]
    nearly = choices.choice((1.0, 1.0, 1.0005, 0.9995))  # within the kernel's tolerance
    if choices.choice((False, True)):
        scales.reverse()
    shapes = broadcastable_shapes(choices, 8)
    if not broadcast:
        shapes = (shapes[0], shapes[0])
    operands = Operands(choices)
    for shape, scale in zip(shapes, scales, strict=True):
        operands.codes(shape, TensorType.INT16, quantization(scale * nearly))
    return operands.finished(operator, TensorType.INT16, quantization(2.0**exponent), options, version=3)
