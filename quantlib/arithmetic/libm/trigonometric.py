"""sinf and cosf.

Source: glibc 2.36, sysdeps/ieee754/flt-32/s_sinf.c, s_cosf.c and s_sincosf.h
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic.libm.exponential import Float32Array
from quantlib.arithmetic.libm.fused import Float64Array, MultiplyAdd, fused_multiply_add, settle_ties

__all__ = ["cosf", "sinf"]

HALF_PI = float.fromhex("0x1.921FB54442D18p0")
"""pi / 2, float64."""

QUARTER_PI = np.float32(float.fromhex("0x1.921FB6p-1"))
"""pi / 4, float32."""

TWO_OVER_PI = float.fromhex("0x1.45F306DC9C883p-1")
"""2 / pi, float64."""

FOUR_OVER_PI = 0xA2F9836E4E441529FC2757D1F534DDC0DB6295993C439041
"""4 / pi times 2**191: enough for the largest float32."""

COSINE_POLYNOMIAL = tuple(
    float.fromhex(text)
    for text in [
        "0x1p0",
        "-0x1.ffffffd0c621cp-2",
        "0x1.55553e1068f19p-5",
        "-0x1.6c087e89a359dp-10",
        "0x1.99343027bf8c3p-16",
    ]
)
"""Coefficients of 1, x**2, .. x**8 in cos(x), |x| <= pi / 4."""

SINE_POLYNOMIAL = tuple(
    float.fromhex(text)
    for text in ["-0x1.555545995a603p-3", "0x1.1107605230bc4p-7", "-0x1.994eb3774cf24p-13"]
)
"""Coefficients of x**3, x**5 and x**7 in sin(x), |x| <= pi / 4."""


def sinf(x: ArrayLike) -> Float32Array:
    """Sine of x.

    Parameters
    ----------
    x : float32 array, radians

    Returns
    -------
    float32 array; NaN of infinities

    Examples
    --------
    >>> sinf([0.0, 1.0, -1e10, np.inf]).tolist()
    [0.0, 0.8414709568023682, 0.48750603199005127, nan]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/s_sinf.c
    """
    x = np.asarray(x, np.float32)
    result = _sine_of_quarter(x, quarters=0)
    return np.asarray(np.where(np.abs(x) < np.float32(2.0**-12), x, result))


def cosf(x: ArrayLike) -> Float32Array:
    """Cosine of x.

    Parameters
    ----------
    x : float32 array, radians

    Returns
    -------
    float32 array; NaN of infinities

    Examples
    --------
    >>> cosf([0.0, 1.0, -1e10, np.inf]).tolist()
    [1.0, 0.5403022766113281, 0.8731196522712708, nan]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/s_cosf.c
    """
    x = np.asarray(x, np.float32)
    result = _sine_of_quarter(x, quarters=1)
    return np.asarray(np.where(np.abs(x) < np.float32(2.0**-12), np.float32(1), result))


def _sine_of_quarter(x: Float32Array, quarters: int) -> Float32Array:
    """sin(x + quarters * pi / 2)."""
    size = np.abs(x)
    finite = size < np.inf
    safe = np.where(finite, x, np.float32(0))
    # 120.0 lies where the first 12 bits of a float32 change.
    reduced, quadrant = _reduce_small(np.where(size < np.float32(120), safe, np.float32(0)))
    far, far_quadrant = _reduce_large(np.where(size < np.float32(120), np.float32(120), safe))
    reduced = np.where(size < np.float32(120), reduced, far)
    quadrant = np.where(size < np.float32(120), quadrant, far_quadrant) + quarters
    sine = settle_ties(_sine, reduced)
    cosine = settle_ties(_cosine, reduced)
    result = np.where(quadrant & 1, cosine, sine)
    result = np.where(quadrant & 2, -result, result)
    return np.asarray(np.where(finite, result, np.float32(np.nan)))


def _reduce_small(x: Float32Array) -> tuple[Float64Array, NDArray[np.int64]]:
    """x - quadrant * pi / 2 within pi / 4, and the quadrant, for |x| < 120."""
    real = x.astype(np.float64)
    quadrant = (np.trunc(real * (TWO_OVER_PI * 2**24)).astype(np.int64) + (1 << 23)) >> 24
    quadrant = np.where(np.abs(x) < _first_reduced(), 0, quadrant)
    return fused_multiply_add(-quadrant.astype(np.float64), HALF_PI, real), quadrant


def _first_reduced() -> np.float32:
    """Smallest float32 that shares its first 12 bits with pi / 4: only from there on x is reduced."""
    return (QUARTER_PI.view(np.uint32) & np.uint32(0xFFF00000)).view(np.float32)


def _reduce_large(x: Float32Array) -> tuple[Float64Array, NDArray[np.int64]]:
    """The same for |x| >= 2, by 64-bit fixed point with the part of 4 / pi that matters."""
    bits = x.view(np.uint32).astype(np.uint64)
    mantissa = ((bits & np.uint64(0xFFFFFF)) | np.uint64(0x800000)) << (
        (bits >> np.uint64(23)) & np.uint64(7)
    )
    row = ((bits >> np.uint64(26)) & np.uint64(15)).astype(np.intp)
    with np.errstate(over="ignore"):  # modulo 2**64: whole turns drop out
        high = (mantissa * WORDS_OF_FOUR_OVER_PI[row]) << np.uint64(32)
        middle = mantissa * WORDS_OF_FOUR_OVER_PI[row + 4]
        low = mantissa * WORDS_OF_FOUR_OVER_PI[row + 8]
        turns = ((low >> np.uint64(32)) | high) + middle
        quadrant = (turns + np.uint64(1 << 61)) >> np.uint64(62)
        remainder = (turns - (quadrant << np.uint64(62))).view(np.int64)
    reduced = remainder.astype(np.float64) * (HALF_PI * 2.0**-62)
    signed_quadrant = quadrant.astype(np.int64)
    return np.copysign(1.0, x) * reduced, np.where(x < 0, -signed_quadrant, signed_quadrant)


WORDS_OF_FOUR_OVER_PI = np.array(
    [(FOUR_OVER_PI >> (184 - 8 * row)) & 0xFFFFFFFF for row in range(24)], np.uint64
)
"""32 bits of 4 / pi each, starting 8 bits apart."""


def _sine(multiply_add: MultiplyAdd, x: Float64Array) -> Float64Array:
    s3, s5, s7 = SINE_POLYNOMIAL
    square = x * x
    cube = x * square
    upper = multiply_add(square, s7, s5)
    return multiply_add(cube * square, upper, multiply_add(cube, s3, x))


def _cosine(multiply_add: MultiplyAdd, x: Float64Array) -> Float64Array:
    c0, c2, c4, c6, c8 = COSINE_POLYNOMIAL
    square = x * x
    fourth = square * square
    upper = multiply_add(square, c8, c6)
    lower = multiply_add(fourth, c4, multiply_add(square, c2, c0))
    return multiply_add(fourth * square, upper, lower)
