"""Rounding of real numbers, each rule under its own name.

Source: C99 round and rint; LiteRT tflite/kernels/internal/cppmath.h (TfLiteRound).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["float_to_int32", "round_half_away_from_zero", "round_half_to_even", "round_half_up"]

FloatArray = NDArray[np.floating[Any]]


def round_half_away_from_zero(x: FloatArray) -> FloatArray:
    """x rounded to the nearest integer, ties away from zero (C `round`).

    Adding 0.5 would be wrong one ulp below a tie, where the sum already rounds up; adding the
    largest number below 0.5 is right everywhere.

    Parameters
    ----------
    x : float32 or float64 array

    Returns
    -------
    array of the same shape and dtype; NaN, infinities and -0.0 stay

    Examples
    --------
    >>> round_half_away_from_zero(np.array([0.5, -0.5, 2.5, 0.49999999999999994])).tolist()
    [1.0, -1.0, 3.0, 0.0]

    Source: ISO C, 7.12.9.6 (round)
    """
    x = np.asarray(x)
    nearly_half = np.nextafter(x.dtype.type(0.5), x.dtype.type(0))
    return np.asarray(np.trunc(x + np.copysign(nearly_half, x)))


def round_half_to_even(x: FloatArray) -> FloatArray:
    """x rounded to the nearest integer, ties to the even one (C `rint` in the default mode).

    Parameters
    ----------
    x : float32 or float64 array

    Returns
    -------
    array of the same shape and dtype

    Examples
    --------
    >>> round_half_to_even(np.array([0.5, 1.5, -2.5])).tolist()
    [0.0, 2.0, -2.0]

    Source: ISO C, 7.12.9.4 (rint)
    """
    return np.asarray(np.rint(x))


def round_half_up(x: FloatArray) -> FloatArray:
    """floor(x + 1/2), as computed: the sum itself is rounded first.

    Parameters
    ----------
    x : float32 or float64 array

    Returns
    -------
    array of the same shape and dtype

    Examples
    --------
    >>> round_half_up(np.array([0.5, -0.5, 2.5])).tolist()
    [1.0, 0.0, 3.0]
    """
    x = np.asarray(x)
    return np.asarray(np.floor(x + x.dtype.type(0.5)))


def float_to_int32(x: FloatArray) -> NDArray[np.int64]:
    """x truncated to int32 as an x86 processor does it: what does not fit becomes INT32_MIN.

    C leaves the case undefined; the kernels show the processor's answer (cvttss2si), so a kernel
    that casts before it clamps turns +inf into the smallest code.

    Parameters
    ----------
    x : float32 or float64 array

    Returns
    -------
    int64 array holding int32 values

    Examples
    --------
    >>> float_to_int32(np.array([1.9, -1.9, 3e9, np.inf, np.nan])).tolist()
    [1, -1, -2147483648, -2147483648, -2147483648]

    Source: Intel SDM, CVTTSS2SI; measured on LiteRT 2.3.0 (QUANTIZE of infinities)
    """
    x = np.asarray(x, dtype=np.float64)
    truncated = np.trunc(x)
    fits = (truncated >= -(2.0**31)) & (truncated < 2.0**31)  # False for NaN
    return np.where(fits, truncated, -(2.0**31)).astype(np.int64)
