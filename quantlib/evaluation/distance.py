"""How far a model's numbers are from another's, summed up over samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Distance", "DistanceSums"]


@dataclass(frozen=True, slots=True)
class Distance:
    """What two series of arrays have in common.

    Parameters
    ----------
    sqnr_db : float
        Signal to quantization noise in decibels: 10 log10 of the sum of the wanted squares over the
        sum of the squared differences. inf where nothing differs, -inf where only noise is there.
    cosine : float
        Of the angle between the two; 1 for the same direction. NaN where one is all zero.
    largest_difference : float
    agreement : float
        The share of rows (along the last axis) whose largest element is the same.
    """

    sqnr_db: float
    cosine: float
    largest_difference: float
    agreement: float


class DistanceSums:
    """Running sums that a `Distance` follows from, in float64.

    Examples
    --------
    >>> sums = DistanceSums()
    >>> sums.add(np.array([3.0, 4.0]), np.array([3.5, 4.0]))
    >>> found = sums.distance()
    >>> found.sqnr_db, found.largest_difference, found.agreement
    (20.0, 0.5, 1.0)
    """

    def __init__(self) -> None:
        self._wanted = self._found = self._product = self._noise = self._largest = 0.0
        self._rows = self._agreeing = 0

    def add(self, wanted: NDArray[np.float64], found: NDArray[np.float64]) -> None:
        """Count two arrays of one shape."""
        with np.errstate(all="ignore"):
            difference = found - wanted
            self._wanted += float(np.vdot(wanted, wanted))
            self._found += float(np.vdot(found, found))
            self._product += float(np.vdot(wanted, found))
            self._noise += float(np.vdot(difference, difference))
        if wanted.size == 0:
            return
        self._largest = max(self._largest, float(np.abs(difference).max()))
        rows = np.atleast_1d(wanted).argmax(axis=-1) == np.atleast_1d(found).argmax(axis=-1)
        self._rows += rows.size
        self._agreeing += int(np.count_nonzero(rows))

    def distance(self) -> Distance:
        """The distance over everything added."""
        lengths = math.sqrt(self._wanted) * math.sqrt(self._found)
        return Distance(
            _decibels(self._wanted, self._noise),
            self._product / lengths if lengths else math.nan,
            self._largest,
            self._agreeing / self._rows if self._rows else math.nan,
        )


def _decibels(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf
    ratio = signal / noise
    return 10 * math.log10(ratio) if ratio else -math.inf
