"""Sums of float32 products in a stated order, every product and every sum rounded.

Source: LiteRT tflite/kernels/internal/reference/conv.h and fully_connected.h, whose loops these are;
compiled without fused multiply-add
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_products_float32", "sum_products_float32"]


def add_products_float32(total: NDArray[np.float32], x: NDArray[np.float32], w: NDArray[np.float32]) -> None:
    """Add x[..., k] · w[..., k] to an array, one k after the other, each step rounded to float32.

    The order of k and the two roundings per step decide every bit.

    Parameters
    ----------
    total : float32 array (...), written to
    x, w : float32 arrays (..., k), whose leading axes broadcast to those of `total`
    """
    product = np.empty(total.shape, np.float32)
    columns = np.ascontiguousarray(np.moveaxis(x, -1, 0))
    places = np.ascontiguousarray(np.moveaxis(w, -1, 0))
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for column, place in zip(columns, places, strict=True):
            np.multiply(column, place, out=product)
            np.add(total, product, out=total)


def sum_products_float32(x: NDArray[np.float32], w: NDArray[np.float32]) -> NDArray[np.float32]:
    """Σ x[p, k] · w[o, k], as `add_products_float32` adds them to 0.

    Parameters
    ----------
    x : float32 array (..., p, k)
    w : float32 array (..., o, k), leading axes broadcast against those of `x`

    Returns
    -------
    float32 array (..., p, o)

    Examples
    --------
    >>> x = np.array([[2.0**24, 1.0, -(2.0**24)]], np.float32)
    >>> sum_products_float32(x, np.ones((1, 3), np.float32)).tolist()  # 2**24 + 1 rounds to 2**24
    [[0.0]]
    """
    leading = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
    total = np.zeros((*leading, x.shape[-2], w.shape[-2]), np.float32)
    add_products_float32(total, x[..., :, None, :], w[..., None, :, :])
    return total
