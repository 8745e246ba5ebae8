"""Sums of float32 rows in the order in which Eigen adds them inside the runtime.

Eigen adds packets of four floats in two running totals, from the first 16-byte boundary on, and what
lies before and after it last. So a row's sum depends on where in memory the row begins.

Used for float MEAN along the last axes and for float SOFTMAX and LOG_SOFTMAX of the optimized family.

Source: Eigen 5.0.1-dev, Eigen/src/Core/Redux.h (redux_impl, LinearVectorizedTraversal) and
Core/arch/SSE/PacketMath.h (predux)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_lanes", "sum_rows"]

Float32Array = NDArray[np.float32]


def sum_rows(x: Float32Array, *, computed: bool = False, packet: int = 4) -> Float32Array:
    """The sum of every row.

    Parameters
    ----------
    x : float32 array (r, k), k >= 1
        Rows lie one after the other in memory, the first on a packet's boundary.
    computed : bool
        Rows lie nowhere: they are computed as they are added, and each begins with a packet.
    packet : {4, 8}
        Floats in a packet of the build.

    Returns
    -------
    float32 array (r,)

    Examples
    --------
    >>> row = np.array([[1e8, 1, -1e8, 1]], np.float32)
    >>> sum_rows(row).tolist()  # (1e8 - 1e8) + (1 + 1)
    [2.0]
    >>> sum_rows(np.append(row, row, axis=1)[:, :5]).tolist()
    [100000000.0]
    >>> sum_rows(np.array([[1e8, 1, -1e8], [1e8, 1, -1e8]], np.float32)).tolist()  # no packet
    [0.0, 0.0]
    """
    x = np.asarray(x, np.float32)
    count, size = x.shape
    total = np.empty(count, np.float32)
    # Floats between the last boundary and the row.
    offsets = np.arange(count) * (0 if computed else size) % packet
    for offset in range(packet):
        chosen = offsets == offset
        if np.any(chosen):
            total[chosen] = _sum(x[chosen], min(-offset % packet, size), packet)
    return total


def add_lanes(vector: Float32Array) -> Float32Array:
    """The sum of a packet's lanes: halves are added until four are left, then (a + c) + (b + d).

    Parameters
    ----------
    vector : float32 array (..., 4) or (..., 8)

    Returns
    -------
    float32 array (...)

    Examples
    --------
    >>> add_lanes(np.array([1e8, 1, -1e8, 1], np.float32)).item()
    2.0
    """
    while vector.shape[-1] > 1:
        half = vector.shape[-1] // 2
        vector = vector[..., :half] + vector[..., half:]
    return vector[..., 0]


def _sum(x: Float32Array, start: int, packet: int) -> Float32Array:
    """Rows whose first boundary comes after `start` elements."""
    size = x.shape[1]
    packets = (size - start) // packet
    stop = start + packets * packet
    if packets == 0:
        total, rest = x[:, 0], x[:, 1:]
    else:
        vectors = x[:, start:stop].reshape(-1, packets, packet)
        vector = vectors[:, 0]
        if packets > 1:
            pairs = packets // 2 * 2
            even, odd = vector, vectors[:, 1]
            for index in range(2, pairs, 2):
                even, odd = even + vectors[:, index], odd + vectors[:, index + 1]
            vector = even + odd
            if pairs < packets:
                vector = vector + vectors[:, -1]
        total = add_lanes(vector)
        rest = np.concatenate((x[:, :start], x[:, stop:]), axis=1)
    for index in range(rest.shape[1]):
        total = total + rest[:, index]
    return np.asarray(total, np.float32)
