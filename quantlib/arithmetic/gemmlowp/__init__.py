"""Fixed-point functions in integers alone: exp, logistic, tanh, log, reciprocal, inverse square root.

A number in the format Q(i) of b bits is a raw integer with 1 sign bit, i integer bits and b - 1 - i
fraction bits. Functions take and return the raw integers, as int64 arrays whose values fit b bits;
where C would have wrapped or saturated, a named function does. Each is exact to the bit, and none
is exact as a number: these are the approximations that the integer kernels make.

Source: google/gemmlowp fixedpoint/fixedpoint.h; LiteRT tflite/kernels/internal/common.h
"""

from quantlib.arithmetic.gemmlowp.exponential import (
    exp_on_negative_values,
    logistic,
    one_minus_x_over_one_plus_x,
    one_over_one_plus_x,
    tanh,
)
from quantlib.arithmetic.gemmlowp.logarithm import log_x_for_x_greater_than_or_equal_to_1
from quantlib.arithmetic.gemmlowp.reciprocal import (
    count_leading_sign_bits,
    count_leading_zeros,
    inverse_sqrt_multiplier,
    reciprocal,
)
from quantlib.arithmetic.gemmlowp.saturating import (
    multiplier_to_int16,
    rounding_half_sum,
    saturating_rounding_doubling_high_mul,
    saturating_rounding_doubling_high_mul_int16,
    saturating_rounding_multiply_by_power_of_two,
    saturating_shift_left_int16,
)

__all__ = [
    "count_leading_sign_bits",
    "count_leading_zeros",
    "exp_on_negative_values",
    "inverse_sqrt_multiplier",
    "log_x_for_x_greater_than_or_equal_to_1",
    "logistic",
    "multiplier_to_int16",
    "one_minus_x_over_one_plus_x",
    "one_over_one_plus_x",
    "reciprocal",
    "rounding_half_sum",
    "saturating_rounding_doubling_high_mul",
    "saturating_rounding_doubling_high_mul_int16",
    "saturating_rounding_multiply_by_power_of_two",
    "saturating_shift_left_int16",
    "tanh",
]
