"""FLOOR_DIV and FLOOR_MOD by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, INT16, INT32, INT64 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)


@pytest.mark.parametrize("type", [FLOAT32, INT8, INT16, INT32])
def test_quotients_are_floored(compute, type):
    out = compute("FLOOR_DIV", [([7, -7, 7, -7], type), ([2, 2, -2, -2], type)], (type,))
    assert out.tolist() == [3, -4, -4, 3]


@pytest.mark.parametrize("type", [FLOAT32, INT8, INT16, INT32, INT64])
def test_remainders_have_the_sign_of_the_divisor(compute, type):
    out = compute("FLOOR_MOD", [([7, -7, 7, -7, 6], type), ([3, 3, -3, -3, 3], type)], (type,))
    assert out.tolist() == [1, 2, -2, -1, 0]


def test_codes_are_divided_whatever_their_scales(compute):
    parameters = quantization(0.1, 5)
    operands = [([[100]], INT8, parameters), ([7, -7], INT8, quantization(3.0))]
    assert compute("FLOOR_DIV", operands, (INT8, parameters)).tolist() == [[14, -15]]
    assert compute("FLOOR_MOD", operands, (INT8, parameters)).tolist() == [[2, -5]]


def test_a_quotient_that_does_not_fit_wraps_outside_of_whole_blocks(compute):
    smallest, minus_one = [-128] * 11, [-1] * 11
    out = compute("FLOOR_DIV", [(smallest, INT8), (minus_one, INT8)], (INT8,))
    assert out.tolist() == [127] * 8 + [-128] * 3
    out = compute("FLOOR_DIV", [(smallest, INT8), ([-1], INT8)], (INT8,))
    assert out.tolist() == [-128] * 11
    out = compute("FLOOR_DIV", [([-(2**31)] * 8, INT32), ([-1] * 8, INT32)], (INT32,))
    assert out.tolist() == [-(2**31)] * 8


def test_remainders_of_minus_one(compute):
    assert compute("FLOOR_MOD", [([-128], INT8), ([-1], INT8)], (INT8,)).tolist() == [0]
    for type in (INT32, INT64):
        smallest = int(np.iinfo(type.dtype).min)
        with pytest.raises(UnsupportedError, match="LiteRT ends the process"):
            compute("FLOOR_MOD", [([smallest], type), ([-1], type)], (type,))


def test_no_divisor_is_zero(compute):
    for operator, type in (("FLOOR_DIV", INT32), ("FLOOR_DIV", FLOAT32), ("FLOOR_MOD", INT64)):
        with pytest.raises(InvalidModelError, match="input 1: a divisor of 0"):
            compute(operator, [([1, 1], type), ([1, 0], type)], (type,))


def test_float_quotients_are_formed_in_float64(compute):
    x, y = np.float32(16777215), np.float32(0.1)
    out = compute("FLOOR_DIV", [([x, np.inf, np.nan], FLOAT32), ([y, 1, 1], FLOAT32)], (FLOAT32,))
    assert out[0] == np.float32(np.floor(float(x) / float(y)))
    assert out[1] == np.inf
    assert np.isnan(out[2])


def test_float_remainders(compute):
    x, y = [1.0, np.inf, -0.0, 1e-30, 5.5], [0.0, 2.0, 3.0, -3.0, np.inf]
    out = compute("FLOOR_MOD", [(x, FLOAT32), (y, FLOAT32)], (FLOAT32,))
    assert np.isnan(out[:2]).all()
    assert np.signbit(out[2])
    assert out[3:].tolist() == [-3, 5.5]


def test_types(compute):
    with pytest.raises(UnsupportedError):
        compute("FLOOR_DIV", [([1], INT64), ([1], INT64)], (INT64,))
    with pytest.raises(InvalidModelError):
        compute("FLOOR_MOD", [([1], INT64), ([1], INT32)], (INT64,))
