"""Windows that slide over an image: output sizes, padding, and the pixels each window sees.

Source: LiteRT tflite/kernels/padding.h (ComputeOutSize, ComputePaddingHeightWidth).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from quantlib.ops._node import Array, Node

__all__ = ["Padding", "Tap", "Window", "extract_windows", "taps", "window"]


class Padding(enum.IntEnum):
    """How a window treats the border."""

    SAME = 0
    VALID = 1


@dataclass(frozen=True, slots=True)
class Window:
    """Where a window lies along one axis.

    Parameters
    ----------
    size : int
        Taps of the window.
    stride, dilation : int
        Steps between windows, and between taps.
    output : int
        Number of windows.
    before, after : int
        Padding; `after` is at least what the last window reaches over the border.
    """

    size: int
    stride: int
    dilation: int
    output: int
    before: int
    after: int


@dataclass(frozen=True, slots=True, eq=False)
class Tap:
    """One place of a window, and everything that is seen through it.

    Parameters
    ----------
    a, b : int
        Row and column of the place in the window.
    windows : tuple of slice
        The windows whose place (a, b) lies on the image: an index into arrays (n, i, j, ...).
    pixels : array (n, i', j', c)
        What those windows see there; a view of the image, which may be written to if the image may.
    """

    a: int
    b: int
    windows: tuple[slice, slice, slice]
    pixels: Array


def window(
    node: Node, axis: str, extent: int, size: int, stride: int, dilation: int, padding: Padding
) -> Window:
    """The window along one axis of an image.

    SAME gives ceil(extent / stride) outputs and pads so that every tap has a place, the odd pixel
    after; VALID gives the windows that fit and pads nothing.

    Parameters
    ----------
    node : Node
        For error texts.
    axis : str
        ``"height"`` or ``"width"``, for error texts.
    extent, size, stride, dilation : int
    padding : Padding

    Returns
    -------
    Window

    Raises
    ------
    InvalidModelError
        A stride, dilation or size below one, or no output at all.
    """
    node.require(
        size >= 1 and stride >= 1 and dilation >= 1,
        axis,
        f"window {size}, stride {stride}, dilation {dilation}",
        "1 or more of each",
    )
    reach = (size - 1) * dilation + 1
    steps = extent + stride - 1 if padding is Padding.SAME else extent + stride - reach
    # C divides towards zero, so a VALID window that sticks out by less than a stride gives no
    # output, and one that sticks out farther is refused.
    node.require(steps > -stride, axis, f"a window that reaches {reach} on {extent} pixels", "one that fits")
    output = max(steps, 0) // stride
    total = max((output - 1) * stride + reach - extent, 0)
    before = total // 2
    return Window(size, stride, dilation, output, before, total - before)


def taps(x: Array, rows: Window, columns: Window) -> Iterator[Tap]:
    """The image through every place of the window, in row-major order of the places.

    Padding is left out rather than filled: a window of which a place lies beside the image is not
    among that tap's windows.

    Parameters
    ----------
    x : array (n, h, w, c)
    rows, columns : Window

    Yields
    ------
    Tap

    Examples
    --------
    >>> three = Window(size=3, stride=1, dilation=1, output=4, before=1, after=1)
    >>> image = np.arange(16).reshape(1, 4, 4, 1)
    >>> first = next(taps(image, three, three))
    >>> first.windows[1:], first.pixels[0, 0, :, 0].tolist()
    ((slice(1, 4, None), slice(1, 4, None)), [0, 1, 2])
    """
    for a in range(rows.size):
        windows_y, pixels_y = _overlap(rows, a, x.shape[1])
        for b in range(columns.size):
            windows_x, pixels_x = _overlap(columns, b, x.shape[2])
            yield Tap(a, b, (slice(None), windows_y, windows_x), x[:, pixels_y, pixels_x])


def _overlap(axis: Window, place: int, extent: int) -> tuple[slice, slice]:
    """The windows whose place lies on an axis of that extent, and the pixels found there."""
    origin = place * axis.dilation - axis.before  # pixel of window 0
    first = max(-(origin // axis.stride), 0)
    last = min((extent - 1 - origin) // axis.stride + 1, axis.output)
    last = max(last, first)
    start = origin + first * axis.stride
    return slice(first, last), slice(start, start + (last - first) * axis.stride, axis.stride)


def extract_windows(x: Array, rows: Window, columns: Window, fill: float) -> Array:
    """Every window's pixels.

    Parameters
    ----------
    x : array (n, h, w, c)
    rows, columns : Window
    fill : scalar
        What stands in the padding.

    Returns
    -------
    array (n, rows.output, columns.output, rows.size, columns.size, c)
        A read-only view of the padded image.
    """
    padded = np.pad(
        x,
        ((0, 0), (rows.before, rows.after), (columns.before, columns.after), (0, 0)),
        constant_values=fill,
    )
    reach_y = (rows.size - 1) * rows.dilation + 1
    reach_x = (columns.size - 1) * columns.dilation + 1
    if rows.output == 0 or columns.output == 0:
        shape = (x.shape[0], rows.output, columns.output, rows.size, columns.size, x.shape[3])
        return np.empty(shape, x.dtype)
    views = np.lib.stride_tricks.sliding_window_view(padded, (reach_y, reach_x), axis=(1, 2))
    views = views[:, :: rows.stride, :: columns.stride, :, :: rows.dilation, :: columns.dilation]
    views = views[:, : rows.output, : columns.output]  # (n, oy, ox, c, ky, kx)
    return np.moveaxis(views, 3, 5)
