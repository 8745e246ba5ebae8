"""log, sin, cos, tanh, erf-based and tanh-based GELU, and hard swish of float32 as XNNPACK has them.

Every function is a quotient of two polynomials on a reduced range, evaluated with fused multiply-adds.
The formulas are the same for every vector width, so they are the processor's only as far as it has a
fused multiply-add, as x86-64 with FMA has. Denormals count as 0, coming in and going out. XNNPACK's exp,
ELU and sigmoid are in `quantlib.arithmetic.xnnpack_exp`.

Source: google/XNNPACK src/f32-vlog, f32-vsin, f32-vtanh, f32-vgelu, f32-vapproxgelu,
f32-vhswish (rational-*.c.in, simd.c.in; the variants that divide); measured on ai-edge-litert 2.3.0
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic.flush import flush_denormals, multiply_flushed
from quantlib.arithmetic.fused import fma32

__all__ = [
    "cosf",
    "gelu",
    "gelu_approximate",
    "hard_swish",
    "logf",
    "polynomial",
    "sinf",
    "tanhf",
]

Float32Array = NDArray[np.float32]

_ONE = np.float32(1)


def logf(x: ArrayLike) -> Float32Array:
    """The natural logarithm of x; infinity where x times √2 is too large for float32.

    Parameters
    ----------
    x : float32 array
        What NaN, infinity and numbers so large give is that of AVX-512.

    Returns
    -------
    float32 array

    Examples
    --------
    >>> logf([1.0, 2.0, 10.0]).tolist()
    [0.0, 0.6931471824645996, 2.3025851249694824]

    Source: google/XNNPACK src/f32-vlog/rational-3-3.c.in
    """
    with np.errstate(all="ignore"):
        given = flush_denormals(x)
        x = given * np.float32(1.4142134190)
        bits = np.asarray(np.where(x == 0, np.float32(-0.0), x)).view(np.int32)
        # The exponent enters a number near 256 through its bits; so do sign and NaN.
        exponent = ((bits & np.int32(-(1 << 23))) >> 8) | np.float32(256).view(np.int32)
        exponents = np.asarray(exponent, np.int32).view(np.float32) - np.float32(383)
        mantissa = ((bits & 0x007FFFFF) | _ONE.view(np.int32)).astype(np.int32).view(np.float32)
        r = mantissa * np.float32(7.0710688829e-01) - _ONE
        numerator = r * polynomial((1.824996918440e-01, 1.0, 1.0), r)
        quotient = numerator / polynomial((0.049584995955, 0.599170029163, 1.5, 1.0), r)
        logarithm = fma32(exponents, np.float32(0.6931471805599453), quotient)
        return np.asarray(np.where(x < np.inf, logarithm, x))


def sinf(x: ArrayLike) -> Float32Array:
    """The sine of x.

    Parameters
    ----------
    x : float32 array, radians

    Returns
    -------
    float32 array

    Examples
    --------
    >>> sinf([0.0, 1.0]).tolist()
    [0.0, 0.8414708971977234]

    Source: google/XNNPACK src/f32-vsin/rational-5-4.c.in
    """
    return _sine(_reduced(x))


def cosf(x: ArrayLike) -> Float32Array:
    """The cosine of x.

    Parameters
    ----------
    x : float32 array, radians

    Returns
    -------
    float32 array

    Examples
    --------
    >>> cosf([0.0, 1.0]).tolist()
    [1.0, 0.5403023362159729]

    Source: google/XNNPACK src/f32-vsin/rational-5-4.c.in
    """
    with np.errstate(all="ignore"):
        return _sine((np.float32(1.5707963705) - _reduced(x)) + np.float32(-4.3711388e-08))


def tanhf(x: ArrayLike) -> Float32Array:
    """The hyperbolic tangent of x.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> tanhf([0.0, 0.5, -20.0]).tolist()
    [0.0, 0.46211719512939453, -1.0]

    Source: google/XNNPACK src/f32-vtanh/rational-9-8.c.in
    """
    bound = np.float32(7.9807181358)
    with np.errstate(all="ignore"):
        x = _maximum(-bound, _minimum(bound, flush_denormals(x)))
        numerator = (1.4248920266e-08, 2.1235626264e-05, 3.5330520477e-03, 1.3412411511e-01, 1.0)
        denominator = (8.1365948290e-07, 3.3472978976e-04, 2.6018999517e-02, 4.6745735407e-01, 1.0)
        square = x * x
        return flush_denormals(x * polynomial(numerator, square) / polynomial(denominator, square))


def gelu(x: ArrayLike) -> Float32Array:
    """x / 2 · (1 + erf(x / √2)).

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> gelu([0.0, 1.0, -9.0]).tolist()
    [0.0, 0.8413447141647339, -0.0]

    Source: google/XNNPACK src/f32-vgelu/rational-12-10.c.in
    """
    numerator = (
        4.5835321316e-08,
        1.2609783880e-05,
        3.2973114867e-04,
        9.3065137044e-03,
        6.6972173750e-02,
        7.9788452387e-01,
    )
    denominator = (
        1.1988805682e-06,
        7.2267655923e-05,
        1.8622842617e-03,
        2.8431978077e-02,
        2.5060352683e-01,
        1.0,
    )
    return _gelu(x, np.float32(5.1638283730), numerator, denominator)


def gelu_approximate(x: ArrayLike) -> Float32Array:
    """`gelu` with tanh(√(2/π) (x + 0.044715 x³)) in the place of erf.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> gelu_approximate([0.0, 1.0, -9.0]).tolist()
    [0.0, 0.8411920070648193, -0.0]

    Source: google/XNNPACK src/f32-vapproxgelu/rational-12-10.c.in
    """
    numerator = (
        4.9544411240e-08,
        1.4302649106e-05,
        2.6887017884e-04,
        7.2898347862e-03,
        6.0803253204e-02,
        7.9788458347e-01,
    )
    denominator = (
        1.3433452750e-06,
        7.6477612311e-05,
        1.3060354395e-03,
        2.4381054565e-02,
        2.4369759858e-01,
        1.0,
    )
    return _gelu(x, np.float32(4.84974098), numerator, denominator)


def hard_swish(x: ArrayLike) -> Float32Array:
    """x · min(1, max(0, x / 6 + 1 / 2)).

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> hard_swish([-4.0, 0.0, 1.5, 4.0]).tolist()
    [-0.0, 0.0, 1.125, 4.0]

    Source: google/XNNPACK src/f32-vhswish/simd.c.in
    """
    with np.errstate(all="ignore"):
        x = flush_denormals(x)
        ramp = fma32(x, np.float32(1 / 6), np.float32(0.5))
        return multiply_flushed(_minimum(_maximum(ramp, np.float32(0)), _ONE), x)


def polynomial(coefficients: Iterable[float], x: ArrayLike) -> Float32Array:
    """Horner's scheme, every step fused.

    Parameters
    ----------
    coefficients : iterable of float
        Of the highest power first.
    x : float32 array

    Returns
    -------
    float32 array of the same shape

    Examples
    --------
    >>> polynomial((1.0, 2.0, 3.0), [10.0]).tolist()
    [123.0]
    """
    first, *others = coefficients
    x = np.asarray(x, np.float32)
    total = np.full(x.shape, np.float32(first))
    for one in others:
        total = fma32(x, total, np.float32(one))
    return total


def _gelu(
    x: ArrayLike, bound: np.float32, numerator: tuple[float, ...], denominator: tuple[float, ...]
) -> Float32Array:
    with np.errstate(all="ignore"):
        given = flush_denormals(x)
        x = _maximum(-bound, _minimum(bound, given))
        square = x * x
        erf = x * polynomial(numerator, square) / polynomial(denominator, square)
        return multiply_flushed(multiply_flushed(given, np.float32(0.5)), erf + _ONE)


def _reduced(x: ArrayLike) -> Float32Array:
    """x less a multiple of 2 pi, about -pi .. pi."""
    with np.errstate(all="ignore"):
        x = flush_denormals(x)
        turns = np.rint(x * np.float32(0.15915494))
        x = fma32(-turns, np.float32(6.28125), x)
        return fma32(-turns, np.float32(1.9353072e-3), x)


def _sine(x: Float32Array) -> Float32Array:
    """Of x about -pi .. 3 pi / 2."""
    pi = np.float32(3.1415927)
    with np.errstate(all="ignore"):
        x = _minimum(x, pi - x)
        x = _maximum(x, -pi - x)
        x = _minimum(x, pi - x)
        square = x * x
        numerator = x * polynomial((3.2340581529e-03, -1.3314664364e-01, 1.0), square)
        return flush_denormals(numerator / polynomial((4.8770775902e-04, 3.3519912511e-02, 1.0), square))


def _minimum(a: ArrayLike, b: ArrayLike) -> Float32Array:
    """The processor's: b unless a is smaller."""
    return np.asarray(np.where(np.less(a, b), a, b), np.float32)


def _maximum(a: ArrayLike, b: ArrayLike) -> Float32Array:
    """The processor's: b unless a is larger."""
    return np.asarray(np.where(np.greater(a, b), a, b), np.float32)
