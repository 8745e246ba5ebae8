"""RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1 by hand."""

import math

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16 = TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8, TensorType.INT16
BOUNDS = {"RELU": (0, math.inf), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1), "RELU_0_TO_1": (0, 1)}

each = pytest.mark.parametrize("operator", BOUNDS)


@each
def test_numbers_are_clipped(compute, operator):
    low, high = BOUNDS[operator]
    x = [-7.5, -1.0, -0.25, 0.5, 1.5, 6.5]
    out = compute(operator, [(x, FLOAT32)], (FLOAT32,))
    assert out.tolist() == [min(max(value, low), high) for value in x]


@each
def test_nan_and_minus_zero_pass(compute, operator):
    out = compute(operator, [([np.nan, -0.0], FLOAT32)], (FLOAT32,))
    assert np.isnan(out[0])
    assert np.signbit(out[1])


@each
@pytest.mark.parametrize(("type", "middle"), [(INT8, 0), (UINT8, 128)])
def test_every_code_is_clipped_in_units_of_its_scale(compute, operator, type, middle):
    low, high = BOUNDS[operator]
    codes = np.arange(-128, 128) + middle
    parameters = quantization(2.0**-3, middle - 5)
    out = compute(operator, [(codes, type, parameters)], (type, parameters))
    zero = middle - 5
    assert np.array_equal(out, np.clip(codes, zero + 8 * low, zero + 8 * high if high < 99 else 999))


@each
def test_codes_are_brought_to_the_scale_of_the_output(compute, operator):
    x, y = quantization(0.5, 1), quantization(0.25, -10)
    out = compute(operator, [([2, 3], INT8, x)], (INT8, y))
    assert out.tolist() == [-8, -6]


@each
def test_bounds_are_rounded_away_from_zero(compute, operator):
    low, high = BOUNDS[operator]
    parameters = quantization(0.4)
    out = compute(operator, [([-100, 100], INT8, parameters)], (INT8, parameters))
    expected = {-1: -3, 0: 0, 1: 3, 6: 15, math.inf: 100}  # 1 / 0.4 = 2.5
    assert out.tolist() == [expected[low], expected[high]]


@pytest.mark.parametrize("operator", ["RELU", "RELU6"])
def test_int16_has_no_zero_points(compute, operator):
    good, bad = quantization(2.0**-10), quantization(2.0**-10, 2)
    out = compute(operator, [([-500, 500, 32767], INT16, good)], (INT16, good))
    assert out.tolist() == [0, 500, 32767 if operator == "RELU" else 6 * 1024]
    for first, second in ((bad, good), (good, bad)):
        with pytest.raises(InvalidModelError, match="zero_point: 2; wanted 0"):
            compute(operator, [([1], INT16, first)], (INT16, second))


@pytest.mark.parametrize("operator", ["RELU_N1_TO_1", "RELU_0_TO_1"])
def test_int16_is_clipped_at_zero_and_six_alone(compute, operator):
    with pytest.raises(UnsupportedError):
        compute(operator, [([1], INT16, quantization(1.0))], (INT16, quantization(1.0)))


@each
def test_the_type_stays(compute, operator):
    with pytest.raises(InvalidModelError, match="output: UINT8; wanted INT8"):
        compute(operator, [([1], INT8, quantization(1.0))], (UINT8, quantization(1.0)))
    with pytest.raises(UnsupportedError):
        compute(operator, [([1], TensorType.INT32)], (TensorType.INT32,))


@each
def test_a_missing_scale_gives_zero(compute, operator):
    assert compute(operator, [([-5, 5], INT8, quantization(1.0))], (INT8,)).tolist() == [0, 0]
