"""DEPTHWISE_CONV_2D by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT4, INT8, UINT8, INT16, INT32, INT64 = (
    TensorType.FLOAT32,
    TensorType.INT4,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)
ONE = quantization(1.0)


def moves(padding=Padding.VALID, multiplier=1, **more):
    return DepthwiseConv2DOptions(padding, stride_w=1, stride_h=1, depth_multiplier=multiplier, **more)


def real(compute, x, w, options, *bias):
    operands = [(x, FLOAT32), (w, FLOAT32), *((one, FLOAT32) for one in bias)]
    return compute("DEPTHWISE_CONV_2D", operands, (FLOAT32,), options)


def integer(compute, x, w, *bias, x_zero=0, w_parameters=ONE, y=ONE, options=None, weights=INT8, **more):
    operands = [(x, INT8, quantization(1.0, x_zero)), (w, weights, w_parameters)]
    operands += [(one, INT32, ONE) for one in bias]
    return compute("DEPTHWISE_CONV_2D", operands, (INT8, y), options or moves(), **more)


def test_every_channel_has_its_own_filter(compute):
    x = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]).reshape(1, 3, 1, 2)
    w = np.array([[1.0, 2.0], [1.0, -1.0]]).reshape(1, 2, 1, 2)
    y = real(compute, x, w, moves(), [0.5, 0.0])
    assert y.reshape(2, 2).tolist() == [[3.5, 0.0], [5.5, 10.0]]


def test_several_filters_of_a_channel_lie_side_by_side(compute):
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    w = np.arange(1.0, 7.0).reshape(1, 1, 1, 6)
    assert real(compute, x, w, moves(multiplier=3)).ravel().tolist() == [1, 2, 3, 40, 50, 60]


def test_strides_dilations_and_padding(compute):
    x, w = np.arange(1.0, 6.0).reshape(1, 1, 5, 1), np.ones((1, 1, 3, 1))
    spread = moves(Padding.SAME, dilation_w_factor=2)
    assert real(compute, x, w, spread).ravel().tolist() == [4, 6, 9, 6, 8]
    skipping = DepthwiseConv2DOptions(Padding.SAME, stride_w=2, stride_h=1)
    assert real(compute, x, w, skipping).ravel().tolist() == [3, 9, 9]


def test_padding_counts_as_the_zero_point(compute):
    x, w = np.full((1, 2, 2, 1), 7), np.ones((1, 2, 2, 1))
    y = integer(compute, x, w, [100], x_zero=5, options=moves(Padding.SAME))
    assert y[0, :, :, 0].tolist() == [[108, 104], [104, 102]]


def test_every_product_of_codes_is_scaled_and_rounded_twice(compute):
    x = np.arange(-128, 128)
    w = np.arange(-127, 128)
    pixels = np.repeat(x[:, None], 255, axis=1).reshape(1, 1, 256, 255)
    y = integer(compute, pixels, w.reshape(1, 1, 1, 255), y=quantization(128.0))
    halves = (x[:, None] * w + 1) >> 1
    expected = np.sign(halves) * ((np.abs(halves) + 32) // 64)
    assert np.array_equal(y[0, 0], expected)


def test_every_output_channel_has_its_scale(compute):
    parameters = quantization([1.0, 0.5, 0.25], 0, 3)
    w = np.full((1, 1, 1, 3), 10)
    y = integer(compute, np.full((1, 1, 1, 3), 8), w, [0, 0, 1], w_parameters=parameters, y=quantization(2.0))
    assert y.ravel().tolist() == [40, 20, 10]


def test_zero_points_of_int8_weights_are_ignored(compute):
    x, w = np.full((1, 1, 1, 1), 3), np.full((1, 1, 1, 1), 5)
    assert integer(compute, x, w, w_parameters=quantization(1.0, 4)).item() == 15


def test_four_bit_weights_are_numbers_like_others(compute):
    w = np.array([-8, 7]).reshape(1, 1, 1, 2)
    y = integer(compute, np.full((1, 1, 1, 2), 3), w, weights=INT4, constants=(1,))
    assert y.ravel().tolist() == [-24, 21]


def test_fused_activations_bound_the_codes(compute):
    x, w = np.array([-9, 3, 9]).reshape(1, 1, 3, 1), np.ones((1, 1, 1, 1))
    options = moves(fused_activation_function=Activation.RELU6)
    assert integer(compute, x, w, y=quantization(1.0, 2), options=options).ravel().tolist() == [2, 5, 8]


def test_uint8_weights_have_a_zero_point(compute):
    operands = [
        (np.full((1, 1, 1, 1), 130), UINT8, quantization(0.5, 128)),
        (np.full((1, 1, 1, 1), 97), UINT8, quantization(2.0, 100)),
        ([7], INT32, ONE),
    ]
    y = compute("DEPTHWISE_CONV_2D", operands, (UINT8, quantization(1.0, 10)), moves())
    assert y.item() == 11  # 2 * -3 + 7 + 10


def test_int16_sums_are_64_bits_wide(compute):
    x, w = np.full((1, 25, 25, 1), 32767), np.full((1, 25, 25, 1), 127)
    operands = [(x, INT16, ONE), (w, INT8, ONE), ([2**34], INT64, ONE)]
    y = compute("DEPTHWISE_CONV_2D", operands, (INT16, quantization(2.0**20)), moves())
    assert y.item() == 18864  # (625 * 32767 * 127 + 2**34) / 2**20 = 18864.4


def test_hybrid_rounds_images_asymmetrically(compute):
    x = np.array([0.0, 2.55, 1.0], np.float32).reshape(1, 1, 3, 1)  # 0, 255 and 100 steps of 0.01
    operands = [(x, FLOAT32), ([[[[1, 3]]]], INT8, quantization([1.0, 2.0], 0, 3)), ([0.5, 0.0], FLOAT32)]
    y = compute("DEPTHWISE_CONV_2D", operands, (FLOAT32,), moves(multiplier=2))
    assert y.reshape(3, 2) == pytest.approx(np.array([[0.5, 0], [3.05, 15.3], [1.5, 6]]), abs=1e-5)


def test_no_images_give_no_images(compute):
    assert integer(compute, np.ones((0, 3, 3, 2)), np.ones((1, 2, 2, 2)), [0, 0]).shape == (0, 2, 2, 2)


@pytest.mark.parametrize(
    ("x", "w", "options"),
    [
        ((3, 3, 1), (1, 1, 1, 1), moves()),  # C1
        ((1, 3, 3, 1), (1, 1, 1), moves()),
        ((1, 3, 3, 1), (2, 1, 1, 1), moves()),
        ((1, 0, 3, 1), (1, 1, 1, 1), moves()),
        ((1, 3, 3, 1), (1, 1, 0, 1), moves()),
        ((1, 3, 3, 1), (1, 5, 1, 1), moves()),
        ((1, 3, 3, 1), (1, 1, 1, 1), DepthwiseConv2DOptions(Padding.SAME, stride_w=1)),
        ((1, 3, 3, 1), (1, 1, 1, 1), DepthwiseConv2DOptions(Padding.SAME, 2**15, 1)),
        ((1, 3, 3, 2), (1, 1, 1, 3), moves()),  # C2
    ],
)
def test_shapes_that_do_not_fit_are_refused(compute, x, w, options):
    with pytest.raises(InvalidModelError):
        real(compute, np.ones(x), np.ones(w), options)


X, W = ((1, 1, 1, 2), INT8, ONE), ((1, 1, 1, 2), INT8, ONE)
X16, W_UINT8 = ((1, 1, 1, 2), INT16, ONE), ((1, 1, 1, 2), UINT8, ONE)


@pytest.mark.parametrize(
    ("x", "w", "bias", "y", "multiplier"),
    [
        (X, W, ((2,), INT64, ONE), (INT8, ONE), 1),  # C3
        (X, W, ((3,), INT32, ONE), (INT8, ONE), 1),
        (X, W, ((1, 2), INT32, ONE), (INT8, ONE), 1),
        (X, W, ((2,), INT32, quantization(1.0, 1)), (INT8, ONE), 1),
        (X16, W, ((2,), INT32, ONE), (INT16, ONE), 1),
        (X, ((1, 1, 3, 2), INT8, quantization([1.0, 2.0, 3.0], 0, 2)), None, (INT8, ONE), 1),  # C4
        (((1, 1, 1, 2), INT16, quantization(1.0, 1)), W, None, (INT16, ONE), 1),  # C5
        (X16, W, None, (INT16, quantization(1.0, 1)), 1),
        (W_UINT8, ((1, 1, 1, 2), UINT8, quantization([1.0, 2.0], 0, 3)), None, (UINT8, ONE), 1),  # C6
        (W_UINT8, W_UINT8, ((2,), INT32, quantization(1.1)), (UINT8, ONE), 1),
        (X16, W, None, (INT16, ONE), 2),  # C7
        (((1, 1, 1, 2), FLOAT32), ((1, 1, 1, 2), INT8, quantization([1.0, 2.0], 0, 3)), None, (FLOAT32,), 0),
        (((1, 1, 1, 2), FLOAT32), W, None, (FLOAT32,), 1),  # C8
        (((1, 1, 1, 2), INT8), W, None, (INT8, ONE), 1),
        (X, ((1, 1, 1, 2), INT8), None, (INT8, ONE), 1),
        (X, W, None, (INT16, ONE), 1),
    ],
)
def test_parameters_that_do_not_fit_are_refused(compute, x, w, bias, y, multiplier):
    operands = [(np.ones(given[0]), *given[1:]) for given in (x, w, bias) if given is not None]
    with pytest.raises(InvalidModelError):
        compute("DEPTHWISE_CONV_2D", operands, y, moves(multiplier=multiplier))


@pytest.mark.parametrize("x", [(INT16, ONE), (FLOAT32, None)])
def test_four_bit_weights_go_with_int8_activations_only(compute, x):
    operands = [(np.ones((1, 1, 1, 1)), *x), (np.ones((1, 1, 1, 1)), INT4, ONE)]
    with pytest.raises(UnsupportedError):
        compute("DEPTHWISE_CONV_2D", operands, x, moves(), constants=(1,))


def test_limits_are_asked_before_the_work(compute):
    x, w = np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 10**6))
    with pytest.raises(LimitExceededError):
        compute(
            "DEPTHWISE_CONV_2D",
            [(x, FLOAT32), (w, FLOAT32)],
            (FLOAT32,),
            moves(),
            limits=Limits(tensor_bytes=10**6),
        )
