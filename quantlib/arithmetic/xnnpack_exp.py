"""exp, ELU, sigmoid and softmax of float32 as XNNPACK has them for AVX-512.

Each takes x for a multiple of log(2), or of log(2) / 32, and a remainder. exp is the same on every
processor with a fused multiply-add. The others have a formula of their own for every kind of vector, of
which only that for AVX-512 is here, and was measured (`Profile.vectors`). Denormals count as 0 at every
step.

Source: google/XNNPACK src/f32-vexp/rational-3-2.c.in, src/f32-velu/avx512f-rr1-p6.c.in,
src/f32-vsigmoid/avx512f-rr2-lut32-p2-perm2-scalef.c.in,
src/f32-raddstoreexpminusmax/avx512f-rr2-p5.c.in, src/operators/softmax-nc.c; measured on
ai-edge-litert 2.3.0
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic.flush import flush_denormals, multiply_flushed
from quantlib.arithmetic.fused import fma32
from quantlib.arithmetic.xnnpack import polynomial
from quantlib.arithmetic.xnnpack_sum import sum_exponentials

__all__ = ["elu", "expf", "logistic", "softmax"]

Float32Array = NDArray[np.float32]

_ONE = np.float32(1)
_LOG2_E = np.float32(1.44269504089)
_EXP_IS_DENORMAL_BELOW = np.float32(-87.33654)


def expf(x: ArrayLike) -> Float32Array:
    """e to the power of x; 0 for NaN.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> expf([0.0, 1.0, -200.0, 200.0]).tolist()
    [1.0, 2.7182817459106445, 0.0, inf]

    Source: google/XNNPACK src/f32-vexp/rational-3-2.c.in
    """
    least, greatest = np.float32(-127), np.float32(128)
    with np.errstate(all="ignore"):
        powers = multiply_flushed(flush_denormals(x), _LOG2_E)
        powers = np.minimum(np.where(powers > least, powers, least), greatest)
        whole = np.rint(powers)
        r = powers - whole
        numerator = r * polynomial((0.0055375635, 0.04807804, 0.6931472), r)
        y = numerator / polynomial((0.023987604, -0.27721086, 1.0), r) + _ONE
        return multiply_flushed(_power_of_two(whole.astype(np.int32) + 127), y)


def elu(x: ArrayLike) -> Float32Array:
    """x where x >= 0, else exp(x) - 1.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> elu([1.5, -1.0, -20.0]).tolist()
    [1.5, -0.6321205496788025, -1.0]

    Source: google/XNNPACK src/f32-velu/avx512f-rr1-p6.c.in
    """
    coefficients = (0.001386452, 0.008366532, 0.041667502, 0.16666543, 0.49999997)
    with np.errstate(all="ignore"):
        x = flush_denormals(x)
        z = np.asarray(np.where(x > np.float32(-17.32868), x, np.float32(-17.32868)))
        whole, bits = _rounded(z, np.float32(12583039))
        power = _power_of_two(bits)
        t = fma32(whole, np.float32(-0.6931472), z)
        p = multiply_flushed(polynomial(coefficients, t), t)
        t = t * power
        return np.asarray(np.where(x < 0, fma32(p, t, t) + (power - _ONE), x))


def logistic(x: ArrayLike) -> Float32Array:
    """1 / (1 + exp(-x)).

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array

    Examples
    --------
    >>> logistic([0.0, 2.0, -2.0, -200.0]).tolist()
    [0.5, 0.8807970881462097, 0.11920291930437088, 0.0]

    Source: google/XNNPACK src/f32-vsigmoid/avx512f-rr2-lut32-p2-perm2-scalef.c.in
    """
    with np.errstate(all="ignore"):
        x = np.asarray(x, np.float32)
        z = flush_denormals(-np.abs(x))
        powers, bits = _rounded(z, np.float32(1.5 * 2**18))
        root = _ROOTS_OF_TWO[bits & 31]
        t = fma32(powers, np.float32(-0.6931472), z)
        t = fma32(powers, np.float32(1.9046542e-09), t)
        p = fma32(multiply_flushed(t, root), fma32(t, np.float32(0.5), np.float32(1.0000147)), root)
        exponent = np.clip(np.nan_to_num(np.floor(powers)), -400, 0).astype(np.int32)
        e = np.where(np.isinf(powers), 0.0, np.ldexp(p.astype(np.float64), exponent))
        e = flush_denormals(e)
        share = e / (e + _ONE)
        return np.asarray(np.where(np.signbit(x), share, _ONE - share), np.float32)


def softmax(x: Float32Array) -> Float32Array:
    """exp(x) of every row, divided by their sum.

    Parameters
    ----------
    x : float32 array (r, k), k >= 1

    Returns
    -------
    float32 array (r, k)

    Examples
    --------
    >>> softmax(np.array([[1, 2, 3], [0, 0, -99]], np.float32)).tolist()
    [[0.09003056585788727, 0.2447284758090973, 0.6652408838272095], [0.5, 0.5, 0.0]]

    Source: google/XNNPACK src/operators/softmax-nc.c, src/operator-run.c
    """
    with np.errstate(all="ignore"):
        x = flush_denormals(x)
        powers = _exp_of_not_positive(flush_denormals(x - x.max(axis=1, keepdims=True)))
        scales = _ONE / sum_exponentials(powers)
        return multiply_flushed(powers, scales[:, np.newaxis])


def _exp_of_not_positive(x: Float32Array) -> Float32Array:
    """exp(x) where it is no denormal, else 0.

    Source: google/XNNPACK src/f32-raddstoreexpminusmax/avx512f-rr2-p5.c.in
    """
    coefficients = (0.00828929059, 0.0418978221, 0.166676521, 0.499991506, 0.999999702)
    whole, bits = _rounded(x, np.float32(12583039))
    power = _power_of_two(bits)
    t = fma32(whole, np.float32(-0.693145752), x)
    t = fma32(whole, np.float32(-1.42860677e-06), t)
    y = fma32(multiply_flushed(t, power), polynomial(coefficients, t), power)
    return np.asarray(np.where(x < _EXP_IS_DENORMAL_BELOW, np.float32(0), y))


def _rounded(x: Float32Array, magic: np.float32) -> tuple[Float32Array, NDArray[np.int32]]:
    """x · log2(e) as a multiple of what `magic` makes the last bit worth, and the bits of the two's sum."""
    total = fma32(x, _LOG2_E, magic)
    return total - magic, total.view(np.int32)


def _power_of_two(exponents: NDArray[np.int32]) -> Float32Array:
    """The float32 of these exponent bits."""
    return np.asarray(exponents << 23, np.int32).view(np.float32)


_ROOTS_OF_TWO = np.array([2.0 ** (i / 32) for i in range(32)], np.float32)
"""2**(i / 32)."""
