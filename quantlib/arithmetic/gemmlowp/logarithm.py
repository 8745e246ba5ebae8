"""Natural logarithm in fixed point.

Source: LiteRT tflite/kernels/internal/common.h
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.gemmlowp.exponential import one_over_one_plus_x
from quantlib.arithmetic.gemmlowp.reciprocal import count_leading_zeros
from quantlib.arithmetic.gemmlowp.saturating import Int64Array, rounding_half_sum
from quantlib.arithmetic.gemmlowp.saturating import saturating_rounding_doubling_high_mul as multiply
from quantlib.arithmetic.gemmlowp.saturating import (
    saturating_rounding_multiply_by_power_of_two as multiply_by_power_of_two,
)

__all__ = ["log_x_for_x_greater_than_or_equal_to_1"]

LOG_2 = 1488522236
"""log(2), Q(0)."""

SQRT_HALF = 1518500250
"""(1/2) ** (1/2), Q(0)."""

FOURTH_ROOT_HALF = 1805811301
"""(1/2) ** (1/4), Q(0): the mantissa around which the series is taken."""

ALPHA_N = 117049297
"""11/240 * 2**(1/4), Q(0)."""

ALPHA_D = 127690142
"""1/20 * 2**(1/4), Q(0)."""

ALPHA_I = 1057819769
"""2 / 2**(1/4) - 2**(1/4), Q(0)."""

ALPHA_F = 638450708
"""1/4 * 2**(1/4), Q(0)."""


def log_x_for_x_greater_than_or_equal_to_1(
    x: ArrayLike, input_integer_bits: int, output_integer_bits: int
) -> Int64Array:
    """log(x) of x >= 1, in 32 bits.

    The mantissa is brought into [2**-1/2, 1) (once from x and once from x * sqrt(1/2), whichever
    fits), a rational approximation gives its logarithm, and the exponent contributes multiples of
    log 2.

    Parameters
    ----------
    x : int64 array, positive raw values in Q(input_integer_bits)
    input_integer_bits, output_integer_bits : int
        LOG_SOFTMAX uses 12 and 5.

    Returns
    -------
    int64 array, raw values in Q(output_integer_bits)

    Examples
    --------
    >>> log_x_for_x_greater_than_or_equal_to_1([1 << 19, 1 << 20, 100 << 19], 12, 5).tolist()
    [0, 46516320, 309047740]

    (46516320 / 2**26 is 0.693147, log 2.)

    Source: LiteRT tflite/kernels/internal/common.h (log_x_for_x_greater_than_or_equal_to_1)
    """
    x = np.asarray(x, np.int64)
    accumulator_bits = output_integer_bits + 1  # one bit of headroom
    quarter = 1 << (29 - accumulator_bits)
    places = 31 - accumulator_bits

    headroom_a = count_leading_zeros(x) - 1
    mantissa_a = multiply_by_power_of_two(multiply(multiply_by_power_of_two(x, headroom_a), SQRT_HALF), 1)
    power_a = multiply_by_power_of_two(input_integer_bits - headroom_a - 1, places)
    power_a = fixed_point.saturate(power_a + quarter, fixed_point.INT32_MIN, fixed_point.INT32_MAX)

    headroom_b = count_leading_zeros(multiply(x, SQRT_HALF)) - 1
    mantissa_b = multiply_by_power_of_two(x, headroom_b)
    power_b = multiply_by_power_of_two(input_integer_bits - headroom_b, places)
    power_b = fixed_point.saturate(power_b - quarter, fixed_point.INT32_MIN, fixed_point.INT32_MAX)

    power = np.maximum(power_a, power_b)
    numerator, reciprocal = _log_of_mantissa(np.minimum(mantissa_a, mantissa_b))
    of_mantissa = multiply(multiply_by_power_of_two(numerator, -accumulator_bits), reciprocal)
    return multiply_by_power_of_two(fixed_point.wrap_int32(multiply(power, LOG_2) + of_mantissa), 1)


def _log_of_mantissa(r: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Two Q(0) factors whose product is log(r / 2**(-1/4))."""
    p = rounding_half_sum(r, FOURTH_ROOT_HALF)
    q = 2 * (r - FOURTH_ROOT_HALF)
    square = multiply(q, q)
    numerator = multiply(q, r) + multiply(multiply(q, square), ALPHA_N)
    denominator_minus_one = multiply(p, ALPHA_I + q + multiply(ALPHA_D, square)) + multiply(ALPHA_F, q)
    return numerator, one_over_one_plus_x(denominator_minus_one)
