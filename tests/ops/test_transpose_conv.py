"""TRANSPOSE_CONV by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.transpose_conv import TransposeConvOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32, INT64 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)
ONE = quantization(1.0)


def moves(padding=Padding.VALID, stride=1, **more):
    return TransposeConvOptions(padding, stride_w=stride, stride_h=stride, **more)


def real(compute, shape, w, x, options, *bias):
    operands = [(shape, INT32), (w, FLOAT32), (x, FLOAT32), *((one, FLOAT32) for one in bias)]
    return compute("TRANSPOSE_CONV", operands, (FLOAT32,), options)


def integer(compute, shape, w, x, *bias, x_zero=0, w_parameters=ONE, y=ONE, options=None):
    operands = [(shape, INT32), (w, INT8, w_parameters), (x, INT8, quantization(1.0, x_zero))]
    operands += [(one, INT32, ONE) for one in bias]
    return compute("TRANSPOSE_CONV", operands, (INT8, y), options or moves(), constants=(0,))


def test_every_pixel_paints_the_filter(compute):
    x = np.array([1.0, 10.0]).reshape(1, 1, 2, 1)
    w = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    assert real(compute, [1, 1, 4, 1], w, x, moves()).ravel().tolist() == [1, 12, 23, 30]
    assert real(compute, [1, 1, 5, 1], w, x, moves(stride=2)).ravel().tolist() == [1, 2, 13, 20, 30]


def test_same_padding_cuts_off_what_lies_beside_the_output(compute):
    x = np.array([1.0, 10.0]).reshape(1, 1, 2, 1)
    w = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    assert real(compute, [1, 1, 2, 1], w, x, moves(Padding.SAME)).ravel().tolist() == [12, 23]
    # Two sizes come down to two pixels by strides of two; the shape says which is meant.
    assert real(compute, [1, 1, 3, 1], w, x, moves(Padding.SAME, 2)).ravel().tolist() == [2, 13, 20]
    assert real(compute, [1, 1, 4, 1], w, x, moves(Padding.SAME, 2)).ravel().tolist() == [1, 2, 13, 20]


def test_pixels_that_no_window_reaches_hold_the_bias(compute):
    x, w = np.full((1, 1, 1, 1), 5.0), np.ones((1, 1, 1, 1))
    y = real(compute, [1, 1, 3, 1], w, x, moves(Padding.SAME, 3), [0.5])
    assert y.ravel().tolist() == [5.5, 0.5, 0.5]


def test_channels_are_summed_and_filters_are_many(compute):
    x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    w = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]]).reshape(3, 1, 1, 2)
    y = real(compute, [1, 1, 1, 3], w, x, moves(), [0.0, 0.0, -1.0])
    assert y.ravel().tolist() == [21, 43, 9]


def test_real_products_are_added_in_the_order_of_the_pixels(compute):
    x = np.array([2.0**24, 1.0, 1.0]).reshape(1, 1, 3, 1)
    w = np.ones((1, 1, 3, 1))
    # The middle pixel gets 2**24, then 1, then 1: each is lost. From the other end none would be.
    assert real(compute, [1, 1, 3, 1], w, x, moves(Padding.SAME)).ravel().tolist() == [2.0**24, 2.0**24, 2.0]


def test_codes_are_taken_from_the_zero_point_rounded_twice_and_bounded(compute):
    x = np.array([7, 3, 11, -1]).reshape(1, 1, 4, 1)  # 2, -2, 6 and -6 from 5
    y = integer(compute, [1, 1, 4, 1], np.ones((1, 1, 1, 1)), x, [0], x_zero=5, y=quantization(4.0, 1))
    assert y.ravel().tolist() == [2, 0, 3, -1]
    options = moves(fused_activation_function=Activation.RELU)
    y = integer(compute, [1, 1, 4, 1], np.ones((1, 1, 1, 1)), x, x_zero=5, options=options)
    assert y.ravel().tolist() == [2, 0, 6, 0]


def test_every_filter_has_its_scale_and_no_zero_point(compute):
    parameters = quantization([1.0, 0.5], [0, 3], 0)
    x, w = np.full((1, 1, 1, 1), 8), np.full((2, 1, 1, 1), 10)
    assert integer(compute, [1, 1, 1, 2], w, x, w_parameters=parameters).ravel().tolist() == [80, 40]
    assert integer(compute, [1, 1, 1, 2], w, x, w_parameters=quantization(1.0, 3)).ravel().tolist() == [
        80,
        80,
    ]


def test_uint8_weights_have_a_zero_point_and_its_bias_may(compute):
    operands = [
        ([1, 1, 1, 1], INT32),
        (np.full((1, 1, 1, 1), 97), UINT8, quantization(2.0, 100)),
        (np.full((1, 1, 1, 1), 130), UINT8, quantization(0.5, 128)),
        ([7], INT32, quantization(1.0, 9)),
    ]
    assert compute("TRANSPOSE_CONV", operands, (UINT8, quantization(1.0, 10)), moves()).item() == 11


def wide(compute, bias=None, declared=FLOAT32, channels=600):
    x, w = np.full((1, 1, 1, channels), 32767), np.full((1, 1, 1, channels), 127)
    operands = [([1, 1, 1, 1], INT32), (w, INT8, ONE), (x, INT16, ONE)]
    operands += [] if bias is None else [([5], bias, ONE)]
    options = moves(quantized_bias_type=declared)
    return compute("TRANSPOSE_CONV", operands, (INT16, quantization(2.0**20)), options).item()


def test_int16_sums_are_64_bits_wide_unless_the_options_say_32(compute):
    assert wide(compute) == wide(compute, INT64) == wide(compute, INT64, INT64) == 2381
    assert wide(compute, None, INT32) == wide(compute, INT32, INT32) == 2381 - 4096


@pytest.mark.parametrize(
    ("bias", "declared"), [(INT32, FLOAT32), (INT32, INT64), (INT64, INT32), (None, INT8)]
)
def test_an_int16_bias_of_another_width_than_declared_is_refused(compute, bias, declared):
    with pytest.raises(InvalidModelError):
        wide(compute, bias, declared, 1)


def test_hybrid_scales_every_product_by_itself(compute):
    x = np.array([0.0, 2.55, 1.0], np.float32).reshape(1, 1, 3, 1)  # 0, 255 and 100 steps of 0.01
    w = np.array([1, 2]).reshape(1, 1, 2, 1)
    operands = [([1, 1, 4, 1], INT32), (w, INT8, quantization(0.1)), (x, FLOAT32), ([0.5], FLOAT32)]
    y = compute("TRANSPOSE_CONV", operands, (FLOAT32,), moves(), constants=(1,)).ravel()
    step, scale = np.float32(np.float32(2.55) / 255.0), np.float32(0.1)
    first = np.float32(np.float32(255) * scale) * step
    second = np.float32(np.float32(510) * scale) * step + np.float32(np.float32(100) * scale) * step
    third = np.float32(np.float32(200) * scale) * step
    assert y.tolist() == [
        np.float32(0.5),
        first + np.float32(0.5),
        second + np.float32(0.5),
        third + np.float32(0.5),
    ]


def test_hybrid_filters_have_a_scale_each_or_one_for_all(compute):
    operands = [
        ([1, 1, 1, 2], INT32),
        (np.ones((2, 1, 1, 1)), INT8, quantization([1.0, 3.0])),
        ([[[[2.0]]]], FLOAT32),
    ]
    assert compute("TRANSPOSE_CONV", operands, (FLOAT32,), moves()).ravel() == pytest.approx(
        np.array([2.0, 6.0])
    )
    operands[1] = (np.ones((2, 1, 1, 1)), INT8, ONE)
    assert compute("TRANSPOSE_CONV", operands, (FLOAT32,), moves()).ravel() == pytest.approx(
        np.array([2.0, 2.0])
    )


@pytest.mark.parametrize(
    ("shape", "w", "x", "options"),
    [
        ([1, 3, 3, 1], (1, 1, 1), (1, 3, 3, 1), moves()),  # C1
        ([1, 3, 3, 1], (1, 1, 1, 1), (3, 3, 1), moves()),
        ([1, 3, 3, 1], (1, 1, 1, 1), (1, 3, 0, 1), moves()),
        ([1, 3, 3, 1], (1, 0, 1, 1), (1, 3, 3, 1), moves()),
        ([1, 3, 3, 1], (1, 1, 1, 2), (1, 3, 3, 1), moves()),
        ([1, 3, 3, 1], (1, 1, 1, 1), (1, 3, 3, 1), moves(stride=0)),
        ([1, 1, 1, 1], (1, 1, 1, 1), (1, 1, 1, 1), moves(Padding.SAME, 2**15)),
        ([1, 3, 3], (1, 1, 1, 1), (1, 3, 3, 1), moves()),  # C2
        ([[1, 3, 3, 1]], (1, 1, 1, 1), (1, 3, 3, 1), moves()),
        ([2, 3, 3, 1], (1, 1, 1, 1), (1, 3, 3, 1), moves()),
        ([1, 3, 3, 2], (1, 1, 1, 1), (1, 3, 3, 1), moves()),
        ([1, 4, 3, 1], (1, 1, 1, 1), (1, 3, 3, 1), moves()),
        ([1, 3, -3, 1], (1, 1, 1, 1), (1, 3, 3, 1), moves()),
        ([1, 3, 0, 1], (1, 1, 1, 1), (1, 3, 3, 1), moves()),
    ],
)
def test_shapes_that_do_not_fit_are_refused(compute, shape, w, x, options):
    with pytest.raises(InvalidModelError):
        real(compute, shape, np.ones(w), np.ones(x), options)


X, W, S = ((1, 1, 1, 2), INT8, ONE), ((2, 1, 1, 2), INT8, ONE), ((4,), INT32)
X16, U = ((1, 1, 1, 2), INT16, ONE), ((2, 1, 1, 2), UINT8, ONE)
X_UINT8 = ((1, 1, 1, 2), UINT8, ONE)


@pytest.mark.parametrize(
    ("shape", "w", "x", "bias", "y"),
    [
        (((4,), INT64), W, X, None, (INT8, ONE)),  # C2
        (S, W, X, ((2,), INT64, ONE), (INT8, ONE)),  # C3
        (S, W, X, ((3,), INT32, ONE), (INT8, ONE)),
        (S, W, X, ((2,), INT32, quantization(1.0, 1)), (INT8, ONE)),
        (S, ((2, 3, 1, 2), INT8, quantization([1.0, 2.0, 3.0], 0, 1)), X, None, (INT8, ONE)),  # C4
        (S, W, ((1, 1, 1, 2), INT16, quantization(1.0, 1)), None, (INT16, ONE)),  # C5
        (S, W, X16, None, (INT16, quantization(1.0, 1))),
        (S, ((2, 1, 1, 2), UINT8, quantization([1.0, 2.0])), X_UINT8, None, (UINT8, ONE)),  # C6
        (S, U, X_UINT8, ((2,), INT32, quantization(1.1)), (UINT8, ONE)),
        (S, ((2, 1, 1, 2), INT8), ((1, 1, 1, 2), FLOAT32), None, (FLOAT32,)),  # C7
        (S, W, ((1, 1, 1, 2), INT8), None, (INT8, ONE)),
        (S, W, X, None, (INT16, ONE)),
    ],
)
def test_parameters_that_do_not_fit_are_refused(compute, shape, w, x, bias, y):
    operands = [(np.ones(given[0]), *given[1:]) for given in (shape, w, x, bias) if given is not None]
    operands[0] = ([1, 1, 1, 2], *operands[0][1:])
    with pytest.raises(InvalidModelError):
        compute("TRANSPOSE_CONV", operands, y, moves(Padding.SAME))


def test_weights_of_a_foreign_type_are_not_supported(compute):
    operands = [([1, 1, 1, 1], INT32), ([[[[1]]]], INT16, ONE), ([[[[1]]]], INT8, ONE)]
    with pytest.raises(UnsupportedError):
        compute("TRANSPOSE_CONV", operands, (INT8, ONE), moves())


def test_limits_are_asked_before_the_output_is_made(compute):
    shape = [1, 2**15 - 1, 2**15 - 1, 1]
    operands = [(shape, INT32), (np.ones((1, 1, 1, 1)), FLOAT32), (np.ones((1, 2, 2, 1)), FLOAT32)]
    with pytest.raises(LimitExceededError):
        compute(
            "TRANSPOSE_CONV",
            operands,
            (FLOAT32,),
            moves(Padding.SAME, 2**14),
            limits=Limits(tensor_bytes=10**6),
        )
