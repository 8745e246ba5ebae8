"""AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops._activation import Activation
from quantlib.ops._pool import Pool2DOptions
from quantlib.ops._window import Padding
from quantlib.ops.average_pool_2d import divide_rounding_half_away
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, INT8, UINT8, INT16 = TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8, TensorType.INT16


def pool(
    operator,
    x,
    type=FLOAT32,
    parameters=None,
    out=None,
    out_type=None,
    limits=None,
    kernels="reference",
    **options,
):
    graph = Graph()
    source = graph.input(x.shape, type, parameters)
    target = graph.output((), out_type or type, parameters if out is None else out)
    chosen = {"padding": Padding.VALID, "stride_w": 1, "stride_h": 1, "filter_width": 2, "filter_height": 1}
    graph.operator(operator, [source], [target], Pool2DOptions(**{**chosen, **options}))
    (y,) = run(graph.model(), x, kernels=kernels, limits=limits)
    return y


def row(*values, dtype=np.float32):
    return np.array(values, dtype).reshape(1, 1, -1, 1)


def test_averages_of_integers_round_half_away_from_zero():
    x = row(1, 2, 3, -4, -5, -5, dtype=np.int8)
    assert pool("AVERAGE_POOL_2D", x, INT8).ravel().tolist() == [2, 3, -1, -5, -5]


def test_halves_of_every_sign_round_away_for_every_count():
    total, count = np.arange(-40, 41)[:, None], np.arange(1, 10)
    exact = np.sign(total) * np.floor(np.abs(total) / count + 0.5)
    assert np.array_equal(divide_rounding_half_away(total, count), exact)


def test_padding_is_neither_summed_nor_counted():
    x = np.full((1, 2, 2, 1), 7, np.int8)
    y = pool("AVERAGE_POOL_2D", x, INT8, padding=Padding.SAME, filter_width=3, filter_height=3)
    assert y.ravel().tolist() == [7, 7, 7, 7]


def test_padding_is_no_candidate_for_the_largest_value():
    x = np.full((1, 2, 2, 1), -100, np.int8)
    y = pool("MAX_POOL_2D", x, INT8, padding=Padding.SAME, filter_width=3, filter_height=3)
    assert y.ravel().tolist() == [-100] * 4


def test_the_odd_padded_pixel_stands_after_the_image():
    y = pool("MAX_POOL_2D", row(1, 2, 9), padding=Padding.SAME)
    assert y.ravel().tolist() == [2, 9, 9]


def test_strides_larger_than_the_window_skip_pixels():
    y = pool("AVERAGE_POOL_2D", row(1, 2, 99, 3, 5, 99), stride_w=3)
    assert y.ravel().tolist() == [1.5, 4]


def test_floats_are_summed_one_after_the_other():
    # In float32 1e8 + 1 is 1e8: the small number survives only after the large ones cancelled.
    assert pool("AVERAGE_POOL_2D", row(1e8, 1, -1e8), filter_width=3).ravel().tolist() == [0]
    third = np.float32(1) / np.float32(3)
    assert pool("AVERAGE_POOL_2D", row(1e8, -1e8, 1), filter_width=3).ravel().tolist() == [third]


def test_different_scales_change_nothing():
    x = row(10, 20, dtype=np.uint8)
    one, other = quantization(0.5, 3), quantization(0.25, 200)
    assert pool("AVERAGE_POOL_2D", x, UINT8, one, other).ravel().tolist() == [15]
    assert pool("MAX_POOL_2D", x, UINT8, one, other).ravel().tolist() == [20]


def test_fused_activations_clamp_in_codes_of_the_output():
    x = row(-128, 127, 127, dtype=np.int8)
    relu6 = {"parameters": quantization(0.1, -28), "fused_activation_function": Activation.RELU6}
    assert pool("MAX_POOL_2D", x, INT8, **relu6).ravel().tolist() == [32, 32]
    assert pool("AVERAGE_POOL_2D", x, INT8, filter_width=1, **relu6).ravel().tolist() == [-28, 32, 32]


def test_16_bit_sums_do_not_saturate():
    x = row(32767, 32767, -32768, dtype=np.int16)
    assert pool("AVERAGE_POOL_2D", x, INT16, quantization(1.0)).ravel().tolist() == [32767, -1]


def test_a_nan_loses_every_comparison_but_spoils_every_mean():
    x = row(np.nan, 1, np.nan, np.nan)
    assert pool("MAX_POOL_2D", x).ravel().tolist() == [1, 1, np.finfo(np.float32).min]
    assert np.isnan(pool("AVERAGE_POOL_2D", x)).all()


def test_infinities_become_the_largest_number():
    largest = float(np.finfo(np.float32).max)
    assert pool("MAX_POOL_2D", row(np.inf, -np.inf), filter_width=1).ravel().tolist() == [largest, -largest]


def test_of_two_zeros_the_first_stays():
    y = pool("MAX_POOL_2D", row(-0.0, 0.0, -0.0))
    assert np.signbit(y).ravel().tolist() == [True, False]


def test_l2_is_the_root_of_the_mean_square():
    assert pool("L2_POOL_2D", row(3, 4, 0)).ravel().tolist() == [
        np.float32(np.sqrt(np.float32(12.5))),
        np.float32(np.sqrt(np.float32(8))),
    ]


def test_an_empty_batch_gives_an_empty_batch():
    x = np.empty((0, 3, 3, 2), np.float32)
    for operator in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        assert pool(operator, x).shape == (0, 3, 2, 2)


def test_the_input_is_not_written_to():
    x = row(3.0, 4.0, 5.0)
    x.flags.writeable = False
    for operator in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        pool(operator, x)
    assert x.ravel().tolist() == [3, 4, 5]


OPERATORS = ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")


@pytest.mark.parametrize("operator", OPERATORS)
def test_c1_other_ranks_are_refused(operator):
    with pytest.raises(InvalidModelError, match="3 dimensions; wanted 4"):
        pool(operator, np.zeros((2, 3, 1), np.float32))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("field", ["stride_w", "stride_h", "filter_width", "filter_height"])
def test_c2_a_window_without_size_or_stride_is_refused(operator, field):
    with pytest.raises(InvalidModelError, match="1 or more"):
        pool(operator, row(1, 2, 3), **{field: 0})


@pytest.mark.parametrize("operator", OPERATORS)
def test_c2_a_window_larger_than_the_image_is_refused(operator):
    with pytest.raises(InvalidModelError, match="one that fits"):
        pool(operator, row(1, 2, 3), filter_width=5)


@pytest.mark.parametrize("operator", OPERATORS)
def test_c3_another_output_type_is_refused(operator):
    with pytest.raises(InvalidModelError, match="the input's type"):
        pool(operator, row(1, 2, 3), out_type=INT8)


def test_types_without_a_kernel_are_named():
    with pytest.raises(UnsupportedError, match="INT32"):
        pool("MAX_POOL_2D", row(1, 2, dtype=np.int32), TensorType.INT32)


def test_a_window_that_only_padding_could_fill_is_refused_before_it_is_allocated():
    huge = {"padding": Padding.SAME, "filter_width": 2**20, "filter_height": 2**20}
    with pytest.raises(LimitExceededError):
        pool("MAX_POOL_2D", row(1, 2, 3), **huge)


def test_more_work_than_allowed_is_refused():
    with pytest.raises(LimitExceededError, match="multiply-adds"):
        pool("MAX_POOL_2D", row(1, 2, 3), limits=Limits(multiply_adds=3))


def test_xnnpack_fails_where_the_largest_codes_would_mean_something_else():
    x, codes = row(1, 2, 3, dtype=np.int8), (quantization(0.5), quantization(0.25))
    assert pool("MAX_POOL_2D", x, INT8, *codes, kernels="optimized").ravel().tolist() == [2, 3]
    with pytest.raises(UnsupportedError, match="XNNPACK"):
        pool("MAX_POOL_2D", x, INT8, *codes, kernels="xnnpack")
    # A stride beyond the window keeps XNNPACK away.
    y = pool("MAX_POOL_2D", x, INT8, *codes, kernels="xnnpack", stride_w=3)
    assert y.ravel().tolist() == [2]
    assert pool("MAX_POOL_2D", x, INT8, codes[0], kernels="xnnpack").ravel().tolist() == [2, 3]


def test_the_optimized_root_mean_square_multiplies_by_a_reciprocal():
    x = np.linspace(0.1, 9, 40, dtype=np.float32)
    x = np.concatenate((x, x * np.float32(1.7), x * np.float32(0.3))).reshape(1, 3, 40, 1)
    total = (x[:, 0] * x[:, 0] + x[:, 1] * x[:, 1]) + x[:, 2] * x[:, 2]
    size = {"filter_width": 1, "filter_height": 3}
    y = pool("L2_POOL_2D", x, kernels="optimized", **size)
    assert np.array_equal(y[:, 0], np.sqrt(total * (np.float32(1) / np.float32(3))))
    assert np.array_equal(pool("L2_POOL_2D", x, **size)[:, 0], np.sqrt(total / np.float32(3)))
    assert not np.array_equal(y, pool("L2_POOL_2D", x, **size))


def test_xnnpack_adds_nine_pixels_in_pairs():
    x = np.array([1e8, 1, 1, 1, 1, 1, 1, 1, -1e8], np.float32).reshape(1, 1, 9, 1)
    size = {"filter_width": 9, "filter_height": 1}
    # 1e8 + 1 loses 1 and meets -1e8 next; the other pairs are exact.
    y = pool("AVERAGE_POOL_2D", x, kernels="xnnpack", **size)
    assert y.item() == np.float32(6) * (np.float32(1) / np.float32(9))
    assert pool("AVERAGE_POOL_2D", x, **size).item() == 0


def test_xnnpack_goes_down_the_columns_of_a_window():
    x = np.array([[1e8, 0], [1, 0], [0, -1e8]], np.float32).reshape(1, 3, 2, 1)
    x = np.concatenate((x, np.zeros((1, 3, 1, 1), np.float32)), axis=2)
    size = {"filter_width": 3, "filter_height": 3}
    # Down the columns: 1e8, 1, 0, 0, 0, -1e8, so that 1e8 + 1 comes first, and -1e8 with 0.
    assert pool("AVERAGE_POOL_2D", x, kernels="xnnpack", **size).item() == 0


def test_windows_that_hang_over_both_borders_are_refused_where_xnnpack_mixes_them_up():
    x = np.ones((1, 2, 1, 1), np.float32)
    size = {"filter_width": 1, "filter_height": 4, "padding": Padding.SAME}
    with pytest.raises(UnsupportedError, match="mixes up"):
        pool("AVERAGE_POOL_2D", x, kernels="xnnpack", **size)
    assert pool("AVERAGE_POOL_2D", x, kernels="optimized", **size).ravel().tolist() == [1, 1]
    assert pool("AVERAGE_POOL_2D", x, kernels="xnnpack", stride_h=4, **size).ravel().tolist() == [1]


def test_a_window_of_one_pixel_is_a_clamp_in_xnnpack():
    x = row(-2, 0.1, 7)
    one = {"filter_width": 1, "filter_height": 1, "fused_activation_function": Activation.RELU6}
    y = pool("AVERAGE_POOL_2D", x, kernels="xnnpack", **one)
    assert np.array_equal(y, row(0, 0.1, 6))


def test_denormals_are_zeros_in_xnnpack():
    x = row(1e-40, 2e-38, 1e-38, 2e-38)
    assert pool("AVERAGE_POOL_2D", x, kernels="xnnpack").ravel().tolist() == [0, 0, 0]  # halves of 2e-38
    assert pool("AVERAGE_POOL_2D", x, kernels="optimized").all()
    largest = pool("MAX_POOL_2D", row(1e-40, 1e-39, 2e-38), kernels="xnnpack")
    assert largest.ravel().tolist() == [0, np.float32(2e-38)]
