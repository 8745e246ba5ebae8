"""POW by hand."""

import numpy as np
import pytest

from quantlib.arithmetic import libm
from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType

FLOAT32, INT32 = TensorType.FLOAT32, TensorType.INT32


def test_real_powers_are_the_c_librarys(compute):
    x, y = np.float32([2.0, 10.0, 0.1]), np.float32([0.5, -3.0, 2.5])
    out = compute("POW", [(x, FLOAT32), (y, FLOAT32)], (FLOAT32,))
    assert np.array_equal(out, libm.powf(x, y))


def test_negative_bases_need_whole_exponents(compute):
    out = compute("POW", [([-2.0, -2.0, 0.0], FLOAT32), ([3.0, 0.5, 0.0], FLOAT32)], (FLOAT32,))
    assert out[[0, 2]].tolist() == [-8, 1]
    assert np.isnan(out[1])


def test_one_whole_exponent_for_all_is_multiplied_out(compute):
    x = [[1e30, -1e30, 3.0]]
    largest = float(np.finfo(np.float32).max)
    assert compute("POW", [(x, FLOAT32), ([2.0], FLOAT32)], (FLOAT32,)).tolist() == [[largest, largest, 9]]
    out = compute("POW", [(x, FLOAT32), ([3.000001], FLOAT32)], (FLOAT32,))
    assert out.tolist() == [[largest, -largest, 27]]
    assert compute("POW", [([[np.inf]], FLOAT32), ([1.0], FLOAT32)], (FLOAT32,)).tolist() == [[np.inf]]


def test_exponents_that_are_not_whole_are_not_multiplied_out(compute):
    out = compute("POW", [([[1e30]], FLOAT32), ([2.0001], FLOAT32)], (FLOAT32,))
    assert out.tolist() == [[np.inf]]
    assert np.isnan(compute("POW", [([[1.5]], FLOAT32), ([np.nan], FLOAT32)], (FLOAT32,))).all()


def test_whole_powers_are_exact_or_the_smallest_number(compute):
    x, y = [3, -2, 46341, 0, -1, 10, 2, -2], [19, 31, 2, 0, 5, 9, 31, 3]
    out = compute("POW", [(x, INT32), (y, INT32)], (INT32,))
    assert out.tolist() == [3**19, -(2**31), -(2**31), 1, -1, 10**9, -(2**31), -8]


def test_every_small_power_of_every_small_base(compute):
    x, y = np.arange(-60, 61)[:, None], np.arange(33)
    out = compute("POW", [(x, INT32), (y, INT32)], (INT32,))
    exact = x.astype(object) ** y.astype(object)
    fits = (exact >= -(2**31)) & (exact < 2**31)
    assert np.array_equal(out, np.where(fits, exact, -(2**31)).astype(np.int64))


def test_one_whole_exponent_for_all_wraps(compute):
    out = compute("POW", [([[3, 46341]], INT32), ([31], INT32)], (INT32,))
    wrapped = [(base**31 + 2**31) % 2**32 - 2**31 for base in (3, 46341)]
    assert out.tolist() == [wrapped]


def test_an_exponent_of_zero_is_not_multiplied_out(compute):
    assert compute("POW", [([[0, 5]], INT32), ([0], INT32)], (INT32,)).tolist() == [[1, 1]]


def test_negative_whole_exponents_are_refused(compute):
    with pytest.raises(InvalidModelError, match="a negative exponent"):
        compute("POW", [([2, 2], INT32), ([1, -1], INT32)], (INT32,))


def test_types(compute):
    with pytest.raises(InvalidModelError, match="input 1: INT32; wanted FLOAT32"):
        compute("POW", [([2], FLOAT32), ([1], INT32)], (FLOAT32,))
    with pytest.raises(UnsupportedError):
        compute("POW", [([2], TensorType.INT64), ([1], TensorType.INT64)], (TensorType.INT64,))
