"""From sums to codes in a few floating-point passes that were proved equal to the specification.

A layer's specification (its `ToOutput`) and a chain of floating-point passes are both monotone step
functions of the sum. Where the passes give the right code on both sides of every step of the
specification, they give it everywhere. The ladder, cheapest first:

* ``float32``: rint((sum + c) · s), or with both roundings of the fixed-point rules spelled out;
* ``float32 with exceptions``: the same, and a few sums, known by name, that are put right afterwards,
  or channels that are taken out and go through float64;
* ``float64``: the same two chains in double precision;
* ``integer``: the specification itself.

What is proved is what runs: one `Chain` does both.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, thresholds
from quantlib.arithmetic.requantize import ByPosition
from quantlib.compiler.chain import Chain, affine, one_rounding, side_by_side, two_roundings
from quantlib.ops._accumulate import ToOutput

__all__ = ["Exceptions", "Proved", "Task", "climb", "code_bounds"]

_CHANNELS_AT_A_TIME = 256
"""Columns per proof, so that its arrays stay in cache."""

_FARTHEST = 2
"""Sums on either side of a wrong step that are looked at; where the last is wrong, too, more may be."""

_COST_OF_EXCEPTION = 0.3
"""Nanoseconds for each sum of a channel that has one, measured; chains know their own cost."""

_COST_OF_HARD_CHANNEL = 1.6
"""Nanoseconds for each sum of a channel that is taken out and goes through float64."""

_ULPS = (1, -1, 2, -2, 3, -3, 4, -4)
"""By how many units of the last place a factor is moved where a chain errs."""

_WORTH_MENDING = 2
"""One channel in so many may be wrong before another chain is tried instead of mending this one."""

_MOST_MOVED = 32
"""Channels of a layer whose factors are moved; where more are bad, most would stay so."""

_TRIES = 3
"""How many of these, those that leave most room, are held against the specification."""

_MOST_PASSES = 5
"""Of a chain that is taken without looking for a shorter one, channel by channel."""

_COST_OF_CALLS = 3000.0
"""Nanoseconds for looking after exceptions at all, or after hard channels."""

_COST_OF_FLOAT64 = 0.8
"""Nanoseconds for each sum, at least."""


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
class Exceptions:
    """Sums for which a chain is wrong, and what is right; three arrays of one length.

    Parameters
    ----------
    channels : intp array
    sums, values : float32 arrays
        Values are codes less the offset.
    """

    channels: NDArray[np.intp]
    sums: NDArray[np.float32]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return self.channels.size


_NO_EXCEPTIONS = Exceptions(np.empty(0, np.intp), np.empty(0, np.float32), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Proved:
    """How a layer's sums become codes.

    Parameters
    ----------
    task : Task
    rung : str
        ``"float32"``, ``"float32 with exceptions"``, ``"float64"`` or ``"integer"``.
    chain : Chain, optional
        None for the specification itself.
    exceptions : Exceptions
    hard : intp array
        Channels that are taken out and go through `hard_chain`.
    hard_chain : Chain, optional
    steps : int
        Steps of the specification at both sides of which the chains were held against it.
    slack : float
        By how many units of the accumulator every step of an affine chain could move before the first
        code changed; the smallest of its channels. 0 where the chain is not affine.
    """

    task: Task
    rung: str
    chain: Chain | None = None
    exceptions: Exceptions = _NO_EXCEPTIONS
    hard: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    hard_chain: Chain | None = None
    steps: int = 0
    slack: float = 0.0


def climb(task: Task, *, narrow: bool = True, pixels: int = 1000) -> Proved:
    """The cheapest rung that was proved.

    Parameters
    ----------
    task : Task
    narrow : bool
        Whether sums come as float32; else as float64.
    pixels : int
        How many sums a channel has, about: what costs a call each time does not pay for few.
    """
    at_once = _climb_at_once(task) if narrow else None
    if at_once is not None:
        return at_once
    steps = _Steps.of(task)
    if steps is None:
        return Proved(task, "integer")
    found = [_best(steps, np.float32)] if narrow else []
    if not found or _cost(found[0], pixels) > _COST_OF_FLOAT64 * pixels * task.channels:
        found.append(_best(steps, np.float64))
    return min(found, key=partial(_cost, pixels=pixels))


def _climb_at_once(task: Task) -> Proved | None:
    """A proof for all channels of one multiplier, where the first pass adds without rounding.

    What follows the addition is then a function of the accumulator alone.
    """
    real = thresholds.real_multiplier(task.to_output.requantize)
    if real is None or real.size != 1 or isinstance(task.to_output.requantize, ByPosition):
        return None
    lowest, highest = (task.low + task.start).min(), (task.high + task.start).max()
    ends = (lowest, highest, task.start.min(), task.start.max())
    spare = 23 - max(int(abs(one)) for one in ends).bit_length()  # bits below the point, one for c itself
    if spare < 0:
        return None
    zero = np.zeros(1, np.int64)
    steps = _Steps.of(Task(task.to_output, zero, lowest[None], highest[None], task.offset))
    if steps is None:
        return None
    nudged = (_affine(steps, np.float32, ulps) for ulps in _ULPS)
    for chain in itertools.chain(_chains(steps, np.float32), nudged):
        (add, c), *others = chain.passes
        assert c is not None
        c = np.ldexp(np.rint(np.ldexp(c, spare)), -spare)
        if np.abs(c).max() > 2.0 ** (23 - spare):
            continue  # its sum with the accumulator may not fit 24 bits
        if len(others) < _MOST_PASSES and not steps.wrong(replace(chain, passes=((add, c), *others))).any():
            for_all = replace(chain, passes=((add, (c + task.start).astype(np.float32)), *others))
            slack = _slack(chain)
            return Proved(task, "float32", for_all, steps=steps.first.size, slack=slack)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Where a specification steps.

    Parameters
    ----------
    task : Task
    channels : intp array (channels,)
        Their places in the layer.
    real : float64 array (channels,)
    levels : float64 array (levels, 1)
        Codes less the offset, but for the smallest.
    first : float64 array (levels, channels)
        The smallest sum that reaches the level; a channel's `low` if all do, `high` + 1 if none does.
    low, high : float64 arrays (channels,)
        Bounds of the sums, in the dtype of what they are held against.
    """

    task: Task
    channels: NDArray[np.intp]
    real: NDArray[np.float64]
    levels: NDArray[np.float64]
    first: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def of(cls, task: Task) -> _Steps | None:
        """For a specification that is known to rise, else None."""
        low, high = task.bounds
        rule = task.to_output.requantize
        if not 0 < high - low < 2**9 or not thresholds.is_monotone(
            rule, task.low + task.start, task.high + task.start
        ):
            return None
        levels = np.arange(low + 1, high + 1)
        first = thresholds.first_reaching(
            rule, levels + (task.offset - task.to_output.zero_point), task.channels
        )
        real = thresholds.real_multiplier(rule)
        if first is None or real is None:
            return None
        start, least, most = (one.astype(np.float64) for one in (task.start, task.low, task.high))
        first = np.subtract(first, start, out=first if first.shape[1] == start.size else None)
        np.maximum(first, least, out=first)
        np.minimum(first, most + 1.0, out=first)
        real = np.broadcast_to(real, (task.channels,))
        reals = levels[:, None].astype(np.float64)
        return cls(task, np.arange(task.channels), real, reals, first, least, most)

    def wrong(self, chain: Chain) -> NDArray[np.bool_]:
        """At which steps the chain is wrong on one side or the other, (levels, channels)."""
        low, high = self.low, self.high
        wrong = np.empty(self.first.shape, np.bool_)
        levels = self.levels.astype(chain.dtype)
        for begin in range(0, self.task.channels, _CHANNELS_AT_A_TIME):
            these = slice(begin, begin + _CHANNELS_AT_A_TIME)
            first, part = self.first[:, these], chain.of(these)
            late = (part(first) < levels) & (first <= high[these])
            early = (part(first - 1) >= levels) & (first > low[these])
            np.logical_or(late, early, out=wrong[:, these])
        return wrong

    def of_channels(self, channels: NDArray[np.intp]) -> _Steps:
        """Some of the channels."""
        task = replace(
            self.task,
            start=self.task.start[channels],
            low=self.task.low[channels],
            high=self.task.high[channels],
        )
        return _Steps(
            task,
            self.channels[channels],
            self.real[channels],
            self.levels,
            self.first[:, channels],
            self.low[channels],
            self.high[channels],
        )


def _chains(steps: _Steps, dtype: type[np.floating[Any]]) -> Iterator[Chain]:
    """Chains to try for all channels, the likeliest first."""
    task = steps.task
    rule = task.to_output.requantize
    rule = rule.leftover if isinstance(rule, ByPosition) else rule
    bound = {
        name: one.reshape(-1) if one.size == 1 else one[steps.channels]
        for name, one in (rule.keywords.items() if isinstance(rule, partial) else ())
        if isinstance(one, np.ndarray)
    }
    offset = task.to_output.zero_point - task.offset
    real = bound.get("real")
    if real is not None and real.dtype == np.float32:
        yield one_rounding(real, task.start, offset, dtype)
    twice = isinstance(rule, partial) and rule.func is fixed_point.multiply_by_quantized_multiplier
    # Rounded twice, codes below the zero point step the other way, which no affine chain follows.
    if twice and task.to_output.low < task.to_output.zero_point:
        yield two_roundings(bound["multiplier"], bound["shift"], task.start, offset, dtype)
    yield _affine(steps, dtype)
    if twice and task.to_output.low >= task.to_output.zero_point:
        yield two_roundings(bound["multiplier"], bound["shift"], task.start, offset, dtype)


def _affine(steps: _Steps, dtype: type[np.floating[Any]], ulps: NDArray[np.int64] | int = 0) -> Chain:
    task, parts = steps.task, []
    moved = np.broadcast_to(ulps, (task.channels,))
    for begin in range(0, task.channels, _CHANNELS_AT_A_TIME):
        these = slice(begin, begin + _CHANNELS_AT_A_TIME)
        real, first = steps.real[these], steps.first[:, these]
        low, high = steps.low[these], steps.high[these]
        parts.append(affine(real, steps.levels, first, low, high, dtype, ulps=moved[these]))
    return parts[0] if len(parts) == 1 else side_by_side(parts)


def _best(steps: _Steps, dtype: type[np.floating[Any]]) -> Proved:
    """The best that chains of one precision are good for."""
    fewest = steps.task.channels + 1
    best: Chain | None = None
    wrong = np.empty(0, np.bool_)
    for chain in _chains(steps, dtype):
        errs = steps.wrong(chain)
        bad = int(np.count_nonzero(errs.any(axis=0)))
        if bad < fewest:
            fewest, best, wrong = bad, chain, errs
        if fewest * _WORTH_MENDING <= steps.task.channels:
            break
    assert best is not None
    if fewest and best.slack is not None and dtype is np.float32:
        best = _nudged(steps, best, wrong)
        wrong = steps.wrong(best)
    return _with_exceptions(steps, best, wrong)


def _with_exceptions(steps: _Steps, chain: Chain, wrong: NDArray[np.bool_]) -> Proved:
    """A chain, and what must be done where it is wrong."""
    slack = _slack(chain)
    proved = Proved(steps.task, chain.dtype.name, chain, steps=wrong.size, slack=slack)
    errors = int(np.count_nonzero(wrong))
    if errors == 0:
        return proved
    if chain.dtype != np.float32 or errors * _COST_OF_EXCEPTION > _COST_OF_FLOAT64 * steps.task.channels:
        return Proved(steps.task, "integer")
    exceptions, hard = _exceptions(steps, chain, wrong)
    proved = replace(proved, rung="float32 with exceptions", exceptions=exceptions, hard=hard)
    if hard.size == 0:
        return proved
    few = _best(steps.of_channels(hard), np.float64)
    return Proved(steps.task, "integer") if few.chain is None else replace(proved, hard_chain=few.chain)


def _slack(chain: Chain) -> float:
    """The least room of its channels."""
    return 0.0 if chain.slack is None else max(float(chain.slack.min()), 0.0)


def _nudged(steps: _Steps, chain: Chain, wrong: NDArray[np.bool_]) -> Chain:
    """The chain with the factors of bad channels moved a little, where that errs less often."""
    bad = np.flatnonzero(wrong.any(axis=0))
    if bad.size > _MOST_MOVED:
        return chain
    together = _CHANNELS_AT_A_TIME // len(_ULPS)
    for begin in range(0, bad.size, together):
        few = bad[begin : begin + together]
        chain = _moved(steps, chain, few, wrong[:, few].sum(axis=0))
    return chain


def _moved(steps: _Steps, chain: Chain, bad: NDArray[np.intp], fewest: NDArray[np.int64]) -> Chain:
    """The chain with the factors of these channels moved, which err so often as it is."""
    others = _affine(
        steps.of_channels(np.tile(bad, len(_ULPS))), np.float32, np.repeat(np.array(_ULPS), bad.size)
    )
    assert others.slack is not None
    room = others.slack.reshape(len(_ULPS), bad.size).copy()
    for _ in range(_TRIES):
        left = np.flatnonzero(fewest)
        if left.size == 0:
            break
        best = room[:, left].argmax(axis=0)
        room[best, left] = -np.inf
        part = others.of(best * bad.size + left)
        errs = steps.of_channels(bad[left]).wrong(part).sum(axis=0)
        better = np.flatnonzero(errs < fewest[left])
        if better.size:
            fewest[left[better]] = errs[better]
            chain = chain.with_channels(bad[left[better]], part.of(better), steps.task.channels)
    return chain


def _exceptions(steps: _Steps, chain: Chain, wrong: NDArray[np.bool_]) -> tuple[Exceptions, NDArray[np.intp]]:
    """The sums around wrong steps that the chain gets wrong; channels where there may be more."""
    low, high = steps.task.low, steps.task.high
    level, channel = np.nonzero(wrong)
    first, wanted = steps.first[level, channel], steps.levels[level, 0]
    hard = np.zeros(steps.task.channels, np.bool_)
    found = []
    parts = chain.of(channel)
    for place in range(-_FARTHEST, _FARTHEST):
        sums = first + place
        inside = (sums >= low[channel]) & (sums <= high[channel])
        errs = inside & ((parts(sums) >= wanted) != (place >= 0))
        if place in (-_FARTHEST, _FARTHEST - 1):
            hard[channel[errs]] = True
        found.append((channel[errs] << 32) + sums[errs].astype(np.int64))  # both in one number
    pairs = np.unique(np.concatenate(found))
    channels = (pairs + 2**31) >> 32
    sums = pairs - (channels << 32)
    hard |= np.bincount(channels, minlength=hard.size) * _COST_OF_EXCEPTION > _COST_OF_HARD_CHANNEL
    kept = ~hard[channels]
    channels, sums = channels[kept], sums[kept]
    values = steps.task.bounds[0] + (steps.first[:, channels] <= sums).sum(axis=0)
    exceptions = Exceptions(channels, sums.astype(np.float32), values.astype(np.float32))
    return exceptions, np.flatnonzero(hard)


def _cost(proved: Proved, pixels: int) -> float:
    """Nanoseconds, about."""
    if proved.chain is None:
        return float("inf")
    extra = len(proved.exceptions) * _COST_OF_EXCEPTION + proved.hard.size * _COST_OF_HARD_CHANNEL
    calls = (len(proved.exceptions) > 0) + (proved.hard.size > 0)
    return pixels * (proved.chain.cost * proved.task.channels + extra) + calls * _COST_OF_CALLS
