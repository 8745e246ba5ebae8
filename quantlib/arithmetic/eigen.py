"""tanh, logistic, erfc and exp of float32 as Eigen computes them inside the runtime.

Eigen works on packets of four floats with its own polynomials, and on what fills no packet with a
scalar formula, which for exp is the C library's. So a value may depend on its position: use
`by_packets`. tanh has one formula for both. Nothing is fused: the runtime's x86-64 build uses no
fused multiply-add.

Used for float GELU, for the fused TANH of hybrid dense layers, for the gates of float and hybrid LSTM,
and for LOGISTIC and TANH of the optimized family.

Source: Eigen 5.0.1-dev, Eigen/src/Core/arch/Default/GenericPacketMathFunctions.h (ptanh_float,
pexp_float), Core/functors/UnaryFunctors.h (scalar_logistic_op), and
unsupported/Eigen/src/SpecialFunctions/SpecialFunctionsImpl.h (generic_fast_erfc)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import libm
from quantlib.arithmetic.libm.exponential import horner

__all__ = [
    "by_packets",
    "erfc",
    "erfc_packet",
    "erfc_scalar",
    "exp_packet",
    "logistic",
    "logistic_packet",
    "logistic_scalar",
    "tanh",
]

Float32Array: TypeAlias = NDArray[np.float32]
Float32Function: TypeAlias = Callable[[Float32Array], Float32Array]


def by_packets(
    packet: Float32Function, scalar: Float32Function, x: ArrayLike, *, offset: int = 0, size: int = 4
) -> Float32Array:
    """One formula for the elements of whole packets, the other for those before and after.

    Parameters
    ----------
    packet, scalar : callable
        float32 array to float32 array.
    x : float32 array
        In memory order; any shape, one buffer.
    offset : int
        Floats between the last boundary of a packet and the first element. Whole tensors start on one.
    size : {4, 8}
        Floats in a packet of the build. Those of eight are read and written in part, too, so that one
        formula serves all elements.

    Returns
    -------
    float32 array of the same shape

    Examples
    --------
    >>> by_packets(np.negative, np.abs, np.ones((2, 5))).tolist()
    [[-1.0, -1.0, -1.0, -1.0, -1.0], [-1.0, -1.0, -1.0, 1.0, 1.0]]
    >>> by_packets(np.negative, np.abs, np.ones(7), offset=2).tolist()
    [1.0, 1.0, -1.0, -1.0, -1.0, -1.0, 1.0]

    Source: Eigen, Eigen/src/Core/AssignEvaluator.h (LinearVectorizedTraversal)
    """
    x = np.asarray(x, np.float32)
    if size > 4:
        return packet(x)
    flat = x.ravel()
    start = min(-offset % size, flat.size)
    stop = start + (flat.size - start) // size * size
    parts = scalar(flat[:start]), packet(flat[start:stop]), scalar(flat[stop:])
    return np.concatenate(parts).reshape(x.shape)


TANH_NUMERATOR = (1.394553628e-8, 2.102733560e-5, 3.520756727e-3, 1.340216100e-1)
"""Coefficients of x**9 .. x**3; that of x is 1."""

TANH_DENOMINATOR = (8.015776984e-7, 3.326951409e-4, 2.597254514e-2, 4.673548340e-1, 1.0)
"""Coefficients of x**8 .. 1."""

TANH_IS_ONE_FROM = np.float32(7.90738964080810547)
"""The first float32 at which the quotient is 1."""


def tanh(x: ArrayLike) -> Float32Array:
    """Hyperbolic tangent of x.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> tanh([0.0, 0.5, -20.0]).tolist()
    [0.0, 0.46211713552474976, -1.0]

    Source: Eigen, Core/arch/Default/GenericPacketMathFunctions.h (ptanh_float, without FMA)
    """
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        x = np.asarray(np.maximum(np.minimum(x, TANH_IS_ONE_FROM), -TANH_IS_ONE_FROM), np.float32)
        square = x * x
        numerator = (square * x) * _polynomial(TANH_NUMERATOR, square) + x
        return np.asarray(numerator / _polynomial(TANH_DENOMINATOR, square), np.float32)


LOGISTIC_IS_ONE_FROM = np.float32(16.6355324)
"""The first float32 at which exp(x) / (1 + exp(x)) is 1."""


def logistic(x: ArrayLike, *, offset: int = 0, size: int = 4) -> Float32Array:
    """1 / (1 + exp(-x)), each element by the formula that its position gets.

    Parameters
    ----------
    x : float32 array
    offset, size : int
        As in `by_packets`.

    Returns
    -------
    float32 array

    Examples
    --------
    >>> logistic([0.0, 2.0, -2.0, -200.0]).tolist()
    [0.5, 0.8807970881462097, 0.11920294165611267, 0.0]

    Source: Eigen, Core/functors/UnaryFunctors.h (scalar_logistic_op<float>)
    """
    return by_packets(logistic_packet, logistic_scalar, x, offset=offset, size=size)


def logistic_packet(x: ArrayLike) -> Float32Array:
    """`logistic` for elements of whole packets."""
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        half = np.asarray(np.minimum(x, LOGISTIC_IS_ONE_FROM) * np.float32(0.5), np.float32)
        coefficients = (
            0.49999141693115234375,
            0.16666877269744873,
            4.1898667812347412e-2,
            8.3347130566835403e-3,
        )
        e = _exp_by_polynomial(half, coefficients)
        e = e * e
        return np.asarray(np.where(x < np.float32(-104), np.float32(0), e / (np.float32(1) + e)), np.float32)


def logistic_scalar(x: ArrayLike) -> Float32Array:
    """`logistic` for elements that fill no packet."""
    with np.errstate(all="ignore"):
        e = libm.expf(np.minimum(np.asarray(x, np.float32), LOGISTIC_IS_ONE_FROM))
        return np.asarray(e / (np.float32(1) + e), np.float32)


def exp_packet(x: ArrayLike) -> Float32Array:
    """exp(x) for elements of whole packets; single elements use `libm.expf`.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> exp_packet([0.0, 1.0, -105.0]).tolist()
    [1.0, 2.7182817459106445, 0.0]

    Source: Eigen, Core/arch/Default/GenericPacketMathFunctions.h (pexp_float, without FMA)
    """
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        coefficients = (
            0.49999988079071044921875,
            0.16666518151760101318359375,
            4.166965186595916748046875e-2,
            8.36894474923610687255859375e-3,
            1.37449637986719608306884765625e-3,
        )
        clamped = np.asarray(np.minimum(x, np.float32(88.723)), np.float32)
        result = np.maximum(_exp_by_polynomial(clamped, coefficients), x)
    return np.asarray(np.where(x < np.float32(-104), np.float32(0), result), np.float32)


ERFC_SMALL = (
    5.61802298761904239654541015625e-04,
    -4.91381669417023658752441406250e-03,
    2.67075151205062866210937500000e-02,
    -1.12800106406211853027343750000e-01,
    3.76122951507568359375e-01,
    -1.12837910652160644531250000000e00,
)
"""Coefficients of x**11 .. x in erfc(x) - 1, |x| <= 1."""

ERFC_LARGE_NUMERATOR = (
    1.0208116471767425537109375e-01,
    4.2920666933059692382812500e-01,
    3.2379078865051269531250000e-01,
    5.3971976041793823242187500e-02,
)
"""Of x exp(x**2) erfc(x) in 1 / x**2, |x| > 1."""

ERFC_LARGE_DENOMINATOR = (
    1.7251677811145782470703125e-02,
    3.9137163758277893066406250e-01,
    1.0,
    6.2173241376876831054687500e-01,
    9.5662862062454223632812500e-02,
)
"""Its denominator."""


def erfc(x: ArrayLike, *, offset: int = 0, size: int = 4) -> Float32Array:
    """Complementary error function, each element by the formula that its position gets.

    Parameters
    ----------
    x : float32 array
    offset, size : int
        As in `by_packets`.

    Returns
    -------
    float32 array, 0 .. 2

    Examples
    --------
    >>> erfc([0.0, 0.5, -3.0, 11.0]).tolist()
    [1.0, 0.4795001149177551, 1.999977946281433, 0.0]

    Source: Eigen, unsupported/.../SpecialFunctionsImpl.h (generic_fast_erfc<float>)
    """
    return by_packets(erfc_packet, erfc_scalar, x, offset=offset, size=size)


def erfc_packet(x: ArrayLike) -> Float32Array:
    """`erfc` for elements of whole packets."""
    return _erfc(np.asarray(x, np.float32), exp_packet)


def erfc_scalar(x: ArrayLike) -> Float32Array:
    """`erfc` for elements that fill no packet."""
    return _erfc(np.asarray(x, np.float32), libm.expf)


def _erfc(x: Float32Array, exp: Float32Function) -> Float32Array:
    one, two = np.float32(1), np.float32(2)
    with np.errstate(all="ignore"):
        x = np.asarray(np.minimum(np.maximum(x, np.float32(-11)), np.float32(11)), np.float32)
        square = x * x
        small = x * _polynomial(ERFC_SMALL, square) + one
        # What rounding the square dropped; a product of two float32 is exact in float64.
        dropped = (x.astype(np.float64) * x - square).astype(np.float32)
        e = exp(-square)
        e = e - e * dropped
        reciprocal = one / square
        denominator = x * _polynomial(ERFC_LARGE_DENOMINATOR, reciprocal)
        quotient = _polynomial(ERFC_LARGE_NUMERATOR, reciprocal) / denominator
        large = e * quotient + np.where(x < 0, two, np.float32(0))
        return np.asarray(np.where(square > one, large, small), np.float32)


def _exp_by_polynomial(x: Float32Array, coefficients: tuple[float, ...]) -> Float32Array:
    """2**m times a polynomial in r = x - m log(2); coefficients of r**2 and up."""
    m = np.floor(x * np.float32(1.44269504088896341) + np.float32(0.5))
    r = np.asarray((x + m * np.float32(-0.693359375)) + m * np.float32(2.12194440e-4), np.float32)
    square = np.asarray(r * r, np.float32)
    even = _polynomial(coefficients[::2][::-1], square)
    odd = _polynomial(coefficients[1::2][::-1], square)
    polynomial = square * (r * odd + even) + (r + np.float32(1))
    return _times_two_to_the(m, polynomial)


def _times_two_to_the(m: Float32Array, x: NDArray[Any]) -> Float32Array:
    exponent = np.clip(np.where(np.isnan(m), 0, m), -300, 300).astype(np.int32)
    return np.ldexp(x.astype(np.float64), exponent).astype(np.float32)


def _polynomial(coefficients: tuple[float, ...], x: Float32Array) -> Float32Array:
    """Highest power first, every step in float32."""
    return horner(tuple(np.float32(one) for one in coefficients), x)
