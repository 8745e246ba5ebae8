"""LEAKY_RELU: x where x is positive, alpha · x elsewhere.

Quantized: y = clamp(zo + requantize(x − zx)) with the factor sx / so where x ≥ zx, and with
sx · alpha / so elsewhere. Both factors are made in float32.

(C1) x and the output have the same type.
(C2) int16: zero points are 0.

alpha may be negative or larger than 1. The magnitude of its factor is what is requantized, so that a
tie is rounded as for a positive alpha and then negated; the optimized kernel for int16 requantizes the
factor with its sign.

XNNPACK takes 8-bit nodes whose factors are 2**-8 .. 2**7 in magnitude, the second above −127.997: both
become integers of 8 fractional bits, and products are rounded half up. It takes float32, too, where
subnormal negative numbers count as −0, and −0 stays. A slope of 0, or a subnormal one, is left to the
optimized kernel.

Source: LiteRT tflite/kernels/activations.cc (LeakyReluPrepare), internal/reference/leaky_relu.h;
tflite/delegates/xnnpack/xnnpack_delegate.cc (VisitUnaryNode).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, requantize
from quantlib.arithmetic.flush import flush_denormals, multiply_flushed
from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands, require_zero_points_of_zero
from quantlib.ops._delegated import has_byte_parameters
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._xnnpack_operands import MOST_DIMENSIONS, eight_fractional_bits

__all__ = ["LeakyReluOptions"]


@dataclass(frozen=True, slots=True)
class LeakyReluOptions:
    """The slope where x is negative."""

    alpha: float = 0.0


rule("LEAKY_RELU", int16="own scale", versions=Versions(int16=2))


@kernel("LEAKY_RELU", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node, 1)
    alpha = np.float32(node.read_options(LeakyReluOptions).alpha)

    def run(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.where(x > 0, x, x * alpha)

    return run


def _has_normal_slope(node: Node) -> bool:
    alpha = abs(node.read_options(LeakyReluOptions).alpha)
    return bool(np.finfo(np.float32).tiny <= alpha < np.inf) and len(node.input(0).shape) <= MOST_DIMENSIONS


@kernel("LEAKY_RELU", [TensorType.FLOAT32], family="xnnpack", when=_has_normal_slope)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed before they are multiplied."""
    require_operands(node, 1)
    alpha = np.float32(node.read_options(LeakyReluOptions).alpha)

    def run(x: Array) -> Array:
        with np.errstate(all="ignore"):
            flushed = flush_denormals(x)
            return np.where(flushed < 0, multiply_flushed(flushed, alpha), x)

    return run


def _factors(node: Node) -> tuple[np.float32, np.float32]:
    """XNNPACK's factors where x is positive, and where it is negative, in float32."""
    alpha = np.float32(node.read_options(LeakyReluOptions).alpha)
    with np.errstate(all="ignore"):
        positive = np.float32(node.input(0).scale / node.output().scale)
        return positive, positive * alpha


def _is_delegated(node: Node) -> bool:
    x_value, output = node.input(0), node.output()
    if not (has_byte_parameters(x_value) and has_byte_parameters(output) and x_value.type is output.type):
        return False
    positive, negative = _factors(node)
    in_range = bool(-127.99609375 <= negative <= 2.0**7 and abs(negative) >= 2.0**-8)
    return _has_normal_slope(node) and in_range and bool(2.0**-8 <= positive <= 2.0**7)


@kernel("LEAKY_RELU", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=_is_delegated)
def codes_xnnpack(node: Node) -> Kernel:
    """Codes of 8 bits, by factors of 8 fractional bits."""
    x_value, output = node.input(0), node.output()
    steep, slope = (eight_fractional_bits(factor) for factor in _factors(node))

    def run(x: Array) -> Array:
        stored = x.astype(np.int64) - x_value.zero_point
        y = np.where(stored >= 0, steep(stored), slope(stored)) + output.zero_point
        return fixed_point.saturate(y, *output.limits).astype(output.dtype)

    return run


@kernel("LEAKY_RELU", [TensorType.INT8, TensorType.UINT8, TensorType.INT16])
def codes(node: Node) -> Kernel:
    """Codes."""
    slope = _slope(node)
    magnitude, sign = node.requantizer(np.abs(slope)), -1 if slope < 0 else 1
    return _two_slopes(node, lambda acc: sign * magnitude(acc))


@kernel("LEAKY_RELU", [TensorType.INT16], family="optimized")
def int16_signed_slope(node: Node) -> Kernel:
    """Codes of 16 bits; the sign is part of the multiplier, before anything is rounded."""
    return _two_slopes(node, node.requantizer(_slope(node)))


def _slope(node: Node) -> NDArray[np.float32]:
    alpha = node.read_options(LeakyReluOptions).alpha
    return requantize.multiplier_float32(node.input(0).scale, alpha, node.output().scale)


def _two_slopes(node: Node, slope: requantize.Requantize) -> Kernel:
    require_operands(node, 1)
    x_value, output = node.input(0), node.output()
    if output.type is TensorType.INT16:
        require_zero_points_of_zero(node)
    low, high = output.limits
    identity = node.requantizer(requantize.multiplier_float32(x_value.scale, 1.0, output.scale))

    def run(x: Array) -> Array:
        stored = fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)
        scaled = np.where(stored >= 0, identity(stored), slope(stored))
        y = fixed_point.wrap_int32(scaled + output.zero_point)
        return fixed_point.saturate(y, low, high).astype(output.dtype)

    return run
