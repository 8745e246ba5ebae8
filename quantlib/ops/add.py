"""ADD: x + y, element by element.

Quantized: y = clamp(zo + requantize(x′ + y′)), both inputs brought to a common scale first
(`quantlib.ops._common_scale`). Shapes broadcast.

(C1) x and y have the type of the output.
(C2) 8-bit and quantized int16: every scale is positive, and the output's is so large that one unit of
     the common scale is worth less than one unit of the output. LiteRT ends the process otherwise.
(C3) Quantized int16: zero points are 0; all three tensors are quantized, or none.
(C4) int16 with `pot_scale_int16` and three scales that are powers of two: one input has the output's
     scale, the other a smaller one that is shifted; no broadcasting, on which LiteRT ends the process.

int32 and int64 wrap and are then clamped as integers: RELU6 is 0 .. 6. So do int16 tensors without
quantization parameters. Without an options table `pot_scale_int16` is false.

Optimized: in full blocks of a run (`quantlib.ops._runs`) an input's code is rounded once on its way to
the common scale, and 8-bit sums pass through int16 registers, where large ones wrap.

XNNPACK (`quantlib.ops._xnnpack_operands`): both ratios sx / so become integers of one power of two,
and the sum is rounded half up. The delegate takes nodes whose ratios are 2**-10 or more and below 2**8.

Source: LiteRT tflite/kernels/add.cc, internal/reference/add.h, internal/reference/integer_ops/add.h,
internal/optimized/integer_ops/add.h, internal/optimized/optimized_ops.h (AddElementwise).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._activation import Activation, quantized_bounds
from quantlib.ops._broadcast import (
    broadcast_shape,
    require_operands,
    require_same_elements,
    require_zero_points_of_zero,
)
from quantlib.ops._common_scale import (
    LEFT_SHIFT,
    CommonScale,
    Scaling,
    SumOfTerms,
    multiplier_smaller_than_one,
    power_of_two_shifts,
    round_once_shift_first,
    round_once_shift_last,
    round_twice,
    rounding_shift_int16,
)
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._runs import Blocks, InBlocks, narrowed_to_int16
from quantlib.ops._scale_limits import common_scale
from quantlib.ops._unquantized import arithmetic, wrapping
from quantlib.ops._xnnpack_operands import numbers, takes_numbers, takes_ratios, weighted_sum

__all__ = ["AddOptions"]


@dataclass(frozen=True, slots=True)
class AddOptions:
    """What follows the sum, and which int16 arithmetic is wanted."""

    fused_activation_function: Activation = Activation.NONE
    pot_scale_int16: bool = True


rule(
    "ADD",
    int16="own scale",
    int16_options={"pot_scale_int16": False},
    scales_fit=common_scale(20, 15),
    versions=Versions(int8=2, int16=2),
)


def _options(node: Node) -> AddOptions:
    return AddOptions(pot_scale_int16=False) if node.options is None else node.read_options(AddOptions)


def _common_scale(node: Node, scaling: Scaling = round_twice) -> Accumulating:
    """Both inputs to a common scale, their sum to the output's."""
    output = node.output()
    common = CommonScale.of(node, LEFT_SHIFT[output.dtype.itemsize], scaling)
    real = common.output_multiplier(output)
    multiplier_smaller_than_one(node, f"output quantization.scale {output.scale:.9g}", real)

    def terms(x: Array, y: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        broadcast_shape(node, x, y)
        return common.first(x), common.second(y)

    activation = _options(node).fused_activation_function
    return Accumulating(SumOfTerms(terms), ToOutput.of(node, node.requantizer(real), activation))


def _power_of_two_scales(node: Node, shifts: tuple[int, int]) -> Kernel:
    """One input shifted to the other's scale, which is the output's; then their sum."""
    low, high = quantized_bounds(_options(node).fused_activation_function, node.output())

    def run(x: Array, y: Array) -> Array:
        require_same_elements(node, x, y)
        total = rounding_shift_int16(x, shifts[0]) + rounding_shift_int16(y, shifts[1])
        return fixed_point.saturate(total, low, high).astype(np.int16)

    return run


@kernel("ADD", [TensorType.INT8, TensorType.UINT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    require_operands(node)
    return _common_scale(node)


@kernel("ADD", [TensorType.INT8, TensorType.UINT8], family="optimized")
def int8_in_blocks(node: Node) -> Kernel:
    """Codes of 8 bits, in vector blocks."""
    require_operands(node)
    is_signed = node.output().type is TensorType.INT8
    elementwise = _common_scale(node, round_once_shift_first if is_signed else round_once_shift_last)
    return InBlocks(
        elementwise=narrowed_to_int16(elementwise, "wrap"),
        scalar=narrowed_to_int16(_common_scale(node, round_once_shift_last), "wrap"),
        leftover=_common_scale(node),
        blocks=Blocks(elementwise=16 if is_signed else 8, scalar=8),
    )


@kernel("ADD", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=takes_ratios)
def int8_xnnpack(node: Node) -> Kernel:
    """Codes of 8 bits, weighted."""
    return weighted_sum(node, +1, _options(node).fused_activation_function)


@kernel("ADD", [TensorType.INT16], family="optimized", when=lambda node: node.input(0).scales.size > 0)
def int16_in_blocks(node: Node) -> Kernel:
    """Codes of 16 bits, in vector blocks where shapes are equal."""
    reference = int16(node)
    if not isinstance(reference, Accumulating):
        return reference
    block = _common_scale(node, round_once_shift_first)
    return InBlocks(block, block, reference, Blocks(elementwise=16, scalar=0, broadcasting=False))


@kernel("ADD", [TensorType.INT16], when=lambda node: node.input(0).scales.size > 0)
def int16(node: Node) -> Kernel:
    """Codes of 16 bits, by shifts alone where scales and options allow."""
    require_operands(node)
    require_zero_points_of_zero(node)
    shifts = power_of_two_shifts(node) if _options(node).pot_scale_int16 else None
    return _common_scale(node) if shifts is None else _power_of_two_scales(node, shifts)


@kernel("ADD", [TensorType.FLOAT32, TensorType.FLOAT16], family="xnnpack", when=takes_numbers)
def numbers_xnnpack(node: Node) -> Kernel:
    """Numbers as they are, but for subnormal ones."""
    return numbers(node, np.add, _options(node).fused_activation_function)


@kernel(
    "ADD",
    [TensorType.FLOAT32, TensorType.FLOAT16, TensorType.INT32, TensorType.INT64, TensorType.INT16],
)
def unquantized(node: Node) -> Kernel:
    """Numbers as they are."""
    if node.input(0).type is TensorType.INT16:
        node.require(node.output().scales.size == 0, "output", "quantized", "not quantized, as input 0")
    return arithmetic(node, wrapping(np.add), _options(node).fused_activation_function)
