"""LOGISTIC and TANH of int16 against LiteRT 2.3.0.

The digests are CRC-32 (little-endian int16) of what its reference kernels give for all 65 536 codes.
"""

import math
import zlib

import numpy as np
import pytest

from quantlib.arithmetic import sigmoid_table

ALL_INT16 = np.arange(-(2**15), 2**15)

# input scale: digests of LOGISTIC and TANH
LITERT = {
    2**-12: (0x928F0A46, 0xABDD53CC),
    2**-11: (0xB68DBA64, 0x20F0F708),
    2**-13: (0x5179F571, 0x931C6619),
    0.001: (0xF4645B2E, 0x25EF99D0),
    3e-05: (0x12244E43, 0x22D6EEF2),
    0.02: (0xD818108A, 0x665A3BE9),
}


def digest(values):
    return zlib.crc32(values.astype("<i2").tobytes())


@pytest.mark.parametrize("input_scale", LITERT)
def test_all_codes_come_out_as_from_litert(input_scale):
    logistic = sigmoid_table.input_multiplier(input_scale, power_of_two_shifts=(0,))
    tanh = sigmoid_table.input_multiplier(input_scale, power_of_two_shifts=(0, 1))
    got = (
        digest(sigmoid_table.logistic_int16(ALL_INT16, *logistic)),
        digest(sigmoid_table.tanh_int16(ALL_INT16, *tanh)),
    )
    assert got == LITERT[input_scale]


def test_the_table_is_litert_table():
    table = sigmoid_table.sigmoid_table()
    assert zlib.crc32(table.astype("<u2").tobytes()) == 0xB84F6AB4
    with pytest.raises(ValueError, match="read-only"):
        table[0] = 0


def test_no_libm_can_move_the_table():
    def logistic(i, factor):
        return 65536 / (1 + math.exp(-i / 24) * factor)

    for i, entry in enumerate(sigmoid_table.sigmoid_table()[:-1].tolist()):
        for factor in (1 - 2**-40, 1 + 2**-40):
            middle = logistic(i + 0.5, factor)
            real = logistic(i, factor) - ((logistic(i, factor) + logistic(i + 1, factor)) / 2 - middle) / 2
            assert math.floor(real + 0.5) == entry


@pytest.mark.parametrize("input_scale", [2**-12, 1e-3])
def test_the_functions_are_what_their_names_say(input_scale):
    real = ALL_INT16 * input_scale
    logistic = sigmoid_table.logistic_int16(
        ALL_INT16, *sigmoid_table.input_multiplier(input_scale, power_of_two_shifts=(0,))
    )
    tanh = sigmoid_table.tanh_int16(
        ALL_INT16, *sigmoid_table.input_multiplier(input_scale, power_of_two_shifts=(0, 1))
    )
    assert np.abs(logistic - [32768 / (1 + math.exp(-v)) for v in real]).max() < 6
    assert np.abs(tanh - [32768 * math.tanh(v) for v in real]).max() < 6


def test_scales_that_are_no_power_of_two_get_15_bits():
    multiplier, shift = sigmoid_table.input_multiplier(0.001, power_of_two_shifts=(0,))
    assert 2**14 <= multiplier < 2**15
    assert multiplier / 2**shift == pytest.approx(0.001 * 12288, rel=2**-14)


def test_products_beyond_int32_wrap():
    multiplier, shift = sigmoid_table.input_multiplier(20.0, power_of_two_shifts=(0,))
    assert (multiplier, shift) == (245760, 0)
    # 8738 * 245760 = 2**31 - 32768 fits; one code more is large and negative.
    assert sigmoid_table.logistic_int16([8738, 8739], multiplier, shift).tolist() == [32767, 1]


def test_inputs_may_be_scalars_or_of_any_shape():
    assert sigmoid_table.tanh_int16(0, 3, 0).shape == ()
    assert sigmoid_table.logistic_int16(np.zeros((2, 0), np.int16), 3, 0).shape == (2, 0)
