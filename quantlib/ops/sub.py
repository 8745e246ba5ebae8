"""SUB: x − y, element by element.

Quantized: y = clamp(zo + requantize(x′ − y′)), both inputs brought to a common scale first
(`quantlib.ops._common_scale`). Shapes broadcast.

(C1) x and y have the type of the output.
(C2) Quantized: zero points lie in the range of their type; those of int16 are 0.
(C3) Quantized: every scale is positive, and one unit of the common scale is not worth exactly one unit
     of the output. LiteRT ends the process otherwise.
(C4) int16 with `pot_scale_int16` and three scales that are powers of two: one input has the output's
     scale, the other a smaller one that is shifted.

Where one unit of the common scale is worth more than one unit of the output (converted models have
x − x at a scale of 1e-8), the kernel shifts right by a negative count, and x − x gives 1
(`quantlib.ops._negative_shift`). Differences that C leaves undefined are refused.

int32 and int64 wrap and are then clamped as integers: RELU6 is 0 .. 6. Without an options table
`pot_scale_int16` is false.

The optimized kernels compute the same. XNNPACK weights codes with integers of one power of two and
rounds their difference half up (`quantlib.ops._xnnpack_operands`); its delegate takes nodes whose
ratios of input to output scale are 2**-10 or more and below 2**8.

Source: LiteRT tflite/kernels/sub.cc, internal/reference/sub.h,
internal/reference/reference_ops.h (Sub16).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.requantize import Requantize
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._activation import Activation, quantized_bounds
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._common_scale import (
    LEFT_SHIFT,
    CommonScale,
    SumOfTerms,
    multiplier_smaller_than_one,
    power_of_two_shifts,
    rounding_shift_int16,
)
from quantlib.ops._negative_shift import multiply_without_left_shift
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._scale_limits import common_scale
from quantlib.ops._unquantized import arithmetic, wrapping
from quantlib.ops._xnnpack_operands import numbers, takes_numbers, takes_ratios, weighted_sum

__all__ = ["SubOptions"]


@dataclass(frozen=True, slots=True)
class SubOptions:
    """What follows the difference, and which int16 arithmetic is wanted."""

    fused_activation_function: Activation = Activation.NONE
    pot_scale_int16: bool = True


rule(
    "SUB",
    int16="own scale",
    int16_options={"pot_scale_int16": False},
    scales_fit=common_scale(20, 15),
    versions=Versions(int8=2, int16=2),
)


def _options(node: Node) -> SubOptions:
    return SubOptions(pot_scale_int16=False) if node.options is None else node.read_options(SubOptions)


def _require_zero_points(node: Node) -> None:
    low, high = node.output().limits if node.output().type is not TensorType.INT16 else (0, 0)
    for value, role in ((node.input(0), "input 0"), (node.input(1), "input 1"), (node.output(), "output")):
        point = value.zero_point
        node.require(low <= point <= high, f"{role} quantization.zero_point", point, f"{low} .. {high}")


def _common_scale(node: Node) -> Kernel:
    """Both inputs to a common scale, their difference to the output's."""
    output = node.output()
    common = CommonScale.of(node, LEFT_SHIFT[output.dtype.itemsize])
    real = common.output_multiplier(output)
    role = f"output quantization.scale {output.scale:.9g}"
    requantize: Requantize
    if 1.0 < real < np.inf:
        multiplier, shift = fixed_point.quantize_multiplier(real)
        requantize = partial(multiply_without_left_shift, node, role, multiplier=multiplier, shift=shift)
    else:
        multiplier_smaller_than_one(node, role, real)
        requantize = node.requantizer(real)

    def terms(x: Array, y: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        broadcast_shape(node, x, y)
        return common.first(x), -common.second(y)

    return Accumulating(
        SumOfTerms(terms), ToOutput.of(node, requantize, _options(node).fused_activation_function)
    )


def _power_of_two_scales(node: Node, shifts: tuple[int, int]) -> Kernel:
    """One input shifted to the other's scale, which is the output's; then their difference."""
    low, high = quantized_bounds(_options(node).fused_activation_function, node.output())

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        difference = rounding_shift_int16(x, shifts[0]) - rounding_shift_int16(y, shifts[1])
        return fixed_point.saturate(difference, low, high).astype(np.int16)

    return run


@kernel("SUB", [TensorType.INT8, TensorType.UINT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    require_operands(node)
    _require_zero_points(node)
    return _common_scale(node)


@kernel("SUB", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=takes_ratios)
def int8_xnnpack(node: Node) -> Kernel:
    """Codes of 8 bits, weighted."""
    return weighted_sum(node, -1, _options(node).fused_activation_function)


@kernel("SUB", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """Codes of 16 bits, by shifts alone where scales and options allow."""
    require_operands(node)
    _require_zero_points(node)
    shifts = power_of_two_shifts(node) if _options(node).pot_scale_int16 else None
    return _common_scale(node) if shifts is None else _power_of_two_scales(node, shifts)


@kernel("SUB", [TensorType.FLOAT32], family="xnnpack", when=takes_numbers)
def numbers_xnnpack(node: Node) -> Kernel:
    """Numbers as they are, but for subnormal ones."""
    return numbers(node, np.subtract, _options(node).fused_activation_function)


@kernel("SUB", [TensorType.FLOAT32, TensorType.INT32, TensorType.INT64])
def unquantized(node: Node) -> Kernel:
    """Numbers as they are."""
    return arithmetic(node, wrapping(np.subtract), _options(node).fused_activation_function)
