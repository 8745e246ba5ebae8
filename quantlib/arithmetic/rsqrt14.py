"""vrsqrt14ps, AVX-512's estimate of 1 / √x, and the roots that XNNPACK refines from it.

The estimate is a chain of 64 straight lines, 32 for x in 1 .. 2 and 32 for 2 .. 4, each of 1024 steps;
powers of four alone are exact. Intel specifies the instruction to the last bit. All of its 2**24
significands were measured on a processor of AMD (Zen 4), which gives what Intel's does by the tables of
an emulator, Bochs. What is here was derived from those measurements.

Source: Intel SDM, VRSQRT14PS; google/XNNPACK src/f32-vsqrt/rsqrt.c.in, src/f32-vrsqrt/rsqrt.c.in; measured
on ai-edge-litert 2.3.0
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic.flush import flush_denormals, multiply_flushed

__all__ = ["estimate", "reciprocal_root", "root"]

Float32Array = NDArray[np.float32]

_STARTS = np.array(
    [
        *(524265, 516257, 508613, 501298, 494286, 487559, 481101, 474897),
        *(468922, 463169, 457623, 452276, 447106, 442106, 437279, 432603),
        *(428071, 423683, 419423, 415288, 411277, 407379, 403592, 399907),
        *(396319, 392827, 389430, 386110, 382879, 379734, 376655, 373658),
        *(370709, 365049, 359644, 354468, 349516, 344759, 340193, 335801),
        *(331581, 327515, 323589, 319805, 316149, 312618, 309201, 305899),
        *(302695, 299587, 296575, 293657, 290819, 288062, 285380, 282776),
        *(280242, 277773, 275367, 273022, 270741, 268509, 266336, 264214),
    ],
    np.int32,
)
"""Where each line begins, in units of 2**-19; as measured."""


def _slope(line: int) -> int:
    """Of 1 / √x in the middle of a line, per step, in units of 2**-26: the nearest odd number."""
    width = 2.0 ** (line // 32)
    middle = width * (1 + (line % 32 + 0.5) / 32)
    return -2 * math.floor(width * 2**10 / (middle * math.sqrt(middle)) / 2) - 1


_SLOPES = np.array([_slope(line) for line in range(64)], np.int32)


def estimate(x: ArrayLike) -> Float32Array:
    """1 / √x within 2**-14 of itself, as the instruction gives it.

    Parameters
    ----------
    x : float32 array
        Denormals count as 0.

    Returns
    -------
    float32 array, with 17 bits; infinities of the zeros' sign, NaN of negative numbers

    Examples
    --------
    >>> estimate([4.0, 2.0, 0.0, np.inf]).tolist()
    [0.5, 0.7070693969726562, inf, 0.0]

    Source: Intel SDM, VRSQRT14PS; measured
    """
    x = flush_denormals(x)
    bits = x.view(np.int32)
    exponent = (bits >> 23) - 127
    position = bits & 0x7FFFFF
    line = (exponent & 1) << 5 | position >> 18
    step = position >> 8 & 1023
    value = ((_STARTS[line] << 7) + _SLOPES[line] * step) >> 9  # units of 2**-17
    exact = (position == 0) & (exponent & 1 == 0)
    with np.errstate(all="ignore"):
        y = np.ldexp(np.where(exact, 1 << 17, value).astype(np.float32), -17 - (exponent >> 1))
        y = np.where(x > 0, y, np.where(x == 0, np.float32(1) / x, np.float32(np.nan)))
    return np.asarray(np.where(x == np.inf, np.float32(0), y), np.float32)


def reciprocal_root(x: ArrayLike) -> Float32Array:
    """1 / √x by one step of Newton's method from the estimate; NaN for 0.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> reciprocal_root([4.0, 2.0, np.inf]).tolist()
    [0.5, 0.7071067690849304, 0.0]

    Source: google/XNNPACK src/f32-vrsqrt/rsqrt.c.in
    """
    x = flush_denormals(x)
    return np.where(x == np.inf, np.float32(0), _refined(x))


def root(x: ArrayLike) -> Float32Array:
    """√x as x times 1 / √x.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> root([4.0, 2.0, 0.0, np.inf]).tolist()
    [2.0, 1.4142135381698608, 0.0, inf]

    Source: google/XNNPACK src/f32-vsqrt/rsqrt.c.in
    """
    x = flush_denormals(x)
    y = multiply_flushed(x, np.where(x == 0, np.float32(0), _refined(x)))
    return np.where(x == np.inf, x, y)


def _refined(x: Float32Array) -> Float32Array:
    """y - (x y² - 1) · y / 2, every step rounded, y² flushed to 0 where it is denormal."""
    y = estimate(x)
    one, half = np.float32(1), np.float32(0.5)
    with np.errstate(all="ignore"):
        excess = multiply_flushed(x, multiply_flushed(y, y)) - one
        return np.asarray(y - excess * (half * y), np.float32)
