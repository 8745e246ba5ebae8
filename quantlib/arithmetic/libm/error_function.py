"""erff and erfcf.

Four intervals of |x|, each with its quotient of two polynomials.

Source: glibc 2.36, sysdeps/ieee754/flt-32/s_erff.c
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from quantlib.arithmetic.libm.exponential import Float32Array, expf, horner

__all__ = ["erfcf", "erff"]


def _float32(*values: float) -> tuple[np.float32, ...]:
    return tuple(np.float32(value) for value in values)


ERF_OF_ONE = np.float32(8.4506291151e-01)
"""erf(1) to 20 bits; the quotient for 0.84375 .. 1.25 is relative to it."""

TWO_OVER_SQRT_PI_MINUS_1 = np.float32(1.2837916613e-01)
"""erf(x) / x - 1 for small x."""

NEAR_ZERO = (
    _float32(-2.3763017452e-05, -5.7702702470e-03, -2.8481749818e-02, -3.2504209876e-01, 1.2837916613e-01),
    _float32(-3.9602282413e-06, 1.3249473704e-04, 5.0813062117e-03, 6.5022252500e-02, 3.9791721106e-01, 1.0),
)
"""erf(x) / x - 1 in x**2, for |x| < 0.84375: numerator and denominator, highest power first."""

NEAR_ONE = (
    _float32(
        -2.1663755178e-03, 3.5478305072e-02, -1.1089469492e-01, 3.1834661961e-01,
        -3.7220788002e-01, 4.1485610604e-01, -2.3621185683e-03,
    ),
    _float32(
        1.1984500103e-02, 1.3637083583e-02, 1.2617121637e-01, 7.1828655899e-02,
        5.4039794207e-01, 1.0642088205e-01, 1.0,
    ),
)  # fmt: skip
"""erf(x) - ERF_OF_ONE in |x| - 1, for 0.84375 <= |x| < 1.25."""

MIDDLE = (
    _float32(
        -9.8143291473e00, -8.1287437439e01, -1.8460508728e02, -1.6239666748e02,
        -6.2375331879e01, -1.0558626175e01, -6.9385856390e-01, -9.8649440333e-03,
    ),
    _float32(
        -6.0424413532e-02, 6.5702495575e00, 1.0863500214e02, 4.2900814819e02, 6.4538726807e02,
        4.3456588745e02, 1.3765776062e02, 1.9651271820e01, 1.0,
    ),
)  # fmt: skip
"""log(x erfc(x)) + x**2 + 0.5625 in 1 / x**2, for 1.25 <= |x| < 1 / 0.35."""

TAIL = (
    _float32(
        -4.8351919556e02, -1.0250950928e03, -6.3756646729e02, -1.6063638306e02,
        -1.7757955551e01, -7.9928326607e-01, -9.8649431020e-03,
    ),
    _float32(
        -2.2440952301e01, 4.7452853394e02, 2.5530502930e03, 3.1998581543e03,
        1.5367296143e03, 3.2579251099e02, 3.0338060379e01, 1.0,
    ),
)  # fmt: skip
"""The same, for larger |x|."""


def erfcf(x: ArrayLike) -> Float32Array:
    """Complementary error function, 1 - erf(x), without cancellation for large x.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array, 0 .. 2

    Examples
    --------
    >>> erfcf([0.0, 1.0, -3.0, 30.0]).tolist()
    [1.0, 0.15729920566082, 1.999977946281433, 0.0]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/s_erff.c (erfcf)
    """
    x = np.asarray(x, np.float32)
    one, two, half = np.float32(1), np.float32(2), np.float32(0.5)
    size, negative = np.abs(x), np.signbit(x)
    with np.errstate(all="ignore"):
        correction = x * _quotient(NEAR_ZERO, x * x)
        result = np.where(x < np.float32(0.25), one - (x + correction), half - (correction + (x - half)))
        result = np.where(size < np.float32(2.0**-26), one - x, result)

        near_one = _quotient(NEAR_ONE, size - one)
        beyond = np.where(negative, one + (ERF_OF_ONE + near_one), (one - ERF_OF_ONE) - near_one)
        result = np.where(size >= np.float32(0.84375), beyond, result)

        tail = _tail(size, _float(0x4036DB6D), 0xFFFFE000)
        result = np.where(size >= np.float32(1.25), np.where(negative, two - tail, tail), result)
        result = np.where(x <= np.float32(-6), two, result)
        result = np.where(x >= np.float32(28), np.float32(0), result)
    return np.asarray(np.where(np.isnan(x), np.float32(np.nan), result))


def erff(x: ArrayLike) -> Float32Array:
    """Error function of x.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array, -1 .. 1; -0.0 stays

    Examples
    --------
    >>> erff([0.0, 0.5, -1.0, 7.0]).tolist()
    [0.0, 0.5204998850822449, -0.8427007794380188, 1.0]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/s_erff.c (erff)
    """
    x = np.asarray(x, np.float32)
    one = np.float32(1)
    size = np.abs(x)
    with np.errstate(all="ignore"):
        result = x + x * _quotient(NEAR_ZERO, x * x)
        # The product with 16 and back keeps the rounding of subnormals to one.
        tiny = np.float32(0.0625) * (np.float32(16) * x + (np.float32(16) * TWO_OVER_SQRT_PI_MINUS_1) * x)
        small = np.where(size < _float(0x04000000), tiny, x + TWO_OVER_SQRT_PI_MINUS_1 * x)
        result = np.where(size < np.float32(2.0**-28), small, result)

        beyond = ERF_OF_ONE + _quotient(NEAR_ONE, size - one)
        tail = one - _tail(size, _float(0x4036DB6E), 0xFFFFF000)
        beyond = np.where(size >= np.float32(1.25), tail, beyond)
        beyond = np.where(size >= np.float32(6), one, beyond)
        result = np.where(size >= np.float32(0.84375), np.copysign(beyond, x), result)
    return np.asarray(np.where(np.isnan(x), np.float32(np.nan), result))


def _tail(size: Float32Array, first_of_tail: np.float32, kept_bits: int) -> Float32Array:
    """erfc of a size of at least 1.25: exp(-size**2) with the square in two parts, over size."""
    argument = np.float32(1) / (size * size)
    quotient = np.where(size < first_of_tail, _quotient(MIDDLE, argument), _quotient(TAIL, argument))
    rough = (size.view(np.uint32) & np.uint32(kept_bits)).view(np.float32)
    exponentials = expf(-rough * rough - np.float32(0.5625)) * expf(
        (rough - size) * (rough + size) + quotient
    )
    return np.asarray(exponentials / size, np.float32)


def _quotient(
    polynomials: tuple[tuple[np.float32, ...], tuple[np.float32, ...]], z: Float32Array
) -> Float32Array:
    numerator, denominator = polynomials
    return np.asarray(horner(numerator, z) / horner(denominator, z), np.float32)


def _float(bits: int) -> np.float32:
    return np.uint32(bits).view(np.float32)
