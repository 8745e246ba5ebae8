"""RESIZE_NEAREST_NEIGHBOR: an image of another size, each pixel the nearest one.

    y[n, i, j, c] = x[n, p(i), p(j), c]      p(i) = min(round(f32(f32(i + offset) · scale)), extent − 1)

    scale     align_corners and more than one pixel asked for: f32(extent − 1) / f32(size − 1);
              else f32(extent) / f32(size)
    offset    half_pixel_centers: 0.5; else 0
    round     align_corners: halves away from zero; else down

everything in float32. Inputs: x (n, h, w, c), size (2,).

(C1) x has four dimensions, y has its type; elements of at most 32 bits.
(C2) The size is two int32, height and width, none negative.
(C3) There are pixels to choose from. (LiteRT crashes without.)

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/resize_nearest_neighbor.cc, internal/reference/resize_nearest_neighbor.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import rounding
from quantlib.model.graph import TensorType
from quantlib.ops._movement import check_shape, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["ResizeNearestNeighborOptions", "nearest"]


@dataclass(frozen=True, slots=True)
class ResizeNearestNeighborOptions:
    """How pixels of the two images correspond."""

    align_corners: bool = False
    half_pixel_centers: bool = False


rule("RESIZE_NEAREST_NEIGHBOR", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


_TYPES = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.BOOL,
    TensorType.UINT16,
    TensorType.UINT32,
)


def nearest(options: ResizeNearestNeighborOptions, extent: int, size: int) -> NDArray[np.int64]:
    """The input's index for every index of the output, along one axis.

    Parameters
    ----------
    options : ResizeNearestNeighborOptions
    extent, size : int
        Of the input, at least 1, and of the output.

    Returns
    -------
    int64 array (size,)

    Examples
    --------
    >>> nearest(ResizeNearestNeighborOptions(), 2, 5).tolist()
    [0, 0, 0, 1, 1]
    >>> nearest(ResizeNearestNeighborOptions(align_corners=True), 2, 5).tolist()
    [0, 0, 1, 1, 1]
    """
    if options.align_corners and size > 1:
        scale = np.float32(extent - 1) / np.float32(size - 1)
    else:
        scale = np.float32(extent) / np.float32(max(size, 1))
    offset = np.float32(0.5 if options.half_pixel_centers else 0)
    position = (np.arange(size, dtype=np.int64).astype(np.float32) + offset) * scale
    rounded = rounding.round_half_away_from_zero(position) if options.align_corners else np.floor(position)
    return np.minimum(rounding.float_to_int32(rounded), extent - 1)


@kernel("RESIZE_NEAREST_NEIGHBOR", _TYPES)
def resize_nearest_neighbor(node: Node) -> Kernel:
    """Elements as they are, some of them, more than once."""
    options = node.read_options(ResizeNearestNeighborOptions)
    require_type(node, 1, "size", [TensorType.INT32])
    require_same_type(node)

    def run(x: Array, size: Array) -> Array:
        node.require(x.ndim == 4, "input 0", f"{x.ndim} dimensions", "4")
        height, width = integers(node, "input 1 (size)", size, 2)
        node.require(height >= 0 and width >= 0, "input 1 (size)", (height, width), "0 or more")
        n, h, w, c = x.shape
        check_shape(node, (n, height, width, c), x.itemsize)
        if 0 in (n, height, width, c):
            return np.empty((n, height, width, c), x.dtype)
        node.require(h >= 1 and w >= 1, "input 0", f"{h} × {w} pixels", "1 or more")
        return x[:, nearest(options, h, height)][:, :, nearest(options, w, width)]

    return run
