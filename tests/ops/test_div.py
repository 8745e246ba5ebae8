"""DIV by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops.div import DivOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
)
ONE = quantization(1.0)


def test_codes_are_divided_as_real_numbers(compute):
    x, y = quantization(0.5, 1), quantization(0.25, -2)
    operands = [([9, -7, 9], INT8, x), ([6, 6, -10], INT8, y)]  # 4, -4, 4 over 2, 2, -2
    assert compute("DIV", operands, (INT8, quantization(0.5, 3))).tolist() == [7, -1, -1]


def test_quotients_below_half_a_unit_come_out_wrong(compute):
    # 0 and 1 over 100, in units of 1 and of 2: shifts of 32 and more are taken modulo 32.
    parameters = quantization(1.0, 7)
    operands = [([7], INT8, parameters), ([100], INT8, ONE)]
    assert compute("DIV", operands, (INT8, quantization(1.0, 9))).tolist() == [10]
    operands = [([8], INT8, parameters), ([100], INT8, ONE)]
    assert compute("DIV", operands, (INT8, quantization(2.0, 9))).tolist() == [127]


@pytest.mark.parametrize(("type", "low"), [(INT8, -128), (UINT8, 0)])
def test_every_larger_quotient_is_within_three_quarters(compute, type, low):
    codes = np.arange(low, low + 256)
    divisors = codes[codes != low + 100]
    x, y, z = quantization(0.5, low + 90), quantization(0.25, low + 100), quantization(0.5, low + 128)
    out = compute("DIV", [(codes[:, None], type, x), (divisors, type, y)], (type, z))
    units = 0.5 * (codes[:, None] - low - 90) / (0.25 * (divisors - low - 100)) / 0.5
    exact = np.clip(units + low + 128, low, low + 255)
    assert np.abs(out - exact)[np.abs(units) >= 1].max() <= 0.75


def test_int16_may_have_zero_points(compute):
    operands = [([100, 200], INT16, quantization(1.0, 5)), ([3, 5], INT16, quantization(1.0, 1))]
    assert compute("DIV", operands, (INT16, quantization(0.5, 7))).tolist() == [102, 105]


def test_activations_bound_the_codes(compute):
    operands = [([-100, 4, 100], INT8, ONE), ([2, 2, 2], INT8, ONE)]
    out = compute("DIV", operands, (INT8, quantization(0.5)), DivOptions(Activation.RELU6))
    assert out.tolist() == [0, 4, 12]


def test_no_divisor_code_is_the_zero_point(compute):
    with pytest.raises(InvalidModelError, match="input 1: a divisor of 0"):
        compute("DIV", [([1, 1], INT8, ONE), ([1, 5], INT8, quantization(1.0, 5))], (INT8, ONE))


def test_the_divisor_has_one_zero_point(compute):
    with pytest.raises(InvalidModelError, match="input 1 zero points: 2"):
        compute("DIV", [([1, 1], INT8, ONE), ([1, 5], INT8, quantization([1.0, 2.0]))], (INT8, ONE))


def test_whole_numbers_are_truncated(compute):
    operands = [([7, -7, 7, -(2**31)], INT32), ([2, 2, -2, 3], INT32)]
    assert compute("DIV", operands, (INT32,)).tolist() == [3, -3, -3, -715827882]


def test_the_smallest_whole_number_over_minus_one_saturates(compute):
    operands = [([-(2**31)], INT32), ([-1], INT32)]
    assert compute("DIV", operands, (INT32,)).tolist() == [2**31 - 1]
    assert compute("DIV", operands, (INT32,), DivOptions(Activation.RELU6)).tolist() == [6]
    with pytest.raises(InvalidModelError, match="input 1: a divisor of 0"):
        compute("DIV", [([1], INT32), ([0], INT32)], (INT32,))


def test_float_quotients_are_finite_or_nan(compute):
    operands = [([1, -1, 0, 3], FLOAT32), ([0, 0, 0, 7], FLOAT32)]
    out = compute("DIV", operands, (FLOAT32,))
    largest = float(np.finfo(np.float32).max)
    assert out[:2].tolist() == [largest, -largest]
    assert np.isnan(out[2])
    assert out[3] == np.float32(3) / np.float32(7)


def test_other_types_are_refused(compute):
    with pytest.raises(UnsupportedError):
        compute("DIV", [([1], TensorType.INT64), ([1], TensorType.INT64)], (TensorType.INT64,))
    with pytest.raises(InvalidModelError):
        compute("DIV", [([1], INT8, ONE), ([1], UINT8, ONE)], (INT8, ONE))
