"""RESIZE_BILINEAR by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.ops.resize_bilinear import ResizeBilinearOptions

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
