"""From sums to codes in a few floating-point passes that were proved equal to the specification.

A layer's specification (its `ToOutput`) and a chain of floating-point passes are both monotone step
functions of the sum. Where the passes give the right code on both sides of every step of the
specification, they give it everywhere (`quantlib.compiler.steps`). The ladder, cheapest first:

* ``float32``: rint((sum + c) · s), or with both roundings of the fixed-point rules spelled out;
* ``float32 with exceptions``: the same, and a few sums, known by name, that are put right afterwards,
  or channels that are taken out and go through float64;
* ``float64``: the same two chains in double precision;
* ``integer``: the specification itself.

What is proved is what runs: one `Chain` does both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, thresholds
from quantlib.arithmetic.requantize import ByPosition
from quantlib.compiler.chain import Chain, one_rounding, two_roundings
from quantlib.compiler.steps import Steps, Task, Wrong

__all__ = ["Exceptions", "Proved", "climb"]

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

_MANY_CHANNELS = 1000
"""From here on a layer of few sums goes through float64 without further search."""

_MOST_PASSES = 5
"""Of a chain that is taken without looking for a shorter one, channel by channel."""

_COST_OF_CALLS = 3000.0
"""Nanoseconds for looking after exceptions at all, or after hard channels."""

_COST_OF_FLOAT64 = 0.8
"""Nanoseconds for each sum, at least."""


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
        Steps of the specification that the chains were held against, on both sides of each.
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
    steps = Steps.of(task)
    if steps is None:
        return Proved(task, "integer")
    least = _COST_OF_FLOAT64 * pixels * task.channels
    if not narrow or (least < _COST_OF_CALLS and task.channels > _MANY_CHANNELS):
        wide = _best(steps, np.float64)
        if not narrow or wide.chain is not None:
            return wide
    found = _best(steps, np.float32)
    if _cost(found, pixels) <= least:
        return found
    return min(found, _best(steps, np.float64), key=partial(_cost, pixels=pixels))


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
    steps = Steps.of(Task(task.to_output, zero, lowest[None], highest[None], task.offset))
    if steps is None:
        return None
    ulps = np.array((0, *_ULPS))
    alike = steps.of_channels(np.zeros(ulps.size, np.intp))
    spelled = _spelled_out(steps, np.float32)
    for tried, chain in ((alike, alike.fit(np.float32, ulps)[0]), *([(steps, spelled)] if spelled else [])):
        (add, c), *others = chain.passes
        assert c is not None
        c = np.ldexp(np.rint(np.ldexp(c, spare)), -spare)
        # Where c is larger, its sum with the accumulator may not fit 24 bits.
        right = np.abs(c) <= 2.0 ** (23 - spare)
        right[tried.wrong(replace(chain, passes=((add, c), *others))).channels] = False
        if len(others) < _MOST_PASSES and right.any():
            which = np.flatnonzero(right)[:1]
            one = chain.of(which)
            for_all = replace(
                one, passes=((add, (c[which] + task.start).astype(np.float32)), *one.passes[1:])
            )
            return Proved(task, "float32", for_all, steps=steps.count, slack=_slack(one))
    return None


def _spelled_out(steps: Steps, dtype: type[np.floating[Any]]) -> Chain | None:
    """The specification's own roundings, where it has those that chains are known for."""
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
        return one_rounding(real, task.start, offset, dtype)
    if isinstance(rule, partial) and rule.func is fixed_point.multiply_by_quantized_multiplier:
        return two_roundings(bound["multiplier"], bound["shift"], task.start, offset, dtype)
    return None


def _tries(steps: Steps, dtype: type[np.floating[Any]]) -> Iterator[tuple[Chain, Wrong]]:
    """Chains to try for all channels, the likeliest first, and where each is wrong."""
    spelled = _spelled_out(steps, dtype)
    # Rounded twice, codes below the zero point step the other way, which no affine chain follows.
    to_output = steps.task.to_output
    bends = to_output.low < to_output.zero_point
    if spelled is None or not bends:
        yield steps.fit(dtype)
    if spelled is not None:
        yield spelled, steps.wrong(spelled)
    if spelled is not None and bends:
        yield steps.fit(dtype)


def _best(steps: Steps, dtype: type[np.floating[Any]]) -> Proved:
    """The best that chains of one precision are good for."""
    fewest = steps.task.channels + 1
    best: Chain | None = None
    wrong: Wrong | None = None
    for chain, errs in _tries(steps, dtype):
        bad = int(np.count_nonzero(np.bincount(errs.channels)))
        if bad < fewest:
            fewest, best, wrong = bad, chain, errs
        if fewest * _WORTH_MENDING <= steps.task.channels:
            break
    assert best is not None
    assert wrong is not None
    if fewest and dtype is np.float32:
        best, wrong = _nudged(steps, best, wrong)
    return _with_exceptions(steps, best, wrong)


def _with_exceptions(steps: Steps, chain: Chain, wrong: Wrong) -> Proved:
    """A chain, and what must be done where it is wrong."""
    slack = _slack(chain)
    proved = Proved(steps.task, chain.dtype.name, chain, steps=steps.count, slack=slack)
    if not wrong:
        return proved
    if chain.dtype != np.float32 or len(wrong) * _COST_OF_EXCEPTION > _COST_OF_FLOAT64 * steps.task.channels:
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


def _nudged(steps: Steps, chain: Chain, wrong: Wrong) -> tuple[Chain, Wrong]:
    """The chain with the factors of bad channels moved a little, where that errs less often."""
    count = np.bincount(wrong.channels)
    bad = np.flatnonzero(count)
    if bad.size > _MOST_MOVED:
        return chain, wrong
    tiled = steps.of_channels(np.tile(bad, len(_ULPS)))
    ulps = np.repeat(np.array(_ULPS), bad.size)
    if chain.slack is not None:
        others, now = tiled.fit(np.float32, ulps)
    else:
        others, now = tiled.centred(chain.of(np.tile(bad, len(_ULPS))).with_factor_moved(ulps))
    errs = np.bincount(now.channels, minlength=tiled.channels.size).reshape(len(_ULPS), bad.size)
    # Of those that err least, the one with most room.
    room = np.zeros(errs.shape) if others.slack is None else others.slack.reshape(errs.shape)
    best = np.lexsort((-room, errs), axis=0)[0]
    better = np.flatnonzero(errs[best, np.arange(bad.size)] < count[bad])
    which, moved = best[better] * bad.size + better, bad[better]
    chain = chain.with_channels(moved, others.of(which), steps.task.channels)
    replaced, chosen = np.zeros(steps.channels.size, np.bool_), np.zeros(tiled.channels.size, np.bool_)
    replaced[moved] = chosen[which] = True
    kept, new = ~replaced[wrong.channels], now.where(chosen[now.channels])
    new = replace(new, channels=bad[new.channels % bad.size])
    return chain, Wrong.together([wrong.where(kept), new])


def _exceptions(steps: Steps, chain: Chain, wrong: Wrong) -> tuple[Exceptions, NDArray[np.intp]]:
    """The sums around wrong steps that the chain gets wrong; channels where there may be more."""
    channel, low, high = wrong.channels, steps.task.low[wrong.channels], steps.task.high[wrong.channels]
    hard = np.zeros(steps.task.channels, np.bool_)
    found = []
    parts = chain.of(channel)
    for place in range(-_FARTHEST, _FARTHEST):
        sums = wrong.first + place
        inside = (sums >= low) & (sums <= high)
        errs = inside & ((parts(sums) >= wrong.levels) != (place >= 0))
        if place in (-_FARTHEST, _FARTHEST - 1):
            hard[channel[errs]] = True
        found.append((channel[errs] << 32) + sums[errs].astype(np.int64))  # both in one number
    pairs = np.sort(np.concatenate(found))
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])[: pairs.size]]
    channels = (pairs + 2**31) >> 32
    sums = pairs - (channels << 32)
    hard |= np.bincount(channels, minlength=hard.size) * _COST_OF_EXCEPTION > _COST_OF_HARD_CHANNEL
    kept = ~hard[channels]
    channels, sums = channels[kept], sums[kept]
    values = steps.codes(channels, sums)
    exceptions = Exceptions(channels, sums.astype(np.float32), values.astype(np.float32))
    return exceptions, np.flatnonzero(hard)


def _cost(proved: Proved, pixels: int) -> float:
    """Nanoseconds, about."""
    if proved.chain is None:
        return float("inf")
    extra = len(proved.exceptions) * _COST_OF_EXCEPTION + proved.hard.size * _COST_OF_HARD_CHANNEL
    calls = (len(proved.exceptions) > 0) + (proved.hard.size > 0)
    return pixels * (proved.chain.cost * proved.task.channels + extra) + calls * _COST_OF_CALLS
