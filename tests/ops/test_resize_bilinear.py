"""RESIZE_BILINEAR by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.ops.resize_bilinear import ResizeBilinearOptions
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, INT8, UINT8, INT16, INT32, INT64 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)
ALIGNED = ResizeBilinearOptions(align_corners=True)
CENTERED = ResizeBilinearOptions(half_pixel_centers=True)


def resize(compute, x, size, options=None, type=FLOAT32, constants=(1,), size_type=INT32):
    operands = [(x, type), (size, size_type)]
    return compute("RESIZE_BILINEAR", operands, (type,), options, constants=constants)


def row(compute, x, width, options=None, type=FLOAT32):
    return resize(compute, np.reshape(x, (1, 1, -1, 1)), [1, width], options, type).reshape(-1).tolist()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, [0, 4, 8, 8]),  # positions 0, ½, 1, 1½
        (CENTERED, [0, 2, 6, 8]),  # −¼, ¼, ¾, 1¼
        (ALIGNED, [0, 8 / 3, 16 / 3, 8]),
    ],
)
def test_a_row_is_interpolated(compute, options, expected):
    assert row(compute, [0, 8], 4, options) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("type", [INT8, UINT8, INT16])
def test_codes_are_interpolated_and_rounded(compute, type):
    assert row(compute, [0, 8], 4, CENTERED, type) == [0, 2, 6, 8]
    assert row(compute, [0, 8], 4, ALIGNED, type) == [0, 3, 5, 8]


def test_halves_of_integers_go_away_from_zero(compute):
    assert row(compute, [0, 1], 4, None, INT8) == [0, 1, 1, 1]
    assert row(compute, [0, -1], 4, None, INT8) == [0, -1, -1, -1]
    assert row(compute, [0, 1], 4, None, UINT8) == [0, 1, 1, 1]


def test_rows_and_columns_are_weighed_together(compute):
    x = np.array([[0.0, 4.0], [8.0, 16.0]]).reshape(1, 2, 2, 1)
    out = resize(compute, x, [3, 3], ALIGNED)
    assert out[0, :, :, 0].tolist() == [[0, 2, 4], [4, 7, 10], [8, 12, 16]]


@pytest.mark.parametrize("type", [FLOAT32, INT8, UINT8, INT16])
@pytest.mark.parametrize("options", [None, ALIGNED, CENTERED])
def test_the_same_size_changes_nothing(compute, type, options):
    x = np.random.default_rng(1).integers(0, 127, (2, 5, 7, 3))
    assert np.array_equal(resize(compute, x, [5, 7], options, type), x)


@pytest.mark.parametrize(
    ("type", "low", "high"), [(INT8, -128, 127), (UINT8, 0, 255), (INT16, -32768, 32767)]
)
def test_a_constant_image_stays_constant(compute, type, low, high):
    for code in (low, high):
        for options in (None, ALIGNED, CENTERED):
            out = resize(compute, np.full((1, 3, 4, 1), code), [10, 11], options, type)
            assert np.unique(out).tolist() == [code]


def test_minus_zero_becomes_zero(compute):
    out = resize(compute, np.full((1, 1, 1, 1), -0.0), [1, 1])
    assert not np.signbit(out).any()


def test_the_integer_scale_is_rounded_to_1024ths(compute):
    # 1024 · 3 / 7 is 438.86, taken as 439: pixel 6 stands at 2634/1024, where 2633.1 would be exact.
    assert row(compute, [0, 0, -32768], 7, None, INT16)[4] == round(-32768 * (4 * 439 - 1024) / 1024)


def test_c1_c2_an_image_and_two_sizes(compute):
    image = np.zeros((1, 2, 3, 1))
    with pytest.raises(InvalidModelError, match="3 dimensions; wanted 4"):
        resize(compute, image[0], [1, 1])
    with pytest.raises(InvalidModelError, match=r"input 1 \(size\): 1 values; wanted 2"):
        resize(compute, image, [1])
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        resize(compute, image, [1, 1], size_type=INT64)
    for size in ([0, 1], [1, -1]):
        with pytest.raises(InvalidModelError, match="1 or more"):
            resize(compute, image, size)


def test_c3_both_options_exclude_each_other_where_the_size_is_constant(compute):
    both = ResizeBilinearOptions(align_corners=True, half_pixel_centers=True)
    x = np.arange(2.0).reshape(1, 1, 2, 1)
    with pytest.raises(InvalidModelError, match="half_pixel_centers: with align_corners"):
        resize(compute, x, [1, 3], both)
    # Positions (i + ½) · ½ − ½: −¼, ¼ and ¾.
    assert resize(compute, x, [1, 3], both, constants=()).reshape(-1).tolist() == [0, 0.25, 0.75]


@pytest.mark.parametrize("type", [FLOAT32, INT8])
def test_c4_there_are_pixels_to_choose_from(compute, type):
    with pytest.raises(InvalidModelError, match="2 × 0 pixels"):
        resize(compute, np.zeros((1, 2, 0, 1)), [1, 1], type=type)
    assert resize(compute, np.zeros((0, 2, 0, 1)), [1, 1], type=type).shape == (0, 1, 1, 1)


def test_c5_a_position_beyond_the_input_is_refused(compute):
    # The scale 1024 / 600 is taken as 2: the last pixel stands at 1198/1024 of a single one.
    with pytest.raises(InvalidModelError, match="position 1; wanted below 1"):
        row(compute, [7], 600, None, INT8)
    assert row(compute, [7], 600) == pytest.approx([7] * 600)


def test_a_huge_size_is_refused_before_it_is_allocated(compute):
    for size in ([2**31 - 1, 2**31 - 1], [2**30, 1]):
        with pytest.raises(LimitExceededError):
            resize(compute, np.zeros((1, 1, 1, 1)), size)


def family(kernels, x, size, options=None, type=FLOAT32):
    """The image that a kernel family makes."""
    graph = Graph()
    parameters = None if type is FLOAT32 else quantization(0.5)
    inputs = [graph.input(np.shape(x), type, parameters), graph.constant(np.array(size), INT32)]
    graph.operator("RESIZE_BILINEAR", inputs, [graph.output((), type, parameters)], options)
    (y,) = run(graph.model(), np.asarray(x, type.dtype), kernels=kernels)
    return y


def test_the_optimized_kernel_multiplies_weights_first():
    x = np.array([1.1, 2.3, 3.7, 5.9], np.float32).reshape(1, 2, 2, 1)
    a, b, c, d = x.reshape(-1)
    y0, y1 = np.float32(0.5), np.float32(0.5)
    x1 = np.float32(1) * np.float32(1 / 3)
    x0 = np.float32(1) - x1
    out = family("optimized", x, [3, 4], ALIGNED)
    assert out[0, 1, 1, 0] == ((a * (y0 * x0) + b * (y0 * x1)) + c * (y1 * x0)) + d * (y1 * x1)


def test_the_optimized_kernel_doubles_by_means_of_means():
    x = np.array([[1.0, 3.0], [5.0, 11.0]]).reshape(1, 2, 2, 1)
    out = family("optimized", x, [4, 4])
    assert out[0, :, :, 0].tolist() == [[1, 2, 3, 3], [3, 5, 7, 7], [5, 8, 11, 11], [5, 8, 11, 11]]
    assert np.signbit(family("optimized", np.full((1, 1, 1, 1), -0.0), [2, 2])).all()


def test_the_optimized_kernel_makes_codes_eight_times_as_large_in_integers():
    x = np.zeros((1, 1, 2, 8))
    x[0, 0, 1] = 8
    out = family("optimized", x, [8, 16], CENTERED, UINT8)
    # Positions (i + ½) / 8 − ½ between the pixels: 1/16, 3/16, ... of 8, halves up.
    assert out[0, 0, 4:12, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_xnnpack_weighs_codes_in_2048ths_and_rounds_halves_up():
    x = np.array([0, 1]).reshape(1, 1, 2, 1)
    assert family("xnnpack", x, [1, 4], None, INT8).reshape(-1).tolist() == [0, 1, 1, 1]
    assert family("xnnpack", -x, [1, 4], None, INT8).reshape(-1).tolist() == [0, 0, -1, -1]


def test_xnnpack_goes_along_rows_first():
    x = np.array([1.1, 2.3, 3.7, 5.9], np.float32).reshape(1, 2, 2, 1)
    a, b, c, d = x.reshape(-1)
    third, half = np.float32(1) * np.float32(1 / 3), np.float32(0.5)
    top, bottom = a + (b - a) * third, c + (d - c) * third
    assert family("xnnpack", x, [3, 4], ALIGNED)[0, 1, 1, 0] == top + (bottom - top) * half


@pytest.mark.parametrize("type", [FLOAT32, INT8, UINT8])
@pytest.mark.parametrize("kernels", ["optimized", "xnnpack"])
def test_every_family_keeps_an_image_of_the_same_size(kernels, type):
    x = np.random.default_rng(1).integers(0, 127, (2, 5, 7, 3))
    for options in (None, ALIGNED, CENTERED):
        assert np.array_equal(family(kernels, x, [5, 7], options, type), x)
