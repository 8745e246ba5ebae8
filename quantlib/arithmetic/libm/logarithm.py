"""logf.

Source: glibc 2.36, sysdeps/ieee754/flt-32/e_logf.c
"""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic.libm.exponential import Float32Array
from quantlib.arithmetic.libm.fused import Float64Array, MultiplyAdd, settle_ties

__all__ = ["ONE_OVER_CENTRE", "exact_log", "logf", "segment", "split_exponent"]

ONE_OVER_CENTRE = np.array(
    [
        float.fromhex(text)
        for text in [
            "0x1.661ec79f8f3bep+0",
            "0x1.571ed4aaf883dp+0",
            "0x1.49539f0f010bp+0",
            "0x1.3c995b0b80385p+0",
            "0x1.30d190c8864a5p+0",
            "0x1.25e227b0b8eap+0",
            "0x1.1bb4a4a1a343fp+0",
            "0x1.12358f08ae5bap+0",
            "0x1.0953f419900a7p+0",
            "0x1p+0",
            "0x1.e608cfd9a47acp-1",
            "0x1.ca4b31f026aap-1",
            "0x1.b2036576afce6p-1",
            "0x1.9c2d163a1aa2dp-1",
            "0x1.886e6037841edp-1",
            "0x1.767dcf5534862p-1",
        ]
    ]
)
"""1 / c for a c near the middle of each sixteenth of [0.699, 1.398), chosen so that log(c) needs few
bits more than float64 has."""


def exact_log(x: float, base: float | None = None) -> float:
    """log(x) of a float64, correctly rounded; to a base, if one is given."""
    with localcontext(prec=60):
        logarithm = Decimal(x).ln()
        return float(logarithm if base is None else logarithm / Decimal(base).ln())


LOG_CENTRE = np.array([-exact_log(one) for one in ONE_OVER_CENTRE.tolist()])
"""log(c) for these c, float64."""

LN2 = exact_log(2.0)
"""log(2), float64."""

LOG1P_POLYNOMIAL = tuple(
    float.fromhex(text) for text in ("-0x1.00ea348b88334p-2", "0x1.5575b0be00b6ap-2", "-0x1.ffffef20a4123p-2")
)
"""Coefficients of r**4, r**3 and r**2 in log(1 + r)."""

FIRST_MANTISSA = 0x3F330000
"""Bit pattern of the float32 0.699: mantissas are taken from there to twice that."""


def logf(x: ArrayLike) -> Float32Array:
    """Natural logarithm of x.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array; -inf of zeros, NaN of negative numbers

    Examples
    --------
    >>> logf([1.0, 10.0, 1e-45, 0.0, -1.0]).tolist()
    [0.0, 2.3025851249694824, -103.2789306640625, -inf, nan]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/e_logf.c
    """
    x = np.asarray(x, np.float32)
    ordinary = (x > 0) & (x < np.inf)
    mantissa, exponent = split_exponent(np.where(ordinary, x, np.float32(1)))
    result = settle_ties(_log, mantissa, segment(mantissa), exponent)
    result = np.where(x == np.inf, np.float32(np.inf), result)
    result = np.where(x == 0, np.float32(-np.inf), result)
    return np.asarray(np.where(np.isnan(x) | (x < 0), np.float32(np.nan), result))


def split_exponent(x: Float32Array) -> tuple[Float64Array, NDArray[np.int64]]:
    """Positive finite x as mantissa * 2**exponent, the mantissa in [0.699, 1.398)."""
    subnormal = x < np.finfo(np.float32).tiny
    scale = np.where(subnormal, np.float32(2.0**23), np.float32(1))
    bits = (x * scale).view(np.int32).astype(np.int64) - np.where(subnormal, 23 << 23, 0)
    exponent = (bits - FIRST_MANTISSA) >> 23
    mantissa = (bits - (exponent << 23)).astype(np.int32).view(np.float32)
    return mantissa.astype(np.float64), exponent


def segment(mantissa: Float64Array) -> NDArray[np.int64]:
    """Which sixteenth of its range a mantissa lies in: a row of `ONE_OVER_CENTRE`."""
    bits = mantissa.astype(np.float32).view(np.int32).astype(np.int64)
    return ((bits - FIRST_MANTISSA) >> 19) & 15


def _log(
    multiply_add: MultiplyAdd, mantissa: Float64Array, row: NDArray[np.int64], exponent: NDArray[np.int64]
) -> Float64Array:
    c4, c3, c2 = LOG1P_POLYNOMIAL
    r = multiply_add(mantissa, ONE_OVER_CENTRE[row], -1.0)
    constant = multiply_add(exponent.astype(np.float64), LN2, LOG_CENTRE[row])
    square = r * r
    series = multiply_add(c4, square, multiply_add(c3, r, c2))
    return multiply_add(series, square, constant + r)
