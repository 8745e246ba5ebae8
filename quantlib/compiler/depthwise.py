"""Depthwise convolutions: one einsum over rows of the output, as long as memory allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.alignment import aligned
from quantlib.compiler.bench import Bench
from quantlib.compiler.layer_part import LayerPart, chunks
from quantlib.compiler.requantizer import lay_passes
from quantlib.compiler.storage import Border
from quantlib.compiler.windows import border_of
from quantlib.ops._node import Array
from quantlib.ops._window import Window

__all__ = ["DepthwisePart"]


@dataclass(frozen=True, slots=True, eq=False)
class DepthwisePart(LayerPart):
    """Every tap's row of pixels times its row of weights, summed by one einsum.

    `weights` are (a, b, c · m). The inner axis is a whole row of the output, so that the sum runs over
    long stretches of memory.
    """

    def borders(self, shapes: Mapping[int, tuple[int, ...]]) -> dict[int, Border]:
        """What the windows see beside the image."""
        x = shapes[self.x]
        rows, columns, _ = self.products.geometry(x, (1, *self.weights.shape))
        return {self.x: border_of(rows, columns, x)}

    def bind(self, bench: Bench) -> None:
        """Where windows do not lie side by side, copy the columns that each tap sees; sum, requantize."""
        x_shape = bench.shape(self.x)
        rows, columns, shape = self.products.geometry(x_shape, (1, *self.weights.shape))
        image, border = bench.padded(self.x), bench.border(self.x)
        y = self.output(bench, shape)
        width, channels = shape[2:]
        times = channels // x_shape[3]
        weights = aligned(np.tile(self.weights, width))  # (a, b, width · channels)
        taps = weights.shape[:2]
        dtype = self.weights.dtype.type
        row = width * channels
        direct = columns.stride == 1 and times == 1 and dtype is np.float32
        for chunk in chunks(shape[:3], channels * (1 if direct else taps[1] + 1)):
            part = y[chunk]
            count = part.shape[0] * part.shape[1]
            in_place = part.flags.c_contiguous and dtype is np.float32
            sums = part.reshape(count, row) if in_place else bench.borrow((count, row), dtype)
            per_image = sums.reshape(part.shape[0], part.shape[1], row)
            if direct:
                lines = _lines(image[chunk[0]], rows, columns, border, chunk[1], row)
            else:
                first = chunk[1].start * rows.stride
                reach = (part.shape[1] - 1) * rows.stride + (rows.size - 1) * rows.dilation + 1
                lines = bench.borrow((taps[1], part.shape[0], reach, row), dtype)
                strip = _columns(image[chunk[0]], columns, border, width)  # (b, n, h, j, c)
                top = border.top - rows.before + first
                strip = strip[:, :, top : top + reach]
                target = lines.reshape(*strip.shape, times)
                bench.lay(np.copyto, target, strip[..., None])
                lines = _rows_of(lines, rows, part.shape[1])  # (a, b, n, i, row)
            bench.lay(_sum_taps, lines, weights, per_image)
            lay_passes(bench, self.proved, sums.reshape(-1, channels), part)
            bench.release()


def _sum_taps(lines: Array, weights: Array, sums: Array) -> None:
    np.einsum("abnyr,abr->nyr", lines, weights, out=sums)


def _lines(
    image: Array, rows: Window, columns: Window, border: Border, chosen: slice, row: int
) -> NDArray[np.float32]:
    """Every tap's stretch of every row, (a, b, n, i, row), a view."""
    n, height, width, channels = image.shape
    flat = image.reshape(n, height, width * channels)
    left = (border.left - columns.before) * channels
    step = columns.dilation * channels
    stretches = np.lib.stride_tricks.sliding_window_view(flat, row, axis=2)  # (n, h, place, row)
    stretches = stretches[:, :, left : left + (columns.size - 1) * step + 1 : step]
    reach = (rows.size - 1) * rows.dilation + 1
    places = np.lib.stride_tricks.sliding_window_view(stretches, reach, axis=1)[..., :: rows.dilation]
    top = border.top - rows.before
    places = places[:, top + chosen.start * rows.stride :: rows.stride][:, : chosen.stop - chosen.start]
    return places.transpose(4, 2, 0, 1, 3)  # (n, i, b, row, a) to (a, b, n, i, row)


def _columns(image: Array, columns: Window, border: Border, width: int) -> NDArray[np.float32]:
    """What each column of taps sees of each row, (b, n, h, j, c), a view."""
    left = border.left - columns.before
    reach = (columns.size - 1) * columns.dilation + 1
    views = np.lib.stride_tricks.sliding_window_view(image, reach, axis=2)  # (n, h, place, c, reach)
    views = views[:, :, left :: columns.stride, :, :: columns.dilation][:, :, :width]
    return views.transpose(4, 0, 1, 2, 3)


def _rows_of(lines: Array, rows: Window, count: int) -> Array:
    """The rows that each tap sees, (a, b, n, i, row), of copied columns (b, n, h, row)."""
    reach = (rows.size - 1) * rows.dilation + 1
    views = np.lib.stride_tricks.sliding_window_view(lines, reach, axis=2)  # (b, n, place, row, reach)
    views = views[:, :, :: rows.stride, :, :: rows.dilation][:, :, :count]
    return views.transpose(4, 0, 1, 2, 3)
