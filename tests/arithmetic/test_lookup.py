"""Tables against LiteRT's own, and against what they stand for.

The digests are CRC-32 (as little-endian int16) of what LiteRT's common.h (f67457790) computes when
compiled for x86-64 and linked with glibc 2.36.
"""

import math
import zlib

import numpy as np
import pytest

from quantlib.arithmetic import libm, lookup
from quantlib.errors import InvalidInputError

ALL_INT8 = np.arange(-128, 128).astype(np.int8)
ALL_UINT8 = np.arange(256).astype(np.uint8)
ALL_INT16 = np.arange(-(2**15), 2**15).astype(np.int16)


def logistic(x):
    with np.errstate(over="ignore"):
        return np.float32(1) / (np.float32(1) + libm.expf(-x))


def identity(x):
    return x


def digest(values):
    return zlib.crc32(values.astype("<i2").tobytes())


@pytest.mark.parametrize(
    ("function", "parameters", "int8_digest", "uint8_digest"),
    [
        (libm.tanhf, (0.03, 5, 1 / 128, 0), 0x32CEE918, 0x9FDF662D),
        (logistic, (0.08, -20, 1 / 256, -128), 0x4E2A0A44, 0x71F7EC74),
        (libm.expf, (0.01, 3, 0.02, -100), 0x49A3D695, 0x49A6B82E),
    ],
)
def test_8_bit_tables_are_litert_tables(function, parameters, int8_digest, uint8_digest):
    input_scale, input_zero_point, output_scale, output_zero_point = parameters
    signed = lookup.table_8bit(function, *parameters)
    unsigned = lookup.table_8bit(
        function, input_scale, input_zero_point + 128, output_scale, output_zero_point + 128, np.uint8
    )
    assert (digest(signed), digest(unsigned)) == (int8_digest, uint8_digest)


@pytest.mark.parametrize(("x", "zero_point"), [(ALL_INT8, -3), (ALL_UINT8, 200)])
def test_the_identity_between_equal_parameters_changes_no_code(x, zero_point):
    table = lookup.table_8bit(identity, 0.25, zero_point, 0.25, zero_point, x.dtype)
    np.testing.assert_array_equal(lookup.look_up(x, table), x)


def test_entries_round_half_away_from_zero():
    table = lookup.table_8bit(identity, 0.5, 0, 1.0, 10)
    assert table[128 + np.array([-3, -1, 1, 3])].tolist() == [8, 9, 11, 12]


@pytest.mark.parametrize(
    ("dtype", "codes"), [(np.int8, [-128, 0, 127, 127, -128]), (np.uint8, [0, 0, 0, 255, 0])]
)
def test_what_does_not_fit_int32_saturates_in_int8_and_becomes_0_in_uint8(dtype, codes):
    values = np.array([-np.inf, np.nan, 1e20, 1e9, -1e9], np.float32)
    table = lookup.table_8bit(lambda x: np.resize(values, x.shape), 1.0, 0, 1.0, 5, dtype)
    assert table[:5].tolist() == codes


def test_8_bit_tables_exist_for_8_bit_types_alone():
    with pytest.raises(InvalidInputError, match="dtype: int16; wanted int8 or uint8"):
        lookup.table_8bit(identity, 1.0, 0, 1.0, 0, np.int16)


def test_int16_tables_are_computed_in_float32_or_float64():
    with pytest.raises(InvalidInputError, match="real_dtype: float16; wanted float32 or float64"):
        lookup.table_int16(identity, 1.0, 0, 1.0, 0, np.float16)


@pytest.mark.parametrize(
    ("function", "parameters", "table_digest", "results_digest"),
    [
        (libm.tanhf, (1 / 4096, 0, 1 / 32768, 0), 0xFC24209B, 0x835190EC),
        (libm.expf, (1e-4, 0, 1e-3, 0), 0xF8240391, 0x2D685CAC),
        (libm.expf, (1e-4, 77, 1e-3, -500), 0x2DE117ED, 0xE66989B6),
        (logistic, (3e-4, 0, 1 / 32768, 0), 0x4E00EDC0, 0x5BC363A4),
    ],
)
def test_int16_tables_and_their_interpolation_are_litert_ones(
    function, parameters, table_digest, results_digest
):
    table = lookup.table_int16(function, *parameters)
    assert digest(table) == table_digest
    assert digest(lookup.look_up_int16(ALL_INT16, table)) == results_digest


def test_softmax_tables_are_litert_tables():
    assert digest(lookup.softmax_exp_table()) == 0xAC7DFFAA
    assert digest(lookup.softmax_one_over_one_plus_x_table()) == 0xADF81625


@pytest.mark.parametrize("factor", [1 - 2**-48, 1 + 2**-48])
def test_no_libm_can_move_the_softmax_exp_table(factor):
    # 2**-48 is 32 units in the last place: far worse than any libm's exp.
    def nearly_exp(x):
        return np.array([math.exp(one) * factor for one in x.tolist()])

    moved = lookup.table_int16(nearly_exp, 10.0 / 65535, 32767, 2.0 / 65535, 0, np.float64)
    np.testing.assert_array_equal(moved, lookup.softmax_exp_table())


def test_cached_tables_cannot_be_overwritten():
    with pytest.raises(ValueError, match="read-only"):
        lookup.softmax_exp_table()[0] = 1


def test_interpolation_follows_tanh():
    # 4 units for half a code where the slope is 8, 1.6 for half of the chord's error, 0.5 to round.
    table = lookup.table_int16(libm.tanhf, 1 / 4096, 0, 1 / 32768, 0)
    exact = np.array([math.tanh(x / 4096) * 32768 for x in ALL_INT16.tolist()])
    assert np.abs(lookup.look_up_int16(ALL_INT16, table) - exact).max() < 6.1


def test_a_slope_beyond_int16_wraps():
    table = np.zeros(513, np.int16)
    table[256], table[257] = 32767, -32768  # the slope -65535 becomes 1
    assert lookup.look_up_int16([127], table).tolist() == [-32768]
    assert lookup.look_up_int16([63], table).tolist() == [32767]


def test_functions_that_overflow_leave_a_table_without_warnings():
    # exp is infinite from code 888 on. The entry before is offset by an infinite error, the entries
    # after it by infinity minus infinity, which the cast to int16 makes 0.
    table = lookup.table_int16(libm.expf, 0.1, 0, 1e30, 0)
    assert table[:256].tolist() == [0] * 256
    assert table[260:264].tolist() == [0, -535, -32768, 0]
    assert table[511:].tolist() == [0, 32767]


def test_any_shape_of_codes_is_looked_up():
    table = np.arange(256).astype(np.uint8)
    assert lookup.look_up(np.zeros((2, 0), np.int8), table).shape == (2, 0)
    assert lookup.look_up(np.array(-128, np.int8), table) == 0
    assert lookup.look_up_int16(np.zeros((2, 3), np.int16), np.zeros(513, np.int16)).shape == (2, 3)
