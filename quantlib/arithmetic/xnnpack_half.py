"""sin, cos, tanh, GELU and softmax of float16 as XNNPACK has them where processors lack float16 arithmetic.

They are computed in float32, with polynomials shorter than those of float32, and rounded to float16
once; but GELU by erf has every step rounded to float16, and softmax its exponentials and its reciprocal.
Sums of softmax take vectors of 8 floats. Only AVX-512 without float16 arithmetic was measured
(`Profile.vectors`).

Source: google/XNNPACK src/f16-vsin, src/f16-vcos (f16-f32acc-poly-3), src/f16-vtanh/f16-f32acc-rational-5-4.c.in,
src/f16-vapproxgelu/f16-f32acc.c.in, src/f16-vgelu/rational-6-4.c.in,
src/f16-raddstoreexpminusmax/avx2-rr1-p2.c.in, src/operators/softmax-nc.c; measured on ai-edge-litert 2.3.0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic.fused import fma32
from quantlib.arithmetic.xnnpack import polynomial

__all__ = ["cos", "gelu", "gelu_approximate", "sin", "softmax", "tanh"]

Float16Array = NDArray[np.float16]
Float32Array = NDArray[np.float32]

_SINE = (-1.9884618814e-04, 8.3336085081e-03, -1.6666665673e-01, 1.0)
"""Coefficients of sin(x) / x in x**2."""


def sin(x: ArrayLike) -> Float16Array:
    """The sine of x; 0 for -0.

    Parameters
    ----------
    x : float16 array, radians

    Returns
    -------
    float16 array

    Examples
    --------
    >>> sin([0.0, 1.0]).tolist()
    [0.0, 0.84130859375]

    Source: google/XNNPACK src/f16-vsin
    """
    with np.errstate(all="ignore"):
        x32 = _widened(x)
        turns = np.rint(x32 * np.float32(0.31830988618379067154))
        for part in (-3.14159274, 8.74227766e-08, 3.43024902e-15):  # -pi
            x32 = fma32(turns, np.float32(part), x32)
        odd = turns % 2 == 1
        return _sine(np.where(odd, -x32, x32))


def cos(x: ArrayLike) -> Float16Array:
    """The cosine of x.

    Parameters
    ----------
    x : float16 array, radians

    Returns
    -------
    float16 array

    Examples
    --------
    >>> cos([0.0, 1.0]).tolist()
    [1.0, 0.54052734375]

    Source: google/XNNPACK src/f16-vcos
    """
    with np.errstate(all="ignore"):
        x32 = _widened(x)
        quarters = np.rint(x32 * np.float32(0.63661977236758134308))
        for part in (-1.57079637, 4.37113883e-08, 1.71512451e-15):  # -pi / 2
            x32 = fma32(quarters, np.float32(part), x32)
        quadrant = np.nan_to_num((quarters + np.float32(1)) % np.float32(4)).astype(np.int32)
        x32 = np.where(quadrant & 1, np.float32(1.5707963267948966) - np.abs(x32), x32)
        return _sine(np.where(quadrant & 2, -x32, x32))


def tanh(x: ArrayLike) -> Float16Array:
    """The hyperbolic tangent of x; NaN counts as 4.5.

    Parameters
    ----------
    x : float16 array

    Returns
    -------
    float16 array

    Examples
    --------
    >>> tanh([0.0, 0.5, -20.0]).tolist()
    [0.0, 0.462158203125, -1.0]

    Source: google/XNNPACK src/f16-vtanh/f16-f32acc-rational-5-4.c.in
    """
    with np.errstate(all="ignore"):
        x32 = _bounded(_widened(x), np.float32(4.5))
        square = x32 * x32
        numerator = x32 * polynomial((8.1062316895e-04, 1.0632324219e-01, 1.0), square)
        return (numerator / polynomial((1.4091491699e-02, 4.3945312500e-01, 1.0), square)).astype(np.float16)


def gelu_approximate(x: ArrayLike) -> Float16Array:
    """x / 2 · (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Parameters
    ----------
    x : float16 array

    Returns
    -------
    float16 array

    Examples
    --------
    >>> gelu_approximate([0.0, 1.0, -9.0]).tolist()
    [0.0, 0.84130859375, -0.00485992431640625]

    Source: google/XNNPACK src/f16-vapproxgelu/f16-f32acc.c.in
    """
    with np.errstate(all="ignore"):
        given = _widened(x)
        x32 = _bounded(given, np.float32(3.26367188))
        square = x32 * x32
        numerator = x32 * polynomial((4.3507730588e-03, 1.4811584353e-01, 7.9763704538e-01), square)
        erf = numerator / polynomial((4.0821321309e-02, 3.5130375624e-01, 1.0), square)
        return ((given * np.float32(0.5)) * (erf + np.float32(1))).astype(np.float16)


def gelu(x: ArrayLike) -> Float16Array:
    """x / 2 · (1 + erf(x / √2)), every step rounded to float16.

    Parameters
    ----------
    x : float16 array

    Returns
    -------
    float16 array

    Examples
    --------
    >>> gelu([0.0, 1.0, -9.0]).tolist()
    [0.0, 0.841796875, -0.0]

    Source: google/XNNPACK src/f16-vgelu/rational-6-4.c.in
    """
    half, one = np.float16(0.5), np.float16(1)
    bound = np.float16(3.5)
    with np.errstate(all="ignore"):
        given = np.asarray(x, np.float16)
        bounded = np.where(bound < given, bound, given)
        bounded = np.where(-bound > bounded, -bound, bounded)
        square = bounded * bounded
        numerator = bounded * _rounded_polynomial(
            (4.5998394489e-03, 1.5397867560e-01, 7.9763203859e-01), square
        )
        erf = numerator / _rounded_polynomial((4.2862996459e-02, 3.5756936669e-01, 1.0), square)
        return np.asarray((given * half) * (erf + one), np.float16)


def softmax(x: Float16Array) -> Float16Array:
    """exp(x) of every row, divided by their sum.

    Parameters
    ----------
    x : float16 array (r, k), k >= 1

    Returns
    -------
    float16 array (r, k)

    Examples
    --------
    >>> softmax(np.array([[1, 2, 3], [0, 0, -99]], np.float16)).tolist()
    [[0.090087890625, 0.24462890625, 0.6650390625], [0.5, 0.5, 0.0]]

    Source: google/XNNPACK src/operators/softmax-nc.c, src/f16-raddstoreexpminusmax/avx2-rr1-p2.c.in
    """
    with np.errstate(all="ignore"):
        x32 = _widened(x)
        powers = _exp_of_not_positive(x32 - x32.max(axis=1, keepdims=True))
        scales = (np.float32(1) / _sum_by_vectors_of_8(powers)).astype(np.float16)
        return powers.astype(np.float16) * scales[:, np.newaxis]


def _exp_of_not_positive(x: Float32Array) -> Float32Array:
    """exp(x) where float16 has more than zero for it."""
    magic = np.float32(12583039)
    total = fma32(x, np.float32(1.44269504089), magic)
    power = np.asarray(total.view(np.int32) << 23, np.int32).view(np.float32)
    t = fma32(total - magic, np.float32(-0.6931472), x)
    p = polynomial((0.499245435, 1.01413059), t)
    return np.asarray(np.where(x < np.float32(-9.703125), np.float32(0), fma32(t * power, p, power)))


def _sum_by_vectors_of_8(x: Float32Array) -> Float32Array:
    """Vectors one after the other, folded to four lanes; then what is left, by four, by two and by one."""
    whole = x.shape[1] // 8 * 8
    vectors = x[:, :whole].reshape(x.shape[0], -1, 8).swapaxes(0, 1)
    total = np.zeros((x.shape[0], 8), np.float32)
    for vector in vectors:
        total = total + vector
    lanes = total[:, :4] + total[:, 4:]
    start = whole
    for width in (4, 2, 1):
        if (x.shape[1] - whole) & width:
            lanes[:, :width] += x[:, start : start + width]
            start += width
    pairs = lanes[:, :2] + lanes[:, 2:]
    return np.asarray(pairs[:, 0] + pairs[:, 1])


def _rounded_polynomial(coefficients: tuple[float, ...], x: Float16Array) -> Float16Array:
    """Highest power first; every product and sum together rounded to float16."""
    total = np.full(x.shape, np.float16(coefficients[0]))
    for one in coefficients[1:]:
        exact_product = x.astype(np.float32) * total.astype(np.float32)
        total = (exact_product + np.float32(np.float16(one))).astype(np.float16)
    return total


def _sine(x: Float32Array) -> Float16Array:
    """Of x about -pi / 2 .. pi / 2."""
    return np.asarray((x * polynomial(_SINE, x * x)).astype(np.float16))


def _widened(x: ArrayLike) -> Float32Array:
    return np.asarray(x, np.float16).astype(np.float32)


def _bounded(x: Float32Array, bound: np.float32) -> Float32Array:
    return np.asarray(np.clip(x, -bound, bound), np.float32)
