"""A proved chain bound to buffers: its passes over sums, and what is put right afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.bench import Bench
from quantlib.compiler.chain import Chain
from quantlib.compiler.ladder import Exceptions, Proved

__all__ = ["CLIP", "lay_passes"]

_WIDE = 6144
"""Elements from which NumPy repeats an operand without copying it over and over, measured."""


def _clip_of_numpy() -> Callable[..., object]:
    """The ufunc behind `np.clip`, which costs a fifth of its wrapper; the wrapper where it is not found."""
    core = getattr(np, "_core", None) or getattr(np, "core", None)
    found = getattr(getattr(core, "umath", None), "clip", None)
    return found if isinstance(found, np.ufunc) else np.clip


CLIP = _clip_of_numpy()
"""clip(x, low, high, out)."""


def lay_passes(bench: Bench, proved: Proved, sums: NDArray[Any], y: NDArray[np.float32]) -> None:
    """Lay down what turns sums into stored codes.

    Parameters
    ----------
    bench : Bench
    proved : Proved
    sums : float32 or float64 array (p, channels), contiguous
        Written to. It may be the memory of `y`.
    y : float32 array of p · channels elements, channels last
        Where stored codes go; it need not be contiguous.
    """
    if proved.chain is None:
        bench.lay(_specified, proved, sums, y)
        return
    exceptions, hard = proved.exceptions, proved.hard
    suspects = bench.borrow((sums.shape[0], len(exceptions))) if len(exceptions) else None
    taken = bench.borrow((sums.shape[0], hard.size)) if hard.size else None
    if suspects is not None:
        bench.lay(np.take, sums, exceptions.channels, 1, suspects, "clip")
    if taken is not None:
        bench.lay(np.take, sums, hard, 1, taken, "clip")
    low, high = proved.task.bounds
    _lay_chain(bench, proved.chain, sums, y, low, high)
    if suspects is not None:
        hits = bench.borrow(suspects.shape, np.bool_)
        bench.lay(_put_right, suspects, exceptions, hits, y)
    if taken is not None and proved.hard_chain is not None:
        codes = bench.borrow(taken.shape)
        _lay_chain(bench, proved.hard_chain, taken, codes, low, high)
        bench.lay(_put_back, codes.reshape(*y.shape[:-1], hard.size), hard, y)


def _lay_chain(
    bench: Bench, chain: Chain, sums: NDArray[Any], y: NDArray[np.float32], low: int, high: int
) -> None:
    """The passes one by one, in place, the last one into its place; the bounds before that."""
    work = sums
    if chain.dtype != sums.dtype:
        work = bench.borrow(sums.shape, chain.dtype.type)
    times = _times(*sums.shape)
    wide = work.reshape(-1) if times == work.shape[0] else work.reshape(-1, times * work.shape[1])
    source = sums.reshape(wide.shape)
    *passes, (last, last_operand) = chain.passes
    for ufunc, operand in passes:
        if operand is None:
            bench.lay(ufunc, source, wide)
        else:
            bench.lay(ufunc, source, bench.operand(operand, times), wide)
        source = wide
    shift = 0 if last_operand is None else int(last_operand[0])
    bounds = (np.array(bound - shift, chain.dtype) for bound in (low, high))
    bench.lay(CLIP, wide, *bounds, wide)
    in_place = y.flags.c_contiguous and y.dtype == work.dtype
    result, target = (wide, y.reshape(wide.shape)) if in_place else (work.reshape(y.shape), y)
    if last_operand is None:
        bench.lay(last, result, target)
    else:
        bench.lay(last, result, bench.operand(last_operand, 1), target)


def _times(pixels: int, channels: int) -> int:
    """How many pixels one row of a pass holds: a divisor that makes rows long enough."""
    if pixels * channels <= _WIDE:
        return pixels
    wanted = math.ceil(_WIDE / channels)
    fitting = (times for times in range(wanted, min(4 * wanted, pixels) + 1) if pixels % times == 0)
    return next(fitting, pixels if pixels * channels <= 4 * _WIDE else 1)


def _specified(proved: Proved, sums: NDArray[Any], y: NDArray[np.float32]) -> None:
    y[...] = proved.task(sums.astype(np.int64)).reshape(y.shape)


def _put_right(
    suspects: NDArray[np.float32],
    exceptions: Exceptions,
    hits: NDArray[np.bool_],
    y: NDArray[np.float32],
) -> None:
    """Where a sum is an exception, its code."""
    np.equal(suspects, exceptions.sums, hits)
    if np.count_nonzero(hits):
        pixels, which = np.nonzero(hits)
        places = np.unravel_index(pixels, y.shape[:-1])
        y[(*places, exceptions.channels[which])] = exceptions.values[which]


def _put_back(codes: NDArray[np.float32], channels: NDArray[np.intp], y: NDArray[np.float32]) -> None:
    y[..., channels] = codes
