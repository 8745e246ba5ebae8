"""Fused multiply-add of float32: one rounding for a product and a sum, without the instruction.

Source: IEEE 754-2019, 5.4.1 (fusedMultiplyAdd); S. Boldo and G. Melquiond, "Emulation of FMA and
correctly rounded sums: proved algorithms using rounding to odd", 2008
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["fma32"]

_DROPPED = np.int64((1 << 29) - 1)
"""The bits of a float64 significand that float32 has no place for."""

_TIE = np.int64(1 << 28)
_NORMAL = 2.0**-125
"""From here on float32 keeps 24 bits, whatever the rounding."""


def fma32(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> NDArray[np.float32]:
    """a · b + c, rounded once to float32.

    The product is exact in float64. Its sum with c is rounded there first, which matters only where
    the rounded sum lies halfway between two float32 numbers (or they are denormal): there the sum is
    rounded to odd instead.

    Parameters
    ----------
    a, b, c : float32 arrays
        They broadcast.

    Returns
    -------
    float32 array of the broadcast shape

    Examples
    --------
    >>> a = np.float32(1 + 2**-12)
    >>> float(fma32(a, a, -1.0)), float(a * a - np.float32(1))
    (0.0004883408546447754, 0.00048828125)
    """
    with np.errstate(all="ignore"):
        product = np.asarray(np.asarray(a, np.float32) * np.asarray(b, np.float64))
        addend = np.asarray(c, np.float32)
        total = np.asarray(product + addend)
        y = np.asarray(total.astype(np.float32))
        halfway = (total.view(np.int64) & _DROPPED) == _TIE
        small = np.abs(total) < _NORMAL
        doubtful = halfway | small
        if np.any(doubtful):
            exact = _sum_to_odd(
                np.broadcast_to(product, total.shape)[doubtful],
                np.broadcast_to(addend, total.shape)[doubtful].astype(np.float64),
            )
            y = np.where(doubtful, np.float32(0), y)
            y[doubtful] = exact.astype(np.float32)
    return y


def _sum_to_odd(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """x + y, where inexact the neighbour whose last bit is 1."""
    total = x + y
    shifted = total - x
    error = (x - (total - shifted)) + (y - shifted)  # what the sum lost, exactly
    even = (total.view(np.int64) & 1) == 0
    towards: NDArray[Any] = np.where(error > 0, np.inf, -np.inf)
    inexact = (error != 0) & np.isfinite(total) & np.isfinite(error)
    return np.where(inexact & even, np.nextafter(total, towards), total)
