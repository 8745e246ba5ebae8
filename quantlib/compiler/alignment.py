"""Arrays that begin on a cache line: vectors that span two lines cost a fifth of a small product's time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["aligned", "aligned_bytes"]

_LINE = 64
"""Bytes of a cache line."""


def aligned_bytes(size: int) -> NDArray[np.uint8]:
    """So many bytes from a line's beginning on, not initialized.

    Parameters
    ----------
    size : int

    Examples
    --------
    >>> aligned_bytes(100).ctypes.data % 64
    0
    """
    room = np.empty(size + _LINE, np.uint8)
    start = -room.ctypes.data % _LINE
    return room[start : start + size]


def aligned(array: NDArray[Any], dtype: DTypeLike | None = None) -> NDArray[Any]:
    """A contiguous copy from a line's beginning on.

    Parameters
    ----------
    array : ndarray
    dtype : data-type, optional
        Of the copy, if not the array's.

    Examples
    --------
    >>> aligned(np.arange(6).reshape(2, 3).T, np.float32).tolist()
    [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    """
    wanted = np.dtype(array.dtype if dtype is None else dtype)
    size = math.prod(array.shape) * wanted.itemsize
    copy: NDArray[Any] = aligned_bytes(size).view(wanted).reshape(array.shape)
    np.copyto(copy, array, casting="unsafe")
    return copy
