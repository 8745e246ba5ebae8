"""TRANSPOSE_CONV: every pixel of x paints the filter, times its value, into y.

    y[n, i·s + a − pad, j·s + b − pad, o] = clamp(zy + requantize(bias[o] + Σ (x[n, i, j, c] − zx) · (w[o, a, b, c] − zw)))

where the sum runs over all i, a (and j, b) that meet in one pixel of y. The padding is that of the
convolution which makes x's size out of y's.

Inputs are output_shape (4 numbers), w (o, a, b, c), x (n, i, j, c) and, if any, the bias; y has the
given shape (n, h, w, o).

(C1) x and w have four dimensions, all but n at least 1, and equally many channels; strides are at
     most 32767.
(C2) output_shape holds four int32 numbers: n of x, h and w from which SAME or VALID windows give
     x's height and width, and o.
(C3) A bias, which may be left out, has o elements with zero point 0 (uint8: any, ignored): int32 for
     8-bit activations, float32 for float32; for int16 it is int64, or int32 if and only if
     `quantized_bias_type` says INT32.
(C4) Several weight scales run along axis 0. Zero points of int8 weights are ignored.
(C5) int16 activations have zero point 0 on both sides.
(C6) uint8: one weight scale, and the bias's scale is x scale · w scale.
(C7) Hybrid: weights are quantized, with one scale or as many as filters.

Accumulators are int32 and wrap; those of int16 activations are int64 unless `quantized_bias_type`
says INT32.

float32: products are added in the order of x's elements. Hybrid: float32 x, int8 w; every image is
quantized on the fly, asymmetrically, and (f32(q · w) · w scale) · x scale is added for every single
product, in the order of x's elements, each step in float32.

Families. Optimized: int8, and int16 with 32-bit sums, round channels in blocks of 8 differently from
those left over, uint8 elements in blocks of 16; float32 products of a pixel by `arithmetic.eigen_product`.
XNNPACK, where `_is_delegated`: float32 multipliers; hybrid by `arithmetic.qd8`, scaled once for all products;
float32 as chains of fused multiply-adds that start at the bias.

LiteRT's own defect: an int32 bias for int16 activations without `quantized_bias_type` is read beyond
its end; refused here.

Source: LiteRT tflite/kernels/transpose_conv.cc, internal/reference/transpose_conv.h,
internal/reference/integer_ops/transpose_conv.h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point, qd8, requantize
from quantlib.arithmetic.ordered import add_products_float32
from quantlib.arithmetic.requantize import Requantizer
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput, chain_of, multiply_as_eigen
from quantlib.ops._activation import Activation, clamp_float
from quantlib.ops._images import asymmetric_images, xnnpack_images
from quantlib.ops._node import Array, Kernel, Node, Value
from quantlib.ops._registry import kernel, multiply_adds
from quantlib.ops._rule import Bias, Hybrid, Versions, rule
from quantlib.ops._weights import (
    channel_multipliers,
    has_narrow_bias,
    legacy_multiplier,
    require_bias,
    require_quantized,
    require_symmetric,
)
from quantlib.ops._window import Padding, Window, taps, window
from quantlib.ops._xnnpack_layers import (
    float32_output,
    takes_activation,
    takes_bias,
    takes_data,
    takes_filters,
    takes_rank,
)

__all__ = ["TransposeConvOptions", "accumulate"]


@dataclass(frozen=True, slots=True)
class TransposeConvOptions:
    """How filters move over y."""

    padding: Padding = Padding.SAME
    stride_w: int = 0
    stride_h: int = 0
    fused_activation_function: Activation = Activation.NONE
    quantized_bias_type: TensorType = TensorType.FLOAT32


rule(
    "TRANSPOSE_CONV",
    weights={1: 0},
    bias=Bias(3, of=(2, 1), type_option="quantized_bias_type"),
    int16="own scale",
    hybrid=Hybrid(1),
    versions=Versions(int8=2, int16=3, hybrid=2),
)


OUTPUT_SHAPE, WEIGHTS, DATA, BIAS = range(4)
"""Positions of the inputs."""


def _layout(
    node: Node, options: TransposeConvOptions, output_shape: Array, w: Array, x: Array
) -> tuple[tuple[int, ...], Window, Window]:
    """Shape of y, and the windows on y that x's pixels paint."""
    node.require(output_shape.shape == (4,), "input 0 (output_shape)", f"shape {output_shape.shape}", "(4,)")
    node.require(x.ndim == 4 and min(x.shape[1:]) > 0, "input 2", f"shape {x.shape}", "(n, i, j, c)")
    node.require(w.ndim == 4 and min(w.shape) > 0, "input 1 (weights)", f"shape {w.shape}", "(o, a, b, c)")
    node.require(
        w.shape[3] == x.shape[3], "input 1 (weights)", f"{w.shape[3]} channels", f"{x.shape[3]} as in input 2"
    )
    strides = (options.stride_h, options.stride_w)
    node.require(max(strides) < 2**15, "options", f"strides {strides}", "at most 32767")
    shape = tuple(int(extent) for extent in output_shape)
    node.require(
        shape[0] == x.shape[0] and shape[3] == w.shape[0] and min(shape[1:3]) > 0,
        "input 0 (output_shape)",
        list(shape),
        f"[{x.shape[0]}, 1 or more, 1 or more, {w.shape[0]}]",
    )
    rows = window(node, "height", shape[1], w.shape[1], options.stride_h, 1, options.padding)
    columns = window(node, "width", shape[2], w.shape[2], options.stride_w, 1, options.padding)
    node.require(
        (rows.output, columns.output) == x.shape[1:3],
        "input 0 (output_shape)",
        f"{list(shape)}, from which {rows.output} x {columns.output} pixels come",
        f"{x.shape[1]} x {x.shape[2]}",
    )
    node.check_size(shape, 8)
    node.check_work(int(np.prod(x.shape, dtype=object)) * int(np.prod(w.shape[:3], dtype=object)))
    return shape, rows, columns


def accumulate(
    node: Node, options: TransposeConvOptions, output_shape: Array, w: Array, x: Array
) -> NDArray[np.int64]:
    """Σ x · w in every pixel of y, without bias; exact.

    Parameters
    ----------
    node : Node
        For error texts and limits.
    options : TransposeConvOptions
    output_shape : int array (4,)
    w : integer array (o, a, b, c), zero point already subtracted
    x : integer array (n, i, j, c), zero point already subtracted

    Returns
    -------
    int64 array of `output_shape`
    """
    shape, rows, columns = _layout(node, options, output_shape, w, x)
    # float64 holds every partial sum: int16 * int8 summed 2**30 times stays below 2**53.
    sums = np.zeros(shape, np.float64)
    pixels, filters = x.astype(np.float64), w.astype(np.float64)
    for tap in taps(sums, rows, columns):
        painted = pixels[tap.windows]
        products = painted.reshape(-1, x.shape[3]) @ filters[:, tap.a, tap.b].T  # (p, c) @ (c, o)
        tap.pixels[...] += products.reshape(*painted.shape[:3], w.shape[0])
    return sums.astype(np.int64)


def _accumulate_float32(
    node: Node, options: TransposeConvOptions, output_shape: Array, w: Array, x: Array
) -> NDArray[np.float32]:
    """As `accumulate`, every step rounded to float32, in the order of x's elements."""
    shape, rows, columns = _layout(node, options, output_shape, w, x)
    sums = np.zeros(shape, np.float32)
    # Among the pixels of x that meet in one pixel of y, the first comes through the last tap.
    for tap in reversed(list(taps(sums, rows, columns))):
        add_products_float32(tap.pixels, x[tap.windows][:, :, :, None, :], w[:, tap.a, tap.b])
    return sums


def _multiply_float32(
    node: Node, options: TransposeConvOptions, output_shape: Array, w: Array, x: Array
) -> NDArray[np.float32]:
    """As `accumulate`, all products of a pixel first, as the optimized kernels add them."""
    shape, rows, columns = _layout(node, options, output_shape, w, x)
    elements = np.ascontiguousarray(w.transpose(1, 2, 0, 3))  # (a, b, o, c)
    node.check_size((*x.shape[:3], *elements.shape[:3]), 4)
    filters = elements.reshape(-1, x.shape[3])
    products = np.empty((*x.shape[:3], *elements.shape[:3]), np.float32)
    for image, place in zip(x, products, strict=True):
        found = multiply_as_eigen(node.profile, image.reshape(-1, x.shape[3]), filters)
        place[...] = clamp_float(found, Activation.NONE).reshape(place.shape)
    sums = np.zeros(shape, np.float32)
    for tap in reversed(list(taps(sums, rows, columns))):
        tap.pixels[...] += products[tap.windows][..., tap.a, tap.b, :]
    return sums


def _integer(
    node: Node,
    real: ArrayLike,
    requantizer: Requantizer,
    wrap: Callable[[NDArray[np.int64]], NDArray[np.int64]],
) -> Accumulating:
    options = node.read_options(TransposeConvOptions)
    x_value, w_value = node.input(DATA), node.input(WEIGHTS)
    node.require(node.output().type is x_value.type, "output", node.output().type.name, x_value.type.name)
    weight_zero_point = w_value.zero_point if x_value.type is TensorType.UINT8 else 0

    def sums(output_shape: Array, w: Array, x: Array, bias: Array | None = None) -> NDArray[np.int64]:
        stored_x = x.astype(np.int64) - x_value.zero_point
        stored_w = w.astype(np.int64) - weight_zero_point
        products = accumulate(node, options, output_shape, stored_w, stored_x)
        return wrap(products + (0 if bias is None else bias.reshape(-1)))

    return Accumulating(sums, ToOutput.of(node, requantizer(real), options.fused_activation_function))


def _bias(node: Node, type: TensorType) -> Value | None:
    """The bias, checked; output_shape, checked, too."""
    node.require(
        node.input_type(OUTPUT_SHAPE) is TensorType.INT32,
        "input 0 (output_shape)",
        node.input(OUTPUT_SHAPE).type.name,
        "INT32",
    )
    shape = node.input(WEIGHTS).shape
    node.require(len(shape) == 4, "input 1 (weights)", f"{len(shape)} dimensions", "4")
    bias = node.input(BIAS) if node.has_input(BIAS) else None
    require_bias(node, bias, (type,), shape[0], symmetric=node.input_type(DATA) is not TensorType.UINT8)
    return bias


def _channel_multipliers(node: Node) -> NDArray[np.float64]:
    w = node.input(WEIGHTS)
    return channel_multipliers(node, node.input(DATA), w, w.shape[0])


@multiply_adds("TRANSPOSE_CONV")
def count(node: Node) -> int:
    """Every element of x meets every tap of every filter."""
    return math.prod(node.input(2).shape) * math.prod(node.input(1).shape[:3])


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.INT8],
    when=lambda node: node.input_type(WEIGHTS) is TensorType.INT8,
    data_input=DATA,
)
def int8(node: Node) -> Accumulating:
    """Integer sums, one multiplier per filter."""
    _bias(node, TensorType.INT32)
    return _integer(node, _channel_multipliers(node), node.requantizer, fixed_point.wrap_int32)


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.UINT8],
    when=lambda node: node.input_type(WEIGHTS) is TensorType.UINT8,
    data_input=DATA,
)
def uint8(node: Node) -> Accumulating:
    """Integer sums with a weight zero point, one multiplier."""
    bias = _bias(node, TensorType.INT32)
    x, w = node.input(DATA), node.input(WEIGHTS)
    require_quantized(node, activations=x, weights=w)
    node.require(not w.is_per_axis, "input 1 (weights)", "several scales", "one")
    real = legacy_multiplier(node, x, w, bias)
    return _integer(node, real, node.requantizer, fixed_point.wrap_int32)


def _is_delegated(node: Node) -> bool:
    """Whether XNNPACK takes it."""
    options = node.read_options(TransposeConvOptions)
    if not 3 <= len(node.inputs) <= 4 or not takes_activation(options.fused_activation_function):
        return False
    given, w, x, y = node.input(OUTPUT_SHAPE), node.input(WEIGHTS), node.input(DATA), node.output()
    if given.type is not TensorType.INT32 or given.constant is None or given.shape != (4,):
        return False
    fits = takes_filters(w, axis=0) and takes_rank(x, 4)
    kinds = takes_data(x) and takes_data(y)
    bias = not node.has_input(BIAS) or takes_bias(node.inputs[BIAS])
    return fits and kinds and bias and _is_deconvolution(options, given.constant, w)


def _is_deconvolution(options: TransposeConvOptions, output_shape: Array, w: Value) -> bool:
    """Whether XNNPACK can say the same by its own padding."""
    height, width = w.shape[1:3]
    if options.padding is Padding.VALID:
        return bool(height <= output_shape[1] and width <= output_shape[2])
    return height >= options.stride_h and width >= options.stride_w


def _is_delegated_integer(node: Node) -> bool:
    return node.input_type(WEIGHTS) is node.input_type(DATA) and _is_delegated(node)


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.INT8, TensorType.UINT8],
    family="xnnpack",
    when=_is_delegated_integer,
    data_input=DATA,
)
def xnnpack_integer(node: Node) -> Kernel:
    """The same sums, multiplied in float32."""
    layer = int8(node) if node.input_type(DATA) is TensorType.INT8 else uint8(node)
    activation = node.read_options(TransposeConvOptions).fused_activation_function
    return layer.ending(float32_output(node, node.input(DATA), node.input(WEIGHTS), activation))


def _int16(node: Node, narrow_rule: Requantizer) -> Kernel:
    narrow = has_narrow_bias(node, node.read_options(TransposeConvOptions).quantized_bias_type)
    _bias(node, TensorType.INT32 if narrow else TensorType.INT64)
    require_symmetric(node, "input 2", node.input(DATA))
    require_symmetric(node, "output", node.output())
    real = _channel_multipliers(node)
    if narrow:
        return _integer(node, real, narrow_rule, fixed_point.wrap_int32)
    # 64-bit sums have this one kernel in every family.
    return _integer(node, real, requantize.int64_one_rounding, np.asarray)


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.INT16],
    when=lambda node: node.input_type(WEIGHTS) is TensorType.INT8,
    data_input=DATA,
)
def int16(node: Node) -> Kernel:
    """Integer sums as wide as the bias, one multiplier per filter."""
    return _int16(node, requantize.two_roundings)


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.INT16],
    family="optimized",
    when=lambda node: node.input_type(WEIGHTS) is TensorType.INT8 and node.input(WEIGHTS).zero_point == 0,
    data_input=DATA,
)
def optimized_int16(node: Node) -> Kernel:
    """The same; 32-bit sums are rounded as those of int8."""
    return _int16(node, requantize.half_up_in_blocks_of_8_channels)


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.FLOAT32],
    when=lambda node: node.input_type(WEIGHTS) is TensorType.FLOAT32,
    data_input=DATA,
)
def float32(node: Node) -> Kernel:
    """Real sums, in the order of x's elements."""
    return _float32(node, _accumulate_float32)


def _float32(node: Node, accumulate: Callable[..., NDArray[np.float32]]) -> Kernel:
    options = node.read_options(TransposeConvOptions)
    _bias(node, TensorType.FLOAT32)

    def run(output_shape: Array, w: Array, x: Array, bias: Array | None = None) -> Array:
        sums = accumulate(node, options, output_shape, w, x)
        return clamp_float(
            sums if bias is None else sums + bias.reshape(-1), options.fused_activation_function
        )

    return run


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.FLOAT32],
    family="optimized",
    when=lambda node: node.input_type(WEIGHTS) is TensorType.FLOAT32,
    data_input=DATA,
)
def optimized_float32(node: Node) -> Kernel:
    """A matrix product of each image's pixels and the filters' elements; sums in the order of x's pixels."""
    return _float32(node, _multiply_float32)


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.FLOAT32],
    when=lambda node: node.input_type(WEIGHTS) is TensorType.INT8,
    data_input=DATA,
)
def hybrid(node: Node) -> Kernel:
    """Real sums of integer products, each scaled by itself, in the order of x's elements."""
    options = node.read_options(TransposeConvOptions)
    _bias(node, TensorType.FLOAT32)
    w_value = node.input(WEIGHTS)
    scales, filters = w_value.scales, w_value.shape[0]
    node.require(scales.size in (1, filters), "input 1 (weights)", f"{scales.size} scales", f"1 or {filters}")

    def run(output_shape: Array, w: Array, x: Array, bias: Array | None = None) -> Array:
        shape, rows, columns = _layout(node, options, output_shape, w, x)
        images = asymmetric_images(x)
        # Products of 9-bit and 8-bit integers are exact in float32.
        pixels, filters = images.stored.astype(np.float32), w.astype(np.float32)
        y = np.zeros(shape, np.float32)
        for tap in reversed(list(taps(y, rows, columns))):
            for c in range(x.shape[3]):
                products = pixels[(*tap.windows, slice(c, c + 1))] * filters[:, tap.a, tap.b, c]
                tap.pixels[...] += products * scales * images.scale
        return clamp_float(y if bias is None else y + bias.reshape(-1), options.fused_activation_function)

    return run


def _is_delegated_hybrid(node: Node) -> bool:
    return node.input_type(WEIGHTS) is TensorType.INT8 and _is_delegated(node)


@kernel("TRANSPOSE_CONV", [TensorType.FLOAT32], family="xnnpack", when=_is_delegated_hybrid, data_input=DATA)
def xnnpack_hybrid(node: Node) -> Kernel:
    """Integer sums of images quantized by XNNPACK, scaled back with the bias."""
    hybrid(node)  # for what it refuses
    options, scales = node.read_options(TransposeConvOptions), node.input(WEIGHTS).scales

    def run(output_shape: Array, w: Array, x: Array, bias: Array | None = None) -> Array:
        images = xnnpack_images(x)
        acc = fixed_point.wrap_int32(accumulate(node, options, output_shape, w, images.stored))
        start = np.float32(0) if bias is None else bias.reshape(-1)
        y = qd8.dequantize_sums(acc, images.scale, scales, start, fma=node.profile.fma)
        return clamp_float(y, options.fused_activation_function)

    return run


@kernel(
    "TRANSPOSE_CONV",
    [TensorType.FLOAT32],
    family="xnnpack",
    when=lambda node: node.input_type(WEIGHTS) is TensorType.FLOAT32 and _is_delegated(node),
    data_input=DATA,
)
def xnnpack_float32(node: Node) -> Kernel:
    """The bias first, then a chain of fused multiply-adds, in the order of the filter's elements."""
    options = node.read_options(TransposeConvOptions)
    _bias(node, TensorType.FLOAT32)

    def run(output_shape: Array, w: Array, x: Array, bias: Array | None = None) -> Array:
        shape, rows, columns = _layout(node, options, output_shape, w, x)
        start = np.float32(0) if bias is None else bias.reshape(-1)
        sums = np.broadcast_to(start, shape).astype(np.float32)
        for tap in taps(sums, rows, columns):
            chain_of(node.profile)(tap.pixels, x[tap.windows][:, :, :, None, :], w[:, tap.a, tap.b])
        return clamp_float(sums, options.fused_activation_function)

    return run
