"""The steps that fixed-point functions are made of, for raw integers of 16 or 32 bits.

Source: google/gemmlowp fixedpoint/fixedpoint.h
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point

__all__ = [
    "Bits",
    "constant",
    "multiplier_to_int16",
    "one",
    "rounding_half_sum",
    "saturating_rounding_doubling_high_mul",
    "saturating_rounding_doubling_high_mul_int16",
    "saturating_rounding_multiply_by_power_of_two",
    "saturating_shift_left_int16",
    "wrap",
]

Bits: TypeAlias = Literal[16, 32]
"""Width of the raw integers."""

Int64Array: TypeAlias = NDArray[np.int64]


def saturating_rounding_doubling_high_mul(a: ArrayLike, b: ArrayLike, *, bits: Bits = 32) -> Int64Array:
    """Product of two fixed-point numbers, rounded to nearest, halves up.

    Integer bits add up: Q(i) times Q(j) is Q(i + j).

    Parameters
    ----------
    a, b : int64 arrays of raw values, broadcast against each other
    bits : 16 or 32

    Returns
    -------
    int64 array; the smallest value times itself, which does not fit, gives the largest

    Examples
    --------
    >>> int(saturating_rounding_doubling_high_mul(1 << 14, 3, bits=16))  # 1/2 of 3 units
    2

    Source: google/gemmlowp fixedpoint/fixedpoint.h (SaturatingRoundingDoublingHighMul)
    """
    if bits == 16:
        return saturating_rounding_doubling_high_mul_int16(a, b)
    return fixed_point.saturating_rounding_doubling_high_mul(a, b)


def saturating_rounding_doubling_high_mul_int16(a: ArrayLike, b: ArrayLike) -> Int64Array:
    """The high half of 2ab in 16 bits, rounded to nearest, halves up.

    Parameters
    ----------
    a, b : int64 arrays holding int16 values, broadcast against each other

    Returns
    -------
    int64 array holding int16 values; -32768 times itself gives 32767

    Examples
    --------
    >>> saturating_rounding_doubling_high_mul_int16([-32768, -32768, 3], [-32768, 1, -(1 << 14)]).tolist()
    [32767, -1, -1]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (SaturatingRoundingDoublingHighMul, int16)
    """
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.asarray(np.minimum((product + (1 << 14)) >> 15, 32767), np.int64)


def saturating_rounding_multiply_by_power_of_two(
    x: ArrayLike, exponent: int | Int64Array, *, bits: Bits = 32
) -> Int64Array:
    """x * 2**exponent: saturating to the left, rounded half away from zero to the right.

    Parameters
    ----------
    x : int64 array of raw values
    exponent : int or int64 array, -31 .. 31, broadcast against x
    bits : 16 or 32

    Returns
    -------
    int64 array of the broadcast shape

    Examples
    --------
    >>> saturating_rounding_multiply_by_power_of_two([3, -3, 2**30], [-1, -1, 1]).tolist()
    [2, -2, 2147483647]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (SaturatingRoundingMultiplyByPOT)
    """
    x = np.asarray(x, np.int64)
    exponent = np.asarray(exponent, np.int64)
    high = (1 << (bits - 1)) - 1
    left = fixed_point.saturate(x << np.maximum(exponent, 0), -high - 1, high)
    return fixed_point.rounding_divide_by_power_of_two(left, np.maximum(-exponent, 0))


def saturating_shift_left_int16(x: ArrayLike, count: ArrayLike) -> Int64Array:
    """x << count, or the int16 bound it passed.

    Parameters
    ----------
    x : int64 array holding int16 values
    count : int or int array, 0 .. 31

    Returns
    -------
    int64 array holding int16 values

    Examples
    --------
    >>> saturating_shift_left_int16([3, 20000, -20000], 1).tolist()
    [6, 32767, -32768]

    Source: LiteRT tflite/kernels/internal/reference/hard_swish.h (SaturatingLeftShift)
    """
    return fixed_point.saturate(np.asarray(x, np.int64) << np.asarray(count, np.int64), -32768, 32767)


def rounding_half_sum(a: ArrayLike, b: ArrayLike) -> Int64Array:
    """(a + b) / 2, rounded to nearest, halves away from zero.

    Parameters
    ----------
    a, b : int64 arrays of raw values, broadcast against each other

    Returns
    -------
    int64 array

    Examples
    --------
    >>> rounding_half_sum([1, -1, 5], [2, -2, 5]).tolist()
    [2, -2, 5]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (RoundingHalfSum)
    """
    total = np.asarray(a, np.int64) + np.asarray(b, np.int64)
    return np.asarray(np.sign(total) * ((np.abs(total) + 1) >> 1), np.int64)


def multiplier_to_int16(multiplier: ArrayLike) -> Int64Array:
    """A 31-bit quantized multiplier, rounded to its upper 15 bits.

    Parameters
    ----------
    multiplier : int64 array, 0 .. 2**31 - 1, as `fixed_point.quantize_multiplier` gives it

    Returns
    -------
    int64 array, 0 .. 32767: what would round to 32768 saturates

    Examples
    --------
    >>> multiplier_to_int16([1 << 30, 2**31 - 1, 32768]).tolist()
    [16384, 32767, 1]

    Source: LiteRT tflite/kernels/internal/common.h (DownScaleInt32ToInt16Multiplier)
    """
    return np.asarray(np.minimum((np.asarray(multiplier, np.int64) + (1 << 15)) >> 16, 32767), np.int64)


def wrap(x: Int64Array, bits: Bits) -> Int64Array:
    """x modulo 2**bits, in the range of a signed integer of that width."""
    return fixed_point.wrap_int16(x) if bits == 16 else fixed_point.wrap_int32(x)


def one(integer_bits: int, bits: Bits) -> int:
    """1.0 in Q(integer_bits); in Q(0), which cannot hold it, the largest value."""
    return (1 << (bits - 1 - integer_bits)) - (integer_bits == 0)


def constant(raw32: int, bits: Bits) -> int:
    """A constant given as a 32-bit raw value, in a format of the same integer bits."""
    return int(fixed_point.rounding_divide_by_power_of_two(raw32, 32 - bits))
