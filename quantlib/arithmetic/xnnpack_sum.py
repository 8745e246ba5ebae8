"""Sums of float32 in the orders in which XNNPACK adds them, with vectors of 16 floats.

Along an axis that is not the last it adds in order. Along the last, element i of a row is in lane i % 16 of vector i // 16. Vectors go in turn to two running totals, which
are then added to each other; what fills no vector comes last; then the lanes are folded in halves.
Denormals count as 0, at every step. This is the order of AVX-512 (`Profile.vectors`), the only one that
was measured; vectors of another width give other last bits.

Used for SUM, MEAN and SOFTMAX of the XNNPACK family.

Source: google/XNNPACK src/f32-rsum, src/f32-rdsum, src/f32-raddstoreexpminusmax, src/xnnpack/simd/f32-avx512f.h
(xnn_reduce_add_f32); measured on ai-edge-litert 2.3.0
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic.flush import flush_denormals

__all__ = ["sum_exponentials", "sum_in_order", "sum_rows"]

Float32Array = NDArray[np.float32]

_LANES = 16
_SUMS_ARE_NORMAL_FROM = np.float32(2.0**-102)
"""Such numbers are multiples of 2**-125, and so are their sums, rounded or not."""


def sum_in_order(rows: Float32Array) -> Float32Array:
    """((0 + row 0) + row 1) + …, denormals of every step counted as 0.

    Parameters
    ----------
    rows : float32 array (r, n)

    Returns
    -------
    float32 array (n,)

    Examples
    --------
    >>> sum_in_order(np.array([[1e8], [1], [-1e8]], np.float32)).tolist()
    [0.0]

    Source: google/XNNPACK src/f32-rdsum
    """
    rows = flush_denormals(rows)
    add = _addition_of(rows)
    total = np.zeros(rows.shape[1], np.float32)
    with np.errstate(all="ignore"):
        for row in rows:
            total = add(total, row)
    return total


def sum_rows(x: Float32Array) -> Float32Array:
    """The sum of every row.

    Parameters
    ----------
    x : float32 array (r, k)

    Returns
    -------
    float32 array (r,)

    Examples
    --------
    >>> row = np.zeros((1, 17), np.float32)
    >>> row[0, [0, 8, 16]] = 1e8, 1, -1e8  # the last meets the first, then the halves meet
    >>> sum_rows(row).tolist()
    [1.0]
    >>> row[0, [0, 8, 16]] = 1e8, -1e8, 1
    >>> sum_rows(row).tolist()
    [0.0]

    Source: google/XNNPACK src/f32-rsum/gen/f32-rsum-avx512f-u32-acc2.c
    """
    return _sum(x, step=2, joins_last=True)


def sum_exponentials(x: Float32Array) -> Float32Array:
    """The sum of every row as SOFTMAX forms it: what fills no four vectors is added after the totals met.

    Parameters
    ----------
    x : float32 array (r, k)

    Returns
    -------
    float32 array (r,)

    Examples
    --------
    >>> sum_exponentials(np.ones((2, 100), np.float32)).tolist()
    [100.0, 100.0]

    Source: google/XNNPACK src/f32-raddstoreexpminusmax/gen (avx512f-rr2-p5-u64-acc2)
    """
    return _sum(x, step=4, joins_last=False)


def _sum(x: Float32Array, *, step: int, joins_last: bool) -> Float32Array:
    """Rows whose first vectors, a multiple of `step`, alternate; the others go to the first or to both."""
    x = flush_denormals(x)
    size = x.shape[1]
    vectors = size // _LANES
    alternating = vectors // step * step
    lanes = x[:, : vectors * _LANES].reshape(x.shape[0], vectors, _LANES)
    add = _addition_of(x)
    with np.errstate(all="ignore"):
        totals = np.zeros((2, x.shape[0], _LANES), np.float32)
        for index in range(0, alternating, 2):
            totals = add(totals, lanes[:, index : index + 2].swapaxes(0, 1))
        first, second = totals
        rest = [lanes[:, index] for index in range(alternating, vectors)]
        if joins_last:
            for vector in rest:
                first = add(first, vector)
            rest = []
        total = add(first, second)
        for vector in rest:
            total = add(total, vector)
        tail = x[:, vectors * _LANES :]
        total = np.concatenate((add(total[:, : tail.shape[1]], tail), total[:, tail.shape[1] :]), axis=1)
        width = _LANES
        while width > 1:
            width //= 2
            total = add(total[:, :width], total[:, width:])
    return total[:, 0]


def _addition_of(x: Float32Array) -> Callable[[Float32Array, Float32Array], Float32Array]:
    """How to add these numbers: denormal sums are looked for only where there can be some."""
    return _add_flushed if np.any((x != 0) & (np.abs(x) < _SUMS_ARE_NORMAL_FROM)) else _add


def _add(a: Float32Array, b: Float32Array) -> Float32Array:
    return np.asarray(a + b, np.float32)


def _add_flushed(a: Float32Array, b: Float32Array) -> Float32Array:
    return flush_denormals(a + b)
