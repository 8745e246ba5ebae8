"""ABS, NEG, SQRT, RSQRT, SQUARE, FLOOR and LOGICAL_NOT by hand."""

import numpy as np
import pytest

from quantlib.arithmetic import rsqrt14
from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, FLOAT16, INT8, UINT8, INT16, INT32, INT64, BOOL = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)
ONE = quantization(1.0)


def test_abs_of_codes_is_taken_from_the_zero_point(compute):
    out = compute("ABS", [([-128, 1, 5], INT8, quantization(1.0, 1))], (INT8, quantization(1.0, -2)))
    assert out.tolist() == [127, -2, 2]


def test_abs_requantizes_where_scales_differ(compute):
    out = compute("ABS", [([-100, 3], INT8, ONE)], (INT8, quantization(2.0, 0)))
    assert out.tolist() == [50, 2]
    out = compute("ABS", [([-100, 50], INT16, quantization(0.5))], (INT16, quantization(0.25)))
    assert out.tolist() == [200, 100]


def test_abs_reads_the_first_of_several_scales(compute):
    out = compute("ABS", [([-5, 5], INT8, quantization([1.0, 2.0]))], (INT8, quantization(0.5)))
    assert out.tolist() == [10, 10]


def test_abs_of_the_smallest_number_is_itself(compute):
    assert compute("ABS", [([-(2**31), -5], INT32)], (INT32,)).tolist() == [-(2**31), 5]
    assert compute("ABS", [([-32768, -5], INT16)], (INT16,)).tolist() == [-32768, 5]
    assert compute("ABS", [([-32768], INT16, ONE)], (INT16, ONE)).tolist() == [32767]
    assert np.signbit(compute("ABS", [([-0.0], FLOAT32)], (FLOAT32,))).tolist() == [False]


@pytest.mark.parametrize("operator", ["ABS", "SQRT", "RSQRT"])
def test_codes_are_quantized_on_both_sides(compute, operator):
    with pytest.raises(InvalidModelError, match="input 0: not quantized"):
        compute(operator, [([1], INT8)], (INT8, ONE))
    with pytest.raises(InvalidModelError, match="output: not quantized"):
        compute(operator, [([1], INT16, ONE)], (INT16,))


@pytest.mark.parametrize("operator", ["ABS", "SQRT", "RSQRT"])
def test_int16_codes_have_no_zero_points(compute, operator):
    bad = quantization(1.0, 1)
    for first, second in ((bad, ONE), (ONE, bad)):
        with pytest.raises(InvalidModelError, match="zero_point: 1; wanted 0"):
            compute(operator, [([1], INT16, first)], (INT16, second))


def test_neg_ignores_scales_and_wraps(compute):
    x = [-128, -1, 0, 127]
    out = compute("NEG", [(x, INT8, quantization(1.0, 3))], (INT8, quantization(2.0, -7)))
    assert out.tolist() == [-128, 1, 0, -127]
    assert compute("NEG", [([-(2**63)], INT64)], (INT64,)).tolist() == [-(2**63)]
    assert np.signbit(compute("NEG", [([0.0, -0.0], FLOAT16)], (FLOAT16,))).tolist() == [True, False]
    with pytest.raises(UnsupportedError):
        compute("NEG", [([1], UINT8, ONE)], (UINT8, ONE))


def test_square_roots_of_codes_are_truncated(compute):
    x, y = quantization(0.5, -1), quantization(0.03, 2)
    # sqrt(0.5) = 0.7071 is 23.57 units, sqrt(3) = 1.7321 is 57.74, sqrt(64) = 8 is 266.67.
    out = compute("SQRT", [([0, 5, 127, -1], INT8, x)], (INT8, y))
    assert out.tolist() == [25, 59, 127, 2]


def test_square_roots_of_negative_codes_are_refused(compute):
    with pytest.raises(InvalidModelError, match="a negative number"):
        compute("SQRT", [([3, -1], INT16, ONE)], (INT16, ONE))


def test_square_roots_of_floats(compute):
    out = compute("SQRT", [([2.0, -0.0, -1.0], FLOAT32)], (FLOAT32,))
    assert out[0] == np.float32(np.sqrt(2.0))
    assert np.signbit(out[1])
    assert np.isnan(out[2])


def test_reciprocal_roots_of_codes(compute):
    x, y = quantization(0.25, -10), quantization(0.01, -100)
    # 1 / sqrt(0.25) = 2 is 200 units, 1 / sqrt(4) = 0.5 is 50.
    out = compute("RSQRT", [([-9, 6, -10], INT8, x)], (INT8, y))
    assert out.tolist() == [100, -50, 127]
    out = compute("RSQRT", [([4, 16384], INT16, quantization(0.25))], (INT16, quantization(1e-3)))
    assert abs(int(out[1]) - 15.6) < 2


def test_reciprocal_roots_below_the_zero_point_are_refused(compute):
    for type, parameters in ((INT8, quantization(1.0, 5)), (INT16, ONE)):
        with pytest.raises(InvalidModelError, match="below its zero point"):
            compute("RSQRT", [([-1], type, parameters)], (type, ONE))


def test_reciprocal_roots_of_floats_are_rounded_twice(compute):
    out = compute("RSQRT", [([3.0, 0.0, -0.0, -1.0], FLOAT32)], (FLOAT32,))
    assert out[0] == np.float32(1) / np.sqrt(np.float32(3))
    assert out[1:3].tolist() == [np.inf, -np.inf]
    assert np.isnan(out[3])


def test_squares(compute):
    assert compute("SQUARE", [([1e30, -3.0], FLOAT32)], (FLOAT32,)).tolist() == [np.inf, 9]
    with pytest.raises(UnsupportedError):
        compute("SQUARE", [([1], INT32)], (INT32,))


@pytest.mark.parametrize("type", [FLOAT32, FLOAT16])
def test_floors(compute, type):
    out = compute("FLOOR", [([1.5, -0.5, -0.0, np.inf], type)], (type,))
    assert out.dtype == type.dtype
    assert out.tolist() == [1, -1, 0, np.inf]
    assert np.signbit(out[2])


def test_logical_not(compute):
    assert compute("LOGICAL_NOT", [([True, False], BOOL)], (BOOL,)).tolist() == [False, True]
    with pytest.raises(UnsupportedError):
        compute("LOGICAL_NOT", [([1], INT8)], (INT8,))


@pytest.mark.parametrize("operator", ["ABS", "NEG", "SQRT", "RSQRT", "SQUARE", "FLOOR"])
def test_the_type_stays(compute, operator):
    with pytest.raises(InvalidModelError, match="output: INT32; wanted FLOAT32"):
        compute(operator, [([1.0], FLOAT32)], (INT32,))


@pytest.mark.parametrize(
    ("operator", "function"), [("SQRT", rsqrt14.root), ("RSQRT", rsqrt14.reciprocal_root)]
)
def test_xnnpack_refines_the_estimate_of_the_processor(compute, operator, function):
    x = np.linspace(0.1, 9, 300, dtype=np.float32)
    optimized, xnnpack = (
        compute(operator, [(x, FLOAT32)], (FLOAT32,), kernels=kernels) for kernels in ("optimized", "xnnpack")
    )
    assert np.array_equal(xnnpack, function(x))
    assert not np.array_equal(xnnpack, optimized)
    np.testing.assert_allclose(xnnpack, optimized, rtol=3e-7)
