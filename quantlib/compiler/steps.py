"""Where a layer's specification steps, and at which of its steps a chain of passes is wrong.

A specification (a layer's `ToOutput`) and a chain are both monotone step functions of the sum. Where the
chain gives the right code at the first sum of a step and at the sum before, for every step, it gives it
everywhere. Most steps need no trial: where the chain's passes, were they exact, cross the level between
these two sums, farther from either than the passes can round, both come out right. The others are tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import thresholds
from quantlib.compiler.chain import Chain, affine, side_by_side
from quantlib.ops._accumulate import ToOutput

__all__ = ["Steps", "Task", "Wrong", "blocks", "code_bounds"]

_CHANNELS_AT_A_TIME = 2048
"""So that arrays of (levels, channels) stay small, whatever the layer."""


def code_bounds(to_output: ToOutput) -> tuple[int, int]:
    """The smallest and the largest code that a specification gives.

    Parameters
    ----------
    to_output : ToOutput
    """
    top = thresholds.highest_level(to_output.requantize)
    high = to_output.high if top is None else min(to_output.high, to_output.zero_point + top)
    return to_output.low, max(high, to_output.low)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is to be proved.

    Parameters
    ----------
    to_output : ToOutput
        The specification, of accumulators (..., channels).
    start : int64 array (channels,)
        Accumulator less sum: the bias, and what storing codes less an offset has moved there.
    low, high : int64 arrays (channels,)
        Bounds of the sums.
    offset : int
        What is taken off the codes of the output before they are stored.
    """

    to_output: ToOutput
    start: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    offset: int

    @property
    def channels(self) -> int:
        """How many there are."""
        return self.start.size

    @property
    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest code, less the offset."""
        low, high = code_bounds(self.to_output)
        return low - self.offset, high - self.offset

    def __call__(self, sums: NDArray[np.int64]) -> NDArray[np.int64]:
        """The specification: sums (..., channels) to codes less the offset."""
        return self.to_output(sums + self.start).astype(np.int64) - self.offset


@dataclass(frozen=True, slots=True, eq=False)
class Wrong:
    """Steps at which a chain is wrong, three arrays of one length.

    Parameters
    ----------
    levels : float64 array
        Codes less the offset.
    channels : intp array
    first : float64 array
        The smallest sum that reaches the level.
    """

    levels: NDArray[np.float64]
    channels: NDArray[np.intp]
    first: NDArray[np.float64]

    def __len__(self) -> int:
        return self.channels.size

    @classmethod
    def together(cls, parts: Sequence[Wrong]) -> Wrong:
        """All of them."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in cls.__slots__))

    def where(self, kept: NDArray[np.bool_]) -> Wrong:
        """Some of them."""
        return Wrong(self.levels[kept], self.channels[kept], self.first[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Where a specification steps.

    Parameters
    ----------
    task : Task
    channels : intp array (channels,)
        Their places in the layer.
    real : float64 array (channels,)
        Codes per unit of the sum.
    levels : float64 array (levels, 1)
        Codes less the offset, but for the smallest.
    first : float64 array (levels, channels) or (levels, 1)
        The smallest accumulators that reach the levels, whether or not sums bring them about.
    start, low, high : float64 arrays (channels,)
        Accumulator less sum, and bounds of the sums.
    """

    task: Task
    channels: NDArray[np.intp]
    real: NDArray[np.float64]
    levels: NDArray[np.float64]
    first: NDArray[np.float64]
    start: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, task: Task) -> Steps | None:
        """For a specification that is known to rise, else None.

        Parameters
        ----------
        task : Task
        """
        low, high = task.bounds
        rule = task.to_output.requantize
        if not 0 < high - low < 2**9 or not thresholds.is_monotone(
            rule, task.low + task.start, task.high + task.start
        ):
            return None
        real = thresholds.real_multiplier(rule)
        levels = np.arange(low + 1, high + 1)
        first = _first(task, levels + (task.offset - task.to_output.zero_point))
        if real is None or first is None:
            return None
        return cls(
            task,
            np.arange(task.channels),
            np.broadcast_to(real, (task.channels,)),
            levels[:, None].astype(np.float64),
            first,
            *(one.astype(np.float64) for one in (task.start, task.low, task.high)),
        )

    @property
    def count(self) -> int:
        """How many steps there are, in all channels."""
        return self.levels.size * self.channels.size

    def of_channels(self, channels: NDArray[np.intp]) -> Steps:
        """Some of the channels, which may repeat.

        Parameters
        ----------
        channels : intp array
        """
        task = self.task
        start, low, high = task.start[channels], task.low[channels], task.high[channels]
        return Steps(
            replace(task, start=start, low=low, high=high),
            self.channels[channels],
            self.real[channels],
            self.levels,
            self.first_of(channels),
            self.start[channels],
            self.low[channels],
            self.high[channels],
        )

    def first_of(self, these: slice | NDArray[np.intp]) -> NDArray[np.float64]:
        """`first` of some channels, (levels, these) or (levels, 1)."""
        return self.first if self.first.shape[1] == 1 else self.first[:, these]

    def codes(self, channels: NDArray[np.intp], sums: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the specification says of single sums.

        Parameters
        ----------
        channels : intp array
        sums : int64 array
            One for each of the channels, which may repeat.

        Returns
        -------
        int64 array
            Codes less the offset.
        """
        reached = self.first_of(channels) <= sums + self.task.start[channels]
        count: NDArray[np.int64] = np.count_nonzero(reached, axis=0)
        return count + self.task.bounds[0]

    def wrong(self, chain: Chain) -> Wrong:
        """At which steps the chain is wrong on one side or the other.

        Parameters
        ----------
        chain : Chain
        """
        found = []
        for these in blocks(self.channels.size):
            part = chain.of(these)
            found.append(self._wrong_among(these, part, *self._ahead(these, part)))
        return Wrong.together(found)

    def centred(self, chain: Chain) -> tuple[Chain, Wrong]:
        """The chain with its first summand moved to the middle of what the steps allow, and where it is wrong.

        Parameters
        ----------
        chain : Chain
            Its first pass adds.
        """
        (add, c), *others = chain.passes
        assert add is np.add
        assert c is not None
        shifts = []
        for these in blocks(self.channels.size):
            ahead, _ = self._ahead(these, chain.of(these))
            first, start = self.first_of(these), self.start[these]
            met = (first > self.low[these] + start) & (first <= self.high[these] + start)
            met &= np.isfinite(ahead)
            least = np.where(met, ahead, -np.inf).max(axis=0)
            most = np.where(met, ahead, np.inf).min(axis=0)
            some = met.any(axis=0)
            shifts.append((np.where(some, least, 0.0) + np.where(some, most, -1.0) + 1.0) / 2)
        moved = (c.astype(np.float64) + np.concatenate(shifts)).astype(c.dtype)
        chain = replace(chain, passes=((add, moved), *others))
        return chain, self.wrong(chain)

    def fit(self, dtype: type[np.floating[Any]], ulps: NDArray[np.int64] | int = 0) -> tuple[Chain, Wrong]:
        """The affine chain in the middle of what the steps allow, and where it is wrong.

        Parameters
        ----------
        dtype : float32 or float64
        ulps : int or int64 array (channels,)
            By how many units of its last place the factor is moved.
        """
        moved = np.broadcast_to(ulps, self.channels.shape)
        chains, found = [], []
        for these in blocks(self.channels.size):
            bounds = self.start[these], self.low[these], self.high[these]
            part, ahead = affine(
                self.real[these], self.levels, self.first_of(these), *bounds, dtype, ulps=moved[these]
            )
            _, error = part.crossings(self.levels[[0, -1]])
            chains.append(part)
            found.append(self._wrong_among(these, part, ahead, error))
        return side_by_side(chains), Wrong.together(found)

    def _ahead(self, these: slice, chain: Chain) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far ahead of their first sums a chain crosses the levels, and how far it may round."""
        at, error = chain.crossings(self.levels)
        with np.errstate(invalid="ignore"):  # infinities of steps that are never reached
            return at + self.start[these] - self.first_of(these), error

    def _wrong_among(
        self, these: slice, chain: Chain, ahead: NDArray[np.float64], error: NDArray[np.float64]
    ) -> Wrong:
        """Of the channels `these`, whose chain crosses the levels so far ahead of their first sums."""
        sure = ahead > error - 1.0
        sure &= ahead < -error
        level, channel = np.divmod(np.flatnonzero(np.logical_not(sure, out=sure)), sure.shape[1])
        return self._tried(chain, level, channel, these.start)

    def _tried(self, chain: Chain, level: NDArray[np.intp], channel: NDArray[np.intp], begin: int) -> Wrong:
        """At which of these steps the chain of the channels from `begin` on is wrong."""
        wanted, passes = self.levels[level, 0], chain.of(channel)
        channel = channel + begin
        low, high = self.low[channel], self.high[channel]
        first = self.first[level, channel if self.first.shape[1] > 1 else 0] - self.start[channel]
        first = np.clip(first, low, high + 1.0)
        late = ~(passes(first) >= wanted) & (first <= high)  # not a number is late, too
        early = (passes(first - 1.0) >= wanted) & (first > low)
        wrong = late | early
        return Wrong(wanted[wrong], channel[wrong], first[wrong])


def blocks(channels: int) -> Iterator[slice]:
    """Slices of channels that are looked at together."""
    for begin in range(0, channels, _CHANNELS_AT_A_TIME):
        yield slice(begin, min(begin + _CHANNELS_AT_A_TIME, channels))


def _first(task: Task, levels: NDArray[np.int64]) -> NDArray[np.float64] | None:
    rule, parts = task.to_output.requantize, []
    for these in blocks(task.channels):
        first = thresholds.first_reaching(rule, levels, task.channels, these=these)
        if first is None or first.shape[1] == 1:
            return first
        parts.append(first)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
