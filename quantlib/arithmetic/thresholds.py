"""Where a requantizer steps: the first accumulator that reaches each level.

Every rule of `quantlib.arithmetic.requantize` is a monotone step function as long as nothing wraps, so
these few accumulators say everything about it. Two such functions that agree on both sides of every
step agree everywhere.

>>> rule = requantize.two_roundings(0.3)
>>> levels = np.array([-1, 0, 1, 2])
>>> first_reaching(rule, levels).ravel().astype(int).tolist()
[-4, 0, 1, 5]
>>> rule(np.array([-5, -4, -1, 0, 1, 4, 5])).tolist()
[-2, -1, -1, 0, 1, 1, 2]
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, requantize
from quantlib.arithmetic.requantize import ByPosition, Requantize

__all__ = ["LARGEST_LEVEL", "first_reaching", "highest_level", "is_monotone", "real_multiplier"]

LARGEST_LEVEL = 2**17
"""Levels beyond ± this are not asked for: no output has so many bits."""


_Product: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""A factor of the level, and what is added where it is not positive, and where it is; (channels,)."""

_FARTHEST = 2.0**31
"""No accumulator of 32 bits lies beyond."""


def first_reaching(
    rule: Requantize,
    levels: NDArray[np.int64],
    channels: int = 1,
    *,
    these: slice | NDArray[np.intp] = slice(None),
) -> NDArray[np.float64] | None:
    """The smallest accumulator that the rule brings to a level or beyond.

    Parameters
    ----------
    rule : Requantize
        As the rules of `quantlib.arithmetic.requantize` make it, or a `ByPosition` of two of them
        whose blocks are channels.
    levels : int64 array (levels,)
        Rising, within ± `LARGEST_LEVEL`, zero point not added.
    channels : int
        How many there are; it matters where blocks of channels go by rules of their own.
    these : slice or intp array
        Of which of them to tell.

    Returns
    -------
    float64 array (levels, these) or (levels, 1) of whole numbers, or None
        One column where all channels have one multiplier; of a channel whose multiplier is 0, -inf
        for levels that are always reached and inf for others, as where the first accumulator does not
        fit the register. None where the rule is none of those known here. What wraps is not followed: ask
        `is_monotone`.
    """
    if isinstance(rule, ByPosition):
        return _by_channel(rule, levels, channels, these)
    return _first(_of_channels(rule, these), levels[:, None])


def real_multiplier(rule: Requantize) -> NDArray[np.float64] | None:
    """Units of output per unit of accumulator, (channels,) or (1,); None where the rule is not known.

    Examples
    --------
    >>> real_multiplier(requantize.two_roundings([0.5, 0.25])).tolist()
    [0.5, 0.25]
    """
    if isinstance(rule, ByPosition):
        return real_multiplier(rule.block)
    if not isinstance(rule, partial):
        return None
    bound = rule.keywords
    if "real" in bound:
        real: NDArray[np.float64] = np.asarray(bound["real"], np.float64).reshape(-1)
        return real
    if rule.func is fixed_point.multiply_int64_by_quantized_multiplier:
        reduced, total = _reduced(bound)
        return np.asarray(np.ldexp(reduced.astype(np.float64), -total), np.float64)
    if "multiplier" in bound:
        multiplier = np.atleast_1d(np.asarray(bound["multiplier"], np.float64))
        return np.asarray(np.ldexp(multiplier, np.atleast_1d(bound["shift"]) - 31), np.float64)
    return None


def highest_level(rule: Requantize) -> int | None:
    """What the rule itself clamps to, if it does.

    Examples
    --------
    >>> highest_level(requantize.float32_half_to_even_below(0.5, 100))
    100
    """
    return rule.keywords.get("top") if isinstance(rule, partial) else None


def is_monotone(rule: Requantize, low: NDArray[np.int64], high: NDArray[np.int64]) -> bool:
    """Whether nothing wraps or saturates for accumulators from `low` to `high`, channel by channel.

    Parameters
    ----------
    rule : Requantize
    low, high : int64 arrays (channels,)

    Examples
    --------
    >>> rule = requantize.float64_half_away(0.5)
    >>> is_monotone(rule, np.array([-(2**20)]), np.array([2**20]))
    True
    """
    if isinstance(rule, ByPosition):
        return is_monotone(rule.block, low, high) and is_monotone(rule.leftover, low, high)
    real = real_multiplier(rule)
    if real is None or not np.all(np.isfinite(real)):
        return False
    largest = np.maximum(np.abs(low), np.abs(high)).astype(np.float64)
    assert isinstance(rule, partial)
    if rule.func is fixed_point.multiply_int64_by_quantized_multiplier:
        return bool(np.all(largest < 2.0**46) and np.all(largest * real < 2.0**30))
    left = np.maximum(np.atleast_1d(rule.keywords.get("shift", 0)), 0)
    return bool(np.all(np.ldexp(largest, left) < 2.0**31) and np.all(largest * real < 2.0**29))


def _by_channel(
    rule: ByPosition, levels: NDArray[np.int64], channels: int, these: slice | NDArray[np.intp]
) -> NDArray[np.float64] | None:
    if not (isinstance(rule.in_block, partial) and rule.in_block.func is requantize.channels_in_blocks):
        return None
    block, leftover = (first_reaching(one, levels, these=these) for one in (rule.block, rule.leftover))
    if block is None or leftover is None:
        return None
    return np.asarray(np.where(rule.in_block((channels,))[these], block, leftover), np.float64)


def _of_channels(rule: Requantize, these: slice | NDArray[np.intp]) -> Requantize:
    """The rule of some channels, if each has numbers of its own."""
    if not isinstance(rule, partial):
        return rule
    own = {
        name: one[these]
        for name, one in rule.keywords.items()
        if isinstance(one, np.ndarray) and one.size > 1
    }
    return partial(rule, **own)


def _first(rule: Requantize, levels: NDArray[np.int64]) -> NDArray[np.float64] | None:
    real = real_multiplier(rule)
    if real is None or not isinstance(rule, partial) or not np.all(np.isfinite(real) & (real >= 0)):
        return None
    if "real" in rule.keywords:
        return _first_of_real_product(np.atleast_1d(rule.keywords["real"]), levels)
    if rule.func is fixed_point.multiply_int64_by_quantized_multiplier:
        multiplier, total = _reduced(rule.keywords)
        if total.min() < 1:
            return None
        two, one = np.full(total.shape, 2.0), np.full(total.shape, -1.0)
        product = two, one, one
        return _quotient(levels.astype(np.float64), product, total - 1, multiplier, farthest=2.0**46)
    multiplier = np.atleast_1d(rule.keywords["multiplier"])
    shift = np.atleast_1d(rule.keywords["shift"])
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    product = _PRODUCT[rule.func](right)
    return _quotient(levels.astype(np.float64), product, 30 - left, multiplier)


def _reduced(bound: dict[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The multiplier of 16 bits, and the right shift of a 64-bit accumulator."""
    one = np.atleast_1d(np.asarray(bound["multiplier"], np.int64))
    multiplier = np.where(one < 0x7FFF0000, (one + (1 << 15)) >> 16, 0x7FFF)
    return multiplier, 15 - np.atleast_1d(np.asarray(bound["shift"], np.int64))


def _quotient(
    levels: NDArray[np.float64],
    product: _Product,
    exponent: NDArray[np.int64],
    multiplier: NDArray[np.int64],
    farthest: float = _FARTHEST,
) -> NDArray[np.float64]:
    """ceil(product · 2**exponent / multiplier), infinite beyond the farthest accumulator.

    The quotient is a multiple of 1 / multiplier: half of that is taken off, and then an error of less
    than half does not matter. What is too large for that is divided.

    Parameters
    ----------
    levels : float64 array (levels, 1)
        Rising whole numbers.
    product : _Product
    exponent, multiplier : int64 arrays (channels,)
    """
    slope, below, above = product
    unit = np.ldexp(1.0 / np.maximum(multiplier, 1), exponent)
    split = int(np.count_nonzero(levels <= 0))
    rising = np.concatenate([levels, np.ones(levels.shape)], axis=1)
    half = 0.5 / np.maximum(multiplier, 1)
    first = np.empty((levels.size, unit.size))
    np.dot(rising[:split], np.stack([slope * unit, below * unit - half]), out=first[:split])
    np.dot(rising[split:], np.stack([slope * unit, above * unit - half]), out=first[split:])
    np.ceil(first, out=first)
    largest = (np.abs(levels[[0, -1]]).max() + 2.0) * (slope * unit)
    few = np.flatnonzero((largest * multiplier >= _EXACT) | (multiplier == 0))
    if few.size:
        least = levels * slope[few] + np.where(levels > 0, above[few], below[few])
        first[:, few] = _large_quotient(least, exponent[few], multiplier[few], farthest)
    return first


_EXACT = 2.0**49
"""Quotients below this, in units of 1 / multiplier, are wrong by less than half a unit after four roundings."""


def _large_quotient(
    least: NDArray[np.float64],
    exponent: NDArray[np.int64],
    multiplier: NDArray[np.int64],
    farthest: float,
) -> NDArray[np.float64]:
    """ceil(least · 2**exponent / multiplier).

    Numerator and denominator are whole numbers that float64 holds. Their quotient, if it is not whole
    itself, is at least 1 / multiplier away from the next whole number, and float64 is wrong by less
    than its 2**-53rd part. Still larger quotients are held against the numerator in int64.
    """
    divisor = np.ldexp(np.maximum(multiplier, 1).astype(np.float64), -exponent)
    quotient = least / divisor
    largest = np.abs(quotient[[0, -1]]).max(axis=0)  # they rise with the levels
    np.ceil(quotient, out=quotient)
    few = np.flatnonzero((largest * multiplier >= 2.0**52) | (multiplier == 0))
    if few.size:
        some = least[:, few], quotient[:, few], exponent[few], multiplier[few]
        quotient[:, few] = _by_whole_numbers(*some, farthest)
    return quotient


def _by_whole_numbers(
    least: NDArray[np.float64],
    quotient: NDArray[np.float64],
    exponent: NDArray[np.int64],
    multiplier: NDArray[np.int64],
    farthest: float,
) -> NDArray[np.float64]:
    beyond = (np.abs(quotient) > farthest) | (multiplier == 0)
    numerator = np.where(beyond, 0.0, np.ldexp(least, exponent)).astype(np.int64)  # below 2**62
    acc = np.where(beyond, 0.0, quotient).astype(np.int64)
    acc += acc * multiplier < numerator
    acc -= (acc - 1) * multiplier >= numerator
    return np.where(beyond, np.copysign(np.inf, least), acc)


def _half_up_then_away(right: NDArray[np.int64]) -> _Product:
    """Twice the high half that reaches the level, less 1.

    It must be k − 1/2 in units of 2**right, and more than that where k is not positive.
    """
    slope, above, _ = _half_up_twice(right)
    return slope, above + 2.0 * (right > 0), above


def _half_up_twice(right: NDArray[np.int64]) -> _Product:
    unit = np.ldexp(1.0, right)
    c = -(np.where(right > 0, unit, 0.0) + 1.0)
    return 2.0 * unit, c, c


def _half_up_once(right: NDArray[np.int64]) -> _Product:
    unit = np.ldexp(1.0, right)
    return 2.0 * unit, -unit, -unit


_PRODUCT: dict[Callable[..., Any], Callable[..., _Product]] = {
    fixed_point.multiply_by_quantized_multiplier: _half_up_then_away,
    requantize.two_roundings_half_up(0.5).func: _half_up_twice,  # type: ignore[attr-defined]
    requantize.one_rounding(0.5).func: _half_up_once,  # type: ignore[attr-defined]
}
"""The bound functions of the rules in fixed point, and the product that reaches a level, in units of 2**30."""


def _first_of_real_product(real: NDArray[Any], levels: NDArray[np.int64]) -> NDArray[np.float64]:
    """For products in float64 that round half away, or in float32 that round half to even.

    Rounded products are no quotients: a guess is moved until its product reaches the level and the
    one before does not.
    """
    least = (_halves_away if real.dtype == np.float64 else _halves_to_even)(levels)
    with np.errstate(divide="ignore"):
        acc = np.ceil(least.astype(np.float64) / real.astype(np.float64))
    beyond = ~(np.abs(acc) <= _FARTHEST)
    far = acc[beyond]
    acc[beyond] = 0.0
    for step in 256.0, 16.0, 1.0:  # float32 holds every 256th whole number below 2**32
        while (low := (acc.astype(real.dtype) * real < least) & ~beyond).any():
            acc += step * low
        while (high := ((acc - step).astype(real.dtype) * real >= least) & ~beyond).any():
            acc -= step * high
    acc[beyond] = np.copysign(np.inf, far)
    return acc


def _halves_away(levels: NDArray[np.int64]) -> NDArray[np.float64]:
    """k − 1/2, which rounds away from zero: up to k where k is positive, down where it is not."""
    half = levels - 0.5
    return np.where(levels > 0, half, np.nextafter(half, np.inf))


def _halves_to_even(levels: NDArray[np.int64]) -> NDArray[np.float32]:
    """k − 1/2 in float32, which rounds up to k where k is even."""
    half = (levels - 0.5).astype(np.float32)
    return np.where(levels % 2 == 0, half, np.nextafter(half, np.float32(np.inf)))
