"""LOG_SOFTMAX: the logarithm of SOFTMAX along the last axis.

    y[…, k] = x[…, k] − max x − log Σ exp(x[…, k] − max x)

(C1) x has a last axis.
(C2) y has the type of x.
(C3) Output codes are in units of 1/16 with zero point 127 (int8) or 255 (uint8).
(C4) Codes: the input scale exceeds 2**-26 (LiteRT ends the process on anything else), and the sum of
     exponentials stays below 4096, where int32 ends.

Codes: exponentials and the logarithm in fixed point (`quantlib.ops._exponentials`). Reals: the C
library's exp and log, the sum in float32 one after the other.

Optimized: codes have their exponentials, sum and logarithm in float32 and (C4) falls; reals have Eigen's
exponentials and sums. XNNPACK does not take the operator.

Source: LiteRT tflite/kernels/activations.cc (LogSoftmaxPrepare), internal/reference/log_softmax.h,
internal/reference/integer_ops/log_softmax.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.arithmetic import eigen, eigen_sum, fixed_point, gemmlowp, libm, rounding
from quantlib.model.graph import TensorType
from quantlib.ops._exponentials import (
    ACCUMULATION_INTEGER_BITS,
    SCALED_DIFF_INTEGER_BITS,
    Exponentials,
    below_largest,
    float32_powers,
)
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import sum_last_axis_float32
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Fixed, Versions, rule
from quantlib.ops._scale_limits import exponential_scale
from quantlib.ops._table import require_same_type

__all__ = ["LogSoftmaxOptions"]


@dataclass(frozen=True, slots=True)
class LogSoftmaxOptions:
    """Nothing to choose."""


rule(
    "LOG_SOFTMAX",
    fixed=Fixed(int8=(16 / 256, 127)),
    scales_fit=exponential_scale,
    versions=Versions(int8=2),
)


_OUTPUT_INTEGER_BITS = 4


@kernel("LOG_SOFTMAX", [TensorType.INT8, TensorType.UINT8])
def eight_bit(node: Node) -> Kernel:
    """Fixed point."""
    low, high = _require_output(node)
    exponentials = Exponentials.of(node, 1.0)
    # From Q5 back to codes.
    back = fixed_point.quantize_multiplier(2.0 ** (31 - exponentials.left_shift) / exponentials.multiplier)

    def run(x: Array) -> Array:
        below = below_largest(node, x)
        sums = exponentials.sums(below)
        if np.any(sums >> 31):
            found = f"exponentials that sum to {float(sums.max()) / 2**19:.9g}, which int32 does not hold"
            raise node.unsupported("input 0", found, "below 4096")
        log_sums = gemmlowp.log_x_for_x_greater_than_or_equal_to_1(
            sums, ACCUMULATION_INTEGER_BITS, SCALED_DIFF_INTEGER_BITS
        )
        # The farthest distance whose logarithm Q5 still holds.
        farthest = fixed_point.multiply_by_quantized_multiplier(
            fixed_point.wrap_int32(log_sums + fixed_point.INT32_MIN), *back
        )
        within = -below > np.maximum(exponentials.diff_min - 1, farthest)
        logs = fixed_point.wrap_int32(exponentials.scaled[below] - log_sums)
        fraction_bits = 31 - SCALED_DIFF_INTEGER_BITS - _OUTPUT_INTEGER_BITS
        y = fixed_point.rounding_divide_by_power_of_two(logs, fraction_bits) + high
        return np.where(within, fixed_point.saturate(y, low, high), low).astype(x.dtype)

    return run


@kernel("LOG_SOFTMAX", [TensorType.INT8, TensorType.UINT8], family="optimized")
def optimized_eight_bit(node: Node) -> Kernel:
    """Exponentials from a table of 256 float32, rounded half to even."""
    low, high = _require_output(node)
    input_scale, output_scale = node.input(0).scale, node.output().scale
    powers = float32_powers(input_scale, np.float32(1))
    scale = input_scale / output_scale

    def run(x: Array) -> Array:
        sums = sum_last_axis_float32(powers[below_largest(node, x)])
        largest = x.max(axis=-1, keepdims=True, initial=np.iinfo(x.dtype).min).astype(np.float32)
        subtracted = (input_scale * largest + libm.logf(sums)) / output_scale
        codes = rounding.round_half_to_even(scale * x.astype(np.float32) - subtracted) + np.float32(high)
        return fixed_point.saturate(rounding.float_to_int32(codes), low, high).astype(x.dtype)

    return run


@kernel("LOG_SOFTMAX", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Two subtractions."""
    require_same_type(node)

    def run(x: Array) -> Array:
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        lowest = np.finfo(np.float32).min
        apart = x - np.fmax.reduce(x, axis=-1, keepdims=True, initial=lowest)
        return np.asarray(apart - libm.logf(sum_last_axis_float32(libm.expf(apart))))

    return run


@kernel("LOG_SOFTMAX", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """Eigen's exponentials and sums."""
    require_same_type(node)
    size = node.profile.float_packet

    def run(x: Array) -> Array:
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        if x.size == 0:
            return x
        apart = (x - x.max(axis=-1, keepdims=True)).reshape(-1, x.shape[-1])
        full = apart.shape[1] // size * size
        powers = np.concatenate((eigen.exp_packet(apart[:, :full]), libm.expf(apart[:, full:])), axis=1)
        log_sums = libm.logf(eigen_sum.sum_rows(powers, computed=True, packet=size))
        return np.asarray(apart - log_sums[:, None]).reshape(x.shape)

    return run


def _require_output(node: Node) -> tuple[int, int]:
    """The smallest and the largest code of an output, if its parameters are right."""
    require_same_type(node)
    y = node.output()
    low, high = y.limits
    node.require(float(y.scale) == 16 / 256, "output", f"scale {y.scale}", "16/256")
    node.require(y.zero_point == high, "output", f"zero point {y.zero_point}", f"{high}")
    return low, high
