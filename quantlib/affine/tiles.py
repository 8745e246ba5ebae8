"""Long arrays in tiles: the same elementwise arithmetic, while the numbers are still in the cache.

A NumPy expression walks through memory once per operation and allocates as much again each time.
In tiles the intermediate results stay in the second-level cache and the scratch is bounded; the
elements do not notice. Arrays that are not contiguous, or not float32, go through NumPy's own
buffered iterator, so their scratch is bounded too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["TILE", "in_tiles", "in_tiles_with"]

TILE = 1 << 18
"""Elements per tile: 1 MiB of float32."""

Kernel: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], None]
"""Reads a tile and fills the tile of the result; both one-dimensional and contiguous."""


def in_tiles(kernel: Kernel, x: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Fill `out` by a kernel that works element by element.

    Parameters
    ----------
    kernel : callable (tile of x, tile of out) -> None
    x : array, only read
    out : array of the same shape; where it overlaps `x` in memory, x is copied first

    Returns
    -------
    `out`

    Examples
    --------
    >>> in_tiles(lambda x, y: np.negative(x, out=y), np.arange(4.0)[::2], np.empty(2)).tolist()
    [-0.0, -2.0]
    """
    if x.size == 0:
        return out
    if np.may_share_memory(x, out):
        x = x.copy()
    if x.flags.c_contiguous and out.flags.c_contiguous:
        x_flat, out_flat = x.reshape(-1), out.reshape(-1)
        for start in range(0, x.size, TILE):
            kernel(x_flat[start : start + TILE], out_flat[start : start + TILE])
        return out
    with _iterate((x, out)) as tiles:
        for x_tile, out_tile in tiles:
            kernel(x_tile, out_tile)
    return out


def in_tiles_with(
    kernel: Callable[..., None], x: NDArray[Any], others: tuple[NDArray[Any], ...], out: NDArray[Any]
) -> NDArray[Any]:
    """Fill `out` by a kernel that also takes arrays which broadcast against `x`.

    Parameters
    ----------
    kernel : callable (tile of x, *tiles of others, tile of out) -> None
    x, others : arrays, only read
    out : array of the shape of x

    Returns
    -------
    `out`

    Examples
    --------
    >>> def add(x, y, out):
    ...     np.add(x, y, out=out)
    >>> in_tiles_with(add, np.ones((2, 2)), (np.array([1.0, 2.0]),), np.empty((2, 2))).tolist()
    [[2.0, 3.0], [2.0, 3.0]]
    """
    if x.size == 0:
        return out
    if np.may_share_memory(x, out):
        x = x.copy()
    shaped = (np.broadcast_to(other, x.shape) for other in others)
    with _iterate((x, *shaped, out)) as tiles:
        for every_tile in tiles:
            kernel(*every_tile)
    return out


def _iterate(operands: tuple[NDArray[Any], ...]) -> Any:
    reads: Any = ("readonly", "nbo", "aligned", "contig")
    writes: Any = ("writeonly", "nbo", "aligned", "contig")
    return np.nditer(
        operands,
        flags=("external_loop", "buffered", "zerosize_ok"),
        op_flags=((reads,) * (len(operands) - 1) + (writes,)),
        buffersize=TILE,
    )
