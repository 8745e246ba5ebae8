"""Windows that slide over an image."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops._node import Node
from quantlib.ops._window import Padding, extract_windows, taps, window

NODE = Node("CONV_2D", (), ())


def axis(extent, size, stride=1, dilation=1, padding=Padding.SAME):
    return window(NODE, "height", extent, size, stride, dilation, padding)


@pytest.mark.parametrize(
    ("extent", "size", "stride", "dilation", "padding", "expected"),
    [
        (5, 3, 1, 1, Padding.SAME, (5, 1, 1)),
        (5, 2, 1, 1, Padding.SAME, (5, 0, 1)),
        (5, 3, 2, 1, Padding.SAME, (3, 1, 1)),
        (6, 3, 2, 1, Padding.SAME, (3, 0, 1)),
        (5, 3, 1, 2, Padding.SAME, (5, 2, 2)),
        (5, 1, 3, 1, Padding.SAME, (2, 0, 0)),
        (5, 3, 1, 1, Padding.VALID, (3, 0, 0)),
        (5, 3, 2, 1, Padding.VALID, (2, 0, 0)),
        (5, 3, 1, 2, Padding.VALID, (1, 0, 0)),
        (2, 3, 1, 1, Padding.VALID, (0, 0, 0)),
    ],
)
def test_output_and_padding_are_those_of_tensorflow(extent, size, stride, dilation, padding, expected):
    found = axis(extent, size, stride, dilation, padding)
    assert (found.output, found.before, found.after) == expected


def test_a_window_that_sticks_out_by_less_than_a_stride_gives_nothing_and_farther_is_refused():
    assert axis(2, 5, stride=3, padding=Padding.VALID).output == 0
    with pytest.raises(InvalidModelError, match="height"):
        axis(2, 8, stride=3, padding=Padding.VALID)


@pytest.mark.parametrize("bad", [{"size": 0}, {"stride": 0}, {"dilation": 0}, {"stride": -1}])
def test_steps_below_one_are_refused(bad):
    with pytest.raises(InvalidModelError):
        axis(**{"extent": 5, "size": 3, **bad})


@pytest.mark.parametrize("padding", Padding)
def test_taps_see_what_the_windows_see_without_the_border(padding):
    image = np.arange(1, 7 * 6 + 1).reshape(1, 7, 6, 1)
    checked = 0
    for size in range(1, 5):
        for stride in range(1, 4):
            for dilation in range(1, 3):
                if padding is Padding.VALID and (size - 1) * dilation >= 6:
                    continue
                rows, columns = (axis(extent, size, stride, dilation, padding) for extent in (7, 6))
                seen = np.zeros((1, rows.output, columns.output, size, size, 1), np.int64)
                for tap in taps(image, rows, columns):
                    seen[(*tap.windows, tap.a, tap.b)] = tap.pixels
                assert np.array_equal(seen, extract_windows(image, rows, columns, 0))
                checked += seen.size
    assert checked > 1000


def test_taps_of_one_pixel_are_views_that_can_be_written_through():
    image = np.zeros((1, 3, 3, 1), TensorType.INT32.dtype)
    for tap in taps(image, axis(3, 3), axis(3, 3)):
        tap.pixels[...] += 1
    assert image[0, :, :, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]
