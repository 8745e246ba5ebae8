"""a * b + c in float64, rounded once, on processors and in libraries that round twice.

glibc has a second copy of several functions for processors with a fused multiply-add, compiled so
that every product that is added to something is fused. The two copies give the same float32 except
where the float64 result lies next to a tie, a few times in 2**32. So the functions here compute
plainly, and once more, fused, where that matters.

Source: S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums" (2008)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Float64Array", "MultiplyAdd", "fused_multiply_add", "multiply_add", "settle_ties"]

Float64Array: TypeAlias = NDArray[np.float64]

MultiplyAdd: TypeAlias = Callable[
    [Float64Array | float, Float64Array | float, Float64Array | float], Float64Array
]
"""a * b + c, rounded once or twice."""

NEAR_A_TIE = 2.0**-40
"""Relative distance to a float32 tie within which rounding once or twice is taken to matter."""


def multiply_add(a: Float64Array | float, b: Float64Array | float, c: Float64Array | float) -> Float64Array:
    """a * b + c, the product rounded on its own.

    Parameters
    ----------
    a, b, c : float64 arrays or floats, broadcast against each other

    Returns
    -------
    float64 array

    Examples
    --------
    >>> float(multiply_add(1 + 2.0**-52, 1 - 2.0**-52, -1.0))
    0.0
    """
    return np.asarray(a * b + c, np.float64)


def fused_multiply_add(
    a: Float64Array | float, b: Float64Array | float, c: Float64Array | float
) -> Float64Array:
    """a * b + c, rounded once.

    Parameters
    ----------
    a, b, c : float64 arrays or floats, broadcast against each other
        Finite, and of such size that neither the product nor its rounding error leaves the normal
        range.

    Returns
    -------
    float64 array

    Examples
    --------
    >>> float(fused_multiply_add(1 + 2.0**-52, 1 - 2.0**-52, -1.0)) == -(2.0**-104)
    True

    Source: Boldo and Melquiond 2008, algorithm 5 (Fmac)
    """
    product, product_error = _two_product(np.asarray(a, np.float64), np.asarray(b, np.float64))
    low, low_error = _two_sum(np.asarray(c, np.float64), product_error)
    high, high_error = _two_sum(product, low)
    return high + _add_to_odd(low_error, high_error)


def settle_ties(
    evaluate: Callable[..., Float64Array], *arguments: NDArray[np.generic]
) -> NDArray[np.float32]:
    """`evaluate(multiply_add, *arguments)` as float32, as fused arithmetic would have given it.

    Parameters
    ----------
    evaluate : callable
        Takes a `MultiplyAdd` and the arguments, gives a float64 array.
    *arguments : arrays of one shape

    Returns
    -------
    float32 array of that shape

    Examples
    --------
    >>> settle_ties(lambda add, x: add(x, x, 1.0), np.array([3.0])).tolist()
    [10.0]
    """
    real = np.atleast_1d(evaluate(multiply_add, *arguments))
    below, above = (real * (1 + sign * NEAR_A_TIE) for sign in (-1, 1))
    near = below.astype(np.float32) != above.astype(np.float32)
    near &= np.isfinite(real)
    if near.any():
        real[near] = evaluate(fused_multiply_add, *(np.atleast_1d(one)[near] for one in arguments))
    return real.reshape(np.shape(arguments[0])).astype(np.float32)


def _two_sum(a: Float64Array, b: Float64Array) -> tuple[Float64Array, Float64Array]:
    """The rounded sum, and what the rounding dropped (Knuth)."""
    total = a + b
    b_in_total = total - a
    return total, (a - (total - b_in_total)) + (b - b_in_total)


def _two_product(a: Float64Array, b: Float64Array) -> tuple[Float64Array, Float64Array]:
    """The rounded product, and what the rounding dropped (Dekker)."""
    product = a * b
    (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _split(a: Float64Array) -> tuple[Float64Array, Float64Array]:
    """a as a sum of two numbers of 26 bits (Veltkamp)."""
    scaled = a * (2.0**27 + 1)
    high = scaled - (scaled - a)
    return high, a - high


def _add_to_odd(a: Float64Array, b: Float64Array) -> Float64Array:
    """a + b, and if that is inexact, whichever neighbour of the exact sum has an odd last bit."""
    total, error = _two_sum(a, b)
    bits = total.view(np.int64)
    away_from_zero = (error > 0) == (total > 0)
    odd = np.where(away_from_zero, bits + 1, bits - 1)
    return np.where((error != 0) & (bits % 2 == 0), odd, bits).view(np.float64)
