"""What is remembered of the values a tensor takes, and which range follows.

An observer turns one array into a small state, and two states into one. `merge` is associative and
commutative, exactly: however samples are shared out between processes, the ranges are the same.
A user's own observer is any object with the three methods of `Observer`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantlib.calibration.histogram_observers import MSE, Entropy, Percentile
from quantlib.errors import InvalidInputError

__all__ = ["MSE", "Entropy", "MinMax", "MovingAverage", "Observer", "Percentile"]


Real: TypeAlias = float | np.floating[Any]
"""One end of a range."""


class Observer(Protocol):
    """What calibration asks of an observer; states are picklable values of bounded size."""

    def observe(self, values: NDArray[np.float32], sample: int) -> Any:
        """The state after one array.

        Parameters
        ----------
        values : float32 array
            Finite, and at least one.
        sample : int
            The number of the sample, from 0.
        """

    def merge(self, one: Any, other: Any) -> Any:
        """The state after everything that either state has seen; associative and commutative."""

    def range(self, state: Any) -> tuple[Real, Real]:
        """The range to quantize with."""


@dataclass(frozen=True, slots=True)
class MinMax:
    """The smallest and the largest value seen: what TensorFlow's converter uses.

    Examples
    --------
    >>> observer = MinMax()
    >>> states = [observer.observe(np.array(x, np.float32), 0) for x in ([0, 2], [-1, 1])]
    >>> low, high = observer.range(observer.merge(*states))
    >>> low.item(), high.item()
    (-1.0, 2.0)

    Source: LiteRT tflite/tools/optimize/calibration/calibration_logger.h (MinMax)
    """

    def observe(self, values: NDArray[np.float32], sample: int) -> tuple[np.float32, np.float32]:
        """Smallest and largest value."""
        del sample
        return np.float32(values.min()), np.float32(values.max())

    def merge(
        self, one: tuple[np.float32, np.float32], other: tuple[np.float32, np.float32]
    ) -> tuple[np.float32, np.float32]:
        """The smaller of the smallest, the larger of the largest."""
        return min(one[0], other[0]), max(one[1], other[1])

    def range(self, state: tuple[np.float32, np.float32]) -> tuple[np.float32, np.float32]:
        """The state itself."""
        return state


Seen = tuple[tuple[int, float, float], ...]
"""Sample number, smallest and largest value, in the samples' order."""


@dataclass(frozen=True, slots=True)
class MovingAverage:
    """Exponentially weighted means of every sample's smallest and largest value.

    Only the last samples are kept, those that count for more than 2**-24 in all: 325 of them at the
    default momentum. That is what makes the result independent of who saw which sample.

    Parameters
    ----------
    momentum : float, 0 .. 0.999
        Weight of what was before, per sample.

    Raises
    ------
    InvalidInputError
        Another momentum.

    Examples
    --------
    >>> observer = MovingAverage(momentum=0.5)
    >>> states = [observer.observe(np.array([0, top], np.float32), i) for i, top in enumerate((4, 8))]
    >>> observer.range(observer.merge(*states))
    (0.0, 6.0)
    """

    momentum: float = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.momentum <= 0.999:
            raise InvalidInputError("momentum", self.momentum, "0 .. 0.999")

    @property
    def length(self) -> int:
        """How many samples are kept."""
        return 1 if self.momentum == 0 else math.ceil(-24 * math.log(2) / math.log(self.momentum))

    def observe(self, values: NDArray[np.float32], sample: int) -> Seen:
        """One sample's smallest and largest value."""
        return ((sample, float(values.min()), float(values.max())),)

    def merge(self, one: Seen, other: Seen) -> Seen:
        """The last samples of both; what one sample gave twice becomes one range."""
        if one and other and one[-1][0] < other[0][0]:
            return (one + other)[-self.length :]
        merged: dict[int, tuple[float, float]] = {}
        for sample, low, high in one + other:
            have_low, have_high = merged.get(sample, (low, high))
            merged[sample] = (min(low, have_low), max(high, have_high))
        return tuple((sample, *merged[sample]) for sample in sorted(merged)[-self.length :])

    def range(self, state: Seen) -> tuple[float, float]:
        """The weighted means, in the order of the samples."""
        (_, low, high), *later = state
        for _, sample_low, sample_high in later:
            low = self.momentum * low + (1 - self.momentum) * sample_low
            high = self.momentum * high + (1 - self.momentum) * sample_high
        return low, high
