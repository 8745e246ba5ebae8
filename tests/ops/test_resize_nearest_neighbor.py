"""RESIZE_NEAREST_NEIGHBOR by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.ops.resize_nearest_neighbor import ResizeNearestNeighborOptions, nearest

FLOAT32, INT8, INT32, INT64 = TensorType.FLOAT32, TensorType.INT8, TensorType.INT32, TensorType.INT64


def resize(compute, x, size, options=None, type=INT8, size_type=INT32):
    return compute("RESIZE_NEAREST_NEIGHBOR", [(x, type), (size, size_type)], (type,), options)


@pytest.mark.parametrize(
    ("extent", "size", "align_corners", "half_pixel_centers", "expected"),
    [
        (2, 4, False, False, [0, 0, 1, 1]),
        (4, 2, False, False, [0, 2]),
        (4, 2, False, True, [1, 3]),  # 0.5 · 2 and 1.5 · 2
        (3, 2, True, False, [0, 2]),
        (2, 3, True, False, [0, 1, 1]),  # 0.5 is a half, away from zero
        (2, 3, True, True, [0, 1, 1]),  # 0.25, 0.75, 1.25
        (5, 1, True, False, [0]),  # one pixel: the scale is the plain one
        (1, 4, True, True, [0, 0, 0, 0]),
    ],
)
def test_positions(extent, size, align_corners, half_pixel_centers, expected):
    options = ResizeNearestNeighborOptions(align_corners, half_pixel_centers)
    assert nearest(options, extent, size).tolist() == expected


def test_positions_are_float32():
    # 41 · (2 / 82) is 1; the nearest float32 of 2 / 82 lies below it, and so does the product.
    assert nearest(ResizeNearestNeighborOptions(), 2, 82)[40:43].tolist() == [0, 0, 1]


def test_rows_and_columns_are_chosen_apart(compute):
    x = np.arange(6).reshape(1, 2, 3, 1)
    out = resize(compute, x, [4, 2])
    assert out[0, :, :, 0].tolist() == [[0, 1], [0, 1], [3, 4], [3, 4]]


def test_nothing_asked_for_is_nothing(compute):
    assert resize(compute, np.zeros((1, 2, 3, 1)), [0, 2]).shape == (1, 0, 2, 1)


def test_c1_c2_an_image_and_two_sizes(compute):
    with pytest.raises(InvalidModelError, match="3 dimensions; wanted 4"):
        resize(compute, np.zeros((2, 3, 1)), [1, 1])
    with pytest.raises(InvalidModelError, match=r"input 1 \(size\): 3 values; wanted 2"):
        resize(compute, np.zeros((1, 2, 3, 1)), [1, 1, 1])
    with pytest.raises(InvalidModelError, match="0 or more"):
        resize(compute, np.zeros((1, 2, 3, 1)), [-1, 1])
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        resize(compute, np.zeros((1, 2, 3, 1)), [1, 1], size_type=INT64)


def test_c3_there_are_pixels_to_choose_from(compute):
    with pytest.raises(InvalidModelError, match="0 × 3 pixels"):
        resize(compute, np.zeros((1, 0, 3, 1)), [1, 1])


def test_a_huge_size_is_refused_before_it_is_allocated(compute):
    with pytest.raises(LimitExceededError):
        resize(compute, np.zeros((1, 1, 1, 1)), [2**31 - 1, 2**31 - 1])
    with pytest.raises(LimitExceededError):
        resize(compute, np.zeros((1, 1, 1, 0)), [2**31 - 1, 2**31 - 1])
