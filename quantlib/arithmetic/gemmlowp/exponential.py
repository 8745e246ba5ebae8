"""exp of negative numbers, and the logistic function and tanh built on it.

Source: google/gemmlowp fixedpoint/fixedpoint.h
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from quantlib.arithmetic.gemmlowp.saturating import (
    Bits,
    Int64Array,
    constant,
    one,
    rounding_half_sum,
    wrap,
)
from quantlib.arithmetic.gemmlowp.saturating import saturating_rounding_doubling_high_mul as multiply
from quantlib.arithmetic.gemmlowp.saturating import (
    saturating_rounding_multiply_by_power_of_two as multiply_by_power_of_two,
)

__all__ = [
    "exp_on_negative_values",
    "logistic",
    "one_minus_x_over_one_plus_x",
    "one_over_one_plus_x",
    "tanh",
]

EXP_OF_MINUS_POWER_OF_TWO = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)
"""Pairs (e, exp(-2**e) as Q(0) of 32 bits): one factor per bit of the argument from 1/4 up."""


def exp_on_negative_values(x: ArrayLike, integer_bits: int, *, bits: Bits = 32) -> Int64Array:
    """exp(x) of x <= 0.

    A short series on [-1/4, 0), then one multiplication per remaining bit of x.

    Parameters
    ----------
    x : int64 array, raw values in Q(integer_bits), none positive
    integer_bits : int
        SOFTMAX uses 5. Beyond 5, anything under -32 gives 0.
    bits : 16 or 32

    Returns
    -------
    int64 array, raw values in Q(0), 0 .. largest; x = 0 gives the largest, just under 1

    Examples
    --------
    >>> exp_on_negative_values([0, -(1 << 26), -(10 << 26)], 5).tolist()  # 1, 1/e, exp(-10)
    [2147483647, 790015308, 97496]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (exp_on_negative_values)
    """
    x = np.asarray(x, np.int64)
    fraction_bits = bits - 1 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    x_mod_quarter = (x & (quarter - 1)) - quarter  # in [-1/4, 0)
    result = _exp_between_minus_quarter_and_0(
        multiply_by_power_of_two(x_mod_quarter, integer_bits, bits=bits), bits
    )
    remainder = wrap(x_mod_quarter - x, bits)
    for exponent, factor in EXP_OF_MINUS_POWER_OF_TWO:
        if integer_bits > exponent:
            selected = (remainder >> (fraction_bits + exponent)) & 1
            result = np.where(selected != 0, multiply(result, constant(factor, bits), bits=bits), result)
    if integer_bits > 5:
        result = np.where(x < constant(-(1 << (36 - integer_bits)), bits), 0, result)
    return np.where(x == 0, one(0, bits), result)


def logistic(x: ArrayLike, integer_bits: int, *, bits: Bits = 32) -> Int64Array:
    """1 / (1 + exp(-x)).

    Parameters
    ----------
    x : int64 array, raw values in Q(integer_bits)
    integer_bits : int
    bits : 16 or 32

    Returns
    -------
    int64 array, raw values in Q(0)

    Examples
    --------
    >>> logistic([0, 4096, -4096], 3, bits=16).tolist()  # of 0, 1, -1; exactly 23955 and 8813
    [16384, 23952, 8815]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (logistic)
    """
    x = np.asarray(x, np.int64)
    minus_abs = np.where(x > 0, -x, x)
    of_abs = one_over_one_plus_x(exp_on_negative_values(minus_abs, integer_bits, bits=bits), bits=bits)
    result = np.where(x > 0, of_abs, one(0, bits) - of_abs)
    return np.where(x == 0, constant(1 << 30, bits), result)


def tanh(x: ArrayLike, integer_bits: int, *, bits: Bits = 32) -> Int64Array:
    """Hyperbolic tangent of x.

    Parameters
    ----------
    x : int64 array, raw values in Q(integer_bits)
    integer_bits : int
    bits : 16 or 32

    Returns
    -------
    int64 array, raw values in Q(0)

    Examples
    --------
    >>> tanh([0, 4096, -4096, -32768], 3, bits=16).tolist()  # of 0, 1, -1, -8
    [0, 24964, -24964, -32767]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (tanh)
    """
    x = np.asarray(x, np.int64)
    minus_abs = np.where(x < 0, x, -x)
    # One more integer bit with the same raw value doubles the number: exp(-2|x|).
    exponential = exp_on_negative_values(minus_abs, integer_bits + 1, bits=bits)
    of_abs = one_minus_x_over_one_plus_x(exponential, bits=bits)
    return np.where(x == 0, 0, np.where(x < 0, -of_abs, of_abs))


def one_over_one_plus_x(x: ArrayLike, *, bits: Bits = 32) -> Int64Array:
    """1 / (1 + x) of x in [0, 1], by three Newton steps.

    Parameters
    ----------
    x : int64 array, raw values in Q(0), none negative
    bits : 16 or 32

    Returns
    -------
    int64 array, raw values in Q(0)

    Examples
    --------
    >>> one_over_one_plus_x([0, 1 << 30]).tolist()  # of 0 and 1/2
    [2147483647, 1431655762]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (one_over_one_plus_x_for_x_in_0_1)
    """
    return multiply_by_power_of_two(_two_over_one_plus_x(x, bits), 1, bits=bits)


def one_minus_x_over_one_plus_x(x: ArrayLike, *, bits: Bits = 32) -> Int64Array:
    """(1 - x) / (1 + x) of x in [0, 1], by three Newton steps.

    Parameters
    ----------
    x : int64 array, raw values in Q(0), none negative
    bits : 16 or 32

    Returns
    -------
    int64 array, raw values in Q(0)

    Examples
    --------
    >>> one_minus_x_over_one_plus_x([0, 1 << 30]).tolist()  # of 0 and 1/2
    [2147483647, 715827876]

    Source: google/gemmlowp fixedpoint/fixedpoint.h (one_minus_x_over_one_plus_x_for_x_in_0_1)
    """
    difference = wrap(_two_over_one_plus_x(x, bits) - one(2, bits), bits)
    return multiply_by_power_of_two(difference, 2, bits=bits)


def _exp_between_minus_quarter_and_0(x: Int64Array, bits: Bits) -> Int64Array:
    """Q(0) to Q(0): fourth-order series around -1/8."""
    exp_of_minus_eighth = constant(1895147668, bits)
    third = constant(715827883, bits)
    d = x + (1 << (bits - 4))  # x + 1/8
    d2 = multiply(d, d, bits=bits)
    d3 = multiply(d2, d, bits=bits)
    d4 = multiply(d2, d2, bits=bits)
    d4_over_4 = multiply_by_power_of_two(d4, -2, bits=bits)
    higher_terms = multiply_by_power_of_two(multiply(d4_over_4 + d3, third, bits=bits) + d2, -1, bits=bits)
    result = exp_of_minus_eighth + multiply(exp_of_minus_eighth, d + higher_terms, bits=bits)
    return np.minimum(result, one(0, bits))


def _two_over_one_plus_x(x: ArrayLike, bits: Bits) -> Int64Array:
    """Q(0) to Q(2): Newton's division, started on the best line over [1/2, 1]."""
    half_denominator = rounding_half_sum(x, one(0, bits))
    line = constant(1515870810, bits), constant(-1010580540, bits)  # 48/17 and -32/17
    y = wrap(line[0] + multiply(half_denominator, line[1], bits=bits), bits)
    for _ in range(3):
        error = wrap(one(2, bits) - multiply(half_denominator, y, bits=bits), bits)
        y = wrap(y + multiply_by_power_of_two(multiply(y, error, bits=bits), 2, bits=bits), bits)
    return y
