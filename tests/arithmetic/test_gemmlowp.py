"""Fixed-point functions against gemmlowp itself.

The digests are CRC-32 of the results of gemmlowp (16e8662) and of LiteRT's common.h (f67457790),
compiled for x86-64, as little-endian int32: of every int16 input, and of every 9973rd int32 input.
"""

import math
import zlib

import numpy as np
import pytest

from quantlib.arithmetic import gemmlowp

ALL_INT16 = np.arange(-(2**15), 2**15)
SOME_INT32 = np.arange(-(2**31), 2**31, 9973)
SOME_POSITIVE = SOME_INT32[SOME_INT32 > 0]
INPUTS = {16: ALL_INT16, 32: SOME_INT32}

# (bits, integer bits): digests of exp_on_negative_values, logistic, tanh
FUNCTIONS = {
    (16, 0): (0xF6AEF4C6, 0x023BB790, 0x54653ADB),
    (16, 3): (0x5C6F609B, 0x82DF5969, 0x7F59742D),
    (16, 4): (0x1F4323A2, 0x2BA1B7DD, 0x683567F1),
    (16, 5): (0x9FCABAB0, 0xD8FDF151, 0x2633EC36),
    (16, 6): (0xD88DD37C, 0x4C385649, 0x037BB1A9),
    (32, 0): (0x560363EB, 0x98FA2AE9, 0xA6C898C1),
    (32, 3): (0xF15AFDC6, 0x8F76AC4C, 0x4DEFA747),
    (32, 4): (0xC419B74E, 0xA51B8698, 0x68B2C23F),
    (32, 5): (0x01229B1C, 0xD4C16083, 0xE59E1B12),
    (32, 6): (0x4B569B93, 0x9AD3FB5E, 0x85DEBE92),
}


def digest(values):
    return zlib.crc32(values.astype("<i4").tobytes())


@pytest.mark.parametrize(("bits", "integer_bits"), FUNCTIONS)
def test_exp_logistic_and_tanh_give_gemmlowps_bits(bits, integer_bits):
    x = INPUTS[bits]
    got = (
        digest(gemmlowp.exp_on_negative_values(x[x <= 0], integer_bits, bits=bits)),
        digest(gemmlowp.logistic(x, integer_bits, bits=bits)),
        digest(gemmlowp.tanh(x, integer_bits, bits=bits)),
    )
    assert got == FUNCTIONS[bits, integer_bits]


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("integer_bits", [0, 3, 5])
def test_the_functions_are_what_their_names_say(bits, integer_bits):
    x = INPUTS[bits][::7]
    real = x / 2.0 ** (bits - 1 - integer_bits)
    unit = 2.0 ** (bits - 1)
    tolerance = {16: 1.5e-3, 32: 1e-6}[bits]
    negative = x <= 0
    exp = gemmlowp.exp_on_negative_values(x[negative], integer_bits, bits=bits) / unit
    assert np.abs(exp - [math.exp(v) for v in real[negative]]).max() < tolerance
    logistic = gemmlowp.logistic(x, integer_bits, bits=bits) / unit
    assert np.abs(logistic - [1 / (1 + math.exp(-v)) for v in real]).max() < tolerance
    tanh = gemmlowp.tanh(x, integer_bits, bits=bits) / unit
    assert np.abs(tanh - [math.tanh(v) for v in real]).max() < tolerance


def test_exp_of_zero_saturates_and_far_below_minus_32_is_nothing():
    one_in_q6 = 1 << 25
    x = np.array([0, -31 * one_in_q6, -33 * one_in_q6, -64 * one_in_q6])
    assert gemmlowp.exp_on_negative_values(x, 6).tolist() == [2**31 - 1, 0, 0, 0]
    assert gemmlowp.exp_on_negative_values([-10 * one_in_q6], 6).item() == 97496


def test_tanh_is_odd_but_logistic_is_symmetric_only_up_to_the_missing_one():
    x = ALL_INT16[ALL_INT16 > 0]
    np.testing.assert_array_equal(gemmlowp.tanh(-x, 3, bits=16), -gemmlowp.tanh(x, 3, bits=16))
    both = gemmlowp.logistic(x, 3, bits=16) + gemmlowp.logistic(-x, 3, bits=16)
    assert set(both.tolist()) == {32767}


def test_divisions_give_gemmlowps_bits():
    assert digest(gemmlowp.one_over_one_plus_x(SOME_POSITIVE)) == 0x9BE9C062
    assert digest(gemmlowp.one_minus_x_over_one_plus_x(SOME_POSITIVE)) == 0xECE8F03A


@pytest.mark.parametrize(("integer_digits", "bits_digest"), [(12, 0x7C62DE95), (31, 0x8470F9ED)])
def test_reciprocal_gives_litert_bits(integer_digits, bits_digest):
    raw, bits_over_unit = gemmlowp.reciprocal(SOME_POSITIVE, integer_digits)
    assert (digest(raw), digest(bits_over_unit)) == (0xCC8EB64A, bits_digest)


def test_reciprocal_is_the_reciprocal():
    x = np.array([1, 2, 3, 1000, 2**20, 2**31, 2**32 - 1])
    raw, bits_over_unit = gemmlowp.reciprocal(x, 31)
    np.testing.assert_allclose(raw * 2.0 ** (-31 - bits_over_unit), 1 / x, rtol=1e-7)


def test_inverse_square_root_gives_litert_bits():
    multiplier, shift = gemmlowp.inverse_sqrt_multiplier(SOME_POSITIVE)
    assert (digest(multiplier), digest(shift)) == (0xD99F278F, 0x9BA418A6)
    multiplier, shift = gemmlowp.inverse_sqrt_multiplier(np.arange(200_000))
    assert (digest(multiplier), digest(shift)) == (0x63E3FE29, 0x285971E0)


def test_inverse_square_root_is_the_inverse_square_root():
    x = np.array([2, 3, 10, 2**16, 2**29, 2**31 - 1])
    multiplier, shift = gemmlowp.inverse_sqrt_multiplier(x)
    np.testing.assert_allclose(multiplier * 2.0 ** (shift - 31), 1 / np.sqrt(x), rtol=3e-6)


@pytest.mark.parametrize(
    ("input_integer_bits", "output_integer_bits", "expected"),
    [(12, 5, 0x1E6856CC), (4, 2, 0xC1D3FFDE), (20, 4, 0xA702E368)],
)
def test_log_gives_litert_bits(input_integer_bits, output_integer_bits, expected):
    x = SOME_POSITIVE[1 << (31 - input_integer_bits) <= SOME_POSITIVE]
    got = gemmlowp.log_x_for_x_greater_than_or_equal_to_1(x, input_integer_bits, output_integer_bits)
    assert digest(got) == expected


def test_log_is_the_logarithm():
    x = np.array([1 << 19, 3 << 18, 1 << 20, 1000 << 19, 2**31 - 1])
    got = gemmlowp.log_x_for_x_greater_than_or_equal_to_1(x, 12, 5) / 2.0**26
    np.testing.assert_allclose(got, [math.log(v / 2.0**19) for v in x.tolist()], atol=1e-6)


def test_the_int16_product_agrees_with_fractions_on_all_pairs_of_a_grid():
    grid = np.concatenate([ALL_INT16[::257], [-32768, -1, 0, 1, 32767]])
    a, b = np.meshgrid(grid, grid)
    exact = np.floor(a * b / 2.0**15 + 0.5)  # exact in float64
    np.testing.assert_array_equal(
        gemmlowp.saturating_rounding_doubling_high_mul_int16(a, b), np.minimum(exact, 32767)
    )


@pytest.mark.parametrize(("bits", "low", "high"), [(16, -(2**15), 2**15 - 1), (32, -(2**31), 2**31 - 1)])
def test_multiplying_by_a_power_of_two_saturates_left_and_rounds_away_right(bits, low, high):
    x = np.array([low, -5, -1, 0, 1, 6, high])
    pot = gemmlowp.saturating_rounding_multiply_by_power_of_two
    assert pot(x, 0, bits=bits).tolist() == x.tolist()
    assert pot(x, 2, bits=bits).tolist() == [low, -20, -4, 0, 4, 24, high]
    assert pot(x, -2, bits=bits).tolist() == [low >> 2, -1, 0, 0, 0, 2, (high + 2) >> 2]
    assert pot(np.array([3, 3]), np.array([1, -1]), bits=bits).tolist() == [6, 2]


def test_leading_bits_are_counted_as_python_counts_them():
    x = [0, 1, 2, 3, 2**30, 2**31 - 1, 2**31, 2**32 - 1]
    assert gemmlowp.count_leading_zeros(x).tolist() == [32 - v.bit_length() for v in x]
    signed = [0, 1, -1, -2, 2**31 - 1, -(2**31)]
    expected = [31 - (v if v >= 0 else ~v).bit_length() for v in signed]
    assert gemmlowp.count_leading_sign_bits(signed).tolist() == expected


def test_inputs_may_be_scalars_or_of_any_shape_and_are_not_modified():
    x = np.array([[-(1 << 26), 0], [-5, -(1 << 30)]])
    kept = x.copy()
    assert gemmlowp.exp_on_negative_values(x, 5).shape == (2, 2)
    assert gemmlowp.reciprocal(-x + 1, 12)[0].shape == (2, 2)
    assert gemmlowp.exp_on_negative_values(0, 5).item() == 2**31 - 1
    np.testing.assert_array_equal(x, kept)
