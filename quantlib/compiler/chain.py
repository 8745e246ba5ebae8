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

    @property
    def cost(self) -> float:
        """Nanoseconds per sum, about."""
        return (len(self.passes) + 1) * (0.085 if self.dtype == np.float32 else 0.2)


def affine(
    real: NDArray[np.float64],
    levels: NDArray[np.float64],
    first: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    dtype: type[np.floating[Any]],
    *,
    ulps: NDArray[np.int64] | int = 0,
) -> Chain:
    """rint((sum + c) · s), with c in the middle of what all steps allow.

    A level k is reached from its first sum t on if (t + c) s ≥ k − 1/2 > (t − 1 + c) s.

    Parameters
    ----------
    real : float64 array (channels,)
        Codes per unit of the sum.
    levels : float64 array (levels, 1)
    first : float64 array (levels, channels)
        The smallest sum that reaches the level, from `low` (all do) to `high` + 1 (none does).
    low, high : float64 arrays (channels,)
        Bounds of the sums.
    dtype : float32 or float64
    ulps : int or int64 array (channels,)
        By how many units of its last place s is moved away from `real`.
    """
    s = np.maximum(real, _SMALLEST_SCALE).astype(dtype)
    s += np.asarray(ulps, dtype) * np.spacing(s)
    room = levels - 0.5
    room = room / s.astype(np.float64)
    room -= first
    least = np.where(first <= high, room, -np.inf).max(axis=0)
    most = np.where(first > low, room, np.inf).min(axis=0) + 1.0
    quarter = 0.25 / s.astype(np.float64)  # of a code, where there is no step on one side
    least = np.where(np.isfinite(least), least, most - 2 * quarter)
    most = np.where(np.isfinite(most), most, least + 2 * quarter)
    c = ((least + most) / 2).astype(dtype)
    slack = np.minimum(c - least, most - c)  # of c as it could be rounded
    return Chain(
        np.dtype(dtype),
        ((np.add, c), (np.multiply, s), (np.rint, None)),
        slack,
    )


def side_by_side(chains: Sequence[Chain]) -> Chain:
    """Chains of the same passes, for the channels of one after those of the other.

    Parameters
    ----------
    chains : sequence of Chain
        At least one, every operand per channel.
    """
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
