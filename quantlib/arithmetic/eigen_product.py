"""Matrix products of float32 in the order in which Eigen's kernels add inside the runtime.

Eigen multiplies a panel of outputs at a time. A panel of two vectors of units adds its products one
after the other; a panel of one vector keeps two running totals, of even and odd terms, for every four
rows of x that it takes together; units that fill no vector keep four; what is left of the rows, and
deep products, are added in other ways again. Nothing is fused: the builds that are reproduced here
were compiled without fused multiply-add, and every product and sum is rounded.

Used for float CONV_2D and FULLY_CONNECTED of the optimized family.

Source: Eigen 5.0.1-dev, Eigen/src/Core/products/GeneralBlockPanelKernel.h (gebp_kernel,
evaluateProductBlockingSizesHeuristic), GeneralMatrixVector.h, GeneralMatrixMatrix.h and
Core/InnerProduct.h; LiteRT tflite/kernels/cpu_backend_gemm_eigen.cc
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic.eigen_sum import add_lanes, sum_rows
from quantlib.arithmetic.ordered import add_products_float32, sum_products_float32

__all__ = ["ROWS_TOGETHER", "in_blocks", "product", "terms_at_a_time"]

Float32Array = NDArray[np.float32]

ROWS_TOGETHER = 4
"""Rows of x that a panel takes at once."""

_UNROLLED = 8
"""Terms that the loops over panels take at once."""

_HALF = 4
"""Units of the half vector, where a vector has eight."""

_SMALL = 20
"""Products of fewer rows, units and terms together are summed element by element."""

_UNBLOCKED = 48
"""Products all of whose extents are below this are not divided."""


def product(x: Float32Array, w: Float32Array, *, packet: int = 4, l1_bytes: int = 32768) -> Float32Array:
    """Σ x[p, k] · w[o, k].

    Parameters
    ----------
    x : float32 array (p, k)
    w : float32 array (o, k)
    packet : {4, 8}
        Floats in a vector of the build.
    l1_bytes : int
        Of the processor's first data cache, which bounds how many terms are added at a time.

    Returns
    -------
    float32 array (p, o)

    Examples
    --------
    >>> x = np.array([[2.0**24, 1.0, -(2.0**24), 1.0]], np.float32)
    >>> product(x, np.ones((2, 4), np.float32)).tolist()  # one vector: (a + c) + (b + d)
    [[2.0, 2.0]]
    >>> product(np.repeat(x, 4, axis=0), np.ones((16, 4), np.float32))[0, 0].item()  # one by one
    1.0
    """
    (rows, depth), units = x.shape, w.shape[0]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if rows == 0 or units == 0 or depth == 0:
            return np.zeros((rows, units), np.float32)
        if rows == units == 1:
            return _inner(x * w, packet)[:, None] + np.float32(0)  # added to 0: -0.0 becomes 0.0
        if rows == 1:
            return _by_vector(w, x[0], packet)[None]
        if units == 1:
            return _by_vector(x, w[0], packet)[:, None]
        if rows + depth + units < _SMALL:
            return np.stack([sum_rows(x * unit, computed=True, packet=packet) for unit in w], axis=1)
        return in_blocks(x, w, terms_at_a_time(rows, depth, units, packet, l1_bytes), packet)


def in_blocks(x: Float32Array, w: Float32Array, step: int, packet: int) -> Float32Array:
    """Σ x[p, k] · w[o, k] of panels, so many terms at a time.

    Parameters
    ----------
    x : float32 array (p, k)
    w : float32 array (o, k)
    step : int
    packet : {4, 8}

    Returns
    -------
    float32 array (p, o)
    """
    total = _panels(x[:, :step], w[:, :step], packet)
    for begin in range(step, x.shape[1], step):
        total += _panels(x[:, begin : begin + step], w[:, begin : begin + step], packet)
    return total


def terms_at_a_time(rows: int, depth: int, units: int, packet: int, l1_bytes: int) -> int:
    """As many as let a panel of both factors lie in the cache, and the last block be nearly as deep.

    Parameters
    ----------
    rows, depth, units : int
    packet : {4, 8}
    l1_bytes : int
        Of the processor's first data cache.
    """
    if max(rows, depth, units) < _UNBLOCKED:
        return depth
    panel = 2 * packet
    most = (l1_bytes - 4 * panel * ROWS_TOGETHER) // (4 * (panel + ROWS_TOGETHER)) // _UNROLLED * _UNROLLED
    most = max(most, 1)
    if depth <= most:
        return depth
    blocks, left = divmod(depth, most)
    return most if left == 0 else most - _UNROLLED * ((most - 1 - left) // (_UNROLLED * (blocks + 1)))


def _panels(x: Float32Array, w: Float32Array, packet: int) -> Float32Array:
    """One block of terms."""
    rows, units = len(x), len(w)
    wide = units // (2 * packet) * (2 * packet)
    single = wide + (units - wide) // packet * packet
    if packet > _HALF:
        single += (units - single) // _HALF * _HALF
    together = rows // ROWS_TOGETHER * ROWS_TOGETHER
    total = np.empty((rows, units), np.float32)
    total[:, :wide] = sum_products_float32(x, w[:wide])
    total[together:, wide:] = sum_products_float32(x[together:], w[wide:])
    if together and wide < single:
        total[:together, wide:single] = _even_and_odd(x[:together], w[wide:single])
    if together and single < units:
        total[:together, single:] = _four_totals(x[:together], w[single:], packet // ROWS_TOGETHER)
    return total


def _even_and_odd(x: Float32Array, w: Float32Array) -> Float32Array:
    """Two totals until all unrolled terms are taken, one for the rest."""
    stop = x.shape[1] // _UNROLLED * _UNROLLED
    total = sum_products_float32(x[:, 0:stop:2], w[:, 0:stop:2])
    total += sum_products_float32(x[:, 1:stop:2], w[:, 1:stop:2])
    add_products_float32(total, x[:, None, stop:], w[:, stop:])
    return total


def _four_totals(x: Float32Array, w: Float32Array, lanes: int) -> Float32Array:
    """Four totals of as many terms side by side as a vector has room for; lanes are added at the end."""
    depth = x.shape[1]
    unrolled, whole = depth // (4 * lanes) * (4 * lanes), depth // lanes * lanes
    ends = []
    for lane in range(lanes):
        a, b, c, d = (
            sum_products_float32(x[:, begin : unrolled : 4 * lanes], w[:, begin : unrolled : 4 * lanes])
            for begin in range(lane, 4 * lanes, lanes)
        )
        total = (a + b) + (c + d)
        rest = slice(unrolled + lane, whole, lanes)
        add_products_float32(total, x[:, None, rest], w[:, rest])
        ends.append(total)
    total = ends[0] if lanes == 1 else ends[0] + ends[1]
    add_products_float32(total, x[:, None, whole:], w[:, whole:])
    return total


def _by_vector(matrix: Float32Array, vector: Float32Array, packet: int) -> Float32Array:
    """Every row times the vector, (r,): a total for each lane, then the lanes, then what fills no vector.

    The last of an odd number of rows is alone, and takes half vectors where there are any.
    """
    products = matrix * vector
    totals = _in_lanes(products, packet, ())
    if packet > _HALF and len(matrix) % 2:
        totals[-1:] = _in_lanes(products[-1:], packet, (_HALF,))
    return totals


def _in_lanes(products: Float32Array, packet: int, halves: tuple[int, ...]) -> Float32Array:
    total = np.zeros(len(products), np.float32)
    begin = 0
    for size in (packet, *halves):
        stop = begin + (products.shape[1] - begin) // size * size
        lanes = np.zeros((len(products), size), np.float32)
        for place in range(begin, stop, size):
            lanes += products[:, place : place + size]
        total = total + add_lanes(lanes)
        begin = stop
    for place in range(begin, products.shape[1]):
        total = total + products[:, place]
    return np.asarray(total, np.float32)


def _inner(products: Float32Array, packet: int) -> Float32Array:
    """Sums of rows, (r,), with four vectors of totals."""
    count, depth = products.shape
    vectors = products[:, : depth // packet * packet].reshape(count, -1, packet)
    if vectors.shape[1] == 0:
        total, begin = products[:, 0], 1
    else:
        totals = [vectors[:, place] for place in range(min(vectors.shape[1], 4))]
        for place in range(4, vectors.shape[1]):
            totals[place % 4] = totals[place % 4] + vectors[:, place]
        while len(totals) > 1:  # the fourth into the third, that into the second, that into the first
            last = totals.pop()
            totals[-1] = totals[-1] + last
        total, begin = add_lanes(totals[0]), vectors.shape[1] * packet
    for place in range(begin, depth):
        total = total + products[:, place]
    return np.asarray(total, np.float32)
