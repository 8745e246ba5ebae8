"""Ranges that give up rare values for finer steps: by share, by information, by squared error.

Each looks at a `Histogram` and may cut its ends off; none ever widens a range. They search in
float64 with NumPy, so that two thresholds that are equally good to the last bits may be chosen
differently by another release of NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.calibration.histogram import Histogram
from quantlib.errors import InvalidInputError

__all__ = ["MSE", "Entropy", "Percentile"]

NO_COUNT = 1e-4
"""What stands for a count of 0 under a logarithm."""

LEAST_KEPT = 0.9
"""The share of values that `Entropy` never cuts off."""


@dataclass(frozen=True, slots=True)
class _OfHistogram:
    """What the three have in common."""

    def observe(self, values: NDArray[np.float32], sample: int) -> Histogram:
        """The histogram of one array."""
        del sample
        return Histogram.of(values)

    def merge(self, one: Histogram, other: Histogram) -> Histogram:
        """The histogram of both."""
        return one.merge(other)


@dataclass(frozen=True, slots=True)
class Percentile(_OfHistogram):
    """The range that leaves out at most (100 - percentile) / 2 percent of the values at each end.

    Parameters
    ----------
    percentile : float, above 0 .. 100
        100 leaves out nothing.

    Raises
    ------
    InvalidInputError
        Another percentile.

    Examples
    --------
    >>> observer = Percentile(98.0)
    >>> values = np.append(np.linspace(-1, 1, 1000), 50).astype(np.float32)
    >>> low, high = observer.range(observer.observe(values, 0))
    >>> -1 <= low < -0.97, 0.97 < high < 1
    (True, True)
    """

    percentile: float = 99.99

    def __post_init__(self) -> None:
        if not 0 < self.percentile <= 100:
            raise InvalidInputError("percentile", self.percentile, "above 0, at most 100")

    def range(self, state: Histogram) -> tuple[float, float]:
        """The ends, at edges of bins."""
        return state.between((100 - self.percentile) / 200)


@dataclass(frozen=True, slots=True)
class Entropy(_OfHistogram):
    """The range that keeps most information: the least Kullback-Leibler divergence.

    Absolute values are counted in equal bins; zeros are not, because zero is stored exactly whatever
    the range is. For every threshold, the values below it (those above
    counted at it) are held against the same values in `levels` steps; the threshold whose steps
    tell most about the values wins, and cuts both ends.

    Parameters
    ----------
    bins : int
    levels : int, 2 .. bins
        128: the magnitudes of int8.

    Raises
    ------
    InvalidInputError
        `levels` below 2 or above `bins`.

    Examples
    --------
    >>> observer = Entropy()
    >>> values = np.random.default_rng(0).standard_normal(20000).astype(np.float32)
    >>> low, high = observer.range(observer.observe(np.append(values, np.float32(40)), 0))
    >>> -6 < low < 0 < high < 10
    True

    Source: Szymon Migacz, "8-bit Inference with TensorRT", GPU Technology Conference 2017.
    """

    bins: int = 1024
    levels: int = 128

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= self.bins:
            raise InvalidInputError("levels", self.levels, f"2 .. bins, which is {self.bins}")

    def range(self, state: Histogram) -> tuple[float, float]:
        """Both ends cut at the threshold."""
        low, high = float(state.low), float(state.high)
        counts = state.magnitudes(self.bins)
        covered = np.cumsum(counts)
        if covered[-1] == 0:
            return low, high
        # Where nearly everything is cut off, what is left is told perfectly.
        first = int(np.searchsorted(covered, LEAST_KEPT * covered[-1])) + 1
        candidates = range(max(self.levels, min(first, self.bins)), self.bins + 1)
        kept = candidates[int(np.argmin([self._divergence(counts, kept) for kept in candidates]))]
        if kept == self.bins:
            return low, high
        threshold = max(abs(low), abs(high)) * kept / self.bins
        return max(low, -threshold), min(high, threshold)

    def _divergence(self, counts: NDArray[np.float64], kept: int) -> float:
        inside = counts[:kept]
        wanted = inside.copy()
        wanted[-1] += counts[kept:].sum()
        starts = np.arange(self.levels) * kept // self.levels
        is_filled = wanted > 0
        filled = np.add.reduceat(is_filled.astype(np.float64), starts)
        sums = np.add.reduceat(inside, starts)
        means = np.divide(sums, filled, out=np.zeros(self.levels), where=filled > 0)
        given = np.repeat(means, np.diff(np.append(starts, kept)))[is_filled]
        wanted = wanted[is_filled]
        # The last bin may hold only what was cut off; its step then has no count of its own.
        given = np.maximum(given, NO_COUNT)
        shares, steps = wanted / wanted.sum(), given / given.sum()
        return float((shares * np.log(shares / steps)).sum())


@dataclass(frozen=True, slots=True)
class MSE(_OfHistogram):
    """The range whose quantized values have the least mean squared error.

    Both ends are drawn in together, then each by itself; 0 stays inside, as when quantizing.

    Parameters
    ----------
    num_bits : int, 2 .. 16
    candidates : int, at least 2
        Thresholds tried per search.

    Raises
    ------
    InvalidInputError
        Out of those limits.

    Examples
    --------
    >>> observer = MSE(num_bits=4)
    >>> values = np.append(np.linspace(0, 1, 9999), 8).astype(np.float32)
    >>> low, high = observer.range(observer.observe(values, 0))
    >>> low, high < 4
    (0.0, True)
    """

    num_bits: int = 8
    candidates: int = 100

    def __post_init__(self) -> None:
        if not 2 <= self.num_bits <= 16:
            raise InvalidInputError("num_bits", self.num_bits, "2 .. 16")
        if self.candidates < 2:
            raise InvalidInputError("candidates", self.candidates, "at least 2")

    def range(self, state: Histogram) -> tuple[float, float]:
        """The best ends found, never outside of what was seen."""
        low, high = float(state.low), float(state.high)
        shares = [kept / self.candidates for kept in range(self.candidates, 0, -1)]
        values, counts = state.centers, state.counts.astype(np.float64)

        def best(pairs: list[tuple[float, float]]) -> tuple[float, float]:
            errors = [self._error(values, counts, *pair) for pair in pairs]
            return pairs[int(np.argmin(errors))]

        low, high = best([(low * share, high * share) for share in shares])
        low, high = best([(low * share, high) for share in shares])
        low, high = best([(low, high * share) for share in shares])
        # Of values on one side of 0 the near end counts for nothing: it shrank by chance.
        return (low if state.low < 0 else float(state.low)), (high if state.high > 0 else float(state.high))

    def _error(
        self, values: NDArray[np.float64], counts: NDArray[np.float64], low: float, high: float
    ) -> float:
        low, high = min(low, 0.0), max(high, 0.0)
        step = (high - low) / (2**self.num_bits - 1)
        if step == 0:
            return float((counts * values * values).sum())
        zero = np.rint(-low / step)
        codes = np.clip(np.rint(values / step) + zero, 0, 2**self.num_bits - 1)
        difference = (codes - zero) * step - values
        return float((counts * difference * difference).sum())
