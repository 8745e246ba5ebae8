"""Convolutions, depthwise convolutions and dense layers: products through BLAS, then a proved chain.

Sums of products of whole numbers are exact in any order as long as no partial sum passes 2**24
(float32) or 2**53 (float64); the weights and the range of the codes bound them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.bench import Bench
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.ladder import Proved, Task, climb
from quantlib.compiler.lowering import Lowering, lowers
from quantlib.compiler.part import Part, Unfit
from quantlib.compiler.requantizer import lay_passes
from quantlib.compiler.storage import Border, Codes
from quantlib.compiler.windows import border_of, windows_of
from quantlib.ops._accumulate import Accumulating, Products
from quantlib.ops._node import Array
from quantlib.ops._window import Window
from quantlib.ops.conv_2d import Layout
from quantlib.runtime.plan import Step

__all__ = ["ConvolutionPart", "DensePart", "DepthwisePart"]

_CHUNK = 1 << 18
"""Sums at a time: a megabyte, which stays in cache and keeps the program small."""


@dataclass(frozen=True, slots=True, eq=False)
class _LayerPart(Part):
    """What the three have in common.

    Parameters
    ----------
    products : Products
    weights : float32 or float64 array
    proved : Proved
    """

    products: Products
    weights: NDArray[Any]
    proved: Proved

    @property
    def x(self) -> int:
        """Tensor index of the input."""
        return self.step.inputs[0]

    @property
    def y(self) -> int:
        """Tensor index of the output."""
        return self.step.outputs[0]

    def output(self, bench: Bench, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """The place for the output's codes, if it has that shape."""
        if bench.shape(self.y) != shape:
            raise Unfit(f"tensor {self.y} is {shape}, not {bench.shape(self.y)}")
        return bench.new_codes(self.y)


@dataclass(frozen=True, slots=True, eq=False)
class ConvolutionPart(_LayerPart):
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
        for chunk in _chunks(shape[:3], max(channels, 0 if one_pixel else depth)):
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
class DepthwisePart(_LayerPart):
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
        weights = np.tile(self.weights, width)  # (a, b, width · channels)
        taps = weights.shape[:2]
        dtype = self.weights.dtype.type
        row = width * channels
        direct = columns.stride == 1 and times == 1 and dtype is np.float32
        for chunk in _chunks(shape[:3], channels * (1 if direct else taps[1] + 1)):
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


@dataclass(frozen=True, slots=True, eq=False)
class DensePart(_LayerPart):
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


def _chunks(shape: tuple[int, ...], elements: int) -> Iterator[tuple[slice, slice]]:
    """Images, or rows of one image, whose sums fit the cache: slices of the first two axes."""
    images, height, width = shape
    row = max(width * elements, 1)
    together = max(_CHUNK // max(height * row, 1), 1)
    if together > 1 or height * row <= _CHUNK:
        for begin in range(0, images, together):
            yield slice(begin, min(begin + together, images)), slice(0, height)
        return
    count = math.ceil(height * row / _CHUNK)
    lines = math.ceil(height / count)
    for image in range(images):
        for begin in range(0, height, lines):
            yield slice(image, image + 1), slice(begin, min(begin + lines, height))


@lowers("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
def layer(lowering: Lowering, step: Step) -> Part | None:
    """The part for a layer of integer sums with constant weights; None for any other."""
    node, kernel = step.node, step.kernel
    if not isinstance(kernel, Accumulating) or kernel.products is None or len(step.inputs) > 3:
        return None
    x, w = node.inputs[0], node.inputs[1]
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if x is None or w is None or w.constant is None or w.constant.size == 0:
        return None
    if not lowering.has_codes(x.index) or not lowering.has_codes(step.outputs[0]):
        return None
    if bias is not None and bias.constant is None:
        return None
    form = _form(node.operator, x.shape, w.shape)
    if form is None:
        return None
    part_of, axes, stored = form
    products = kernel.products
    codes = lowering.codes(x.index)
    task, dtype, largest = _task(
        kernel, products, codes, w.constant, axes, None if bias is None else bias.constant
    )
    if task is None:
        return None
    y = lowering.store(step.outputs[0], kernel.to_output)
    task = Task(task.to_output, task.start, task.low, task.high, y.offset)
    pixels = math.prod(node.output().shape) // task.channels
    proved = climb(task, narrow=dtype is np.float32, pixels=pixels)
    weights = np.ascontiguousarray(stored(w.constant), dtype)
    if products.w_zero_point:
        weights -= dtype(products.w_zero_point)
    certificate = Certificate(
        node.position,
        node.operator,
        node.output().tensor.name or "",
        proved.rung,
        f"{proved.steps} steps of the specification" if proved.steps else "the specification itself",
        "sgemm" if dtype is np.float32 else "dgemm",
        largest,
        proved.steps,
        proved.slack,
        len(proved.exceptions),
        proved.hard.size,
    )
    per_sample = bool(x.shape) and x.shape[0] == node.output().shape[0]
    common = (step, certificate, per_sample, products)
    if part_of is ConvolutionPart:
        return ConvolutionPart(*common, weights, proved, w.shape)
    return part_of(*common, weights, proved)


def _form(
    operator: str, x: tuple[int, ...], w: tuple[int, ...]
) -> tuple[type[_LayerPart], tuple[int, ...], Any] | None:
    """Which part serves, the axes that are summed, and how it wants the weights."""
    if operator == "FULLY_CONNECTED":
        return DensePart, (1,), np.transpose
    if len(x) != 4 or len(w) != 4:
        return None
    if operator == "DEPTHWISE_CONV_2D":
        if x[3] == 1:  # every filter sees all channels: a convolution
            return ConvolutionPart, (0, 1, 2), lambda one: one.reshape(-1, one.shape[3])
        return DepthwisePart, (0, 1, 2), lambda one: one[0]
    if x[3] != w[3]:
        return None
    return ConvolutionPart, (1, 2, 3), lambda one: one.reshape(one.shape[0], -1).T


def _task(
    kernel: Accumulating,
    products: Products,
    codes: Codes,
    w: Array,
    axes: tuple[int, ...],
    bias: Array | None,
) -> tuple[Task | None, type[np.floating[Any]], float]:
    """The sums' bounds by the actual weights, the precision that holds them, and the largest of all."""
    low, high = codes.stored_bounds
    stored = w.astype(np.float64 if w.itemsize > 1 else np.float32) - products.w_zero_point
    net = stored.sum(axis=axes, dtype=np.float64)
    gross = np.abs(stored).sum(axis=axes, dtype=np.float64)
    positive, negative = (gross + net) / 2, (gross - net) / 2
    lowest = (positive * low - negative * high).astype(np.int64)
    highest = (positive * high - negative * low).astype(np.int64)
    largest = float((gross * max(abs(low), abs(high))).max())
    moved = (net * (codes.offset - products.x_zero_point)).astype(np.int64)
    start = np.broadcast_to(products.bias(bias), net.shape) + moved
    register = 2 ** (products.bits - 1)
    wraps = np.any(lowest + start < -register) or np.any(highest + start >= register)
    if wraps or largest >= 2.0**53:
        return None, np.float64, largest
    dtype = np.float32 if largest <= 2.0**24 else np.float64
    return Task(kernel.to_output, start, lowest, highest, 0), dtype, largest
