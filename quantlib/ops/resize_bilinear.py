"""RESIZE_BILINEAR: an image of another size, each pixel a mean of four.

    y[n, i, j, c] = Σ over a, b in {0, 1} of x[n, i_a, j_b, c] · wy_a · wx_b

i_0, i_1 are the rows below and above the position of i in the input, wy_1 how far it lies from i_0,
and wy_0 = 1 − wy_1; likewise for columns. The position is i · scale, or (i + ½) · scale − ½ with
`half_pixel_centers`; the scale is extent / size, or (extent − 1) / (size − 1) with `align_corners`
where more than one pixel is asked for. Inputs: x (n, h, w, c), size (2,).

float32, uint8: everything in float32, the terms x · wy · wx added in the order (0,0), (1,0), (0,1),
(1,1), then 0 (float32: which turns −0 into 0) or 0.5 and truncated (uint8).
int8, int16: positions in 1/1024, the scale rounded to them; sums in 1/2²⁰, rounded, halves away
from zero.

(C1) x has four dimensions, y has its type.
(C2) The size is two int32, height and width, 1 or more.
(C3) `align_corners` and `half_pixel_centers` exclude each other where the size is constant; where it
     is not, nobody asks.
(C4) There are pixels to choose from. (LiteRT crashes without.)
(C5) Every position lies in the input. Rounding the integer scale, or both options at once, can lead
     beyond its end, where LiteRT reads what happens to be there.

Quantization parameters are not looked at: codes of x become codes of y.

Source: LiteRT tflite/kernels/resize_bilinear.cc, internal/reference/resize_bilinear.h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.model.graph import TensorType
from quantlib.ops._movement import check_shape, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__ = ["ResizeBilinearOptions"]


@dataclass(frozen=True, slots=True)
class ResizeBilinearOptions:
    """How pixels of the two images correspond."""

    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """The two input pixels of every output pixel along an axis, and what they weigh.

    Parameters
    ----------
    lower, upper : int64 arrays (size,)
    lower_weight, upper_weight : arrays (size,)
        float32, or int64 in 1/1024.
    """

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    lower_weight: Array
    upper_weight: Array


def real_taps(options: ResizeBilinearOptions, extent: int, size: int) -> Taps:
    """Taps with float32 weights."""
    scale = np.float32(extent) / np.float32(size)
    if options.align_corners and size > 1:
        scale = np.float32(extent - 1) / np.float32(size - 1)
    index = np.arange(size, dtype=np.int64).astype(np.float32)
    half = np.float32(0.5)
    position = (index + half) * scale - half if options.half_pixel_centers else index * scale
    lower = np.maximum(np.floor(position).astype(np.int64), 0)
    upper = np.minimum(np.ceil(position).astype(np.int64), extent - 1)
    beyond = position - lower.astype(np.float32)
    return Taps(lower, upper, np.float32(1) - beyond, beyond)


def integer_taps(options: ResizeBilinearOptions, extent: int, size: int) -> Taps:
    """Taps with weights in 1/1024."""
    scale = (1024 * extent + size // 2) // size
    if options.align_corners and size > 1:
        scale = (1024 * (extent - 1) + (size - 1) // 2) // (size - 1)
    position = np.arange(size, dtype=np.int64) * scale
    if options.half_pixel_centers:
        position = position + scale // 2 - 512
    # A position below 0 is above -512: dividing down or towards zero gives the same.
    lower = np.maximum(position // 1024, 0)
    upper = np.minimum((position + 1023) // 1024, extent - 1)
    beyond = position - 1024 * lower
    return Taps(lower, upper, 1024 - beyond, beyond)


def _resize(
    node: Node,
    taps_of: Callable[[ResizeBilinearOptions, int, int], Taps],
    finish: Callable[[Array], Array],
) -> Kernel:
    """The kernel: gather four pixels, weigh, add, and let `finish` round."""
    options = node.read_options(ResizeBilinearOptions)
    require_type(node, 1, "size", [TensorType.INT32])
    require_same_type(node)
    both = options.align_corners and options.half_pixel_centers
    node.require(
        not both or node.input(1).constant is None, "half_pixel_centers", "with align_corners", "one"
    )

    def run(x: Array, size: Array) -> Array:
        node.require(x.ndim == 4, "input 0", f"{x.ndim} dimensions", "4")
        height, width = integers(node, "input 1 (size)", size, 2)
        node.require(height >= 1 and width >= 1, "input 1 (size)", (height, width), "1 or more")
        n, h, w, c = x.shape
        check_shape(node, (n, height, width, c), 8)
        if 0 in (n, c):
            return np.empty((n, height, width, c), x.dtype)
        node.require(h >= 1 and w >= 1, "input 0", f"{h} × {w} pixels", "1 or more")
        rows, columns = taps_of(options, h, height), taps_of(options, w, width)
        for taps, extent in ((rows, h), (columns, w)):
            last = int(taps.lower.max())
            node.require(last < extent, "input 1 (size)", f"position {last}", f"below {extent}")
        return finish(_sum_of_four(x, rows, columns))

    return run


def _sum_of_four(x: Array, rows: Taps, columns: Taps) -> Array:
    """Σ x · wy · wx in the kernels' order, in the dtype of the weights."""
    total: Array | None = None
    for column, wx in ((columns.lower, columns.lower_weight), (columns.upper, columns.upper_weight)):
        for row, wy in ((rows.lower, rows.lower_weight), (rows.upper, rows.upper_weight)):
            pixels = x[:, row][:, :, column].astype(wx.dtype)  # (n, i, j, c)
            term = pixels * wy[:, None, None] * wx[:, None]
            total = term if total is None else total + term
    assert total is not None
    return total


@kernel("RESIZE_BILINEAR", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real means."""
    return _resize(node, real_taps, lambda total: np.asarray(total + np.float32(0)))


@kernel("RESIZE_BILINEAR", [TensorType.UINT8])
def uint8(node: Node) -> Kernel:
    """Real means of codes, rounded."""

    def finish(total: Array) -> Array:
        codes = np.trunc(total + np.float32(0.5)).astype(np.int64)
        return fixed_point.saturate(codes, 0, 255).astype(np.uint8)

    return _resize(node, real_taps, finish)


@kernel("RESIZE_BILINEAR", [TensorType.INT8, TensorType.INT16])
def integer(node: Node) -> Kernel:
    """Integer means of codes."""
    dtype = node.output().dtype

    def finish(total: Array) -> Array:
        rounded = np.sign(total) * ((np.abs(total) + (1 << 19)) >> 20)
        return np.asarray(rounded, dtype)

    return _resize(node, integer_taps, finish)
