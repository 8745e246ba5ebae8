"""Reciprocals and inverse square roots of integers, as a Q(0) number and a shift.

Source: LiteRT tflite/kernels/internal/common.h
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.gemmlowp.exponential import one_over_one_plus_x
from quantlib.arithmetic.gemmlowp.saturating import Int64Array
from quantlib.arithmetic.gemmlowp.saturating import saturating_rounding_doubling_high_mul as multiply
from quantlib.arithmetic.gemmlowp.saturating import (
    saturating_rounding_multiply_by_power_of_two as multiply_by_power_of_two,
)

__all__ = ["count_leading_sign_bits", "count_leading_zeros", "inverse_sqrt_multiplier", "reciprocal"]


def reciprocal(x: ArrayLike, integer_digits: int) -> tuple[Int64Array, Int64Array]:
    """1 / x as (raw, bits_over_unit), with 1 / x = raw * 2**-31 * 2**-bits_over_unit.

    Parameters
    ----------
    x : int64 array, positive raw values in Q(integer_digits) of 32 bits; up to 2**32 - 1, because
        the sign bit may serve as one more integer bit
    integer_digits : int
        12 for the sums of SOFTMAX, 31 (integers) for DIV.

    Returns
    -------
    raw : int64 array, Q(0) of 32 bits, from 1/2 to 1
    bits_over_unit : int64 array

    Examples
    --------
    >>> raw, bits_over_unit = reciprocal([1 << 20, 3 << 18], 12)  # 2.0 and 1.5
    >>> raw.tolist(), bits_over_unit.tolist()
    ([2147483647, 1431655762], [1, 0])

    Source: LiteRT tflite/kernels/internal/common.h (GetReciprocal)
    """
    x = np.asarray(x, np.int64)
    headroom_plus_one = count_leading_zeros(x)
    fraction = fixed_point.wrap_int32((x << headroom_plus_one) - (1 << 31))
    return one_over_one_plus_x(fraction), np.asarray(integer_digits - headroom_plus_one, np.int64)


def inverse_sqrt_multiplier(x: ArrayLike) -> tuple[Int64Array, Int64Array]:
    """1 / sqrt(x) as a quantized multiplier: 1 / sqrt(x) ~ multiplier * 2**(shift - 31).

    Parameters
    ----------
    x : int64 array, 0 .. 2**31 - 1; 0 is taken for 1

    Returns
    -------
    multiplier : int64 array
    shift : int64 array, none positive; a left shift, as in `fixed_point.quantize_multiplier`

    Examples
    --------
    >>> multiplier, shift = inverse_sqrt_multiplier([1, 4, 100])
    >>> multiplier.tolist(), shift.tolist()
    ([2147483647, 1073741828, 214748363], [0, 0, 0])

    Source: LiteRT tflite/kernels/internal/common.h (GetInvSqrtQuantizedMultiplierExp)
    """
    x = np.asarray(x, np.int64)
    scaled, right_shift = np.maximum(x, 2), np.full(x.shape, 11, np.int64)
    for _ in range(2):  # at most two quarterings bring an int32 below 2**29
        large = scaled >= 1 << 29
        scaled, right_shift = np.where(large, scaled >> 2, scaled), right_shift + large
    left_shift_pairs = (count_leading_zeros(scaled) - 1) // 2 - 1
    right_shift = right_shift - left_shift_pairs
    scaled = scaled << (2 * left_shift_pairs)  # in [2**27, 2**29)

    # Newton's y (3 - x y^2) / 2 in Q(3), from 1.
    half_x = multiply_by_power_of_two(scaled >> 1, -1)
    three_halves = (1 << 28) + (1 << 27)
    y = np.full(x.shape, 1 << 28, np.int64)
    for _ in range(5):
        cube = multiply_by_power_of_two(multiply(multiply(y, y), y), 6)
        y = multiply_by_power_of_two(multiply(y, three_halves) - multiply(half_x, cube), 3)
    y = multiply(y, 1518500250)  # sqrt(1/2)
    y = fixed_point.shift_left_int32(y, np.maximum(-right_shift, 0))
    trivial = x <= 1
    multiplier = np.where(trivial, fixed_point.INT32_MAX, y)
    return multiplier, np.where(trivial, 0, -np.maximum(right_shift, 0))


def count_leading_zeros(x: ArrayLike) -> Int64Array:
    """Zeros before the first 1 in the 32 bits of x; 32 for x = 0.

    Parameters
    ----------
    x : int64 array, 0 .. 2**32 - 1

    Examples
    --------
    >>> count_leading_zeros([0, 1, 2**32 - 1]).tolist()
    [32, 31, 0]

    Source: LiteRT tflite/kernels/internal/common.h (CountLeadingZeros)
    """
    # frexp's exponent of an integer below 2**53 is its bit length.
    _, bit_length = np.frexp(np.asarray(x, np.int64).astype(np.float64))
    return 32 - bit_length.astype(np.int64)


def count_leading_sign_bits(x: ArrayLike) -> Int64Array:
    """Bits after the sign bit of an int32 that repeat it; 31 for x = 0.

    Parameters
    ----------
    x : int64 array holding int32 values

    Examples
    --------
    >>> count_leading_sign_bits([0, 1, -1, 2**31 - 1, -(2**31)]).tolist()
    [31, 30, 31, 0, 0]

    Source: LiteRT tflite/kernels/internal/common.h (CountLeadingSignBits)
    """
    x = np.asarray(x, np.int64)
    return count_leading_zeros(np.where(x < 0, ~x, x)) - 1
