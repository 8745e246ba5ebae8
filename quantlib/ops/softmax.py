"""SOFTMAX: exponentials along the last axis, as shares of their sum.

    y[…, k] = exp(beta · (x[…, k] − max x)) / Σ exp(beta · (x[…, k] − max x))

(C1) x has a last axis.
(C2) y has the type of x, or int16 where x is int8 or uint8.
(C3) Output codes: int8 in units of 1/256 (within 0.1 %) with zero point -128; int16 from int16 in units
     of 1/32768 (within 0.1 %) with zero point 0.
(C4) int16 inputs have zero point 0.
(C5) 8-bit: beta times the input scale exceeds 2**-26, and the sum of a row's exponentials, which
     int32 holds modulo 8192, stays below 512 (8-bit output) or is not 0 (int16 output). LiteRT ends the
     process on anything else.
(C6) int16: the sum of a row's exponentials stays below 65536, where int32 ends.

8-bit codes: exponentials in fixed point (`quantlib.ops._exponentials`), one reciprocal per row.
int16 codes: exponentials and the reciprocal from tables of 513 entries, interpolated.
Reals: the C library's exp, the sum in float32 one after the other, a division for every element.

Optimized: 8-bit codes have their exponentials and their sum in float32 and set no bound on it (C5); for
uint8 halves are rounded up, for all other outputs away from zero. Reals go through Eigen. XNNPACK takes
reals whose beta is 1 and has exponentials and an order of summation of its own
(`quantlib.arithmetic.xnnpack_exp`, `xnnpack_half`), which are reproduced for processors with AVX-512.

Source: LiteRT tflite/kernels/activations.cc (SoftmaxPrepare), internal/reference/softmax.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import (
    eigen,
    eigen_sum,
    fixed_point,
    gemmlowp,
    libm,
    lookup,
    rounding,
    xnnpack_exp,
    xnnpack_half,
)
from quantlib.model.graph import TensorType
from quantlib.ops._exponentials import ACCUMULATION_INTEGER_BITS, Exponentials, below_largest, float32_powers
from quantlib.ops._node import Array, Kernel, Node, Value
from quantlib.ops._reduce import sum_last_axis_float32
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Fixed, Versions, rule
from quantlib.ops._scale_limits import exponential_scale
from quantlib.ops._table import require_no_zero_point, require_same_type
from quantlib.ops._xnnpack_operands import MOST_DIMENSIONS

__all__ = ["Shares", "SoftmaxOptions"]


@dataclass(frozen=True, slots=True)
class SoftmaxOptions:
    """How steep."""

    beta: float = 0.0


rule(
    "SOFTMAX",
    fixed=Fixed(int8=(1 / 256, -128), int16=(1 / 32768, 0)),
    int16="own scale",
    scales_fit=exponential_scale,
    versions=Versions(int8=2, int16=2),
)


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """A kernel of 8-bit codes, with its exponentials as data.

    Codes of the output are about units · powers[d] / Σ terms[d], where d runs over how far a row's codes
    lie below their largest.

    Parameters
    ----------
    kernel : Kernel
        The operator itself.
    powers, terms : float64 arrays (256,)
        Exponentials as they are divided, and as they are summed.
    units : float
        Units of the output in one.
    sums_in_float32 : bool
        Whether the sum is rounded at every step.
    """

    kernel: Kernel
    powers: NDArray[np.float64]
    terms: NDArray[np.float64]
    units: float
    sums_in_float32: bool

    def __call__(self, x: Array) -> Array:
        """The kernel."""
        return np.asarray(self.kernel(x))


@kernel("SOFTMAX", [TensorType.INT8, TensorType.UINT8])
def eight_bit(node: Node) -> Kernel:
    """Fixed-point exponentials; 8 or 16 bits of output."""
    y_value = _require_eight_bit(node)
    exponentials = Exponentials.of(node, float(np.float32(node.read_options(SoftmaxOptions).beta)))

    def run(x: Array) -> Array:
        below = below_largest(node, x)
        sums = exponentials.sums(below) & 0xFFFFFFFF  # int32 overflows into the sign bit
        reciprocals, bits_over_unit = gemmlowp.reciprocal(sums, ACCUMULATION_INTEGER_BITS)
        exponents = bits_over_unit + 31 - 8 * y_value.dtype.itemsize
        if np.any((exponents < 0) | (exponents > 31)):
            worst = float(sums[(exponents < 0) | (exponents > 31)][0]) / 2**19
            found = f"exponentials that sum to {worst:.9g} modulo 8192, on which LiteRT ends the process"
            raise node.unsupported("input 0", found, "below 512" if y_value.dtype.itemsize == 1 else "not 0")
        shares = fixed_point.saturating_rounding_doubling_high_mul(reciprocals, exponentials.powers[below])
        low, high = y_value.limits
        y = fixed_point.rounding_divide_by_power_of_two(shares, exponents) + low
        return fixed_point.saturate(y, low, high).astype(y_value.dtype)

    terms = exponentials.terms.astype(np.float64)
    powers = np.ldexp(exponentials.powers.astype(np.float64), -ACCUMULATION_INTEGER_BITS)
    return Shares(run, powers, terms, 2.0 ** (8 * y_value.dtype.itemsize), sums_in_float32=False)


@kernel("SOFTMAX", [TensorType.INT8, TensorType.UINT8], family="optimized")
def optimized_eight_bit(node: Node) -> Kernel:
    """Exponentials from a table of 256 float32."""
    y_value = _require_eight_bit(node)
    low, high = y_value.limits
    powers = float32_powers(node.input(0).scale, np.float32(node.read_options(SoftmaxOptions).beta))
    rounds_half_up = y_value.type is TensorType.UINT8

    def run(x: Array) -> Array:
        terms = powers[below_largest(node, x)]
        reciprocals = np.float32(1) / (sum_last_axis_float32(terms) * y_value.scale)
        shares = terms * reciprocals
        if rounds_half_up:
            codes = rounding.float_to_int32(shares + np.float32(0.5))
        else:
            codes = rounding.float_to_int32(rounding.round_half_away_from_zero(shares)) + y_value.zero_point
        return fixed_point.saturate(fixed_point.wrap_int32(codes), low, high).astype(y_value.dtype)

    with np.errstate(divide="ignore"):
        units = float(1 / np.float64(y_value.scale))
    exact = powers.astype(np.float64)
    return Shares(run, exact, exact, units, sums_in_float32=True)


@kernel("SOFTMAX", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """Interpolated tables of exp and of 1 / (1 + x)."""
    require_same_type(node)
    require_no_zero_point(node)
    _require_output(node, 0, 1 / 32768)
    beta = np.float32(node.read_options(SoftmaxOptions).beta)
    # Distances of 65535 table units are worth 10.
    multiplier, shift = fixed_point.quantize_multiplier(float(node.input(0).scale * beta) / (10.0 / 65535.0))
    exp_table = lookup.softmax_exp_table()
    reciprocal_table = lookup.softmax_one_over_one_plus_x_table()

    def run(x: Array) -> Array:
        scaled = fixed_point.multiply_by_quantized_multiplier(-below_largest(node, x), multiplier, shift)
        powers = lookup.look_up_int16(_saturate_int16(fixed_point.wrap_int32(scaled + 32767)), exp_table)
        sums = powers.sum(axis=-1, keepdims=True)  # units of 2**-15
        if np.any(sums >> 31):
            raise node.unsupported(
                "input 0", f"exponentials that sum to {sums.max() / 2**15:.9g}", "below 65536"
            )
        headroom = gemmlowp.count_leading_zeros(sums)
        # sum = 2**(16 - headroom) (1 + fraction); the table takes the fraction in 16 bits.
        shifted = ((sums << np.maximum(headroom - 1, 0)) + (1 << 13)) >> 14
        reciprocals = lookup.look_up_int16(_saturate_int16(shifted - (1 << 15) - (1 << 16)), reciprocal_table)
        right = 31 - headroom
        y = (powers * reciprocals + (1 << (right - 1))) >> right
        return fixed_point.saturate(y, 0, 32767).astype(np.int16)

    return run


@kernel("SOFTMAX", [TensorType.FLOAT32, TensorType.FLOAT16])
def real(node: Node) -> Kernel:
    """float32 arithmetic; of float16 the exponentials are rounded on their way to the division."""
    require_same_type(node)
    beta = np.float32(node.read_options(SoftmaxOptions).beta)

    def run(x: Array) -> Array:
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        lowest = np.finfo(x.dtype).min
        largest = np.fmax.reduce(x, axis=-1, keepdims=True, initial=lowest).astype(np.float32)
        powers = libm.expf((x.astype(np.float32) - largest) * beta)
        stored = powers.astype(x.dtype).astype(np.float32)
        return np.asarray((stored / sum_last_axis_float32(powers)).astype(x.dtype))

    return run


@kernel("SOFTMAX", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """Eigen's exponentials and sums; every row is multiplied by one reciprocal."""
    require_same_type(node)
    beta, size = np.float32(node.read_options(SoftmaxOptions).beta), node.profile.float_packet

    def run(x: Array) -> Array:
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        if x.size == 0:
            return x
        apart = (x - x.max(axis=-1, keepdims=True)) * beta
        powers = eigen.by_packets(eigen.exp_packet, libm.expf, apart, size=size).reshape(-1, x.shape[-1])
        sums = eigen_sum.sum_rows(powers, packet=size)
        return np.asarray(powers * (np.float32(1) / sums)[:, None]).reshape(x.shape)

    return run


def _in_xnnpack(node: Node) -> bool:
    steepness = np.float32(node.read_options(SoftmaxOptions).beta)
    return node.input(0).type is node.output().type and steepness == 1 and node.profile.vectors == "avx512f"


@kernel("SOFTMAX", [TensorType.FLOAT32, TensorType.FLOAT16], family="xnnpack", when=_in_xnnpack)
def xnnpack_real(node: Node) -> Kernel:
    """XNNPACK's own exponentials and sums; every row is multiplied by one reciprocal."""
    rank = len(node.input(0).shape)
    if rank > MOST_DIMENSIONS:
        found = f"{rank} dimensions, with which XNNPACK fails"
        raise node.unsupported("input 0", found, f"{MOST_DIMENSIONS} or fewer")

    def run(x: Array) -> Array:
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        if x.shape[-1] == 0:
            raise node.unsupported("input 0", "rows of nothing, with which XNNPACK fails", "some elements")
        if x.size == 0:
            return x
        softmax = xnnpack_exp.softmax if x.dtype == np.float32 else xnnpack_half.softmax
        return softmax(x.reshape(-1, x.shape[-1])).reshape(x.shape)

    return run


def _require_eight_bit(node: Node) -> Value:
    """The output of a kernel of 8-bit codes, if it is one."""
    x, y = node.input(0), node.output()
    node.require(y.type in (x.type, TensorType.INT16), "output", y.type.name, f"{x.type.name} or INT16")
    if y.type is TensorType.INT8:
        _require_output(node, -128, 1 / 256)
    return y


def _require_output(node: Node, zero_point: int, scale: float) -> None:
    y = node.output()
    node.require(y.zero_point == zero_point, "output", f"zero point {y.zero_point}", f"{zero_point}")
    near = abs(y.scale - np.float32(scale)) <= np.float32(np.float32(0.001) * np.float32(scale))
    node.require(bool(near), "output", f"scale {y.scale}", f"{scale}")


def _saturate_int16(x: NDArray[np.int64]) -> NDArray[np.int64]:
    return fixed_point.saturate(x, -32768, 32767)
