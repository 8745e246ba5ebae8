"""QUANTIZE by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32, INT4, UINT4 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT4,
    TensorType.UINT4,
)
ONE = quantization(1.0)


def test_halves_are_rounded_away_from_zero(compute):
    x = [0.5, -0.5, 1.5, 0.49999997, -2.5]
    assert compute("QUANTIZE", [(x, FLOAT32)], (INT8, ONE)).tolist() == [1, -1, 2, 0, -3]


def test_numbers_are_divided_by_the_scale_not_multiplied_by_its_inverse(compute):
    scale = np.float32(0.7)
    halves = (np.arange(1, 60000, 2) / 2 * float(scale)).astype(np.float32)
    divided, multiplied = halves / scale, halves * (np.float32(1) / scale)
    telling = np.trunc(divided.astype(np.float64) + 0.5) != np.trunc(multiplied.astype(np.float64) + 0.5)
    assert telling.any()
    out = compute("QUANTIZE", [(halves[telling], FLOAT32)], (INT16, quantization(scale)))
    assert np.array_equal(out, np.trunc(divided[telling].astype(np.float64) + 0.5))


def test_what_is_no_int32_becomes_the_smallest_before_the_zero_point(compute):
    x = [np.inf, -np.inf, np.nan, 3e9, -3e9, 2e9]
    assert compute("QUANTIZE", [(x, FLOAT32)], (INT8, ONE)).tolist() == [-128] * 5 + [127]
    # INT32_MIN - 3 wraps to a large number.
    wrapped = compute("QUANTIZE", [(x, FLOAT32)], (INT8, quantization(1.0, -3)))
    assert wrapped.tolist() == [127] * 6


@pytest.mark.parametrize(("type", "low", "high"), [(INT4, -8, 7), (UINT4, 0, 15), (UINT8, 0, 255)])
def test_codes_saturate_at_the_ends_of_their_type(compute, type, low, high):
    out = compute("QUANTIZE", [([-1000, 1000, 2], FLOAT32)], (type, quantization(1.0, 1)))
    assert out.tolist() == [low, high, 3]


def test_every_channel_has_its_own_parameters(compute):
    parameters = quantization([1.0, 0.5], [0, -10], 1)
    out = compute("QUANTIZE", [([[3, 3], [-4, -4]], FLOAT32)], (INT8, parameters))
    assert out.tolist() == [[3, -4], [-4, -18]]


def test_four_bits_have_one_scale(compute):
    with pytest.raises(UnsupportedError, match="INT4 with several scales"):
        compute("QUANTIZE", [([1, 2], FLOAT32)], (INT4, quantization([1.0, 2.0])))


def test_scales_must_be_as_many_as_channels(compute):
    with pytest.raises(InvalidModelError):
        compute("QUANTIZE", [([1, 2, 3], FLOAT32)], (INT8, quantization([1.0, 2.0])))


def test_the_output_has_a_scale(compute):
    with pytest.raises(InvalidModelError, match="output: no scale"):
        compute("QUANTIZE", [([1], FLOAT32)], (INT8,))


@pytest.mark.parametrize(
    ("source", "target"), [(FLOAT32, INT32), (INT8, INT32), (INT16, UINT8), (INT32, UINT8), (INT32, INT32)]
)
def test_pairs_that_no_kernel_has_are_refused(compute, source, target):
    parameters = None if source is FLOAT32 else ONE
    with pytest.raises(UnsupportedError, match=f"output: {target.name}"):
        compute("QUANTIZE", [([1], source, parameters)], (target, ONE))


def test_every_code_moves_by_128_between_signed_and_unsigned(compute):
    codes = np.arange(-128, 128)
    first, second = quantization(0.3, -5), quantization(0.3, 123)
    there = compute("QUANTIZE", [(codes, INT8, first)], (UINT8, second))
    assert np.array_equal(there, codes + 128)
    back = compute("QUANTIZE", [(there, UINT8, second)], (INT8, first))
    assert np.array_equal(back, codes)


def test_codes_to_half_as_many_round_up_and_then_away(compute):
    # A factor of 1/2 is rounded by the doubling high product alone, halves up.
    x = [1, -1, 3, -3]
    assert compute("QUANTIZE", [(x, INT8, ONE)], (INT8, quantization(2.0))).tolist() == [1, 0, 2, -1]


def test_codes_to_codes_of_other_width(compute):
    x = [-32768, 100, 32767]
    out = compute("QUANTIZE", [(x, INT16, quantization(2.0**-8))], (INT8, quantization(1.0, 2)))
    assert out.tolist() == [-126, 2, 127]
    out = compute("QUANTIZE", [(x, INT16, ONE)], (INT32, quantization(0.25, 1)))
    assert out.tolist() == [-131071, 401, 131069]


def test_differences_of_int32_wrap(compute):
    out = compute("QUANTIZE", [([2**31 - 1], INT32, quantization(1.0, -5))], (INT16, quantization(2.0)))
    assert out.tolist() == [-32768]


def test_int16_to_int16_has_no_zero_points(compute):
    for first, second in ((quantization(1.0, 1), ONE), (ONE, quantization(1.0, 1))):
        with pytest.raises(InvalidModelError, match="zero_point: 1; wanted 0"):
            compute("QUANTIZE", [([1], INT16, first)], (INT16, second))


def test_several_scales_count_as_none_between_integers(compute):
    several = quantization([1.0, 2.0])
    assert compute("QUANTIZE", [([5, 6], INT8, several)], (INT8, quantization(1.0, 3))).tolist() == [3, 3]
    assert compute("QUANTIZE", [([5, 6], INT8, ONE)], (INT8, several)).tolist() == [0, 0]


def test_empty_and_scalar(compute):
    assert compute("QUANTIZE", [(np.empty((0, 2)), FLOAT32)], (INT8, ONE)).shape == (0, 2)
    assert compute("QUANTIZE", [(2.5, FLOAT32)], (INT8, ONE)).tolist() == 3
