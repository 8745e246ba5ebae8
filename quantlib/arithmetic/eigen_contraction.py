"""Tensor contractions of float32 in the order in which Eigen's thread pool adds inside the runtime.

Eigen weighs what the threads would cost, in cycles, and takes one of three ways: one thread multiplies as
`eigen_product` does, but not element by element; several share out rows and units, and divide deep
products into blocks of 320 terms; or each thread adds some of the terms of all outputs, and the parts are
added at the end. So the order depends on the shape and on the number of threads, and on nothing that
happens while they run.

Used for float CONV_2D of the optimized family where the runtime was given several threads.

Source: Eigen 5.0.1-dev, unsupported/Eigen/CXX11/src/Tensor/TensorContractionThreadPool.h, TensorCostModel.h
and TensorContractionBlocking.h; Core/products/GeneralBlockPanelKernel.h; LiteRT
tflite/kernels/internal/optimized/multithreaded_conv.h
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic.eigen_product import ROWS_TOGETHER, in_blocks, terms_at_a_time
from quantlib.arithmetic.ordered import sum_products_float32

__all__ = ["contract"]

Float32Array = NDArray[np.float32]

_MOST_TERMS = 320
"""Terms that several threads add at a time."""

_CYCLES_PER_BYTE = 11 / 64
"""A cache line from the second cache."""

_CYCLES_OF_A_THREAD = 100_000.0

_CYCLES_OF_A_PATCH = 86
"""Arithmetic by which a pixel of a window is found: three divisions at 24, fourteen products."""


def contract(
    x: Float32Array,
    w: Float32Array,
    *,
    threads: int,
    windows: bool,
    packet: int = 4,
    l1_bytes: int = 32768,
) -> Float32Array:
    """Σ x[p, k] · w[o, k].

    Parameters
    ----------
    x : float32 array (p, k)
    w : float32 array (o, k)
    threads : int
        How many the pool has.
    windows : bool
        Whether rows of x are windows of an image, which are gathered while they are read.
    packet : {4, 8}
        Floats in a vector of the build.
    l1_bytes : int
        Of the processor's first data cache.

    Returns
    -------
    float32 array (p, o)

    Examples
    --------
    >>> x = np.tile(np.array([[2.0**24, 1.0, 1.0, -(2.0**24)]], np.float32), (8, 250))
    >>> w = np.ones((16, 1000), np.float32)
    >>> [contract(x, w, threads=threads, windows=True)[0, 0].item() for threads in (1, 4)]
    [0.0, 0.0]
    """
    shape = _Shape(len(x), x.shape[1], len(w), windows, packet)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if 0 in (shape.rows, shape.terms, shape.units):
            return np.zeros((shape.rows, shape.units), np.float32)
        if shape.rows == 1:
            return _by_columns(x, w)
        sharing, parts = shape.threads(threads), shape.parts(threads)
        if shape.is_divided_by_terms(sharing, parts):
            return _sum_of_parts(x, w, parts, packet)
        if sharing == 1:
            step = terms_at_a_time(shape.rows, shape.terms, shape.units, packet, l1_bytes)
            return in_blocks(x, w, step, packet)
        together = shape.units_at_a_time(sharing)
        shares = (w[begin : begin + together] for begin in range(0, shape.units, together))
        return np.concatenate([in_blocks(x, share, _MOST_TERMS, packet) for share in shares], axis=1)


def _by_columns(x: Float32Array, w: Float32Array) -> Float32Array:
    """One row: all terms one after the other, or few at a time where they are many."""
    depth, units = x.shape[1], len(w)
    step = depth if depth < 128 else 16 if 4 * units < 32000 else 4
    total = np.zeros((1, units), np.float32)
    for begin in range(0, depth, step):
        total += sum_products_float32(x[:, begin : begin + step], w[:, begin : begin + step])
    return total


def _sum_of_parts(x: Float32Array, w: Float32Array, count: int, packet: int) -> Float32Array:
    """Every thread adds a range of terms; up to four parts are added at once."""
    depth = x.shape[1]
    size = min(depth, max(12 * packet, math.ceil(math.ceil(depth / count) / 8) * 8))
    ranges = [slice(begin, begin + size) for begin in range(0, depth, size)]
    parts = [in_blocks(x[:, one], w[:, one], _MOST_TERMS, packet) for one in ranges]
    parts = [_added(parts[begin : begin + 4], packet) for begin in range(0, len(parts), 4)]
    total, others = parts[0], parts[1:]
    while others:
        together = 3 if len(others) >= 3 else 1
        total = _added([total, *others[:together]], packet)
        others = others[together:]
    return total


def _added(parts: list[Float32Array], packet: int) -> Float32Array:
    if len(parts) < 4:
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total
    total = (parts[0] + parts[1]) + (parts[2] + parts[3])
    a, b, c, d = (part.reshape(-1)[total.size // packet * packet :] for part in parts)
    total.reshape(-1)[total.size // packet * packet :] = a + ((b + c) + d)  # what fills no vector
    return total


@dataclass(frozen=True, slots=True)
class _Shape:
    """A contraction, as far as its costs depend on it.

    Parameters
    ----------
    rows, terms, units : int
    windows : bool
    packet : int
    """

    rows: int
    terms: int
    units: int
    windows: bool
    packet: int

    @property
    def panel(self) -> int:
        """Units that a panel of two vectors has."""
        return 2 * self.packet

    @property
    def patch(self) -> float:
        """Cycles for finding an element of x."""
        return _CYCLES_OF_A_PATCH / self.packet if self.windows else 0.0

    def threads(self, most: int) -> int:
        """How many are worth while, if rows and units are shared out."""
        by_column, terms = self.is_by_column(2), min(self.terms, _MOST_TERMS)
        units, rows = self._shares(2)
        cycles = terms * self._bandwidth(units, rows, terms) / self.packet + self.patch * terms / self.units
        loaded = 4 * terms / (self.units if by_column else self.rows)
        total = self.rows * self.units * (cycles + _CYCLES_PER_BYTE * (loaded + 4))
        return min(most, max(1, int(total / _CYCLES_OF_A_THREAD - 0.1)))

    def parts(self, most: int) -> int:
        """How many are worth while, if terms are shared out."""
        outputs = self.rows * self.units
        bandwidth = self._bandwidth(self.rows, self.units, self.terms)
        cycles = bandwidth * outputs / self.packet + self.patch * self.rows
        least = alone = self.terms * (cycles + _CYCLES_PER_BYTE * 4 * (1 + self.rows))
        adding = outputs * (_CYCLES_PER_BYTE * 3 + 1 / self.packet)
        best = 1
        for count in range(2, most + 1, 2):
            total = alone / count + _CYCLES_OF_A_THREAD + count * (adding + 3000)
            if total < least:
                best, least = count, total
        return best

    def is_divided_by_terms(self, sharing: int, parts: int) -> bool:
        """Whether each thread adds some of the terms."""
        each = self.terms // parts
        if parts < max(2, sharing) or each < 2 * ROWS_TOGETHER:
            return False
        if max(self.rows, self.units) // sharing < ROWS_TOGETHER:
            return True
        return each > 8 * ROWS_TOGETHER and (
            min(self.rows, self.units) < 2 * ROWS_TOGETHER or parts > sharing
        )

    def is_by_column(self, count: int) -> bool:
        """Whether so many threads divide rows of x among them first, which are columns to Eigen."""
        units, rows = self.units // count, self.rows // count
        uneven = rows < 4 * ROWS_TOGETHER and self.rows % (count * ROWS_TOGETHER) != 0
        fitting = self.units % (count * ROWS_TOGETHER) == 0 or self.units // self.rows >= 6
        if units >= ROWS_TOGETHER and (rows < ROWS_TOGETHER or (uneven and fitting)):
            return False
        return not (rows < 16 * ROWS_TOGETHER and self.units > self.rows * 32)

    def units_at_a_time(self, count: int) -> int:
        """Units that so many threads multiply at a time; what fills no panel of two vectors is apart."""
        return self._shares(count)[0]

    def _shares(self, count: int) -> tuple[int, int]:
        """Units and rows of a block."""
        units, rows = math.ceil(self.units / count), math.ceil(self.rows / count)
        by_units, by_rows = (
            (self.panel, ROWS_TOGETHER) if self.is_by_column(count) else (ROWS_TOGETHER, self.panel)
        )
        return min(self.units, math.ceil(units / by_units) * by_units), min(
            self.rows, math.ceil(rows / by_rows) * by_rows
        )

    def _bandwidth(self, narrow: int, wide: int, terms: int) -> float:
        """Cycles per vector of products; more where panels are not full."""
        if terms == 1:
            return 4.0
        return 2.0 if narrow < ROWS_TOGETHER or wide < self.panel else 1.0
