"""RESIZE_BILINEAR: an image of another size, each pixel a mean of four.

    y[n, i, j, c] = Σ over a, b in {0, 1} of x[n, i_a, j_b, c] · wy_a · wx_b

i_0, i_1 are the rows below and above the position of i in the input, wy_1 how far it lies from i_0,
and wy_0 = 1 − wy_1; likewise for columns. The position is i · scale, or (i + ½) · scale − ½ with
`half_pixel_centers`; the scale is extent / size, or (extent − 1) / (size − 1) with `align_corners`
where more than one pixel is asked for. Inputs: x (n, h, w, c), size (2,).

reference
    float32, uint8: everything in float32, the terms x · wy · wx added in the order (0,0), (1,0),
    (0,1), (1,1), then 0 (float32: which turns −0 into 0) or 0.5 and truncated (uint8).
    int8, int16: positions in 1/1024, the scale rounded to them; sums in 1/2²⁰, rounded, halves away
    from zero.
optimized
    float32, uint8: the weights are multiplied first, and the order is (0,0), (0,1), (1,0), (1,1).
    float32 twice as large along both axes, neither option: means of two, and means of these. uint8
    eight times as large, `half_pixel_centers`, channels in eights: integers, halves up.
xnnpack
    first along the row, then between rows: t = a + (b − a) · wx, y = t + (u − t) · wy. float32; or,
    for codes, integers with weights in 1/2048, rounded to even, and the sum halves up.

(C1) x has four dimensions, y has its type.
(C2) The size is two int32, height and width, 1 or more.
(C3) `align_corners` and `half_pixel_centers` exclude each other where the size is constant; where it
     is not, nobody asks.
(C4) There are pixels to choose from. (LiteRT crashes without.)
(C5) Every position lies in the input. Rounding the integer scale, or both options at once, can lead
     beyond its end, where LiteRT reads what happens to be there.

Quantization parameters are not looked at: codes of x become codes of y.

Source: LiteRT tflite/kernels/resize_bilinear.cc, internal/reference/resize_bilinear.h,
internal/optimized/resize_bilinear.h; XNNPACK src/indirection.c, src/s8-ibilinear/scalar.c.in,
src/f32-ibilinear/sse.c.in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantlib.arithmetic import fixed_point, rounding
from quantlib.model.graph import TensorType
from quantlib.ops._bilinear import (
    ResizeBilinearOptions,
    Taps,
    TapsOf,
    clamped_taps,
    integer_taps,
    real_taps,
)
from quantlib.ops._movement import check_shape, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["ResizeBilinearOptions"]

rule("RESIZE_BILINEAR", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))

_FLOAT32, _UINT8, _INT8, _INT16 = TensorType.FLOAT32, TensorType.UINT8, TensorType.INT8, TensorType.INT16


def _resize(node: Node, taps_of: TapsOf, combine: Callable[[Array, Taps, Taps], Array]) -> Kernel:
    """The kernel: find the taps along both axes, and let `combine` make the image."""
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
        return combine(x, rows, columns)

    return run


def _corners(x: Array, rows: Taps, columns: Taps) -> tuple[Array, Array, Array, Array]:
    """The four pixels of every output pixel: (0,0), (0,1), (1,0), (1,1); row first."""
    lower, upper = x[:, rows.lower], x[:, rows.upper]
    return (
        lower[:, :, columns.lower],
        lower[:, :, columns.upper],
        upper[:, :, columns.lower],
        upper[:, :, columns.upper],
    )


def _pixel_times_weights(x: Array, rows: Taps, columns: Taps) -> Array:
    """Σ (x · wy) · wx, column by column, in the dtype of the weights."""
    a, b, c, d = (corner.astype(rows.lower_weight.dtype) for corner in _corners(x, rows, columns))
    y0, y1 = rows.lower_weight[:, None, None], rows.upper_weight[:, None, None]
    x0, x1 = columns.lower_weight[:, None], columns.upper_weight[:, None]
    return np.asarray(a * y0 * x0 + c * y1 * x0 + b * y0 * x1 + d * y1 * x1)


def _pixel_times_product(x: Array, rows: Taps, columns: Taps) -> Array:
    """Σ x · (wy · wx), row by row, in float32."""
    a, b, c, d = (corner.astype(np.float32) for corner in _corners(x, rows, columns))
    y0, y1 = rows.lower_weight[:, None, None], rows.upper_weight[:, None, None]
    x0, x1 = columns.lower_weight[:, None], columns.upper_weight[:, None]
    return np.asarray(a * (y0 * x0) + b * (y0 * x1) + c * (y1 * x0) + d * (y1 * x1))


def _truncate(total: Array) -> Array:
    """Real codes to uint8, 0.5 added."""
    codes = np.trunc(total + np.float32(0.5)).astype(np.int64)
    return fixed_point.saturate(codes, 0, 255).astype(np.uint8)


@kernel("RESIZE_BILINEAR", [_FLOAT32])
def float32(node: Node) -> Kernel:
    """Real means."""
    zero = np.float32(0)
    return _resize(node, real_taps, lambda *image: np.asarray(_pixel_times_weights(*image) + zero))


@kernel("RESIZE_BILINEAR", [_UINT8])
def uint8(node: Node) -> Kernel:
    """Real means of codes, rounded."""
    return _resize(node, real_taps, lambda *image: _truncate(_pixel_times_weights(*image)))


@kernel("RESIZE_BILINEAR", [_INT8, _INT16])
def integer(node: Node) -> Kernel:
    """Integer means of codes."""
    dtype = node.output().dtype

    def combine(x: Array, rows: Taps, columns: Taps) -> Array:
        total = _pixel_times_weights(x, rows, columns)
        return np.asarray(np.sign(total) * ((np.abs(total) + (1 << 19)) >> 20), dtype)

    return _resize(node, integer_taps, combine)


@kernel("RESIZE_BILINEAR", [_FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """Real means in another order; twice the size has a kernel of its own."""
    options = node.read_options(ResizeBilinearOptions)
    plain = not options.align_corners and not options.half_pixel_centers

    def combine(x: Array, rows: Taps, columns: Taps) -> Array:
        if plain and (rows.lower.size, columns.lower.size) == (2 * x.shape[1], 2 * x.shape[2]):
            return _twice(x)
        return np.asarray(np.float32(0) + _pixel_times_product(x, rows, columns))

    return _resize(node, real_taps, combine)


def _twice(x: Array) -> Array:
    """Every pixel, and the means of two and of four neighbours."""
    half = np.float32(0.5)
    right = x[:, :, [*range(1, x.shape[2]), -1]]
    below, both = x[:, [*range(1, x.shape[1]), -1]], right[:, [*range(1, x.shape[1]), -1]]
    y = np.empty((x.shape[0], 2 * x.shape[1], 2 * x.shape[2], x.shape[3]), np.float32)
    y[:, ::2, ::2] = x
    y[:, ::2, 1::2] = (x + right) * half
    left = (x + below) * half
    y[:, 1::2, ::2] = left
    y[:, 1::2, 1::2] = (left + (right + both) * half) * half
    return y


@kernel("RESIZE_BILINEAR", [_UINT8], family="optimized")
def optimized_uint8(node: Node) -> Kernel:
    """Real means in another order; eight times the size has a kernel of its own."""
    options = node.read_options(ResizeBilinearOptions)
    centered = options.half_pixel_centers and not options.align_corners

    def combine(x: Array, rows: Taps, columns: Taps) -> Array:
        eightfold = (rows.lower.size, columns.lower.size) == (8 * x.shape[1], 8 * x.shape[2])
        if centered and eightfold and x.shape[3] % 8 == 0:
            # 1024 / 8 is a whole number: these taps are exact.
            exact = (integer_taps(options, extent, 8 * extent) for extent in x.shape[1:3])
            return np.asarray((_pixel_times_weights(x, *exact) + (1 << 19)) >> 20, np.uint8)
        return _truncate(_pixel_times_product(x, rows, columns))

    return _resize(node, real_taps, combine)


def _is_delegated(node: Node) -> bool:
    """Whether XNNPACK takes the node: a constant size; for codes one scale on either side."""
    x, size, y = node.input(0), node.input(1), node.output()
    if size.constant is None or size.type is not TensorType.INT32 or len(x.shape) != 4:
        return False
    quantized = all(value.scales.size == 1 and value.quantized_dimension == 0 for value in (x, y))
    return x.type is _FLOAT32 or quantized


@kernel("RESIZE_BILINEAR", [_FLOAT32], family="xnnpack", when=_is_delegated)
def xnnpack_float32(node: Node) -> Kernel:
    """Along the rows, then between them."""

    def combine(x: Array, rows: Taps, columns: Taps) -> Array:
        a, b, c, d = _corners(x, rows, columns)
        across, down = columns.upper_weight[:, None], rows.upper_weight[:, None, None]
        top, bottom = a + (b - a) * across, c + (d - c) * across
        return np.asarray(top + (bottom - top) * down)

    return _resize(node, clamped_taps, combine)


@kernel("RESIZE_BILINEAR", [_INT8, _UINT8], family="xnnpack", when=_is_delegated)
def xnnpack_integer(node: Node) -> Kernel:
    """Along the rows, then between them, in integers."""
    dtype = node.output().dtype

    def combine(x: Array, rows: Taps, columns: Taps) -> Array:
        a, b, c, d = (corner.astype(np.int64) for corner in _corners(x, rows, columns))
        across = _in_2048ths(columns.upper_weight)[:, None]
        down = _in_2048ths(rows.upper_weight)[:, None, None]
        top, bottom = a * 2048 + (b - a) * across, c * 2048 + (d - c) * across
        # 2**8 codes · 2**11 · 2**11 fit int32.
        return np.asarray((top * 2048 + (bottom - top) * down + (1 << 21)) >> 22, dtype)

    return _resize(node, clamped_taps, combine)


def _in_2048ths(weight: Array) -> Array:
    return rounding.round_half_to_even(weight * np.float32(2048)).astype(np.int64)
