"""CONV_2D by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

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
STEP = Conv2DOptions(padding=Padding.VALID, stride_w=1, stride_h=1)
SAME = Conv2DOptions(padding=Padding.SAME, stride_w=1, stride_h=1)
IMAGE = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)  # 1 2 3 / 4 5 6 / 7 8 9


def real(compute, x, w, options, bias=0.0):
    w = np.asarray(w)
    return compute(
        "CONV_2D", [(x, FLOAT32), (w, FLOAT32), (np.full(len(w), bias), FLOAT32)], (FLOAT32,), options
    )


def integer(compute, x, w, bias, *, x_zero=0, w_scale=1.0, y=ONE, options=STEP, weights=INT8, **more):
    operands = [(x, INT8, quantization(1.0, x_zero)), (w, weights, quantization(w_scale)), (bias, INT32, ONE)]
    return compute("CONV_2D", operands, (INT8, y), options, **more)


def test_a_filter_sums_what_it_covers(compute):
    y = real(compute, IMAGE, np.ones((1, 2, 2, 1)), STEP, bias=0.5)
    assert y[0, :, :, 0].tolist() == [[12.5, 16.5], [24.5, 28.5]]


def test_same_padding_puts_the_odd_pixel_after(compute):
    y = real(compute, IMAGE, np.ones((1, 2, 2, 1)), SAME)
    assert y[0, :, :, 0].tolist() == [[12, 16, 9], [24, 28, 15], [15, 17, 9]]


def test_strides_skip_and_dilations_spread(compute):
    strided = Conv2DOptions(padding=Padding.SAME, stride_w=2, stride_h=1)
    assert real(compute, IMAGE, np.ones((1, 1, 1, 1)), strided)[0, :, :, 0].tolist() == [
        [1, 3],
        [4, 6],
        [7, 9],
    ]
    spread = Conv2DOptions(Padding.VALID, 1, 1, dilation_h_factor=2)
    assert real(compute, IMAGE, np.ones((1, 2, 1, 1)), spread)[0, :, :, 0].tolist() == [[8, 10, 12]]


def test_every_group_of_filters_sees_its_channels(compute):
    x = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(1, 1, 1, 4)
    w = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]).reshape(4, 1, 1, 2)
    assert real(compute, x, w, STEP).ravel().tolist() == [11, 1, 1000, 2200]


def test_real_sums_are_rounded_at_every_step(compute):
    x = np.array([2.0**24, 1.0, 1.0]).reshape(1, 1, 1, 3)
    assert real(compute, x, np.ones((1, 1, 1, 3)), STEP).item() == 2.0**24


def test_a_place_beside_the_image_contributes_nothing_not_even_nan(compute):
    w = np.array([np.nan, 1.0, np.inf]).reshape(1, 1, 3, 1)
    y = real(compute, np.ones((1, 1, 3, 1)), w, SAME).ravel()
    assert y[0] == np.finfo(np.float32).max
    assert np.isnan(y[1])
    assert np.isnan(y[2])


def test_padding_counts_as_the_zero_point(compute):
    x = np.full((1, 2, 2, 1), 7)
    y = integer(compute, x, np.ones((1, 2, 2, 1)), [100], x_zero=5, options=SAME)
    assert y[0, :, :, 0].tolist() == [[108, 104], [104, 102]]  # 4, 2, 2 and 1 pixels of 7 - 5


def test_sums_are_rounded_twice_first_half_up_then_half_away_from_zero(compute):
    x = np.array([2, -2, 6, -6, 1, -3]).reshape(1, 1, 6, 1)
    y = integer(compute, x, np.ones((1, 1, 1, 1)), [0], y=quantization(4.0, 1))
    # Exactly 0.5, -0.5, 1.5, -1.5, 0.25, -0.75; the first rounding makes halves of the last two.
    assert y.ravel().tolist() == [2, 0, 3, -1, 2, 0]


def test_every_product_of_codes_is_scaled_and_rounded_twice(compute):
    x = np.arange(-128, 128)
    w, bias = x.reshape(256, 1, 1, 1), np.zeros(256)
    y = integer(compute, x.reshape(1, 1, 256, 1), w, bias, y=quantization(128.0))
    halves = (x[:, None] * x + 1) >> 1
    expected = np.sign(halves) * ((np.abs(halves) + 32) // 64)
    assert np.array_equal(y[0, 0], np.minimum(expected, 127))


def test_groups_are_rounded_by_the_reference_rule_in_every_family():
    for depth, expected in ((1, [-1, -1]), (2, [0, 0])):  # exactly -0.5
        graph = Graph()
        x = graph.input((1, 1, 1, 2), INT8, ONE)
        w = np.eye(2).reshape(2, 1, 1, 2) if depth == 2 else np.ones((2, 1, 1, 1))
        inputs = [x, graph.constant(w, INT8, ONE), graph.constant(np.zeros(2), INT32, ONE)]
        graph.operator("CONV_2D", inputs, [graph.output((), INT8, quantization(4.0))], STEP)
        (y,) = run(graph.model(), np.full((1, 1, 1, 2), -2, np.int8), kernels="optimized")
        assert y.ravel().tolist() == expected


def test_every_filter_has_its_scale(compute):
    w = np.full((3, 1, 1, 1), 10)
    y = integer(
        compute, np.full((1, 1, 1, 1), 8), w, [0, 0, 1], w_scale=[1.0, 0.5, 0.25], y=quantization(2.0)
    )
    assert y.ravel().tolist() == [40, 20, 10]  # 80 / 2, 40 / 2, 20.25 / 2


def test_fused_activations_bound_the_codes(compute):
    x = np.array([-9, 3, 9]).reshape(1, 1, 3, 1)
    for activation, expected in (
        (Activation.RELU, [2, 5, 11]),
        (Activation.RELU6, [2, 5, 8]),
        (Activation.RELU_N1_TO_1, [1, 3, 3]),
        (Activation.TANH, [-7, 5, 11]),
    ):
        options = Conv2DOptions(Padding.VALID, 1, 1, activation)
        y = integer(compute, x, np.ones((1, 1, 1, 1)), [0], y=quantization(1.0, 2), options=options)
        assert y.ravel().tolist() == expected


def test_four_bit_weights_are_numbers_like_others(compute):
    w = np.array([-8, 7, 1]).reshape(3, 1, 1, 1)
    y = integer(compute, np.full((1, 1, 1, 1), 3), w, [0, 0, 0], weights=INT4, constants=(1,))
    assert y.ravel().tolist() == [-24, 21, 3]


def test_32_bit_sums_wrap(compute):
    x, w = np.full((1, 1, 1, 1), 1), np.ones((1, 1, 1, 1))
    y = integer(compute, x, w, [2**31 - 1], y=quantization(2.0**24))
    assert y.item() == -128


def test_uint8_weights_have_a_zero_point(compute):
    x, w = np.full((1, 1, 1, 2), 130), np.array([101, 98]).reshape(1, 1, 1, 2)
    operands = [(x, UINT8, quantization(0.5, 128)), (w, UINT8, quantization(2.0, 100)), ([7], INT32, ONE)]
    y = compute("CONV_2D", operands, (UINT8, quantization(1.0, 10)), STEP)
    assert y.item() == 15  # 2 * 1 + 2 * -2 + 7 + 10


def wide(compute, products, bias, type=INT64, declared=FLOAT32, y=2.0**20):
    x, w = np.full((1, 1, 1, products), 32767), np.full((1, 1, 1, products), 127)
    operands = [(x, INT16, ONE), (w, INT8, ONE), ([bias], type, ONE)]
    options = Conv2DOptions(Padding.VALID, 1, 1, quantized_bias_type=declared)
    return compute("CONV_2D", operands, (INT16, quantization(y)), options).item()


def test_int16_sums_are_64_bits_wide(compute):
    assert wide(compute, 600, 0) == 2381  # 2_496_845_400 / 2**20
    assert wide(compute, 1, 2**34) == 16388


def test_int16_sums_are_32_bits_wide_if_the_options_say_so(compute):
    assert wide(compute, 600, 0, INT32, INT32) == 2381 - 4096
    assert wide(compute, 1, 5, INT32, INT32, 1024.0) == 4064


@pytest.mark.parametrize(
    ("type", "declared"),
    [(INT32, FLOAT32), (INT32, INT64), (INT64, INT32), (INT64, INT8), (FLOAT32, FLOAT32)],
)
def test_an_int16_bias_of_another_width_than_declared_is_refused(compute, type, declared):
    with pytest.raises(InvalidModelError):
        wide(compute, 1, 0, type, declared)


def hybrid(compute, x, w, scales, bias=0.0, options=STEP):
    w = np.asarray(w)
    operands = [(x, FLOAT32), (w, INT8, quantization(scales)), (np.full(len(w), bias), FLOAT32)]
    return compute("CONV_2D", operands, (FLOAT32,), options, constants=(1,))


def test_hybrid_with_one_scale_rounds_images_symmetrically(compute):
    x = np.array([0.3, -1.27, 0.5, 1.0], np.float32).reshape(2, 1, 1, 2)
    # 1.27 / 127 = 0.01 for the first image, 1 / 127 for the second, whose 0.5 becomes 63.5, so 64.
    w = np.array([[2, 1], [0, 1], [1, 0], [1, 1]]).reshape(4, 1, 1, 2)
    y = hybrid(compute, x, w, 10.0, bias=1.0).reshape(2, 4)
    codes = np.array([[60 - 127, -127, 30, 30 - 127], [128 + 127, 127, 64, 64 + 127]])
    steps = np.array([[1.27], [1.0]]) / 127
    assert y == pytest.approx(codes * steps * 10 + 1, rel=1e-6)


def test_hybrid_with_several_scales_rounds_images_asymmetrically(compute):
    x = np.array([0.0, 2.55, 1.0], np.float32).reshape(1, 1, 1, 3)  # 0, 255 and 100 steps of 0.01
    y = hybrid(compute, x, np.ones((2, 1, 1, 3)), [1.0, 2.0], bias=0.5)
    assert y.ravel() == pytest.approx(np.array([4.05, 7.6]), abs=1e-5)


def test_hybrid_groups_with_equal_scales_are_refused(compute):
    with pytest.raises(UnsupportedError, match="groups"):
        hybrid(compute, np.ones((1, 1, 1, 2)), np.ones((2, 1, 1, 1)), [1.0, 1.0])


def test_hybrid_weights_of_minus_128_change_sign_unless_filters_come_in_fours(compute):
    x = np.full((1, 1, 1, 16), -1.0)  # -127 each
    for filters, sign in ((1, -1), (3, -1), (4, 1)):
        y = hybrid(compute, x, np.full((filters, 1, 1, 16), -128), 1.0)
        assert y.ravel() == pytest.approx(np.full(filters, sign * 16 * 128.0), rel=1e-6)


def test_an_image_without_pixels_in_reach_gives_nothing(compute):
    assert real(compute, np.ones((0, 3, 3, 1)), np.ones((1, 2, 2, 1)), STEP).shape == (0, 2, 2, 1)
    assert real(compute, np.ones((1, 1, 3, 1)), np.ones((1, 2, 1, 1)), STEP).shape == (1, 0, 3, 1)


@pytest.mark.parametrize(
    ("x", "w", "options"),
    [
        ((3, 3, 1), (1, 1, 1, 1), STEP),  # C1
        ((1, 3, 3, 1), (1, 1, 1), STEP),
        ((1, 3, 0, 1), (1, 1, 1, 1), STEP),
        ((1, 3, 3, 1), (0, 1, 1, 1), STEP),
        ((1, 3, 3, 3), (1, 1, 1, 2), STEP),  # C2
        ((1, 3, 3, 4), (3, 1, 1, 2), STEP),
        ((1, 3, 3, 1), (1, 5, 1, 1), STEP),
        ((1, 3, 3, 1), (1, 1, 1, 1), Conv2DOptions(Padding.VALID, 0, 1)),
        ((1, 3, 3, 1), (1, 1, 1, 1), Conv2DOptions(Padding.VALID, 1, 1, dilation_w_factor=0)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(compute, x, w, options):
    with pytest.raises(InvalidModelError):
        real(compute, np.ones(x), np.ones(w), options)


X, W, B = ((1, 1, 1, 2), INT8, ONE), ((2, 1, 1, 2), INT8, ONE), ((2,), INT32, ONE)
TWO = quantization([1.0, 2.0])


@pytest.mark.parametrize(
    ("x", "w", "bias", "y"),
    [
        (X, ((2, 1, 1, 2), INT8, quantization(1.0, 1)), B, (INT8, ONE)),  # C3
        (X, W, None, (INT8, ONE)),  # C4
        (X, W, ((3,), INT32, ONE), (INT8, ONE)),
        (X, W, ((2,), INT64, ONE), (INT8, ONE)),
        (X, W, ((2,), INT32, quantization(1.0, 1)), (INT8, ONE)),
        (X, ((2, 3, 2, 2), INT8, quantization([1.0, 2.0, 3.0], 0, 1)), B, (INT8, ONE)),  # C5
        (((1, 1, 1, 2), INT16, quantization(1.0, 1)), W, ((2,), INT64, ONE), (INT16, ONE)),  # C6
        (((1, 1, 1, 2), INT16, ONE), W, ((2,), INT64, ONE), (INT16, quantization(1.0, 1))),
        (((1, 1, 1, 2), UINT8, ONE), ((2, 1, 1, 2), UINT8, TWO), B, (UINT8, ONE)),  # C7
        (
            ((1, 1, 1, 2), UINT8, ONE),
            ((2, 1, 1, 2), UINT8, ONE),
            ((2,), INT32, quantization(1.1)),
            (UINT8, ONE),
        ),
        (((1, 1, 1, 2), INT8), W, B, (INT8, ONE)),
        (X, ((2, 1, 1, 2), INT8), B, (INT8, ONE)),
        (X, W, B, (INT16, ONE)),
        (((1, 1, 1, 2), FLOAT32), ((2, 1, 1, 2), FLOAT32), B, (FLOAT32,)),
    ],
)
def test_parameters_that_do_not_fit_are_refused(compute, x, w, bias, y):
    operands = [(np.ones(given[0]), *given[1:]) for given in (x, w, bias) if given is not None]
    with pytest.raises(InvalidModelError):
        compute("CONV_2D", operands, y, SAME)


def test_weights_of_a_foreign_type_are_not_supported(compute):
    operands = [(np.ones((1, 1, 1, 1)), INT8, ONE), (np.ones((1, 1, 1, 1)), INT16, ONE), ([0], INT32, ONE)]
    with pytest.raises(UnsupportedError):
        compute("CONV_2D", operands, (INT8, ONE), STEP)


def test_limits_are_asked_before_the_work(compute):
    x, w = np.ones((1, 64, 64, 1)), np.ones((64, 9, 9, 1))
    with pytest.raises(LimitExceededError):
        compute("CONV_2D", [(x, FLOAT32), (w, FLOAT32), (np.ones(64), FLOAT32)], (FLOAT32,), SAME,
                limits=Limits(multiply_adds=10**6))  # fmt: skip
