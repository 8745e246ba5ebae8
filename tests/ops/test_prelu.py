"""PRELU by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16 = TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8, TensorType.INT16
ONE = quantization(1.0)


def test_every_channel_has_its_slope(compute):
    x, alpha = [[-4.0, -4.0], [4.0, -1.0]], [0.5, -2.0]
    out = compute("PRELU", [(x, FLOAT32), (alpha, FLOAT32)], (FLOAT32,), constants=[1])
    assert out.tolist() == [[-2, 8], [4, 2]]


def test_nan_and_minus_zero(compute):
    x, alpha = [np.nan, -0.0, -np.inf], [1.0, 5.0, 0.0]
    out = compute("PRELU", [(x, FLOAT32), (alpha, FLOAT32)], (FLOAT32,))
    assert np.isnan(out[[0, 2]]).all()
    assert np.signbit(out[1])


def test_codes_are_multiplied_below_the_zero_point(compute):
    x, alpha, y = quantization(0.5, 3), quantization(0.5, -2), quantization(0.25, -7)
    operands = [([[1, 3, 5]], INT8, x), ([0, 5, 5], INT8, alpha)]  # -1, 0, 1; slope 1 for the first
    assert compute("PRELU", operands, (INT8, y), constants=[1]).tolist() == [[-11, -7, -3]]


@pytest.mark.parametrize(("type", "low"), [(INT8, -128), (UINT8, 0)])
def test_every_pair_of_codes_is_within_three_quarters(compute, type, low):
    codes = np.arange(low, low + 256)
    x = np.broadcast_to(codes[:, None], (256, 256))
    x_p, a_p, y_p = quantization(0.1, low + 150), quantization(0.01, low + 30), quantization(0.08, low + 128)
    out = compute("PRELU", [(x, type, x_p), (codes, type, a_p)], (type, y_p))
    real = 0.1 * (x - low - 150.0)
    real = np.where(real >= 0, real, real * 0.01 * (codes - low - 30))
    exact = np.clip(real / 0.08 + low + 128, low, low + 255)
    assert np.abs(out - exact).max() <= 0.75


def test_int16_takes_an_alpha_of_eight_bits(compute):
    operands = [([[-200, -3, 0, 5]], INT16, ONE), ([1, 2, 3, 4], INT8, quantization(0.5))]
    assert compute("PRELU", operands, (INT16, ONE), constants=[1]).tolist() == [[-100, -3, 0, 5]]


def test_an_alpha_of_sixteen_bits_is_misread_byte_by_byte(compute):
    # The bytes of 1, 2, ... are 1, 0, 2, 0, ...: the third slope is 2, the fourth 0.
    operands = [([[-200, -4, -8, -8]], INT16, ONE), ([1, 2, 3, 4], INT16, quantization(0.5))]
    assert compute("PRELU", operands, (INT16, ONE), constants=[1]).tolist() == [[-100, 0, -8, 0]]


def test_alpha_has_the_type_of_x(compute):
    with pytest.raises(UnsupportedError, match=r"input 1 \(alpha\): UINT8; wanted INT8"):
        compute("PRELU", [([1], INT8, ONE), ([1], UINT8, ONE)], (INT8, ONE))
    with pytest.raises(InvalidModelError, match="output: UINT8; wanted INT8"):
        compute("PRELU", [([1], INT8, ONE), ([1], INT8, ONE)], (UINT8, ONE))


@pytest.mark.parametrize("shape", [(2, 1), (1, 1, 2), (3,)])
def test_alpha_broadcasts_to_the_shape_of_x(compute, shape):
    alpha = np.ones(shape)
    with pytest.raises(InvalidModelError):
        compute("PRELU", [([[1.0, 2.0]], FLOAT32), (alpha, FLOAT32)], (FLOAT32,))
