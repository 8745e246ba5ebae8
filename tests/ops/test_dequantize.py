"""DEQUANTIZE by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, FLOAT16, INT8, UINT8, INT16, INT4, UINT4, INT2, INT32 = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT4,
    TensorType.UINT4,
    TensorType.INT2,
    TensorType.INT32,
)


def test_codes_are_scaled_from_their_zero_point(compute):
    out = compute("DEQUANTIZE", [([-128, 0, 127], INT8, quantization(0.5, -1))], (FLOAT32,))
    assert out.dtype == np.float32
    assert out.tolist() == [-63.5, 0.5, 64]


def test_every_code_is_the_float64_product_rounded_once(compute):
    codes = np.arange(256)
    out = compute("DEQUANTIZE", [(codes, UINT8, quantization(0.1, 77))], (FLOAT32,))
    assert np.array_equal(out, (float(np.float32(0.1)) * (codes - 77)).astype(np.float32))


def test_every_channel_has_its_own_parameters(compute):
    parameters = quantization([0.5, 0.1], [1, -2], 0)
    out = compute("DEQUANTIZE", [([[3, 5], [3, 5]], INT8, parameters)], (FLOAT32,))
    tenth = np.float32(0.1)
    assert out.tolist() == [[1, 2], [tenth * np.float32(5), tenth * np.float32(7)]]


@pytest.mark.parametrize(
    ("type", "codes"), [(INT4, [-8, 7, 3]), (UINT4, [0, 15, 8]), (INT2, [-2, 1, -1, 0, 1])]
)
def test_packed_constants(compute, type, codes):
    out = compute("DEQUANTIZE", [(codes, type, quantization(0.5, 1))], (FLOAT32,), constants=[0])
    assert out.tolist() == [(code - 1) / 2 for code in codes]


def test_half_precision_is_widened(compute):
    x = np.array([1.1, -0.0, np.inf, 6e-8, np.nan], np.float16)
    out = compute("DEQUANTIZE", [(x, FLOAT16)], (FLOAT32,))
    assert np.array_equal(out, x.astype(np.float32), equal_nan=True)
    assert np.signbit(out[1])


def test_a_missing_scale_counts_as_zero(compute):
    out = compute("DEQUANTIZE", [([-2, 3], INT8)], (FLOAT32,))
    assert out.tolist() == [0, 0]
    assert np.signbit(out).tolist() == [True, False]


def test_int16_has_one_scale_and_no_zero_point(compute):
    assert compute("DEQUANTIZE", [([-7], INT16, quantization(0.25))], (FLOAT32,)).tolist() == [-1.75]
    with pytest.raises(InvalidModelError, match="zero_point: 1; wanted 0"):
        compute("DEQUANTIZE", [([1], INT16, quantization(0.25, 1))], (FLOAT32,))
    with pytest.raises(UnsupportedError):
        compute("DEQUANTIZE", [([1, 2], INT16, quantization([0.25, 0.5]))], (FLOAT32,))


def test_other_types_are_refused(compute):
    with pytest.raises(UnsupportedError):
        compute("DEQUANTIZE", [([1], INT32, quantization(0.25))], (FLOAT32,))
    with pytest.raises(InvalidModelError, match="output: FLOAT16; wanted FLOAT32"):
        compute("DEQUANTIZE", [([1], INT8, quantization(0.25))], (FLOAT16,))
