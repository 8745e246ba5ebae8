"""Subnormal numbers as TensorFlow's CPU kernels see them: as zeros.

TensorFlow sets the processor to flush subnormal operands and results, so every float32 operation
of its quantization kernels is followed here by a flush. NumPy runs with subnormals kept.

Source: tensorflow/tensorflow tensorflow/core/platform/denormal.cc; measured on TensorFlow 2.21.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["flush", "flush_in_place"]

FloatT = TypeVar("FloatT", np.float32, np.float64)


def flush(x: NDArray[FloatT]) -> NDArray[FloatT]:
    """x, with subnormal numbers replaced by a zero of their sign.

    Parameters
    ----------
    x : float32 or float64 array

    Returns
    -------
    array of the same shape and dtype; `x` itself where there is nothing to flush

    Examples
    --------
    >>> flush(np.float32([1e-40, -1e-40, 1.0])).tolist()
    [0.0, -0.0, 1.0]
    """
    x = np.asarray(x)
    normal = _normal(x)
    return x if normal is None else np.asarray(x * normal)


def flush_in_place(x: NDArray[FloatT]) -> None:
    """As `flush`, into the array itself.

    Examples
    --------
    >>> x = np.float32([1e-40, 1.0])
    >>> flush_in_place(x)
    >>> x.tolist()
    [0.0, 1.0]
    """
    normal = _normal(x)
    if normal is not None:
        np.multiply(x, normal, out=x)


def _normal(x: NDArray[FloatT]) -> NDArray[np.bool_] | None:
    """Where x is not subnormal (nor zero), or None if that is everywhere; NaN is not subnormal."""
    subnormal = np.abs(x) < np.finfo(x.dtype).smallest_normal
    return np.asarray(~subnormal) if subnormal.any() else None
