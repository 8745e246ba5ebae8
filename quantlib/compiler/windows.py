"""Windows over images that carry their padding with them."""

from __future__ import annotations

import numpy as np

from quantlib.compiler.storage import Border
from quantlib.ops._node import Array
from quantlib.ops._window import Window

__all__ = ["border_of", "windows_of"]


def border_of(rows: Window, columns: Window, shape: tuple[int, ...]) -> Border:
    """What windows see beside an image.

    Parameters
    ----------
    rows, columns : Window
    shape : tuple of int
        (n, h, w, c)
    """
    top, bottom = _overhang(rows, shape[1])
    left, right = _overhang(columns, shape[2])
    return Border(top, bottom, left, right)


def _overhang(axis: Window, extent: int) -> tuple[int, int]:
    if axis.output == 0:
        return 0, 0
    reach = (axis.output - 1) * axis.stride + (axis.size - 1) * axis.dilation + 1
    return axis.before, max(reach - axis.before - extent, 0)


def windows_of(image: Array, rows: Window, columns: Window, border: Border) -> Array:
    """What every window sees, (n, i, j, a, b, c), a view.

    Parameters
    ----------
    image : array (n, top + h + bottom, left + w + right, c)
    rows, columns : Window
    border : Border
        At least `border_of` these windows.
    """
    top, left = border.top - rows.before, border.left - columns.before
    reach_y = (rows.size - 1) * rows.dilation + 1
    reach_x = (columns.size - 1) * columns.dilation + 1
    if (reach_y, reach_x) == (1, 1):
        views = image[:, top :: rows.stride, left :: columns.stride][:, : rows.output, : columns.output]
        return views[:, :, :, None, None]
    views = np.lib.stride_tricks.sliding_window_view(image, (reach_y, reach_x), axis=(1, 2))
    views = views[:, top :: rows.stride, left :: columns.stride, :, :: rows.dilation, :: columns.dilation]
    return np.moveaxis(views[:, : rows.output, : columns.output], 3, 5)
