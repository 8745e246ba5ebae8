"""Windows that slide over an image: output sizes, padding, and the pixels each window sees.

Source: LiteRT tflite/kernels/padding.h (ComputeOutSize, ComputePaddingHeightWidth).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from quantlib.ops._node import Array, Node

__all__ = ["Padding", "Window", "extract_windows", "window"]


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
    output = -(-extent // stride) if padding is Padding.SAME else (extent + stride - reach) // stride
    node.require(output >= 0, axis, f"a window that reaches {reach} on {extent} pixels", "one that fits")
    total = max((output - 1) * stride + reach - extent, 0)
    before = total // 2
    return Window(size, stride, dilation, output, before, total - before)


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
