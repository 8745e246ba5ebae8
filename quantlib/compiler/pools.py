"""Pooling and means: sums of codes, exact in float32, and a table over all sums there can be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.bench import Bench
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.look_up import look_up
from quantlib.compiler.lowering import Lowering, lowers
from quantlib.compiler.part import Part, Unfit, keeps_samples
from quantlib.compiler.requantizer import CLIP
from quantlib.compiler.storage import NO_BORDER, Codes
from quantlib.compiler.windows import border_of, windows_of
from quantlib.model.graph import OPTIONAL
from quantlib.ops._activation import quantized_bounds
from quantlib.ops._pool import Pool2DOptions, Pooling
from quantlib.ops._reduce import resolve_axes
from quantlib.ops.average_pool_2d import AveragePool
from quantlib.ops.mean import QuantizedMean
from quantlib.runtime.plan import Step

__all__ = ["AveragePart", "MaximumPart", "MeanPart"]

_MOST_SUMS = 1 << 17
"""Entries of a table of sums, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class AveragePart(Part):
    """Every window's sum, looked up.

    Parameters
    ----------
    pool : AveragePool
        The kernel in its two halves.
    codes : Codes
        Of the input.
    table : float32 array
        Stored codes of the output, by sum of stored codes less the smallest.
    """

    pool: AveragePool
    codes: Codes
    table: NDArray[np.float32]

    def bind(self, bench: Bench) -> None:
        """One reduction where a window covers the image, else one addition per tap."""
        source, index = self.step.inputs[0], self.step.outputs[0]
        shape = bench.shape(source)
        pooling = Pooling.of(self.pool.node, self.pool.options, shape)
        if border_of(pooling.rows, pooling.columns, shape) != NO_BORDER:
            raise Unfit("windows with fewer pixels at the border")
        rows, columns = pooling.rows, pooling.columns
        x, border = bench.padded(source), bench.border(source)
        count = rows.size * columns.size
        if bench.shape(index) != (shape[0], rows.output, columns.output, shape[3]):
            raise Unfit("another shape")
        y = bench.new_codes(index)
        sums = bench.borrow(y.shape)
        if (rows.size, columns.size) == shape[1:3] and border == NO_BORDER:
            pixels = x.reshape(shape[0], count, shape[3])
            bench.lay(np.add.reduce, pixels, 1, None, sums.reshape(shape[0], shape[3]))
        else:
            windows = windows_of(x, rows, columns, border)  # (n, i, j, a, b, c)
            taps = [windows[:, :, :, a, b] for a in range(rows.size) for b in range(columns.size)]
            bench.lay(np.copyto, sums, taps[0])
            for tap in taps[1:]:
                bench.lay(np.add, sums, tap, sums)
        lowest = (self.codes.low - self.codes.offset) * count
        places = bench.borrow(y.shape, np.intp)
        bench.lay(look_up, self.table, sums, np.float32(lowest), places, y)


@dataclass(frozen=True, slots=True, eq=False)
class MeanPart(Part):
    """The sum along neighbouring axes, looked up.

    Parameters
    ----------
    axes : tuple of int
    keep_dims : bool
        Whether they stay, with one element each.
    codes : Codes
        Of the input.
    table : float32 array
        As `AveragePart`'s.
    """

    axes: tuple[int, ...]
    keep_dims: bool
    codes: Codes
    table: NDArray[np.float32]

    def bind(self, bench: Bench) -> None:
        """One reduction."""
        source, index = self.step.inputs[0], self.step.outputs[0]
        x = bench.stored(source)
        kept = tuple(extent for axis, extent in enumerate(x.shape) if axis not in self.axes)
        count = int(np.prod([x.shape[axis] for axis in self.axes]))
        ones = tuple(1 if axis in self.axes else extent for axis, extent in enumerate(x.shape))
        if bench.shape(index) != (ones if self.keep_dims else kept):
            raise Unfit("another shape")
        y = bench.new_codes(index)
        sums, places = bench.borrow(kept), bench.borrow(y.shape, np.intp)
        bench.lay(np.add.reduce, x, self.axes, None, sums)
        lowest = (self.codes.low - self.codes.offset) * count
        bench.lay(look_up, self.table, sums.reshape(y.shape), np.float32(lowest), places, y)


@dataclass(frozen=True, slots=True, eq=False)
class MaximumPart(Part):
    """The largest stored code of every window.

    Parameters
    ----------
    options : Pool2DOptions
    made : Codes
        Of the output.
    """

    options: Pool2DOptions
    made: Codes

    def bind(self, bench: Bench) -> None:
        """One comparison per tap, on the pixels there are."""
        source, index = self.step.inputs[0], self.step.outputs[0]
        shape = bench.shape(source)
        pooling = Pooling.of(self.step.node, self.options, shape)
        rows, columns = pooling.rows, pooling.columns
        if bench.shape(index) != (shape[0], rows.output, columns.output, shape[3]):
            raise Unfit("another shape")
        x, border = bench.stored(source), bench.border(source)
        around = border_of(rows, columns, shape)
        if around == NO_BORDER:
            image, border = bench.padded(source), bench.border(source)
        else:
            n, h, w, c = shape
            image = bench.borrow((n, around.top + h + around.bottom, around.left + w + around.right, c))
            bench.lay(image.fill, np.float32(-np.inf))
            bench.lay(np.copyto, image[:, around.top : around.top + h, around.left : around.left + w], x)
            border = around
        y = bench.new_codes(index)
        windows = windows_of(image, rows, columns, border)
        taps = [windows[:, :, :, a, b] for a in range(rows.size) for b in range(columns.size)]
        largest = bench.borrow(y.shape)
        bench.lay(np.copyto, largest, taps[0])
        for tap in taps[1:]:
            bench.lay(partial(np.maximum, out=largest), largest, tap)
        low, high = (
            np.array(bound - self.made.offset, np.float32) for bound in (self.made.low, self.made.high)
        )
        bench.lay(CLIP, largest, low, high, y)


def _all_sums(codes: Codes, count: int) -> NDArray[np.int64] | None:
    """Every sum of so many codes, or None where there are too many."""
    if count == 0 or (codes.high - codes.low) * count >= _MOST_SUMS:
        return None
    return np.arange(codes.low * count, codes.high * count + 1)


def _certificate(step: Step, sums: int) -> Certificate:
    argument = f"all {sums} sums" if sums else "comparisons round nothing"
    return Certificate.of(step.node, "table" if sums else "float32", argument, sums)


@lowers("AVERAGE_POOL_2D")
def average(lowering: Lowering, step: Step) -> Part | None:
    """The part for windows that are nowhere cut off; None for any other."""
    kernel = step.kernel
    if not isinstance(kernel, AveragePool) or len(step.inputs) != 1 or not lowering.has_codes(step.inputs[0]):
        return None
    x, y = step.node.input(0), step.node.output()
    options = kernel.options
    pooling = Pooling.of(step.node, options, x.shape)
    if border_of(pooling.rows, pooling.columns, x.shape) != NO_BORDER:
        return None
    codes = lowering.codes(x.index)
    count = options.filter_height * options.filter_width
    sums = _all_sums(codes, count)
    if sums is None:
        return None
    made = kernel.to_output(sums, np.full(sums.shape, count)).astype(np.int64)
    stored = lowering.set(y.index, Codes.between(kernel.low, kernel.high, y.zero_point))
    table = (made - stored.offset).astype(np.float32)
    return AveragePart(step, _certificate(step, sums.size), keeps_samples(step), kernel, codes, table)


@lowers("MEAN")
def mean(lowering: Lowering, step: Step) -> Part | None:
    """The part for the reference kernel; None for any other."""
    kernel = step.kernel
    if not isinstance(kernel, QuantizedMean) or len(step.inputs) != 2 or OPTIONAL in step.inputs:
        return None
    x, axis, y = step.node.input(0), step.node.input(1), step.node.output()
    if not lowering.has_codes(x.index) or not lowering.has_codes(y.index) or axis.constant is None:
        return None
    axes = resolve_axes(step.node, axis.constant, len(x.shape))
    count = int(np.prod([x.shape[one] for one in axes]))
    codes = lowering.codes(x.index)
    sums = _all_sums(codes, count)
    if sums is None or not axes or 0 in axes:
        return None
    made = kernel.to_output(sums - count * x.zero_point, count).astype(np.int64)
    stored = lowering.set(y.index, Codes.between(*y.limits, y.zero_point))
    table = (made - stored.offset).astype(np.float32)
    keep_dims = kernel.options.keep_dims
    return MeanPart(step, _certificate(step, sums.size), keeps_samples(step), axes, keep_dims, codes, table)


@lowers("MAX_POOL_2D")
def maximum(lowering: Lowering, step: Step) -> Part | None:
    """The part for codes; None for any other."""
    x, y = step.node.input(0), step.node.output()
    if len(step.inputs) != 1 or not lowering.has_codes(x.index) or not lowering.has_codes(y.index):
        return None
    options = step.node.read_options(Pool2DOptions)
    codes = lowering.codes(x.index)
    low, high = quantized_bounds(options.fused_activation_function, y)
    if low > high:
        return None
    within = (min(max(codes.low, low), high), max(min(codes.high, high), low))
    stored = lowering.set(y.index, Codes(codes.offset, *within, y.zero_point))
    return MaximumPart(step, _certificate(step, 0), keeps_samples(step), options, stored)
