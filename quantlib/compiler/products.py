"""Convolutions and dense layers: rows of pixels times a matrix of weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quantlib.compiler.bench import Bench
from quantlib.compiler.layer_part import LayerPart, chunks
from quantlib.compiler.requantizer import lay_passes
from quantlib.compiler.storage import Border
from quantlib.compiler.windows import border_of, windows_of
from quantlib.ops._window import Window
from quantlib.ops.conv_2d import Layout

__all__ = ["ConvolutionPart", "DensePart"]


@dataclass(frozen=True, slots=True, eq=False)
class ConvolutionPart(LayerPart):
    """One matrix product per chunk of rows: pixels seen by windows, times filters.

    Parameters
    ----------
    filters_shape : tuple of int
        (o, a, b, c)
    """

    filters_shape: tuple[int, ...]

    def _layout(self, x: tuple[int, ...]) -> tuple[Window, Window, tuple[int, ...]]:
        found = self.products.geometry(x, self.filters_shape)
        if isinstance(found, Layout):
            return found.rows, found.columns, (*found.shape[:3], found.shape[3] * found.shape[4])
        rows, columns, shape = found
        return rows, columns, shape

    def borders(self, shapes: Mapping[int, tuple[int, ...]]) -> dict[int, Border]:
        """What the windows see beside the image."""
        x = shapes[self.x]
        rows, columns, _ = self._layout(x)
        return {self.x: border_of(rows, columns, x)}

    def bind(self, bench: Bench) -> None:
        """Copy windows to rows where they see more than one pixel, multiply, requantize."""
        x_shape = bench.shape(self.x)
        rows, columns, shape = self._layout(x_shape)
        image, border = bench.padded(self.x), bench.border(self.x)
        y = self.output(bench, shape)
        windows = windows_of(image, rows, columns, border)  # (n, i, j, a, b, c)
        depth, channels = math.prod(windows.shape[3:]), shape[3]
        one_pixel = windows.shape[3:5] == (1, 1) and windows.flags.c_contiguous
        for chunk in chunks(shape[:3], max(channels, 0 if one_pixel else depth)):
            seen, part = windows[chunk], y[chunk]
            count = math.prod(part.shape[:3])
            if one_pixel and image.dtype == self.weights.dtype:
                pixels = seen.reshape(count, depth)
            else:
                pixels = bench.borrow((count, depth), self.weights.dtype.type)
                bench.lay(np.copyto, pixels.reshape(seen.shape), seen)
            in_place = part.flags.c_contiguous and self.weights.dtype == np.float32
            sums = (
                part.reshape(count, channels)
                if in_place
                else bench.borrow((count, channels), self.weights.dtype.type)
            )
            bench.lay(pixels.dot, self.weights, sums)
            lay_passes(bench, self.proved, sums, part)
            bench.release()


@dataclass(frozen=True, slots=True, eq=False)
class DensePart(LayerPart):
    """One matrix product; `weights` are (k, o)."""

    def bind(self, bench: Bench) -> None:
        """Multiply, requantize."""
        depth, units = self.weights.shape
        batch, shape = self.products.geometry(bench.shape(self.x), (units, depth))
        pixels = bench.flat(self.x).reshape(-1)[: batch * depth].reshape(batch, depth)
        y = self.output(bench, shape).reshape(batch, units)
        sums = y
        if self.weights.dtype != np.float32:
            wide = bench.borrow(pixels.shape, np.float64)
            bench.lay(np.copyto, wide, pixels)
            pixels, sums = wide, bench.borrow(y.shape, np.float64)
        bench.lay(pixels.dot, self.weights, sums)
        lay_passes(bench, self.proved, sums, y)
