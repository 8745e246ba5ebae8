"""Pooling windows: the options that all pooling operators share, and the pixels of each window.

A window that hangs over the border simply has fewer pixels: padding is neither summed nor counted.

Source: LiteRT tflite/kernels/pooling.cc (GenericPrepare)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quantlib.ops._activation import Activation
from quantlib.ops._node import Array, Node
from quantlib.ops._window import Padding, Window, extract_windows, window

__all__ = ["Pool2DOptions", "Pooling", "is_delegated_pool"]


@dataclass(frozen=True, slots=True)
class Pool2DOptions:
    """How the window moves."""

    padding: Padding = Padding.SAME
    stride_w: int = 0
    stride_h: int = 0
    filter_width: int = 0
    filter_height: int = 0
    fused_activation_function: Activation = Activation.NONE


@dataclass(frozen=True, slots=True)
class Pooling:
    """Where the windows lie on images of one size.

    Parameters
    ----------
    rows, columns : Window
    height, width : int
        Of the image.
    """

    rows: Window
    columns: Window
    height: int
    width: int

    @classmethod
    def of(cls, node: Node, options: Pool2DOptions, shape: tuple[int, ...]) -> Self:
        """The windows for an input of that shape, if the limits allow them.

        Parameters
        ----------
        node : Node
            For error texts and limits.
        options : Pool2DOptions
        shape : tuple of int
            (n, h, w, c)

        Raises
        ------
        InvalidModelError
            Not four dimensions, or a window that does not fit.
        LimitExceededError
        """
        node.require(len(shape) == 4, "input 0", f"{len(shape)} dimensions", "4")
        n, height, width, channels = shape
        rows = window(node, "height", height, options.filter_height, options.stride_h, 1, options.padding)
        columns = window(node, "width", width, options.filter_width, options.stride_w, 1, options.padding)
        node.check_size(
            (n, height + rows.before + rows.after, width + columns.before + columns.after, channels), 8
        )
        node.check_work(n * rows.output * columns.output * channels * rows.size * columns.size)
        return cls(rows, columns, height, width)

    def windows(self, x: Array, fill: float) -> Array:
        """Every window's pixels, with `fill` over the border: (n, i, j, a, b, c), a read-only view."""
        return extract_windows(x, self.rows, self.columns, fill)

    def taps(self, x: Array, fill: float) -> Iterator[Array]:
        """One pixel of every window at a time, (n, i, j, c), in row-major order of the window."""
        windows = self.windows(x, fill)
        for a in range(self.rows.size):
            for b in range(self.columns.size):
                yield windows[:, :, :, a, b, :]

    def counts(self) -> NDArray[np.int64]:
        """Pixels of each window inside the image, shape (i, j, 1).

        Examples
        --------
        >>> three = Window(size=3, stride=1, dilation=1, output=4, before=1, after=1)
        >>> Pooling(three, three, 4, 4).counts()[..., 0].tolist()
        [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]
        """
        rows, columns = _inside(self.rows, self.height), _inside(self.columns, self.width)
        return rows[:, None, None] * columns[None, :, None]


def is_delegated_pool(node: Node) -> bool:
    """Whether XNNPACK takes pooling: no gaps between windows, an activation that is a clamp.

    Parameters
    ----------
    node : Node

    Source: LiteRT tflite/delegates/xnnpack/xnnpack_delegate.cc (CheckPoolingParams)
    """
    options = node.read_options(Pool2DOptions)
    size, stride = (options.filter_height, options.filter_width), (options.stride_h, options.stride_w)
    clamps = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)
    return options.fused_activation_function in clamps and all(
        0 < one <= extent for one, extent in zip(stride, size, strict=True)
    )


def _inside(axis: Window, extent: int) -> NDArray[np.int64]:
    """Taps of each window along one axis that lie on the image."""
    origin = np.arange(axis.output, dtype=np.int64) * axis.stride - axis.before
    return np.minimum(axis.size, extent - origin) - np.maximum(0, -origin)
