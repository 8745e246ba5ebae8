"""Where random models take their decisions from: a seed, or Hypothesis.

Generators of models ask a `Choices` for every decision. `SeededChoices` answers from a NumPy
generator, fast and repeatable, for tables of conformance; `quantlib.testing.strategies` has one that
answers from Hypothesis, so that the same generator's failures shrink.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Choices", "SeededChoices", "integers", "reals"]

T = TypeVar("T")


class Choices(Protocol):
    """Decisions, one at a time."""

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        ...

    def real(self, low: float, high: float) -> float:
        """A finite float64 from low to high."""
        ...

    def choice(self, options: Sequence[T]) -> T:
        """One of the options; the first is the simplest."""
        ...

    def generator(self) -> np.random.Generator:
        """A generator for bulk data, seeded by one decision."""
        ...


class SeededChoices:
    """Decisions from a seed: the same seed, the same model.

    Parameters
    ----------
    seed : int or sequence of int

    Examples
    --------
    >>> SeededChoices(1).integer(0, 9) == SeededChoices(1).integer(0, 9)
    True
    """

    def __init__(self, seed: int | Sequence[int]) -> None:
        self._random = np.random.default_rng(seed)

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self._random.integers(low, high, endpoint=True))

    def real(self, low: float, high: float) -> float:
        """A finite float64 from low to high."""
        return float(self._random.uniform(low, high))

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.integer(0, len(options) - 1)]

    def generator(self) -> np.random.Generator:
        """A generator for bulk data."""
        return self._random


def integers(
    choices: Choices, shape: Sequence[int], low: int, high: int, dtype: np.dtype[Any] | type
) -> NDArray[Any]:
    """An array of codes: spread over the range, bell-shaped around its middle, or all at its ends.

    Parameters
    ----------
    choices : Choices
    shape : sequence of int
    low, high : int
        Both included.
    dtype : data type

    Returns
    -------
    array of that shape and dtype
    """
    random = choices.generator()
    manner = choices.choice(("spread", "spread", "bell", "ends"))
    if manner == "spread":
        return random.integers(low, high, shape, np.int64, endpoint=True).astype(dtype)
    if manner == "bell":
        bell = random.normal((low + high) / 2, max((high - low) / 12, 1), shape)
        return np.clip(np.rint(bell), low, high).astype(dtype)
    return np.where(random.random(shape) < 0.5, low, high).astype(dtype)


def reals(choices: Choices, shape: Sequence[int], spread: float = 1.0) -> NDArray[np.float32]:
    """A float32 array: normal, uniform, or with zeros, large and tiny values among them.

    Parameters
    ----------
    choices : Choices
    shape : sequence of int
    spread : float
        Standard deviation.

    Returns
    -------
    float32 array, finite
    """
    random = choices.generator()
    values = random.normal(0, spread, shape)
    manner = choices.choice(("normal", "uniform", "mixed"))
    if manner == "uniform":
        values = random.uniform(-2 * spread, 2 * spread, shape)
    elif manner == "mixed":
        values = values * 10.0 ** random.integers(-4, 3, shape)
        values = np.where(random.random(shape) < 0.1, 0.0, values)
    return np.asarray(values, np.float32)
