"""L2_NORMALIZATION by hand."""

import math

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops.l2_normalization import L2NormOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16 = TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8, TensorType.INT16
OUTPUTS = {INT8: quantization(1 / 128, 0), UINT8: quantization(1 / 128, 128)}


def normalize(compute, x, type, zero_point=0):
    return compute("L2_NORMALIZATION", [(x, type, quantization(0.5, zero_point))], (type, OUTPUTS[type]))


def test_codes_are_divided_by_the_length_of_their_row(compute):
    assert normalize(compute, [[3, 4], [-6, 8], [0, -1]], INT8).tolist() == [[77, 102], [-77, 102], [0, -128]]
    assert normalize(compute, [[13, 14]], UINT8, 10).tolist() == [[128 + 77, 128 + 102]]


def test_the_scale_of_the_input_plays_no_part(compute):
    codes = np.random.default_rng(0).integers(-128, 127, (50, 6))
    exact = codes * 128 / np.maximum(np.sqrt((codes**2).sum(-1, keepdims=True)), 1)
    assert np.abs(normalize(compute, codes, INT8) - np.clip(exact, -128, 127)).max() <= 0.51


def test_a_row_of_zeros_stays(compute):
    assert normalize(compute, [[5, 5, 5]], INT8, 5).tolist() == [[0, 0, 0]]
    assert normalize(compute, [[5, 5, 5]], UINT8, 5).tolist() == [[128, 128, 128]]


def test_a_sum_of_squares_that_wraps_below_0_counts_as_1(compute):
    row = np.full((1, 33027), 127)  # 33027 * 255**2 exceeds int32
    assert normalize(compute, row, INT8, -128)[0, 0] == 127


def test_real_rows(compute):
    y = compute("L2_NORMALIZATION", [([[3, 4], [0, 0], [3e-9, 4e-9]], FLOAT32)], (FLOAT32,))
    np.testing.assert_allclose(y, [[0.6, 0.8], [0, 0], [3e-3, 4e-3]], rtol=1e-6)


def test_squares_are_summed_in_order(compute):
    y = compute("L2_NORMALIZATION", [([[4096, 1, 1]], FLOAT32)], (FLOAT32,))
    assert y[0, 0] == 1  # 2**24 + 1 + 1 stays 2**24, one after the other


def test_special_reals(compute):
    y = compute("L2_NORMALIZATION", [([[math.inf, 1], [math.nan, 1], [1e30, 1]], FLOAT32)], (FLOAT32,))
    np.testing.assert_array_equal(y, [[math.nan, 0], [math.nan, math.nan], [0, 0]])


def test_c1_a_scalar_is_refused(compute):
    with pytest.raises(InvalidModelError, match="a scalar"):
        normalize(compute, 1, INT8)
    with pytest.raises(InvalidModelError, match="a scalar"):
        compute("L2_NORMALIZATION", [(1, FLOAT32)], (FLOAT32,))


def test_c2_another_output_type_is_refused(compute):
    with pytest.raises(InvalidModelError, match="UINT8; wanted INT8"):
        compute("L2_NORMALIZATION", [([1], INT8, quantization(1.0))], (UINT8, OUTPUTS[UINT8]))


def test_c3_a_fused_activation_is_refused(compute):
    with pytest.raises(InvalidModelError, match="RELU; wanted NONE"):
        compute("L2_NORMALIZATION", [([1], FLOAT32)], (FLOAT32,), L2NormOptions(Activation.RELU))


@pytest.mark.parametrize(
    ("type", "parameters"), [(INT8, (1 / 127, 0)), (INT8, (1 / 128, 1)), (UINT8, (1 / 128, 0))]
)
def test_c4_other_output_parameters_are_refused(compute, type, parameters):
    with pytest.raises(InvalidModelError, match=r"output: (scale|zero point)"):
        compute("L2_NORMALIZATION", [([1], type, quantization(1.0))], (type, quantization(*parameters)))


def test_types_without_a_kernel_are_named(compute):
    with pytest.raises(UnsupportedError, match="INT16"):
        compute("L2_NORMALIZATION", [([1], INT16, quantization(1.0))], (INT16, quantization(1 / 128)))
