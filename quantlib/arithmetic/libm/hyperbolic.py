"""tanhf.

Source: glibc 2.36, sysdeps/ieee754/flt-32/s_tanhf.c
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from quantlib.arithmetic.libm.exponential import Float32Array, expm1f

__all__ = ["tanhf"]


def tanhf(x: ArrayLike) -> Float32Array:
    """Hyperbolic tangent of x.

    Parameters
    ----------
    x : float32 array

    Returns
    -------
    float32 array; -0.0 stays

    Examples
    --------
    >>> tanhf([0.0, 0.5, -1.0, 30.0]).tolist()
    [0.0, 0.46211716532707214, -0.7615941762924194, 1.0]

    Source: glibc 2.36, sysdeps/ieee754/flt-32/s_tanhf.c
    """
    x = np.asarray(x, np.float32)
    one, two = np.float32(1), np.float32(2)
    size = np.abs(x)
    above_one = size >= one
    with np.errstate(all="ignore"):
        t = expm1f(np.where(above_one, two, -two) * size)
        result = np.where(above_one, one - two / (t + two), -t / (t + two))
    result = np.where(size >= np.float32(22), one, result)
    result = np.copysign(result, x)
    return np.asarray(np.where(size < np.float32(2.0**-55), x, result))
