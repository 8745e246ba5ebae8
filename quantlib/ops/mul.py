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

Source: LiteRT tflite/kernels/mul.cc, internal/reference/mul.h, internal/reference/integer_ops/mul.h,
internal/reference/reference_ops.h (Mul).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, gemmlowp, requantize
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._activation import Activation, quantized_bounds
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
from quantlib.ops._unquantized import arithmetic, wrapping

__all__ = ["MulOptions"]


@dataclass(frozen=True, slots=True)
class MulOptions:
    """What follows the product."""

    fused_activation_function: Activation = Activation.NONE


rule("MUL", int16="own scale", int16_constants=True, versions=Versions(int8=2, int16=2))


@kernel("MUL", [TensorType.INT8, TensorType.UINT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    return _codes(node)


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


def _codes(node: Node) -> Kernel:
    require_operands(node)
    x_value, y_value = node.input(0), node.input(1)
    real = requantize.multiplier_float32(x_value.scale, y_value.scale, node.output().scale)

    def accumulate(x: Array, y: Array) -> NDArray[np.int64]:
        broadcast_shape(node, x, y)
        stored_x = fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)
        stored_y = fixed_point.wrap_int32(y.astype(np.int64) - y_value.zero_point)
        return fixed_point.wrap_int32(stored_x * stored_y)

    activation = node.read_options(MulOptions).fused_activation_function
    return Accumulating(accumulate, ToOutput.of(node, node.requantizer(real), activation))
