"""Smallest and largest elements, per tensor, per channel and per block, at the speed of memory.

NumPy reduces along the contiguous axis with vector instructions, but along others one short row at
a time. Rows are therefore widened (several rows side by side are one long row) and taken in tiles
that stay in the cache; minimum and maximum do not depend on the order, so the result is the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.affine.intake import axis_index, integer, real_array
from quantlib.errors import InvalidInputError

__all__ = ["block_min_max", "min_max"]

Extrema = tuple[NDArray[Any], NDArray[Any]]

_TILE = 1 << 16
"""Elements per tile: 256 KiB of float32, which fits a second-level cache."""

_LONG = 256
"""Run length from which NumPy's reductions along the contiguous axis run at full speed."""

_WIDE = 4096
"""Row length from which NumPy's elementwise loops run at full speed."""


def min_max(data: ArrayLike, quantized_dimension: int | None = None) -> Extrema:
    """The smallest and the largest element, per tensor or per index of an axis.

    Parameters
    ----------
    data : array_like of real numbers, not empty
    quantized_dimension : int, optional
        The axis that keeps its indices; negative counts from the end. None: one pair for all.

    Returns
    -------
    minimum, maximum : arrays of shape () or (channels,) in the dtype of `data`
        NaN where the data hold a NaN.

    Raises
    ------
    InvalidInputError
        Naming `data`, if there is no element to look at.

    Examples
    --------
    >>> low, high = min_max(np.array([[1, -2], [3, 4]]), quantized_dimension=0)
    >>> low.tolist(), high.tolist()
    ([-2, 3], [1, 4])
    """
    array = real_array(data, "data")
    axis = (
        None
        if quantized_dimension is None
        else axis_index(quantized_dimension, array.ndim, "quantized_dimension")
    )
    if array.size == 0:
        raise InvalidInputError("data", f"shape {array.shape}", "at least one element")
    if array.flags.f_contiguous and not array.flags.c_contiguous:
        axis = None if axis is None else array.ndim - 1 - axis
        array = array.T
    if axis is None:
        return _min_max_of_all(array)
    if not array.flags.c_contiguous:
        others = tuple(i for i in range(array.ndim) if i != axis)
        return array.min(axis=others), array.max(axis=others)
    channels = array.shape[axis]
    inner = int(np.prod(array.shape[axis + 1 :], dtype=np.int64))
    if inner >= _LONG or channels * inner > _TILE:
        return _min_max_of_runs(array.reshape(-1, channels, inner))
    low, high = _min_max_of_columns(array.reshape(-1, channels * inner))
    return low.reshape(channels, inner).min(axis=1), high.reshape(channels, inner).max(axis=1)


def block_min_max(data: ArrayLike, quantized_dimension: int, block_size: int) -> Extrema:
    """The smallest and the largest element of each block of consecutive elements along an axis.

    Parameters
    ----------
    data : array_like of real numbers, not empty
    quantized_dimension : int
        The axis that is cut into blocks.
    block_size : int
        Divides the length of that axis.

    Returns
    -------
    minimum, maximum : arrays of the shape of `data`, with the axis shortened to its blocks

    Examples
    --------
    >>> low, high = block_min_max(np.array([[1, -2, 3, 4]]), quantized_dimension=1, block_size=2)
    >>> low.tolist(), high.tolist()
    ([[-2, 3]], [[1, 4]])
    """
    array = real_array(data, "data")
    axis = axis_index(quantized_dimension, array.ndim, "quantized_dimension")
    block_size = integer(block_size, "block_size", 1, 2**31 - 1)
    if array.size == 0:
        raise InvalidInputError("data", f"shape {array.shape}", "at least one element")
    if array.shape[axis] % block_size:
        wanted = f"a multiple of block_size {block_size} along axis {axis}"
        raise InvalidInputError("data", f"shape {array.shape}", wanted)
    blocks = array.reshape(*array.shape[:axis], -1, block_size, *array.shape[axis + 1 :])
    return blocks.min(axis=axis + 1), blocks.max(axis=axis + 1)


def _min_max_of_all(array: NDArray[Any]) -> Extrema:
    if not array.flags.c_contiguous:
        return np.asarray(array.min()), np.asarray(array.max())
    flat = array.reshape(-1)
    starts = range(0, flat.size, 4 * _TILE)
    tiles = [flat[start : start + 4 * _TILE] for start in starts]
    low, high = np.empty(len(tiles), flat.dtype), np.empty(len(tiles), flat.dtype)
    for i, tile in enumerate(tiles):
        low[i], high[i] = tile.min(), tile.max()
    return np.asarray(low.min()), np.asarray(high.max())


def _min_max_of_runs(runs: NDArray[Any]) -> Extrema:  # (outer, channels, inner)
    outer, channels, inner = runs.shape
    rows = runs.reshape(-1, inner)
    low, high = np.empty(outer * channels, runs.dtype), np.empty(outer * channels, runs.dtype)
    if inner > _TILE:
        for row in range(len(rows)):
            low[row], high[row] = _min_max_of_all(rows[row])
    else:
        count = max(1, _TILE // inner)
        for top in range(0, len(rows), count):
            np.min(rows[top : top + count], axis=1, out=low[top : top + count])
            np.max(rows[top : top + count], axis=1, out=high[top : top + count])
    per_run = (outer, channels)
    return low.reshape(per_run).min(axis=0), high.reshape(per_run).max(axis=0)


def _min_max_of_columns(rows: NDArray[Any]) -> Extrema:  # (rows, columns)
    count, columns = rows.shape
    side_by_side = max(1, _WIDE // columns)
    whole = count // side_by_side * side_by_side
    low, high = rows[0].copy(), rows[0].copy()
    if whole:
        wide = rows[:whole].reshape(-1, side_by_side * columns)
        low_wide, high_wide = wide[0].copy(), wide[0].copy()
        step = max(1, _TILE // wide.shape[1])
        for start in range(0, wide.shape[0], step):
            tile = wide[start : start + step]
            np.minimum(low_wide, tile.min(axis=0), out=low_wide)
            np.maximum(high_wide, tile.max(axis=0), out=high_wide)
        low = low_wide.reshape(side_by_side, columns).min(axis=0)
        high = high_wide.reshape(side_by_side, columns).max(axis=0)
    if whole < count:
        low = np.minimum(low, rows[whole:].min(axis=0))
        high = np.maximum(high, rows[whole:].max(axis=0))
    return low, high
