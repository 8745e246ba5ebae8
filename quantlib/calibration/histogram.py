"""How often which values occurred, in bins that do not depend on the data.

A bin is the sign, the exponent and the first bits of the mantissa of a float32, so every octave has
512 bins and two histograms of anything can be added: in any order and grouping, on any machine,
with one result. A histogram has at most 2**18 bins, however many values went in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Histogram"]

KEPT_BITS = 18
"""Sign, 8 bits of exponent, 9 bits of mantissa."""

SMALLEST_NORMAL = 2.0**-126

_DROPPED = 32 - KEPT_BITS
_SIGN = np.uint32(1 << 31)


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of values, with their exact ends.

    Parameters
    ----------
    bins : uint32 array (n,)
        Bins with values in them, in the order of the values.
    counts : int64 array (n,)
    low, high : float32
        Smallest and largest value.
    """

    bins: NDArray[np.uint32]
    counts: NDArray[np.int64]
    low: np.float32
    high: np.float32

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Histogram:
        """The histogram of finite values, at least one.

        Parameters
        ----------
        values : float32 array

        Examples
        --------
        >>> one = Histogram.of(np.array([0.5, -2, 0.5], np.float32))
        >>> one.counts.tolist(), one.low.item(), one.high.item()
        ([1, 2], -2.0, 0.5)
        """
        bits = np.ascontiguousarray(values, np.float32).reshape(-1).view(np.uint32)
        # Negative numbers: all bits turned; others: the sign bit set. Then codes order as values do.
        ordered = np.where(bits & _SIGN, ~bits, bits | _SIGN) >> np.uint32(_DROPPED)
        if ordered.size < 1 << KEPT_BITS:
            bins, counts = np.unique(ordered, return_counts=True)
        else:
            every = np.bincount(ordered, minlength=1 << KEPT_BITS)
            bins = np.flatnonzero(every)
            counts = every[bins]
        low, high = np.float32(values.min()), np.float32(values.max())
        return cls(bins.astype(np.uint32), counts.astype(np.int64), low, high)

    def merge(self, other: Histogram) -> Histogram:
        """The histogram of both's values; associative and commutative, exactly.

        Parameters
        ----------
        other : Histogram
        """
        bins, places = np.unique(np.concatenate([self.bins, other.bins]), return_inverse=True)
        counts = np.zeros(bins.size, np.int64)
        np.add.at(counts, places, np.concatenate([self.counts, other.counts]))
        return Histogram(bins, counts, min(self.low, other.low), max(self.high, other.high))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        same = np.array_equal(self.bins, other.bins) and np.array_equal(self.counts, other.counts)
        return same and (self.low, self.high) == (other.low, other.high)

    def __hash__(self) -> int:
        return hash((self.bins.tobytes(), self.counts.tobytes()))

    @property
    def edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper edge of every bin, cut off at `low` and `high`."""
        bins = self.bins.astype(np.uint64)
        first = (bins << np.uint64(_DROPPED)).astype(np.uint32)
        last = first | np.uint32((1 << _DROPPED) - 1)
        lower, upper = (_values(codes).astype(np.float64) for codes in (first, last))
        low, high = np.float64(self.low), np.float64(self.high)
        return np.clip(lower, low, high), np.clip(upper, low, high)

    @property
    def centers(self) -> NDArray[np.float64]:
        """The middle of every bin; 0 for the bin of 0."""
        lower, upper = self.edges
        return np.where(lower == 0, 0.0, (lower + upper) / 2)

    def between(self, share: float) -> tuple[float, float]:
        """The narrowest bins' edges that leave out at most a share of the values at each end.

        Parameters
        ----------
        share : float, 0 .. 0.5

        Examples
        --------
        >>> values = np.arange(1, 1001, dtype=np.float32)
        >>> Histogram.of(values).between(0.0), Histogram.of(values).between(0.01)[1] >= 990
        ((1.0, 1000.0), True)
        """
        lower, upper = self.edges
        below = np.cumsum(self.counts)
        allowed = share * float(below[-1])
        # The first bin at whose end more than the allowed number has been seen stays in.
        first = int(np.searchsorted(below, allowed, side="right"))
        above = np.cumsum(self.counts[::-1])
        last = self.counts.size - 1 - int(np.searchsorted(above, allowed, side="right"))
        first, last = min(first, self.counts.size - 1), max(last, 0)
        if first > last:
            first, last = last, first
        return float(lower[first]), float(upper[last])

    def magnitudes(self, number: int) -> NDArray[np.float64]:
        """How many absolute values fall into each of equal bins from 0 to the largest; zeros do not count.

        Parameters
        ----------
        number : int
            Of bins.

        Returns
        -------
        float64 array (number,)
            A bin of ours that lies across several is shared out by length. Subnormal numbers are
            taken for zeros.
        """
        lower, upper = self.edges
        near = np.minimum(np.abs(lower), np.abs(upper))
        far = np.maximum(np.abs(lower), np.abs(upper))
        counts = np.where(far < SMALLEST_NORMAL, 0, self.counts)
        top = float(far.max())
        if top < SMALLEST_NORMAL:
            return np.zeros(number)
        step = top / number
        begin, end = near / step, far / step
        shared = np.zeros(number)
        first = np.clip(begin.astype(np.int64), 0, number - 1)
        last = np.clip(end.astype(np.int64), 0, number - 1)
        length = np.where(end > begin, end - begin, 1.0)
        # A bin's edges are at most 2**-9 of their value apart: it lies across few equal bins.
        for offset in range(int((last - first).max()) + 1):
            at = first + offset
            inside = at <= last
            part = (np.minimum(end, at + 1) - np.maximum(begin, at)) / length
            part = np.where(first == last, 1.0, part)
            np.add.at(shared, at[inside], (part * counts)[inside])
        return shared


def _values(codes: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Reals from codes that order as they do."""
    return np.where(codes & _SIGN, codes & ~_SIGN, ~codes).astype(np.uint32).view(np.float32)
