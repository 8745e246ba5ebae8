"""Chains of floating-point passes that bring sums to codes.

A chain is data: ufuncs and their operands, one per channel. It is applied to the handful of sums that
prove it, and bound to buffers when it runs; nothing runs that is not the proved thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chain", "affine", "one_rounding", "side_by_side", "two_roundings"]

_SMALLEST_SCALE = 2.0**-30
"""Of a channel whose output hardly moves: its sums, below 2**24, then move it by less than 1/64."""


_HALF_ULP = {np.dtype(np.float32): 2.0**-24 * 1.001, np.dtype(np.float64): 2.0**-50}
"""Of a result that lies between 1 and 2, and more, because crossings are found in float64 themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Passes over sums.

    Parameters
    ----------
    dtype : data type of the passes
    passes : tuple of (ufunc, operand)
        Operands are arrays (channels,) or (1,), or None for a ufunc of one argument.
    slack : float64 array (channels,), optional
        Of an affine chain: by how many units of the sum its steps may move; below 0 if one is missed.
    """

    dtype: np.dtype[Any]
    passes: tuple[tuple[np.ufunc, NDArray[Any] | None], ...]
    slack: NDArray[np.float64] | None = None

    def __call__(self, sums: NDArray[Any]) -> NDArray[Any]:
        """Whole numbers, not yet clamped.

        Parameters
        ----------
        sums : array (..., channels)
        """
        y = sums.astype(self.dtype)
        for ufunc, operand in self.passes:
            if operand is None:
                ufunc(y, out=y)
            else:
                ufunc(y, operand, out=y)
        return y

    def of(self, channels: slice | NDArray[np.intp]) -> Chain:
        """The chain for some of the channels."""
        passes = tuple(
            (ufunc, operand if operand is None or operand.size == 1 else operand[channels])
            for ufunc, operand in self.passes
        )
        return Chain(self.dtype, passes, None if self.slack is None else self.slack[channels])

    def with_channels(self, channels: NDArray[np.intp], other: Chain, count: int) -> Chain:
        """The chain of `count` channels, but for some of them, which are the other chain's."""
        passes: list[tuple[np.ufunc, NDArray[Any] | None]] = []
        for (ufunc, mine), (_, theirs) in zip(self.passes, other.passes, strict=True):
            if mine is None or theirs is None:
                passes.append((ufunc, None))
                continue
            operand = np.array(np.broadcast_to(mine, count))
            operand[channels] = theirs
            passes.append((ufunc, operand))
        slack = self.slack
        if slack is not None and other.slack is not None:
            slack = slack.copy()
            slack[channels] = other.slack
        return Chain(self.dtype, tuple(passes), slack)

    def with_factor_moved(self, ulps: NDArray[np.int64]) -> Chain:
        """The chain with its first factor moved by so many units of the last place.

        Parameters
        ----------
        ulps : int64 array (channels,)
        """
        place = next(place for place, (ufunc, _) in enumerate(self.passes) if ufunc is np.multiply)
        passes = list(self.passes)
        factor = passes[place][1]
        assert factor is not None
        passes[place] = (np.multiply, factor + ulps.astype(factor.dtype) * np.spacing(factor))
        return Chain(self.dtype, tuple(passes), self.slack)

    def crossings(self, levels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where the passes would reach the levels if they did not round.

        The passes are followed backwards. Each rounds its result by at most half a unit of the last
        place, which moves the crossing by that over the factors before it.

        Parameters
        ----------
        levels : float64 array (levels, 1)
            Rising whole numbers.

        Returns
        -------
        at : float64 array (levels, channels)
            Sums, not whole ones; not a number where rounding in the middle of the chain may matter.
        error : float64 array (channels,) or (1,)
            By how many units of the sum the passes may round.
        """
        half_ulp = _HALF_ULP[self.dtype]
        steep = [1.0]
        for ufunc, operand in self.passes:
            steep.append(
                steep[-1] * (float(operand.max()) if ufunc is np.multiply and operand is not None else 1.0)
            )
        at, error = levels, np.zeros(1)
        whose: NDArray[np.intp] | None = None
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for place in reversed(range(len(self.passes))):
                ufunc, operand = self.passes[place]
                earlier = [one for one, _ in self.passes[:place]]
                if operand is None:  # rint
                    at, error = _before_rounding(at, error), np.zeros(1)
                    continue
                if whose is not None and operand.size > 1:
                    at, error, whose = at[:, whose], error[whose] if error.size > 1 else error, None
                elif at.shape[1] == 1 and operand.size > 1 and np.rint in earlier:  # factors are few
                    operand, whose = np.unique(operand, return_inverse=True)
                if ufunc is not np.add or earlier[-1:] != [np.rint]:  # whole numbers are added exactly
                    largest = np.abs(at[[0, -1]]).max(axis=0) + steep[place + 1] + 1.0
                    error = error + half_ulp * largest
                if ufunc is np.add:
                    at = at - operand
                else:
                    at, error = at / operand, error / operand
        if whose is not None:
            at, error = at[:, whose], error[whose] if error.size > 1 else error
        return at, error

    @property
    def cost(self) -> float:
        """Nanoseconds per sum, about."""
        return (len(self.passes) + 1) * (0.085 if self.dtype == np.float32 else 0.2)


def _before_rounding(at: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """What rint must be given to reach `at`; not a number where that is not sure."""
    whole = np.ceil(at - error)
    return np.where(np.ceil(at + error) == whole, whole - 0.5, np.nan)


def affine(
    real: NDArray[np.float64],
    levels: NDArray[np.float64],
    first: NDArray[np.float64],
    start: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    dtype: type[np.floating[Any]],
    *,
    ulps: NDArray[np.int64] | int = 0,
) -> tuple[Chain, NDArray[np.float64]]:
    """rint((sum + c) · s), with c in the middle of what all steps allow.

    A level k is reached from its first sum t on if (t + c) s ≥ k − 1/2 > (t − 1 + c) s.

    Parameters
    ----------
    real : float64 array (channels,)
        Codes per unit of the sum.
    levels : float64 array (levels, 1)
    first : float64 array (levels, channels) or (levels, 1)
        The smallest accumulator that reaches the level.
    start, low, high : float64 arrays (channels,)
        Accumulator less sum, and bounds of the sums.
    dtype : float32 or float64
    ulps : int or int64 array (channels,)
        By how many units of its last place s is moved away from `real`.

    Returns
    -------
    chain : Chain
    ahead : float64 array (levels, channels)
        Its `crossings`, as accumulators, less `first`.
    """
    s = np.maximum(real, _SMALLEST_SCALE).astype(dtype)
    s += np.asarray(ulps, dtype) * np.spacing(s)
    half, width = levels - 0.5, 1.0 / s.astype(np.float64)
    room = half * width
    room -= first
    least, most = room.max(axis=0), room.min(axis=0)
    lowest, highest = low + start, high + start
    few = np.flatnonzero((first[0] <= lowest) | (first[-1] > highest))
    if few.size:
        some = first[:, few if first.shape[1] > 1 else [0]]
        least[few], most[few] = _of_reached(half * width[few], some, lowest[few], highest[few])
    least += start
    most += start + 1.0
    quarter = 0.25 * width  # of a code, where there is no step on one side
    if few.size:
        least = np.where(np.isfinite(least), least, most - 2 * quarter)
        most = np.where(np.isfinite(most), most, least + 2 * quarter)
    c = ((least + most) / 2).astype(dtype)
    slack = np.minimum(c - least, most - c)  # of c as it could be rounded
    chain = Chain(np.dtype(dtype), ((np.add, c), (np.multiply, s), (np.rint, None)), slack)
    return chain, np.add(room, start - c, out=room)


def _of_reached(
    at: NDArray[np.float64],
    first: NDArray[np.float64],
    lowest: NDArray[np.float64],
    highest: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest and the smallest room of channels not all of whose levels are reached on the way.

    The lowest sum must still reach what lies below it, the highest must not reach what lies above.
    """
    first = np.clip(first, lowest, highest + 1.0)
    at -= first
    least = np.where(first <= highest, at, -np.inf).max(axis=0)
    most = np.where(first > lowest, at, np.inf).min(axis=0)
    return least, most


def side_by_side(chains: Sequence[Chain]) -> Chain:
    """Chains of the same passes, for the channels of one after those of the other.

    Parameters
    ----------
    chains : sequence of Chain
        At least one, every operand per channel.
    """
    if len(chains) == 1:
        return chains[0]
    passes = []
    for position, (ufunc, first) in enumerate(chains[0].passes):
        operands = [chain.passes[position][1] for chain in chains]
        operand = None if first is None else np.concatenate([one for one in operands if one is not None])
        passes.append((ufunc, operand))
    slack = [chain.slack for chain in chains if chain.slack is not None]
    return Chain(chains[0].dtype, tuple(passes), np.concatenate(slack) if slack else None)


def one_rounding(
    real: NDArray[np.float32],
    start: NDArray[np.int64],
    offset: int,
    dtype: type[np.floating[Any]],
) -> Chain:
    """XNNPACK's rule as it stands: the product rounded to float32, and then half to even.

    Parameters
    ----------
    real : float32 array (channels,) or (1,)
    start : int64 array (channels,)
        What is added to the sums.
    offset : int
        What is added to the codes: the zero point, less what is taken off to store them.
    dtype : float32 or float64
    """
    passes: list[tuple[np.ufunc, NDArray[Any] | None]] = [
        (np.add, start.astype(dtype)),
        (np.multiply, real.astype(dtype)),
        (np.rint, None),
    ]
    if offset:
        passes.append((np.add, np.array([offset], dtype)))
    return Chain(np.dtype(dtype), tuple(passes))


def two_roundings(
    multiplier: NDArray[np.int64],
    shift: NDArray[np.int64],
    start: NDArray[np.int64],
    offset: int,
    dtype: type[np.floating[Any]],
) -> Chain:
    """Both roundings of the fixed-point rules, spelled out.

    Halves of the first round up because a little is added to the sum, less than any two products are
    apart. The factor of the second is larger than the power of two by so little that only halves
    notice, and they round away from zero.

    Parameters
    ----------
    multiplier, shift : int64 arrays (channels,) or (1,)
    start : int64 array (channels,)
        What is added to the sums.
    offset : int
        What is added to the codes: the zero point, less what is taken off to store them.
    dtype : float32 or float64
    """
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    first = np.ldexp(multiplier.astype(np.float64), left - 31).astype(dtype)
    nudge = np.where(right > 0, 1.0 + np.ldexp(1.0, -(right + 10)), 1.0)
    second = (np.ldexp(1.0, -right) * nudge).astype(dtype)
    lowest_bit = np.maximum(multiplier & -multiplier, 1)
    little = np.minimum(np.ldexp(lowest_bit.astype(np.float64), -31 - left), 0.25)
    passes: list[tuple[np.ufunc, NDArray[Any] | None]] = [
        (np.add, (start + little).astype(dtype)),
        (np.multiply, first),
        (np.rint, None),
        (np.multiply, second),
        (np.rint, None),
    ]
    if offset:
        passes.append((np.add, np.array([offset], dtype)))
    return Chain(np.dtype(dtype), tuple(passes))
