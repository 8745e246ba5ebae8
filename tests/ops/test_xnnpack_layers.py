"""Layers in the optimized and XNNPACK families: who takes them, and how they round."""

from dataclasses import replace

import numpy as np
import pytest

from quantlib.errors import UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.batch_matmul import BatchMatMulOptions
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.ops.transpose_conv import TransposeConvOptions
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, INT4, INT8, UINT8, INT16, INT32 = (
    TensorType.FLOAT32,
    TensorType.INT4,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
)
ONE, QUARTER = quantization(1.0), quantization(0.25)
CONV = Conv2DOptions(Padding.VALID, 1, 1)
TIES = np.array([[-10, -6, -2, 2, 6, 10]]).reshape(1, 1, 6, 1)  # quarters: -2.5 .. 2.5
AWAY, UP, EVEN = [-3, -2, -1, 1, 2, 3], [-2, -1, 0, 1, 2, 3], [-2, -2, 0, 0, 2, 2]


def conv(compute, kernels, *, constants=(1, 2), options=CONV, type=INT8, weights=ONE, x=TIES):
    operands = [(x, type, QUARTER), (np.ones((1, 1, 1, 1)), type, weights), ([0], INT32, QUARTER)]
    return compute("CONV_2D", operands, (type, ONE), options, constants=constants, kernels=kernels).ravel()


@pytest.mark.parametrize(("kernels", "expected"), [("reference", AWAY), ("optimized", UP), ("xnnpack", EVEN)])
def test_the_families_round_a_convolution_differently(compute, kernels, expected):
    assert conv(compute, kernels).tolist() == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"constants": (1,)},
        {"constants": (2,)},
        {"options": replace(CONV, fused_activation_function=Activation.TANH)},
    ],
    ids=["bias not constant", "weights not constant", "activation"],
)
def test_what_the_delegate_leaves_is_rounded_as_in_the_optimized_family(compute, changes):
    assert conv(compute, "xnnpack", **changes).tolist() == UP


def test_the_delegate_takes_one_convolution_of_uint8(compute):
    x = np.abs(TIES)
    assert conv(compute, "xnnpack", type=UINT8, x=x).tolist() == [2, 2, 0, 0, 2, 2]
    assert conv(compute, "optimized", type=UINT8, x=x).tolist() == [3, 2, 1, 1, 2, 3]


def test_a_multiplier_of_256_is_refused_by_xnnpack_alone(compute):
    with pytest.raises(UnsupportedError, match="below 256"):
        conv(compute, "xnnpack", weights=quantization(1024.0))
    assert conv(compute, "optimized", weights=quantization(1024.0)).tolist() == [-128] * 3 + [127] * 3


def test_int16_with_int32_bias_rounds_half_up_in_the_optimized_family(compute):
    options = replace(CONV, quantized_bias_type=INT32)
    operands = [(TIES, INT16, QUARTER), (np.ones((1, 1, 1, 1)), INT8, ONE), ([0], INT32, QUARTER)]
    for kernels, expected in (("reference", AWAY), ("optimized", UP), ("xnnpack", UP)):
        y = compute("CONV_2D", operands, (INT16, ONE), options, kernels=kernels)
        assert y.ravel().tolist() == expected


@pytest.mark.parametrize(
    ("kernels", "expected"),
    [("reference", [-1] * 9), ("optimized", [0] * 8 + [-1]), ("xnnpack", [0] * 9)],
)
def test_depthwise_channels_beyond_the_last_block_keep_the_reference_rounding(compute, kernels, expected):
    options = DepthwiseConv2DOptions(Padding.VALID, 1, 1, depth_multiplier=1)
    operands = [
        (np.full((1, 1, 1, 9), -2), INT8, QUARTER),
        (np.ones((1, 1, 1, 9)), INT8, ONE),
        (np.zeros(9), INT32, QUARTER),
    ]
    y = compute("DEPTHWISE_CONV_2D", operands, (INT8, ONE), options, constants=(1, 2), kernels=kernels)
    assert y.ravel().tolist() == expected


@pytest.mark.parametrize("kernels", ["optimized", "xnnpack"])
def test_depthwise_without_bias_is_refused_where_litert_dies(compute, kernels):
    options = DepthwiseConv2DOptions(Padding.VALID, 1, 1, depth_multiplier=1)
    operands = [(np.ones((1, 1, 1, 1)), INT8, ONE), (np.ones((1, 1, 1, 1)), INT8, ONE)]
    with pytest.raises(UnsupportedError, match="die"):
        compute("DEPTHWISE_CONV_2D", operands, (INT8, ONE), options, constants=(1,), kernels=kernels)


def test_xnnpack_refuses_depthwise_weights_with_a_zero_point(compute):
    options = DepthwiseConv2DOptions(Padding.VALID, 1, 1, depth_multiplier=1)
    w = (np.ones((1, 1, 1, 1)), INT8, quantization(1.0, 3))
    operands = [(np.ones((1, 1, 1, 1)), INT8, ONE), w, ([0], INT32, ONE)]
    arguments = ("DEPTHWISE_CONV_2D", operands, (INT8, ONE), options)
    assert compute(*arguments, constants=(1, 2), kernels="optimized").item() == 1
    with pytest.raises(UnsupportedError, match="zero points"):
        compute(*arguments, constants=(1, 2), kernels="xnnpack")


@pytest.mark.parametrize(
    ("kernels", "expected"),
    [("reference", [-1] * 9), ("optimized", [0] * 8 + [-1]), ("xnnpack", [0] * 9)],
)
@pytest.mark.parametrize("padding", [Padding.SAME, Padding.VALID])
def test_transpose_convolution_rounds_by_family(compute, kernels, expected, padding):
    options = TransposeConvOptions(padding, 1, 1)
    operands = [
        ([1, 1, 1, 9], INT32),
        (np.ones((9, 1, 1, 1)), INT8, ONE),
        (np.full((1, 1, 1, 1), -2), INT8, QUARTER),
    ]
    y = compute("TRANSPOSE_CONV", operands, (INT8, ONE), options, constants=(0, 1), kernels=kernels)
    assert y.ravel().tolist() == expected


def test_a_transpose_convolution_with_steps_beyond_its_filter_is_not_delegated(compute):
    options = TransposeConvOptions(Padding.SAME, 2, 2)
    operands = [
        ([1, 2, 2, 1], INT32),
        (np.ones((1, 1, 1, 1)), INT8, ONE),
        (np.full((1, 1, 1, 1), -2), INT8, QUARTER),
    ]
    y = compute("TRANSPOSE_CONV", operands, (INT8, ONE), options, constants=(0, 1), kernels="xnnpack")
    assert y.ravel().tolist() == [-1, 0, 0, 0]


@pytest.mark.parametrize(("kernels", "expected"), [("reference", AWAY), ("optimized", UP), ("xnnpack", EVEN)])
def test_the_families_round_a_dense_layer_differently(compute, kernels, expected):
    operands = [(TIES.reshape(6, 1), INT8, QUARTER), ([[1]], INT8, ONE), ([0], INT32, QUARTER)]
    y = compute(
        "FULLY_CONNECTED", operands, (INT8, ONE), FullyConnectedOptions(), constants=(1, 2), kernels=kernels
    )
    assert y.ravel().tolist() == expected


def test_xnnpack_holds_sixteen_times_the_sum_of_4_bit_weights(compute):
    operands = [([[0, 0]], INT8, ONE), ([[0, 0]], INT4, ONE), ([1 << 28], INT32, ONE)]
    arguments = ("FULLY_CONNECTED", operands, (INT8, ONE), FullyConnectedOptions())
    assert compute(*arguments, constants=(1, 2), kernels="optimized").item() == 127
    assert compute(*arguments, constants=(1, 2), kernels="xnnpack").item() == 0


@pytest.mark.parametrize(
    ("kernels", "expected"), [("reference", AWAY), ("optimized", AWAY), ("xnnpack", EVEN)]
)
def test_matrix_products_differ_in_xnnpack_alone(compute, kernels, expected):
    operands = [(TIES.reshape(6, 1), INT8, QUARTER), ([[1]], INT8, ONE)]
    y = compute("BATCH_MATMUL", operands, (INT8, ONE), BatchMatMulOptions(), kernels=kernels)
    assert y.ravel().tolist() == expected


HYBRID_X = np.array([1.0, -0.5, 100.0, 30.3]).reshape(1, 1, 2, 2)


def hybrid_conv(compute, kernels, stride):
    options = Conv2DOptions(Padding.VALID, stride, stride)
    operands = [(HYBRID_X, FLOAT32), (np.ones((1, 1, 1, 2)), INT8, ONE), ([0.0], FLOAT32)]
    return compute("CONV_2D", operands, (FLOAT32,), options, constants=(1, 2), kernels=kernels).ravel()


def test_xnnpack_quantizes_every_pixel_where_filters_see_one(compute):
    assert hybrid_conv(compute, "xnnpack", 1)[0] == pytest.approx(0.5, abs=0.01)
    assert hybrid_conv(compute, "xnnpack", 2)[0] == pytest.approx(0.5, abs=0.5)
    assert hybrid_conv(compute, "xnnpack", 2)[0] != hybrid_conv(compute, "xnnpack", 1)[0]


def test_a_hybrid_dense_layer_with_computed_bias_is_not_delegated(compute):
    operands = [([[0.3, 1.0]], FLOAT32), ([[3, 5]], INT8, ONE), ([0.1], FLOAT32)]
    arguments = ("FULLY_CONNECTED", operands, (FLOAT32,), FullyConnectedOptions())
    optimized = compute(*arguments, constants=(1,), kernels="optimized")
    assert compute(*arguments, constants=(1,), kernels="xnnpack") == optimized
    assert compute(*arguments, constants=(1, 2), kernels="xnnpack") != optimized


def test_a_hybrid_product_with_computed_weights_is_refused_by_xnnpack(compute):
    operands = [([[0.3, 1.0]], FLOAT32), ([[3], [5]], INT8, ONE)]
    arguments = ("BATCH_MATMUL", operands, (FLOAT32,), BatchMatMulOptions())
    assert compute(*arguments, constants=(1,), kernels="xnnpack").item() == pytest.approx(5.9, abs=0.05)
    with pytest.raises(UnsupportedError, match="constant"):
        compute(*arguments, kernels="xnnpack")


def test_a_hybrid_transpose_convolution_adds_integers_first_in_xnnpack(compute):
    operands = [
        ([1, 1, 2, 1], INT32),
        (np.ones((1, 1, 2, 1)), INT8, quantization(0.1)),
        (np.array([1.0, 0.37]).reshape(1, 1, 2, 1), FLOAT32),
    ]
    options = TransposeConvOptions(Padding.SAME, 1, 1)
    arguments = ("TRANSPOSE_CONV", operands, (FLOAT32,), options)
    y = compute(*arguments, constants=(0, 1), kernels="xnnpack").ravel()
    # codes 255 and 94 of scale 1 / 255, times 0.1
    np.testing.assert_allclose(y, np.array([255, 349]) / 2550, rtol=1e-6)


def test_4_bit_rows_are_symmetric_and_have_no_place_for_the_lowest_weight(compute):
    x = np.zeros((1, 32))
    x[0, :2] = [127.0, 1.0]
    w = np.ones((4, 32))
    operands = [(x, FLOAT32), (w, INT4, ONE), ([0.5] * 4, FLOAT32)]
    arguments = ("FULLY_CONNECTED", operands, (FLOAT32,), FullyConnectedOptions())
    assert compute(*arguments, constants=(1, 2), kernels="optimized").tolist() == [[128.5] * 4]
    w[3, 5] = -8
    with pytest.raises(UnsupportedError, match="no place for -8"):
        compute(*arguments, constants=(1, 2), kernels="optimized")
    assert compute(*arguments, constants=(1, 2)).tolist() == [[128.5] * 4]


LARGE = 2.0**24
"""From here on float32 has no odd numbers."""


@pytest.mark.parametrize(("kernels", "expected"), [("reference", 0.0), ("xnnpack", -1.0)])
def test_xnnpack_adds_real_products_to_the_bias_not_the_bias_to_the_sum(compute, kernels, expected):
    # reference: (2**24 + 1) - 2**24 - 1 + 1; XNNPACK: 1 + 2**24, rounded, ...
    x = np.array([LARGE, -LARGE, -1.0]).reshape(1, 1, 1, 3)
    operands = [(x, FLOAT32), (np.ones((1, 1, 1, 3)), FLOAT32), ([1.0], FLOAT32)]
    y = compute("CONV_2D", operands, (FLOAT32,), CONV, constants=(1, 2), kernels=kernels)
    assert y.item() == expected
    dense = [(x.reshape(1, 3), FLOAT32), (np.ones((1, 3)), FLOAT32), ([1.0], FLOAT32)]
    arguments = ("FULLY_CONNECTED", dense, (FLOAT32,), FullyConnectedOptions())
    assert compute(*arguments, constants=(1, 2), kernels=kernels).item() == expected


def depthwise(compute, kernels, x, w, bias):
    options = DepthwiseConv2DOptions(Padding.VALID, 1, 1, depth_multiplier=1)
    operands = [(x, FLOAT32), (w, FLOAT32), ([bias], FLOAT32)]
    return compute("DEPTHWISE_CONV_2D", operands, (FLOAT32,), options, constants=(1, 2), kernels=kernels)


def test_depthwise_taps_go_by_rows_or_by_columns(compute):
    x = np.array([[LARGE, 1.0], [-LARGE, 1.0]]).reshape(1, 2, 2, 1)
    w = np.ones((1, 2, 2, 1))
    # by rows: 2**24 + 1 is lost; by columns 2**24 - 2**24 + 1 + 1
    assert depthwise(compute, "optimized", x, w, 0.0).item() == 1
    assert depthwise(compute, "xnnpack", x, w, 0.0).item() == 2


def test_products_are_not_rounded_in_xnnpack(compute):
    x, w = np.full((1, 1, 1, 1), 1 + 2**-12), np.full((1, 1, 1, 1), 1 + 2**-12)
    assert depthwise(compute, "optimized", x, w, -1.0).item() == 2**-11
    assert depthwise(compute, "xnnpack", x, w, -1.0).item() == 2**-11 + 2**-24


def test_a_transpose_convolution_of_real_numbers_starts_at_the_bias(compute):
    operands = [
        ([1, 1, 1, 1], INT32),
        (np.ones((1, 1, 1, 2)), FLOAT32),
        (np.array([LARGE, -LARGE]).reshape(1, 1, 1, 2), FLOAT32),
        ([1.0], FLOAT32),
    ]
    arguments = ("TRANSPOSE_CONV", operands, (FLOAT32,), TransposeConvOptions(Padding.SAME, 1, 1))
    assert compute(*arguments, constants=(0, 1, 3)).item() == 1
    assert compute(*arguments, constants=(0, 1, 3), kernels="xnnpack").item() == 0


def test_a_matrix_product_of_real_numbers_is_fused_in_xnnpack(compute):
    a = 1 + 2**-12
    operands = [([[1.0, a]], FLOAT32), ([[-1.0], [a]], FLOAT32)]
    arguments = ("BATCH_MATMUL", operands, (FLOAT32,), BatchMatMulOptions())
    assert compute(*arguments).item() == 2**-11
    assert compute(*arguments, kernels="xnnpack").item() == 2**-11 + 2**-24


def test_a_transpose_convolution_of_int16_with_32_bit_sums_rounds_in_blocks_of_8_channels(compute):
    options = TransposeConvOptions(Padding.SAME, 1, 1, quantized_bias_type=INT32)
    operands = [
        ([1, 1, 1, 9], INT32),
        (np.ones((9, 1, 1, 1)), INT8, ONE),
        (np.full((1, 1, 1, 1), -2), INT16, QUARTER),
    ]
    arguments = ("TRANSPOSE_CONV", operands, (INT16, ONE), options)
    assert compute(*arguments).ravel().tolist() == [-1] * 9
    assert compute(*arguments, kernels="optimized").ravel().tolist() == [0] * 8 + [-1]


@pytest.mark.parametrize(("constant", "expected"), [(True, 0.0), (False, 1.0)])
def test_weights_made_real_from_float16_constants_count_as_constants(constant, expected):
    graph = Graph()
    x = graph.input((1, 2), FLOAT32)
    stored = np.ones((1, 2), np.float16)
    half = graph.constant(stored, TensorType.FLOAT16) if constant else graph.input((1, 2), TensorType.FLOAT16)
    w = graph.tensor((1, 2), FLOAT32)
    graph.operator("DEQUANTIZE", [half], [w])
    bias = graph.constant(np.ones(1, np.float32), FLOAT32)
    graph.operator("FULLY_CONNECTED", [x, w, bias], [graph.output((1, 1), FLOAT32)], FullyConnectedOptions())
    arrays = [np.array([[LARGE, -LARGE]], np.float32)] + ([] if constant else [stored])
    (y,) = run(graph.model(), *arrays, kernels="xnnpack")
    assert y.item() == expected  # XNNPACK adds to the bias, which is lost


def test_groups_of_one_channel_and_one_filter_are_depthwise_to_xnnpack(compute):
    x = np.repeat(np.array([[LARGE, 1.0], [-LARGE, 1.0]]).reshape(1, 2, 2, 1), 2, axis=3)
    operands = [(x, FLOAT32), (np.ones((2, 2, 2, 1)), FLOAT32), ([0.0, 0.0], FLOAT32)]
    arguments = ("CONV_2D", operands, (FLOAT32,), CONV)
    assert compute(*arguments, constants=(1, 2)).ravel().tolist() == [1, 1]
    assert compute(*arguments, constants=(1, 2), kernels="xnnpack").ravel().tolist() == [2, 2]
