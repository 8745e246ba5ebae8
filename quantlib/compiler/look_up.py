"""Numbers looked up by whole numbers that stand in float32."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.ops._node import Array

__all__ = ["look_up"]


def look_up(
    table: NDArray[np.float32],
    x: NDArray[np.float32],
    smallest: np.float32,
    places: NDArray[np.intp],
    y: Array,
) -> None:
    """Write table[x - smallest] to y.

    Parameters
    ----------
    table : float32 array
    x : float32 array of whole numbers, smallest .. smallest + len(table) - 1
    smallest : float32
    places : intp array of the shape of x
        Written to.
    y : float32 array of the shape of x
        Written to; it need not be contiguous.
    """
    np.subtract(x, smallest, out=places, casting="unsafe")
    if y.flags.c_contiguous:
        table.take(places, out=y, mode="clip")
    else:
        y[...] = table.take(places, mode="clip")
