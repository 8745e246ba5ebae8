"""MINIMUM by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, BOOL = TensorType.FLOAT32, TensorType.INT8, TensorType.BOOL


def test_numbers_and_shapes(compute):
    out = compute("MINIMUM", [([3, 2], TensorType.INT64), ([[-4, 5]], TensorType.INT64)], (TensorType.INT64,))
    assert out.tolist() == [[-4, 2]]


def test_a_comparison_with_nan_takes_the_second(compute):
    x, y = [np.nan, 1.0, -0.0, 0.0], [1.0, np.nan, 0.0, -0.0]
    out = compute("MINIMUM", [(x, FLOAT32), (y, FLOAT32)], (FLOAT32,))
    assert out[0] == 1
    assert np.isnan(out[1])
    assert np.signbit(out[2:]).tolist() == [False, True]


def test_codes_are_compared_whatever_their_scales(compute):
    x, y = quantization(1.0, 50), quantization(0.01, -50)
    codes = np.arange(-128, 128)
    out = compute("MINIMUM", [(codes[:, None], INT8, x), (codes, INT8, y)], (INT8, quantization(7.0, 3)))
    assert np.array_equal(out, np.minimum(codes[:, None], codes))


def test_operands_are_of_one_type(compute):
    with pytest.raises(InvalidModelError, match="input 1: INT8; wanted FLOAT32"):
        compute("MINIMUM", [([1], FLOAT32), ([1], INT8)], (FLOAT32,))
    with pytest.raises(UnsupportedError):
        compute("MINIMUM", [([True], BOOL), ([True], BOOL)], (BOOL,))


def test_shapes_that_do_not_broadcast_are_refused(compute):
    with pytest.raises(InvalidModelError, match="shapes that broadcast"):
        compute("MINIMUM", [([1, 2], FLOAT32), ([1, 2, 3], FLOAT32)], (FLOAT32,))
