"""powf.

Source: glibc 2.36, sysdeps/ieee754/flt-32/e_powf.c
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from quantlib.arithmetic.libm.exponential import (
    EXP2_POLYNOMIAL,
    POWERS_OF_TWO,
    STEPS,
    Float32Array,
    two_to_the,
)
from quantlib.arithmetic.libm.fused import Float64Array, MultiplyAdd, fused_multiply_add, settle_ties
from quantlib.arithmetic.libm.logarithm import ONE_OVER_CENTRE, exact_log, segment, split_exponent

__all__ = ["powf"]

LOG2_CENTRE = np.array([-exact_log(one, 2.0) for one in ONE_OVER_CENTRE.tolist()])
"""log2(c) for the centres c of `ONE_OVER_CENTRE`, float64."""

LOG2_POLYNOMIAL = tuple(
    float.fromhex(text)
    for text in [
        "0x1.27616c9496e0bp-2",
        "-0x1.71969a075c67ap-2",
        "0x1.ec70a6ca7baddp-2",
        "-0x1.7154748bef6c8p-1",
        "0x1.71547652ab82bp0",
    ]
)
"""Coefficients of r**5 .. r in log2(1 + r)."""

EXP2_UNSCALED = tuple(c * STEPS**power for c, power in zip(EXP2_POLYNOMIAL, (3, 2, 1), strict=True))
"""Coefficients of r**3, r**2 and r in 2**r, |r| <= 1/64."""

OVERFLOWS_ABOVE = float.fromhex("0x1.fffffffd1d571p+6")
"""log2 of the largest float32 plus half a unit."""


def powf(x: ArrayLike, y: ArrayLike) -> Float32Array:
    """x**y.

    Parameters
    ----------
    x, y : float32 arrays, broadcast against each other

    Returns
    -------
    float32 array; NaN of a negative x and a y that is no integer; 1 of y = 0 and of x = 1, whatever
    the other is

    Examples
    --------
    >>> powf([2.0, -2.0, -8.0, 0.0], [0.5, 3.0, 1 / 3, -1.0]).tolist()
    [1.4142135381698608, -8.0, nan, inf]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/e_powf.c
    """
    x, y = np.broadcast_arrays(np.asarray(x, np.float32), np.asarray(y, np.float32))
    size = np.abs(x)
    one, zero, infinity = np.float32(1), np.float32(0), np.float32(np.inf)
    with np.errstate(all="ignore"):
        ordinary = (size > 0) & (size < infinity) & (np.abs(y) < infinity)
        result = _power_of_positive(np.where(ordinary, size, one), np.where(ordinary, y, zero))

        shrinks = (size < one) == (y > 0)
        result = np.where(np.isinf(y), np.where(size == one, one, np.where(shrinks, zero, infinity)), result)
        at_end = (size == 0) | np.isinf(x)
        result = np.where(at_end, np.where(y < 0, one / size, size), result)
        at_end_of_both = at_end & np.isinf(y)
        result = np.where(at_end_of_both, np.where((size == 0) == (y > 0), zero, infinity), result)

        # Float32 above 2**24 are even; remainders are exact.
        odd = np.abs(np.fmod(y, np.float32(2))) == one
        result = np.where(np.signbit(x) & odd, -result, result)
        broken = (x < 0) & (size < infinity) & (np.trunc(y) != y)
    result = np.where(broken | np.isnan(x) | np.isnan(y), np.float32(np.nan), result)
    return np.asarray(np.where((y == 0) | (x == one), one, result))


def _power_of_positive(x: Float32Array, y: Float32Array) -> Float32Array:
    exponent = y.astype(np.float64) * _log2(x)
    result = settle_ties(_exp2, np.clip(exponent, -160.0, 160.0))
    result = np.where(exponent > OVERFLOWS_ABOVE, np.float32(np.inf), result)
    result = np.where(exponent < -149.0, np.float32(2.0**-149), result)
    return np.asarray(np.where(exponent <= -150.0, np.float32(0), result))


def _log2(x: Float32Array) -> Float64Array:
    """log2 of positive x; always fused, for `exponent` decides about overflow."""
    mantissa, exponent = split_exponent(x)
    row = segment(mantissa)
    c5, c4, c3, c2, c1 = LOG2_POLYNOMIAL
    fma = fused_multiply_add
    r = fma(mantissa, ONE_OVER_CENTRE[row], -1.0)
    constant = LOG2_CENTRE[row] + exponent.astype(np.float64)
    square = r * r
    low = fma(fma(c3, r, c2), square, fma(c1, r, constant))
    return fma(fma(c5, r, c4), square * square, low)


def _exp2(multiply_add: MultiplyAdd, x: Float64Array) -> Float64Array:
    steps = np.rint(x * STEPS)
    k = steps.astype(np.int64)
    r = x - steps / STEPS
    c3, c2, c1 = EXP2_UNSCALED
    polynomial = multiply_add(multiply_add(c3, r, c2), r * r, multiply_add(c1, r, 1.0))
    return np.asarray(polynomial * (POWERS_OF_TWO[k & (STEPS - 1)] * two_to_the(k >> 5)))
