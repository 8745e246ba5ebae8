"""Fused activations and their bounds."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError
from quantlib.model.graph import Tensor, TensorType
from quantlib.ops._activation import Activation, activate_vector, clamp_float, quantized_bounds, real_bounds
from quantlib.ops._node import Value
from quantlib.testing.single_operator import quantization

LARGEST = float(np.finfo(np.float32).max)


def output(scale, zero_point=0, type=TensorType.INT8):
    return Value(Tensor((1,), type, quantization=quantization(scale, zero_point)), 0)


@pytest.mark.parametrize(
    ("activation", "real", "codes"),
    [
        (Activation.NONE, (-LARGEST, LARGEST), (-128, 127)),
        (Activation.RELU, (0, LARGEST), (-3, 127)),
        (Activation.RELU_N1_TO_1, (-1, 1), (-13, 7)),
        (Activation.RELU6, (0, 6), (-3, 57)),
        (Activation.TANH, (-LARGEST, LARGEST), (-128, 127)),
        (Activation.SIGN_BIT, (-LARGEST, LARGEST), (-128, 127)),
    ],
)
def test_bounds_in_numbers_and_codes(activation, real, codes):
    assert tuple(map(float, real_bounds(activation))) == real
    assert quantized_bounds(activation, output(0.1, -3)) == codes


def test_bounds_in_codes_stay_within_the_type_and_are_rounded_away_from_zero():
    assert quantized_bounds(Activation.RELU6, output(0.01, 100, TensorType.UINT8)) == (100, 255)
    assert quantized_bounds(Activation.RELU_N1_TO_1, output(2.0, 0)) == (-1, 1)


@pytest.mark.parametrize("scale", [0.0, 1e-10, np.nan])
def test_a_bound_that_does_not_fit_int32_is_refused(scale):
    with pytest.raises(InvalidModelError, match=r"quantization\.scale"):
        quantized_bounds(Activation.RELU6, output(scale))
    assert quantized_bounds(Activation.NONE, output(scale)) == (-128, 127)


ODD = np.array([-np.inf, -0.0, 0.5, np.inf, np.nan], np.float32)


def test_clamping_keeps_nan_and_the_sign_of_zero():
    y = clamp_float(ODD, Activation.RELU6)
    assert y[:4].tolist() == [0.0, 0.0, 0.5, 6.0]
    assert np.signbit(y[1])
    assert np.isnan(y[4])
    assert clamp_float(ODD, Activation.NONE)[[0, 3]].tolist() == [-LARGEST, LARGEST]


def test_the_vector_form_keeps_neither_but_leaves_infinity_alone():
    y = activate_vector(ODD, Activation.RELU6)
    assert y.tolist() == [0.0, 0.0, 0.5, 6.0, 0.0]
    assert not np.signbit(y).any()
    assert activate_vector(ODD, Activation.RELU).tolist() == [0.0, 0.0, 0.5, np.inf, 0.0]
    assert activate_vector(ODD, Activation.RELU_N1_TO_1)[4] == -1.0
    assert activate_vector(ODD[:4], Activation.NONE).tolist() == ODD[:4].tolist()


def test_the_vector_form_knows_sign_bits_and_the_hyperbolic_tangent():
    assert activate_vector(np.array([-0.0, 0.0, -3.0, 3.0], np.float32), Activation.SIGN_BIT).tolist() == [
        1,
        0,
        1,
        0,
    ]
    assert activate_vector(np.array([0.5], np.float32), Activation.TANH) == pytest.approx(np.tanh(0.5))
