"""DIV: x / y, element by element.

Quantized: y = clamp(zo + requantize((x − zx) · 1 / (y − zy))), the reciprocal in fixed point
(`quantlib.arithmetic.gemmlowp`). Shapes broadcast.

(C1) x and y have the type of the output.
(C2) No divisor is 0: no code is the zero point, no int32 is 0. Floats may be.
(C3) y has one zero point at most.

Quotients of codes below half a unit of the output come out wrong: the right shift they need passes
31, of which x86 keeps the count modulo 32. 0 may give one unit, and 1 / 100 in units of 2 gives 127.

Float quotients are clamped to the largest float32, so that 1 / 0 is finite. int32 quotients are
truncated; INT32_MIN / −1 gives INT32_MAX. XNNPACK takes float32 alone; infinite quotients stay there.

Source: LiteRT tflite/kernels/div.cc, internal/reference/div.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.arithmetic import fixed_point, gemmlowp
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation, quantized_bounds
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule
from quantlib.ops._unquantized import arithmetic
from quantlib.ops._xnnpack_operands import numbers, takes_numbers

__all__ = ["DivOptions"]


@dataclass(frozen=True, slots=True)
class DivOptions:
    """What follows the quotient."""

    fused_activation_function: Activation = Activation.NONE


rule("DIV")


@kernel("DIV", [TensorType.INT8, TensorType.UINT8, TensorType.INT16])
def codes(node: Node) -> Kernel:
    """Codes."""
    require_operands(node)
    x_value, y_value, output = node.input(0), node.input(1), node.output()
    node.require(y_value.zero_points.size <= 1, "input 1 zero points", y_value.zero_points.size, 1)
    with np.errstate(all="ignore"):
        real = x_value.scale / (y_value.scale * output.scale)  # float32, both steps
    multiplier, shift = fixed_point.quantize_multiplier(float(real))
    low, high = quantized_bounds(node.read_options(DivOptions).fused_activation_function, output)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        dividend = fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)
        divisor = fixed_point.wrap_int32(y.astype(np.int64) - y_value.zero_point)
        _require_no_zero(node, divisor)
        dividend = fixed_point.wrap_int32(np.where(divisor < 0, -dividend, dividend))
        inverse, bits_over_unit = gemmlowp.reciprocal(np.abs(divisor), 31)
        headroom = gemmlowp.count_leading_sign_bits(dividend)
        quotient = fixed_point.saturating_rounding_doubling_high_mul(
            fixed_point.shift_left_int32(dividend, headroom), inverse
        )
        scaled = fixed_point.saturating_rounding_doubling_high_mul(quotient, multiplier)
        # Neither quotients below half a unit (exponents above 31) nor enormous ones (exponents below
        # 0) are shifted as meant.
        units = fixed_point.rounding_divide_by_power_of_two(scaled, bits_over_unit + headroom - shift)
        stored = fixed_point.wrap_int32(units + output.zero_point)
        return fixed_point.saturate(stored, low, high).astype(output.dtype)

    return run


@kernel("DIV", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    return arithmetic(node, np.divide, node.read_options(DivOptions).fused_activation_function)


@kernel("DIV", [TensorType.FLOAT32], family="xnnpack", when=takes_numbers)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed and infinite ones kept."""
    return numbers(node, np.divide, node.read_options(DivOptions).fused_activation_function)


@kernel("DIV", [TensorType.INT32])
def int32(node: Node) -> Kernel:
    """Whole numbers, truncated."""

    def divide(x: Array, y: Array) -> Array:
        _require_no_zero(node, y)
        # Both fit float64, and so does the quotient: it is at least 2**-31 away from the next integer.
        quotient = np.trunc(x.astype(np.float64) / y.astype(np.float64))
        return fixed_point.saturate(quotient, fixed_point.INT32_MIN, fixed_point.INT32_MAX).astype(np.int32)

    return arithmetic(node, divide, node.read_options(DivOptions).fused_activation_function)


def _require_no_zero(node: Node, divisor: Array) -> None:
    node.require(bool(np.all(divisor)), "input 1", "a divisor of 0", "none")
