"""float32 with denormals taken for zeros, coming in and going out, as XNNPACK sets up x86 processors.

Source: Intel SDM, MXCSR (DAZ and FTZ; tininess is detected after rounding); measured on LiteRT 2.3.0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["flush_denormals", "multiply_flushed"]

_ROUNDS_TO_NORMAL_FROM = 2.0**-126 * (1 - 2.0**-25)
"""Half a unit of a 24-bit significand below the smallest normal number."""


def flush_denormals(x: ArrayLike) -> NDArray[np.float32]:
    """x with denormals replaced by zeros of their sign.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> flush_denormals([1e-40, -1e-40, 2e-38]).tolist()
    [0.0, -0.0, 2.0000000102211272e-38]
    """
    x = np.asarray(x, np.float32)
    tiny = np.abs(x) < np.finfo(np.float32).smallest_normal
    return np.asarray(np.where(tiny, np.copysign(np.float32(0), x), x), np.float32)


def multiply_flushed(a: ArrayLike, b: ArrayLike) -> NDArray[np.float32]:
    """a · b; zero where the product, rounded as if exponents had no end, is denormal.

    `flush_denormals` of a product does not do: 2**-126 times 1 - 2**-24 needs no rounding, so it is
    denormal, but as a denormal number it is rounded to 2**-126.

    Parameters
    ----------
    a, b : float32 arrays without denormals
        They broadcast.

    Returns
    -------
    float32 array

    Examples
    --------
    >>> multiply_flushed(np.float32(2**-126), np.float32([1, 1 - 2**-24, -0.25])).tolist()
    [1.1754943508222875e-38, 0.0, -0.0]
    """
    with np.errstate(all="ignore"):
        product = np.asarray(a, np.float32) * np.asarray(b, np.float64)  # exact
        tiny = np.abs(product) < _ROUNDS_TO_NORMAL_FROM
        return np.asarray(np.where(tiny, np.copysign(0.0, product), product), np.float32)
