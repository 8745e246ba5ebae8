"""CAST: the same numbers in another type.

- to float32, float64: rounded to nearest, halves to even;
- to float16: rounded to float32 first, then to float16;
- from floats to integers: truncated, then saturated; NaN gives the largest integer;
- from integers to integers: the low bits;
- to bool: whether it is not 0 (NaN is not 0); from bool: 0 or 1;
- from complex64: the real part; to complex64: a real number.

(C1) int4, uint4 and int2 convert to and from float32 alone. Floats are clamped, then truncated; NaN
     gives the largest code.

Quantization parameters play no part.

Source: LiteRT tflite/kernels/cast.cc, internal/quantization_util.h (SafeCast).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__ = ["truncate_and_saturate"]

_TYPES = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.FLOAT64,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.UINT16,
    TensorType.INT32,
    TensorType.UINT32,
    TensorType.INT64,
    TensorType.BOOL,
    TensorType.COMPLEX64,
)
_PACKED = {TensorType.INT4: (-8, 7), TensorType.UINT4: (0, 15), TensorType.INT2: (-2, 1)}


def truncate_and_saturate(x: NDArray[np.floating[Any]], low: int, high: int) -> NDArray[Any]:
    """x without its fraction, or the bound it passed; NaN gives the upper one.

    Parameters
    ----------
    x : array of floats
    low, high : int
        high + 1 is a power of two, and exact as a float64.

    Returns
    -------
    int64 array

    Examples
    --------
    >>> truncate_and_saturate(np.array([-1.9, 127.9, 1e9, -np.inf, np.nan]), -128, 127).tolist()
    [-1, 127, 127, -128, 127]

    Source: LiteRT tflite/kernels/internal/quantization_util.h (SafeCast)
    """
    x = np.asarray(x, np.float64)
    fits = (x >= low) & (x < float(high + 1))
    truncated = np.trunc(np.where(fits, x, 0.0)).astype(np.int64)
    return np.where(fits, truncated, np.where(x < low, low, high))


@kernel("CAST", _TYPES, when=lambda node: node.output().type in _TYPES)
def numbers(node: Node) -> Kernel:
    """Whole elements of bytes."""
    dtype = node.output().dtype

    def run(x: Array) -> Array:
        if x.dtype == dtype:
            return x
        real = x.real if x.dtype.kind == "c" else x
        with np.errstate(all="ignore"):
            if dtype.kind in "iu" and real.dtype.kind == "f":
                info = np.iinfo(dtype)
                return truncate_and_saturate(real, int(info.min), int(info.max)).astype(dtype)
            if dtype.kind == "c" or dtype == np.float16:
                real = real.astype(np.float32)
            return real.astype(dtype)

    return run


@kernel("CAST", [TensorType.FLOAT32], when=lambda node: node.output().type in _PACKED)
def to_packed(node: Node) -> Kernel:
    """Real numbers to codes of 4 or 2 bits."""
    output = node.output()
    low, high = _PACKED[output.type]

    def run(x: Array) -> Array:
        return truncate_and_saturate(x, low, high).astype(output.dtype)

    return run


@kernel("CAST", list(_PACKED), when=lambda node: node.output().type is TensorType.FLOAT32)
def from_packed(node: Node) -> Kernel:
    """Codes of 4 or 2 bits to real numbers."""
    dtype = node.output().dtype

    def run(x: Array) -> Array:
        return x.astype(dtype)

    return run
