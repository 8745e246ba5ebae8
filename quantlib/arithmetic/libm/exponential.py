"""expf and expm1f.

Source: glibc 2.36, sysdeps/ieee754/flt-32/e_expf.c and s_expm1f.c
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Float32Array", "expf", "expm1f", "horner", "two_to_the"]

Float32Array: TypeAlias = NDArray[np.float32]

STEPS = 32
"""expf knows 2**(i/32) and needs a polynomial only between two of them."""


def _power_of_two(i: int) -> float:
    """2**(i / 32) correctly rounded, by five integer square roots."""
    root = 1 << (i + STEPS * 53)
    for _ in range(5):
        root = math.isqrt(root)
    return ((root + 1) >> 1) * 2.0**-52


POWERS_OF_TWO = np.array([_power_of_two(i) for i in range(STEPS)])
"""2**(i/32) for i in 0 .. 31, float64."""

EXP2_POLYNOMIAL = (
    float.fromhex("0x1.c6af84b912394p-5") / STEPS**3,
    float.fromhex("0x1.ebfce50fac4f3p-3") / STEPS**2,
    float.fromhex("0x1.62e42ff0c52d6p-1") / STEPS,
)
"""Coefficients of r**3, r**2 and r in 2**(r/32), |r| <= 1/2."""

STEPS_OVER_LN2_HIGH = float.fromhex("0x1.715476p+0") * STEPS
"""Upper 24 bits of the float64 32 / log(2): times a float32, exact in float64."""

STEPS_OVER_LN2_LOW = float.fromhex("0x1.4ae0bf8p-26") * STEPS
"""The rest of it: times a float32, also exact."""

EXP_OVERFLOWS_ABOVE = np.float32(float.fromhex("0x1.62e42ep6"))
"""Largest float32 whose exp is finite, 88.72."""

EXP_VANISHES_BELOW = np.float32(float.fromhex("-0x1.9fe368p6"))
"""Smallest float32 whose exp does not round to 0, -103.97."""


def expf(x: ArrayLike) -> Float32Array:
    """exp(x).

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array; overflow gives inf, underflow subnormals and then 0

    Examples
    --------
    >>> expf([0.0, 1.0, -104.0, 89.0, np.nan]).tolist()
    [1.0, 2.7182817459106445, 0.0, inf, nan]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/e_expf.c
    """
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        # In two parts so that r is rounded once, as by a fused multiply-add, which glibc's code for
        # processors that have one uses; a product rounded on its own changes 2 of the 2**32 results.
        real = x.astype(np.float64)
        high, low = STEPS_OVER_LN2_HIGH * real, STEPS_OVER_LN2_LOW * real
        # The bounds keep k small where x is not; NaN is carried on by r.
        steps = np.rint(np.fmax(np.fmin(high + low, 6000.0), -6000.0))
        r = (high - steps) + low
        k = steps.astype(np.int64)
        c3, c2, c1 = EXP2_POLYNOMIAL
        polynomial = (c3 * r + c2) * (r * r) + (c1 * r + 1.0)
        result = (polynomial * (POWERS_OF_TWO[k & (STEPS - 1)] * two_to_the(k >> 5))).astype(np.float32)
    result = np.where(x > EXP_OVERFLOWS_ABOVE, np.float32(np.inf), result)
    return np.asarray(np.where(x < EXP_VANISHES_BELOW, np.float32(0), result))


LN2_HIGH = np.float32(6.9313812256e-01)
"""log(2) to 16 bits, so that small multiples are exact."""

LN2_LOW = np.float32(9.0580006145e-06)
"""log(2) - LN2_HIGH."""

ONE_OVER_LN2 = np.float32(1.4426950216e00)
"""1 / log(2)."""

EXPM1_POLYNOMIAL = tuple(
    np.float32(c)
    for c in (
        -2.0109921195e-07,
        4.0082177293e-06,
        -7.9365076090e-05,
        1.5873016091e-03,
        -3.3333335072e-02,
        1.0,
    )
)
"""Coefficients of z**5 .. 1 in the rational approximation, z = x**2 / 2."""


def expm1f(x: ArrayLike) -> Float32Array:
    """exp(x) - 1, without cancellation near 0.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> expm1f([0.0, 1e-10, 1.0, -20.0]).tolist()
    [0.0, 1.000000013351432e-10, 1.7182817459106445, -1.0]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/s_expm1f.c
    """
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        result = _expm1_of_moderate(np.clip(x, np.float32(-20), np.float32(89)))
    size = np.abs(x)
    result = np.where(size < np.float32(2.0**-25), x, result)
    result = np.where((x < 0) & _at_least(size, 0x4195B844), np.float32(-1), result)  # 27 log 2
    return np.asarray(np.where(x >= _float(0x42B17218), np.float32(np.inf), result))


def _expm1_of_moderate(x: Float32Array) -> Float32Array:
    half, one, two = np.float32(0.5), np.float32(1), np.float32(2)
    size = np.abs(x)
    # x = k log 2 + r; what rounding r loses is kept in `lost`.
    k = np.trunc(ONE_OVER_LN2 * x + np.copysign(half, x))
    k = np.where(_at_least(size, 0x3F851592), k, np.copysign(one, x))  # below 1.5 log 2
    k = np.where(_at_least(size, 0x3EB17219), k, np.float32(0))  # at most 0.5 log 2
    k = np.where(np.isnan(x), np.float32(0), k)
    high, low = x - k * LN2_HIGH, k * LN2_LOW
    r = high - low
    lost = (high - r) - low

    half_r = half * r
    z = np.asarray(r * half_r, np.float32)
    series = horner(EXPM1_POLYNOMIAL, z)
    t = np.float32(3) - series * half_r
    e = z * ((series - t) / (np.float32(6) - r * t))
    if_k_is_0 = r - (r * e - z)

    e = (r * (e - lost) - lost) - z
    power = _scale(one, -np.clip(k, np.float32(0), np.float32(60)))  # 2**-k
    if_k_is_minus_1 = half * (r - e) - half
    if_k_is_1 = np.where(r < np.float32(-0.25), -two * (e - (r + half)), one + two * (r - e))
    small = np.where(k < np.float32(23), (one - power) - (e - r), (r - (e + power)) + one)
    if_k_is_small = _scale(np.asarray(small, np.float32), k)
    if_k_is_large = _scale(np.asarray(one - (e - r), np.float32), k) - one
    result = np.where((k <= -2) | (k > 56), if_k_is_large, if_k_is_small)
    result = np.where(k == 1, if_k_is_1, result)
    result = np.where(k == -1, if_k_is_minus_1, result)
    return np.asarray(np.where(k == 0, if_k_is_0, result), np.float32)


def horner(coefficients: Sequence[np.float32], z: Float32Array) -> Float32Array:
    """The polynomial in z, highest power first, innermost bracket first, every step in float32."""
    result = np.full_like(z, coefficients[0])
    for coefficient in coefficients[1:]:
        result = coefficient + z * result
    return result


def two_to_the(k: NDArray[np.int64]) -> NDArray[np.float64]:
    """2**k as float64, for k in -1022 .. 1023."""
    return ((k + 1023) << 52).view(np.float64)


def _scale(y: Float32Array | np.float32, k: Float32Array) -> Float32Array:
    """y * 2**k, which is exact."""
    return (y * two_to_the(k.astype(np.int64))).astype(np.float32)


def _float(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)


def _at_least(size: Float32Array, bits: int) -> NDArray[np.bool_]:
    """Whether a nonnegative float32 has this bit pattern or a higher one."""
    return np.asarray(size >= _float(bits))
