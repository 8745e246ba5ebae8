"""LEAKY_RELU by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops.leaky_relu import LeakyReluOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16 = TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8, TensorType.INT16
ONE = quantization(1.0)


def test_negative_numbers_are_sloped(compute):
    x = [-4.0, -0.0, 0.0, 3.0]
    out = compute("LEAKY_RELU", [(x, FLOAT32)], (FLOAT32,), LeakyReluOptions(0.25))
    assert out.tolist() == [-1, 0, 0, 3]
    assert np.signbit(out).tolist() == [True, True, False, False]


def test_the_product_is_a_float32(compute):
    out = compute("LEAKY_RELU", [([-3.0, np.nan], FLOAT32)], (FLOAT32,), LeakyReluOptions(0.1))
    assert out[0] == np.float32(-3) * np.float32(0.1)
    assert np.isnan(out[1])


def test_without_options_alpha_is_zero(compute):
    assert compute("LEAKY_RELU", [([-2.0, 2.0], FLOAT32)], (FLOAT32,)).tolist() == [0, 2]


def test_codes_are_sloped_from_their_zero_point(compute):
    x, y = quantization(0.5, 10), quantization(0.25, -3)
    out = compute("LEAKY_RELU", [([2, 10, 14], INT8, x)], (INT8, y), LeakyReluOptions(0.5))
    assert out.tolist() == [-11, -3, 5]  # -4, 0, 2 become -2, 0, 2


def test_a_negative_slope_rounds_as_the_positive_one(compute):
    x = [-1, -3, -5]  # a factor of 1/2 rounds halves up: 0, -1, -2
    positive = compute("LEAKY_RELU", [(x, INT8, ONE)], (INT8, ONE), LeakyReluOptions(0.5))
    negative = compute("LEAKY_RELU", [(x, INT8, ONE)], (INT8, ONE), LeakyReluOptions(-0.5))
    assert positive.tolist() == [0, -1, -2]
    assert negative.tolist() == [0, 1, 2]


@pytest.mark.parametrize(("type", "low"), [(INT8, -128), (UINT8, 0)])
def test_every_code_saturates_or_is_within_three_quarters(compute, type, low):
    codes = np.arange(low, low + 256)
    x, y = quantization(0.1, low + 200), quantization(0.05, low + 180)
    out = compute("LEAKY_RELU", [(codes, type, x)], (type, y), LeakyReluOptions(0.3))
    real = 0.1 * (codes - low - 200)
    exact = np.where(real >= 0, real, 0.3 * real) / 0.05 + low + 180
    assert np.abs(out - np.clip(exact, low, low + 255)).max() <= 0.75


def test_int16_has_no_zero_points(compute):
    good, bad = quantization(0.01), quantization(0.01, 5)
    out = compute("LEAKY_RELU", [([-1000, 1000], INT16, good)], (INT16, good), LeakyReluOptions(0.2))
    assert out.tolist() == [-200, 1000]
    for first, second in ((bad, good), (good, bad)):
        with pytest.raises(InvalidModelError, match="zero_point: 5; wanted 0"):
            compute("LEAKY_RELU", [([1], INT16, first)], (INT16, second))


def test_the_type_stays(compute):
    with pytest.raises(InvalidModelError, match="output: UINT8; wanted INT8"):
        compute("LEAKY_RELU", [([1], INT8, ONE)], (UINT8, ONE))
    with pytest.raises(UnsupportedError):
        compute("LEAKY_RELU", [([1], TensorType.INT32)], (TensorType.INT32,))
