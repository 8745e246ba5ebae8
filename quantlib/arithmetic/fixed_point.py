"""Fixed-point multiplication of int32 values, with every rounding and every wrap by name.

All functions take and return int64 arrays that hold int32 values; a value leaves the int32 range
only through `wrap_int32`, `wrap_int16` or `saturate`.

Source: google/gemmlowp fixedpoint/fixedpoint.h; LiteRT tflite/kernels/internal/common.h and
quantization_util.cc. Where C leaves a shift undefined, x86 counts it modulo the register's width;
zoo models reach that case, so it is written out here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "INT32_MAX",
    "INT32_MIN",
    "multiply_by_quantized_multiplier",
    "multiply_int64_by_quantized_multiplier",
    "quantize_multiplier",
    "quantize_multipliers",
    "rounding_divide_by_power_of_two",
    "saturate",
    "saturating_rounding_doubling_high_mul",
    "shift_left_int32",
    "wrap_int16",
    "wrap_int32",
]

INT32_MIN = -(2**31)
"""Smallest int32."""

INT32_MAX = 2**31 - 1
"""Largest int32."""

Int64Array = NDArray[np.int64]


def wrap_int32(x: ArrayLike) -> Int64Array:
    """x modulo 2**32, in the int32 range: what an int32 register keeps.

    Examples
    --------
    >>> wrap_int32([2**31, -2**31 - 1, 7]).tolist()
    [-2147483648, 2147483647, 7]
    """
    return np.asarray(x, np.int64).astype(np.int32).astype(np.int64)


def wrap_int16(x: ArrayLike) -> Int64Array:
    """x modulo 2**16, in the int16 range.

    Examples
    --------
    >>> wrap_int16([32768, -32769]).tolist()
    [-32768, 32767]
    """
    return np.asarray(x, np.int64).astype(np.int16).astype(np.int64)


def saturate(x: ArrayLike, low: ArrayLike, high: ArrayLike) -> Int64Array:
    """x, or the bound it passed.

    Where the bounds are reversed the upper one wins, as in std::min(std::max(x, low), high).

    Examples
    --------
    >>> saturate([-300, 5, 300], -128, 127).tolist()
    [-128, 5, 127]
    """
    return np.asarray(np.minimum(np.maximum(np.asarray(x, np.int64), low), high), np.int64)


def shift_left_int32(x: ArrayLike, count: ArrayLike) -> Int64Array:
    """x << count in an int32 register: the count is taken modulo 32, the product wraps.

    Examples
    --------
    >>> shift_left_int32([3, 3, 2**30], [2, 32, 1]).tolist()
    [12, 3, -2147483648]
    """
    return wrap_int32(np.asarray(x, np.int64) << (np.asarray(count, np.int64) & 31))


def saturating_rounding_doubling_high_mul(a: ArrayLike, b: ArrayLike) -> Int64Array:
    """The high half of 2ab, rounded to nearest, halves up.

    Parameters
    ----------
    a, b : int64 arrays holding int32 values, broadcast against each other

    Returns
    -------
    int64 array; a = b = INT32_MIN, the one product that does not fit, gives INT32_MAX

    Examples
    --------
    >>> saturating_rounding_doubling_high_mul([2**30, -(2**31), 3], [2**30, -(2**31), 2**30]).tolist()
    [536870912, 2147483647, 2]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (SaturatingRoundingDoublingHighMul). Its nudge
    and truncating division amount to floor((ab + 2**30) / 2**31) for either sign.
    """
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    high = (product + (1 << 30)) >> 31
    return np.asarray(np.where(product == 1 << 62, INT32_MAX, high), np.int64)


def rounding_divide_by_power_of_two(x: ArrayLike, exponent: ArrayLike) -> Int64Array:
    """x / 2**exponent, rounded to nearest, halves away from zero.

    Parameters
    ----------
    x : int64 array holding int32 values
    exponent : int or int array, 0 .. 31 (beyond: as x86 masks the shifts), broadcast against x

    Returns
    -------
    int64 array of the broadcast shape

    Examples
    --------
    >>> rounding_divide_by_power_of_two(np.array([5, -5, 6, -6]), 2).tolist()
    [1, -1, 2, -2]

    Source: google/gemmlowp, fixedpoint/fixedpoint.h (RoundingDivideByPOT)
    """
    x = np.asarray(x, np.int64)
    exponent = np.asarray(exponent, np.int64)
    mask = wrap_int32((np.int64(1) << (exponent & 63)) - 1)
    remainder = x & mask
    threshold = (mask >> 1) + (x < 0)
    return np.asarray((x >> (exponent & 31)) + (remainder > threshold), np.int64)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A real factor as (multiplier, shift) with real ~ multiplier * 2**(shift - 31).

    Parameters
    ----------
    real : float
        Taken in float64. 0, infinity and NaN give (0, 0); below 2**-32 the multiplier is flushed to 0.

    Returns
    -------
    multiplier : int
        In [2**30, 2**31) for positive factors, so that 31 bits carry information.
    shift : int

    Examples
    --------
    >>> quantize_multiplier(0.3), quantize_multiplier(1.0), quantize_multiplier(float("inf"))
    ((1288490189, -1), (1073741824, 1), (0, 0))

    Source: LiteRT tflite/kernels/internal/quantization_util.cc (QuantizeMultiplier)
    """
    multipliers, shifts = quantize_multipliers(np.array([real], np.float64))
    return int(multipliers[0]), int(shifts[0])


def quantize_multipliers(real: ArrayLike) -> tuple[Int64Array, Int64Array]:
    """`quantize_multiplier` for an array of factors.

    Examples
    --------
    >>> [array.tolist() for array in quantize_multipliers([0.5, 0.0])]
    [[1073741824, 0], [0, 0]]

    Source: LiteRT tflite/kernels/internal/quantization_util.cc (QuantizeMultiplier)
    """
    fraction, shift = np.frexp(np.asarray(real, np.float64))
    # |fraction| * 2**31 < 2**31, exact in float64 but for the 22 bits that the rounding drops.
    # Infinity and NaN (a scale of 0) become INT64_MIN in C, of whose bits the int32 multiplier keeps 0.
    scaled = np.where(np.isfinite(fraction), fraction, 0) * 2.0**31
    multiplier = np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int64)
    shift = shift.astype(np.int64)
    overflowed = multiplier == 1 << 31
    multiplier = np.where(overflowed, multiplier >> 1, multiplier)
    shift = np.where(overflowed, shift + 1, shift)
    vanished = (shift < -31) | (multiplier == 0)
    return np.where(vanished, 0, multiplier), np.where(vanished, 0, shift)


def multiply_by_quantized_multiplier(x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> Int64Array:
    """x * multiplier * 2**(shift - 31), rounded twice: half up, then half away from zero.

    Parameters
    ----------
    x : int64 array holding int32 values
    multiplier, shift : int or int arrays, as `quantize_multiplier` gives them

    Returns
    -------
    int64 array holding int32 values

    Examples
    --------
    >>> multiplier, shift = quantize_multiplier(0.0125)
    >>> multiply_by_quantized_multiplier([-1960], multiplier, shift).tolist()  # exactly -24.5
    [-25]

    Source: LiteRT tflite/kernels/internal/common.h (MultiplyByQuantizedMultiplier, double rounding)
    """
    shift = np.asarray(shift, np.int64)
    left = shift_left_int32(x, np.maximum(shift, 0))
    high = saturating_rounding_doubling_high_mul(left, multiplier)
    return rounding_divide_by_power_of_two(high, np.maximum(-shift, 0))


def multiply_int64_by_quantized_multiplier(
    x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike
) -> Int64Array:
    """x * multiplier * 2**(shift - 31) with a 16-bit multiplier, rounded once, half up.

    The 16x8 kernels keep 48 bits of accumulator; the multiplier gives up half of its bits so that
    the product fits 64.

    Parameters
    ----------
    x : int64 array, |x| < 2**47
    multiplier, shift : int or int arrays, as `quantize_multiplier` gives them

    Returns
    -------
    int64 array holding int32 values (wrapped)

    Examples
    --------
    >>> multiplier, shift = quantize_multiplier(0.5)
    >>> multiply_int64_by_quantized_multiplier([2**33 + 1, -3], multiplier, shift).tolist()
    [1, -1]

    Source: LiteRT tflite/kernels/internal/common.cc (MultiplyByQuantizedMultiplier, int64_t)
    """
    x = np.asarray(x, np.int64)
    multiplier = np.asarray(multiplier, np.int64)
    reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    total_shift = 15 - np.asarray(shift, np.int64)
    rounding = np.int64(1) << ((total_shift - 1) & 63)
    return wrap_int32((x * reduced + rounding) >> (total_shift & 63))
