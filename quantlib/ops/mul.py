"""MUL: x · y, element by element.

Quantized: y = clamp(zo + requantize((x − zx) · (y − zy))). Shapes broadcast.

(C1) x and y have the same type; so has the output, except for (C3).
(C2) Quantized int16: zero points are 0.
(C3) Quantized int16 inputs may have an int8 or uint8 output. Inputs are then fractions of 2**15,
     whatever their scales say, and only the zero point of the output counts. There is no
     broadcasting: LiteRT ends the process.

int32, int64 and uint32 wrap and are then clamped as integers: RELU6 is 0 .. 6, and RELU_N1_TO_1 of
uint32 is 1 throughout, since −1 becomes the largest bound. int16 tensors without quantization
parameters are numbers, too.

Optimized: in full blocks of a run (`quantlib.ops._runs`) 8-bit products pass through int16 registers,
where the sum with the zero point wraps; so does the product of uint8 with one operand standing still,
which otherwise saturates. Shifted left by 32 or more, they are 0 there.

XNNPACK: one float32 product with sx · sy / so, halves to even. Its delegate takes nodes whose factor is
2**-16 or more and below 2**8. A product of a tensor with itself becomes a square of real numbers,
from LiteRT 2.1 on: y = round((x′ · x′) · (1 / so) + zo) with x′ = (x − zx) · sx, in float32, halves to
even (away from zero before 2.1.6). With an activation, a constant of one element adds no dimensions to
the result (`quantlib.ops._xnnpack_operands.operands_of_table`).

Source: LiteRT tflite/kernels/mul.cc, internal/reference/mul.h, internal/reference/integer_ops/mul.h,
internal/reference/reference_ops.h (Mul), internal/optimized/integer_ops/mul.h,
internal/optimized/optimized_ops.h (MulElementwise); google/XNNPACK src/subgraph.c; measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, gemmlowp, requantize, rounding
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._activation import Activation, quantized_bounds, xnnpack_bounds
from quantlib.ops._broadcast import (
    broadcast_shape,
    require_operands,
    require_same_elements,
    require_zero_points_of_zero,
)
from quantlib.ops._common_scale import rounding_shift_int16
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._runs import Blocks, InBlocks, in_registers, narrowed_to_int16
from quantlib.ops._unquantized import arithmetic, wrapping
from quantlib.ops._xnnpack_operands import numbers, operands_of_table, takes_numbers, takes_product

__all__ = ["MulOptions"]


@dataclass(frozen=True, slots=True)
class MulOptions:
    """What follows the product."""

    fused_activation_function: Activation = Activation.NONE


rule("MUL", int16="own scale", versions=Versions(int8=2, int16=2))


@kernel("MUL", [TensorType.INT8, TensorType.UINT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    return _codes(node)


@kernel("MUL", [TensorType.INT8, TensorType.UINT8], family="optimized")
def int8_in_blocks(node: Node) -> Kernel:
    """Codes of 8 bits, in vector blocks."""
    product = _codes(node)
    units = in_registers(product.to_output.requantize, _real_multiplier(node))
    block = Accumulating(product.accumulate, replace(product.to_output, requantize=units))
    is_signed = node.output().type is TensorType.INT8
    return InBlocks(
        elementwise=narrowed_to_int16(block, "saturate"),
        scalar=narrowed_to_int16(block, "saturate" if is_signed else "wrap"),
        leftover=product,
        blocks=Blocks(16, 16) if is_signed else Blocks(8, 8),
    )


def _is_square(node: Node) -> bool:
    return node.profile.release >= (2, 1) and node.input(0).index == node.input(1).index


@kernel(
    "MUL",
    [TensorType.INT8, TensorType.UINT8],
    family="xnnpack",
    when=lambda node: takes_product(node) and _is_square(node),
)
def square_xnnpack(node: Node) -> Kernel:
    """Codes of 8 bits, times themselves: the square of the real number."""
    x_value, output = node.input(0), node.output()
    low, high = xnnpack_bounds(node.read_options(MulOptions).fused_activation_function, output)
    codes = np.arange(x_value.limits[0], x_value.limits[1] + 1)
    real = (codes - x_value.zero_point).astype(np.float32) * x_value.scale
    units = (real * real) * (np.float32(1) / output.scale) + np.float32(output.zero_point)
    half_away = node.profile.release < (2, 1, 6)
    rounded = (rounding.round_half_away_from_zero if half_away else rounding.round_half_to_even)(units)
    table = np.clip(rounded, low, high).astype(output.dtype)
    return lambda x, _: table[x.astype(np.int64) - x_value.limits[0]]


@kernel("MUL", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=takes_product)
def int8_xnnpack(node: Node) -> Kernel:
    """Codes of 8 bits, by a factor in float32."""
    product = _codes(node)
    activation = node.read_options(MulOptions).fused_activation_function
    operands = operands_of_table(node, activation)
    low, high = xnnpack_bounds(activation, node.output())

    def accumulate(x: Array, y: Array) -> NDArray[np.int64]:
        broadcast_shape(node, x, y)
        return product.accumulate(*operands(x, y))

    return Accumulating(accumulate, replace(product.to_output, low=low, high=high))


@kernel(
    "MUL",
    [TensorType.INT16],
    when=lambda node: node.output().type is TensorType.INT16 and node.output().scales.size > 0,
)
def int16(node: Node) -> Kernel:
    """Codes of 16 bits."""
    require_zero_points_of_zero(node)
    return _codes(node)


@kernel(
    "MUL",
    [TensorType.INT16],
    when=lambda node: node.output().type in (TensorType.INT8, TensorType.UINT8),
)
def int16_to_8_bits(node: Node) -> Kernel:
    """Fractions of 2**15 to fractions of 2**7."""
    require_operands(node, output=False)
    output = node.output()
    low, high = quantized_bounds(node.read_options(MulOptions).fused_activation_function, output)
    zero_point = output.zero_point

    def run(x: Array, y: Array) -> Array:
        require_same_elements(node, x, y)
        product = gemmlowp.saturating_rounding_doubling_high_mul_int16(x, y)
        fraction = rounding_shift_int16(product, 8)
        return (fixed_point.saturate(fraction, low - zero_point, high - zero_point) + zero_point).astype(
            output.dtype
        )

    return run


@kernel("MUL", [TensorType.FLOAT32, TensorType.FLOAT16], family="xnnpack", when=takes_numbers)
def numbers_xnnpack(node: Node) -> Kernel:
    """Numbers as they are, but for subnormal ones."""
    return numbers(node, np.multiply, node.read_options(MulOptions).fused_activation_function)


@kernel(
    "MUL",
    [
        TensorType.FLOAT32,
        TensorType.FLOAT16,
        TensorType.INT32,
        TensorType.INT64,
        TensorType.UINT32,
        TensorType.INT16,
    ],
)
def unquantized(node: Node) -> Kernel:
    """Numbers as they are."""
    return arithmetic(node, wrapping(np.multiply), node.read_options(MulOptions).fused_activation_function)


def _real_multiplier(node: Node) -> NDArray[np.float32]:
    return requantize.multiplier_float32(node.input(0).scale, node.input(1).scale, node.output().scale)


def _codes(node: Node) -> Accumulating:
    require_operands(node)
    x_value, y_value = node.input(0), node.input(1)

    def accumulate(x: Array, y: Array) -> NDArray[np.int64]:
        broadcast_shape(node, x, y)
        stored_x = fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)
        stored_y = fixed_point.wrap_int32(y.astype(np.int64) - y_value.zero_point)
        return fixed_point.wrap_int32(stored_x * stored_y)

    activation = node.read_options(MulOptions).fused_activation_function
    return Accumulating(accumulate, ToOutput.of(node, node.requantizer(_real_multiplier(node)), activation))
