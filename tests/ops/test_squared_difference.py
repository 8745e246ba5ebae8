"""SQUARED_DIFFERENCE by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, INT32 = TensorType.FLOAT32, TensorType.INT8, TensorType.INT32
ONE = quantization(1.0)


def test_codes_of_different_scales(compute):
    x, y = quantization(0.5, 1), quantization(0.25)
    operands = [([7, 1], INT8, x), ([4, 8], INT8, y)]  # 3 - 1 and 0 - 2
    assert compute("SQUARED_DIFFERENCE", operands, (INT8, quantization(0.5, -10))).tolist() == [-2, -2]


def test_every_pair_of_codes_is_near_the_square(compute):
    codes = np.arange(-128, 128)
    x, y, z = quantization(0.1, 3), quantization(0.07, -5), quantization(2.0, -128)
    out = compute("SQUARED_DIFFERENCE", [(codes[:, None], INT8, x), (codes, INT8, y)], (INT8, z))
    exact = (0.1 * (codes[:, None] - 3) - 0.07 * (codes + 5)) ** 2 / 2.0 - 128
    assert np.abs(out - np.clip(exact, -128, 127)).max() <= 0.75


def test_an_output_scale_too_small_is_refused(compute):
    operands = [([1], INT8, ONE), ([1], INT8, ONE)]
    with pytest.raises(UnsupportedError, match=r"output quantization\.scale"):
        compute("SQUARED_DIFFERENCE", operands, (INT8, quantization(2.0**-12)))
    assert compute("SQUARED_DIFFERENCE", operands, (INT8, quantization(2.0**-11))).tolist() == [0]


def test_codes_need_scales(compute):
    with pytest.raises(UnsupportedError, match="input 0"):
        compute("SQUARED_DIFFERENCE", [([1], INT8), ([1], INT8)], (INT8, ONE))


def test_whole_numbers_wrap(compute):
    operands = [([2**31 - 1, 3], INT32), ([-5, 7], INT32)]
    assert compute("SQUARED_DIFFERENCE", operands, (INT32,)).tolist() == [16, 16]


def test_floats_are_rounded_twice_and_not_clamped(compute):
    operands = [([1e30, 0.1], FLOAT32), ([-1e30, 0.3], FLOAT32)]
    out = compute("SQUARED_DIFFERENCE", operands, (FLOAT32,))
    difference = np.float32(0.1) - np.float32(0.3)
    assert out.tolist() == [np.inf, difference * difference]


def test_other_types_are_refused(compute):
    with pytest.raises(UnsupportedError):
        compute("SQUARED_DIFFERENCE", [([1], TensorType.UINT8, ONE)] * 2, (TensorType.UINT8, ONE))
    with pytest.raises(InvalidModelError):
        compute("SQUARED_DIFFERENCE", [([1], INT32), ([1], FLOAT32)], (INT32,))
