"""CONV_2D: slide every filter over the image.

    y[n, i, j, o] = clamp(zy + requantize(bias[o] + Σ (x[n, i·s + a·d, j·s + b·d, c] − zx) · (w[o, a, b, c] − zw)))

x is (n, h, w, c), w is (o, a, b, c / groups), y is (n, i, j, o).

(C1) x and w have four dimensions, h, w and c of x and all of w are at least 1.
(C2) The channels of x are a multiple of the channels of w; the quotient is the number of groups,
     which divides o.
(C3) int8 and int16 activations: weights have zero point 0; 4-bit weights are unpacked and then as int8.
(C4) There is a bias of o elements with zero point 0: int32 for 8-bit activations, float32 for
     float32; for int16 it is int64, or int32 if and only if `quantized_bias_type` says INT32.
(C5) Several weight scales run along the axis of the filters.
(C6) int16 activations have zero point 0 on both sides.
(C7) uint8: one weight scale, and the bias's scale is x scale · w scale.
(C8) Hybrid with groups: the weight scales are several and not all equal.

Padded positions contribute nothing, which is what padding with zx does. Accumulators are int32 and
wrap; with an int64 bias they are int64.

Hybrid: float32 x, int8 w. Every image is quantized on the fly. If all weight scales are equal,
symmetrically, and y = f32(acc) · (x scale · w scale) + bias; otherwise asymmetrically, and
y = (f32(acc) · w scale) · x scale + bias, each step in float32.

Families. Optimized: other rounding, the reference kernel for groups; hybrid y = f32(acc) ·
(w scale · x scale) + bias with several scales; float32 sums by `arithmetic.eigen_product`, with several
threads and constant undilated filters by `arithmetic.eigen_contraction`. XNNPACK, where
`_is_delegated`: float32 multipliers; hybrid by `arithmetic.qd8`, every pixel by itself where filters see
one pixel at stride 1; float32 as chains of fused multiply-adds that start at the bias.

LiteRT's own defects: an int32 bias for int16 activations without `quantized_bias_type` is read
beyond its end, and hybrid groups with equal scales read memory that nobody prepared (both refused
here); hybrid weights of −128 get a wrong sign (reproduced, see `quantlib.arithmetic.hybrid`).

Source: LiteRT tflite/kernels/conv.cc, internal/reference/conv.h, internal/reference/integer_ops/conv.h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import eigen_contraction, fixed_point, qd8, requantize
from quantlib.arithmetic.ordered import add_products_float32
from quantlib.arithmetic.requantize import Requantizer
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, Products, ToOutput, chain_of, multiply_as_eigen
from quantlib.ops._activation import Activation, clamp_float
from quantlib.ops._images import asymmetric_images, symmetric_images, xnnpack_images
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

__all__ = ["Conv2DOptions", "Layout", "accumulate"]


@dataclass(frozen=True, slots=True)
class Conv2DOptions:
    """How filters move."""

    padding: Padding = Padding.SAME
    stride_w: int = 0
    stride_h: int = 0
    fused_activation_function: Activation = Activation.NONE
    dilation_w_factor: int = 1
    dilation_h_factor: int = 1
    quantized_bias_type: TensorType = TensorType.FLOAT32


rule(
    "CONV_2D",
    weights={1: 0},
    bias=Bias(2, of=(0, 1), type_option="quantized_bias_type"),
    int16="own scale",
    hybrid=Hybrid(1),
    versions=Versions(int8=3, int16=3, hybrid=5),
)


_INTEGER_WEIGHTS = (TensorType.INT8, TensorType.INT4)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the filters go on images of one size.

    Parameters
    ----------
    rows, columns : Window
    groups : int
        Groups of channels; each filter sees one.
    shape : tuple of int
        Of the output, with the filters by group: (n, i, j, g, o / g).
    """

    rows: Window
    columns: Window
    groups: int
    shape: tuple[int, int, int, int, int]


def _layout(node: Node, options: Conv2DOptions, x: tuple[int, ...], w: tuple[int, ...]) -> Layout:
    """For shapes of an image and of filters."""
    node.require(len(x) == 4, "input 0", f"{len(x)} dimensions", "4")
    node.require(len(w) == 4, "input 1 (weights)", f"{len(w)} dimensions", "4")
    node.require(min(x[1:]) > 0, "input 0", f"shape {x}", "at least 1 pixel and channel")
    node.require(min(w) > 0, "input 1 (weights)", f"shape {w}", "at least 1 of each")
    channels, (filters, height, width, depth) = x[3], w
    node.require(channels % depth == 0, "input 1 (weights)", f"{depth} channels", f"a divisor of {channels}")
    groups = channels // depth
    node.require(filters % groups == 0, "input 1 (weights)", f"{filters} filters", f"a multiple of {groups}")
    rows = window(node, "height", x[1], height, options.stride_h, options.dilation_h_factor, options.padding)
    columns = window(node, "width", x[2], width, options.stride_w, options.dilation_w_factor, options.padding)
    shape = (x[0], rows.output, columns.output, groups, filters // groups)
    node.check_size((*shape[:3], filters), 8)
    node.check_work(x[0] * rows.output * columns.output * filters * height * width * depth)
    return Layout(rows, columns, groups, shape)


def accumulate(node: Node, options: Conv2DOptions, x: Array, w: Array) -> NDArray[np.int64]:
    """Σ x · w over every window, without bias; exact.

    Parameters
    ----------
    node : Node
        For error texts and limits.
    options : Conv2DOptions
    x : integer array (n, h, w, c), zero point already subtracted
    w : integer array (o, a, b, c / groups), zero point already subtracted

    Returns
    -------
    int64 array (n, i, j, o)
    """
    layout = _layout(node, options, x.shape, w.shape)
    depth = w.shape[3]
    # float64 holds every partial sum: int16 * int8 summed 2**30 times stays below 2**53.
    sums = np.zeros(layout.shape, np.float64)
    filters = w.astype(np.float64).reshape(*layout.shape[3:], *w.shape[1:])  # (g, o/g, a, b, c/g)
    for tap in taps(x.astype(np.float64), layout.rows, layout.columns):
        pixels = np.moveaxis(tap.pixels.reshape(-1, layout.groups, depth), 1, 0)  # (g, p, c/g)
        products = pixels @ filters[:, :, tap.a, tap.b].transpose(0, 2, 1)  # (g, p, o/g)
        sums[tap.windows] += np.moveaxis(products, 0, 1).reshape(*tap.pixels.shape[:3], *layout.shape[3:])
    return np.asarray(sums.reshape(*layout.shape[:3], w.shape[0]), np.int64)


def _accumulate_float32(
    node: Node,
    options: Conv2DOptions,
    x: Array,
    w: Array,
    *,
    start: Array,
    add: Callable[[Array, Array, Array], None] = add_products_float32,
    by_columns: bool = False,
) -> NDArray[np.float32]:
    """start + Σ x · w, rounded at every step, filters row by row or column by column."""
    layout = _layout(node, options, x.shape, w.shape)
    sums = np.broadcast_to(start.reshape(-1, *layout.shape[4:]), layout.shape).astype(np.float32)
    filters = w.reshape(*layout.shape[3:], *w.shape[1:])  # (g, o/g, a, b, c/g)
    places = list(taps(x, layout.rows, layout.columns))
    for tap in sorted(places, key=lambda tap: (tap.b, tap.a)) if by_columns else places:
        pixels = tap.pixels.reshape(*tap.pixels.shape[:3], layout.groups, 1, w.shape[3])
        add(sums[tap.windows], pixels, filters[:, :, tap.a, tap.b])
    return sums.reshape(*layout.shape[:3], w.shape[0])


def _integer(
    node: Node,
    real: ArrayLike,
    requantizer: Requantizer,
    wrap: Callable[[NDArray[np.int64]], NDArray[np.int64]],
) -> Accumulating:
    options = node.read_options(Conv2DOptions)
    x_value, w_value = node.input(0), node.input(1)
    node.require(node.output().type is x_value.type, "output", node.output().type.name, x_value.type.name)

    def sums(x: Array, w: Array, bias: Array) -> NDArray[np.int64]:
        stored_x = x.astype(np.int64) - x_value.zero_point
        stored_w = w.astype(np.int64) - w_value.zero_point
        return wrap(accumulate(node, options, stored_x, stored_w) + bias.reshape(-1))

    def biases(bias: Array | None) -> NDArray[np.int64]:
        return np.asarray(0 if bias is None else bias.reshape(-1), np.int64)

    products = Products(
        x_value.zero_point,
        w_value.zero_point,
        partial(_layout, node, options),
        biases,
        bits=64 if wrap is np.asarray else 32,
    )
    to_output = ToOutput.of(node, requantizer(real), options.fused_activation_function)
    return Accumulating(sums, to_output, products)


def _is_grouped(node: Node) -> bool:
    x, w = node.input(0).shape, node.input(1).shape
    return len(x) == 4 and x[3] != w[3]


def _rule(node: Node) -> Requantizer:
    """The family's rule; the optimized kernels leave groups to the reference kernel."""
    return requantize.two_roundings if _is_grouped(node) else node.requantizer


def _filters(node: Node) -> int:
    """How many filters there are; there must be a bias."""
    node.require(node.has_input(2), "input 2 (bias)", "absent", "a bias")
    shape = node.input(1).shape
    node.require(len(shape) == 4, "input 1 (weights)", f"{len(shape)} dimensions", "4")
    return shape[0]


@multiply_adds("CONV_2D")
def count(node: Node) -> int:
    """Every element of y sums one filter."""
    return math.prod(node.output().shape) * math.prod(node.input(1).shape[1:])


@kernel("CONV_2D", [TensorType.INT8], when=lambda node: node.input_type(1) in _INTEGER_WEIGHTS)
def int8(node: Node) -> Accumulating:
    """Integer sums, one multiplier per filter."""
    x, w = node.input(0), node.input(1)
    filters = _filters(node)
    require_symmetric(node, "input 1 (weights)", w)
    require_bias(node, node.input(2), (TensorType.INT32,), filters)
    return _integer(node, channel_multipliers(node, x, w, filters), _rule(node), fixed_point.wrap_int32)


@kernel("CONV_2D", [TensorType.UINT8], when=lambda node: node.input_type(1) is TensorType.UINT8)
def uint8(node: Node) -> Accumulating:
    """Integer sums with a weight zero point, one multiplier."""
    x, w, filters = node.input(0), node.input(1), _filters(node)
    require_quantized(node, activations=x, weights=w)
    node.require(not w.is_per_axis, "input 1 (weights)", "several scales", "one")
    require_bias(node, node.input(2), (TensorType.INT32,), filters)
    real = legacy_multiplier(node, x, w, node.input(2))
    return _integer(node, real, _rule(node), fixed_point.wrap_int32)


def _is_delegated(node: Node) -> bool:
    """Whether XNNPACK takes it."""
    if len(node.inputs) != 3 or not takes_activation(
        node.read_options(Conv2DOptions).fused_activation_function
    ):
        return False
    x, w, y = node.input(0), node.input(1), node.output()
    data = takes_data(x) and takes_rank(x, 4) and takes_data(y) and x.type is y.type
    return data and takes_filters(w, axis=0) and takes_bias(node.inputs[2])


def _is_delegated_integer(node: Node) -> bool:
    return node.input_type(1) is node.input_type(0) and _is_delegated(node)


@kernel("CONV_2D", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=_is_delegated_integer)
def xnnpack_integer(node: Node) -> Kernel:
    """The same sums, multiplied in float32."""
    layer = int8(node) if node.input_type() is TensorType.INT8 else uint8(node)
    activation = node.read_options(Conv2DOptions).fused_activation_function
    x, w = node.input(0), node.input(1)
    return layer.ending(float32_output(node, x, w, activation, saturating=_is_depthwise_in_xnnpack(node)))


def _is_depthwise_in_xnnpack(node: Node) -> bool:
    """Whether every group has one channel and one filter, for which XNNPACK has depthwise kernels."""
    channels, (filters, height, width, depth) = node.input(0).shape[3], node.input(1).shape
    return depth == 1 and filters == channels and height * width <= 25


def _is_narrow(node: Node) -> bool:
    declared = node.read_options(Conv2DOptions).quantized_bias_type
    return node.input_type(1) in _INTEGER_WEIGHTS and has_narrow_bias(node, declared)


def _int16(
    node: Node,
    bias: TensorType,
    requantizer: Requantizer,
    wrap: Callable[[NDArray[np.int64]], NDArray[np.int64]],
) -> Kernel:
    x, w, filters = node.input(0), node.input(1), _filters(node)
    require_symmetric(node, "input 0", x)
    require_symmetric(node, "input 1 (weights)", w)
    require_symmetric(node, "output", node.output())
    require_bias(node, node.input(2), (bias,), filters)
    return _integer(node, channel_multipliers(node, x, w, filters), requantizer, wrap)


@kernel("CONV_2D", [TensorType.INT16], when=_is_narrow)
def int16_with_int32_bias(node: Node) -> Kernel:
    """Integer sums of 32 bits, one multiplier per filter."""
    return _int16(node, TensorType.INT32, requantize.two_roundings, fixed_point.wrap_int32)


@kernel("CONV_2D", [TensorType.INT16], family="optimized", when=_is_narrow)
def optimized_int16_with_int32_bias(node: Node) -> Kernel:
    """The same, half up both times."""
    rule = requantize.two_roundings if _is_grouped(node) else requantize.two_roundings_half_up
    return _int16(node, TensorType.INT32, rule, fixed_point.wrap_int32)


@kernel("CONV_2D", [TensorType.INT16], when=lambda node: node.input_type(1) in _INTEGER_WEIGHTS)
def int16(node: Node) -> Kernel:
    """Integer sums of 64 bits, one multiplier per filter."""
    return _int16(node, TensorType.INT64, node.requantizer, np.asarray)


@kernel("CONV_2D", [TensorType.FLOAT32], when=lambda node: node.input_type(1) is TensorType.FLOAT32)
def float32(node: Node) -> Kernel:
    """Real sums, in the order of the filter's elements."""
    options = node.read_options(Conv2DOptions)
    require_bias(node, node.input(2), (TensorType.FLOAT32,), _filters(node))

    def run(x: Array, w: Array, bias: Array) -> Array:
        sums = _accumulate_float32(node, options, x, w, start=np.zeros(len(w), np.float32))
        return clamp_float(sums + bias.reshape(-1), options.fused_activation_function)

    return run


@kernel(
    "CONV_2D",
    [TensorType.FLOAT32],
    family="optimized",
    when=lambda node: node.input_type(1) is TensorType.FLOAT32 and not _is_grouped(node),
)
def optimized_float32(node: Node) -> Kernel:
    """A matrix product of windows, padding included, and filters."""
    options = node.read_options(Conv2DOptions)
    require_bias(node, node.input(2), (TensorType.FLOAT32,), _filters(node))

    def run(x: Array, w: Array, bias: Array) -> Array:
        layout = _layout(node, options, x.shape, w.shape)
        windows = (*layout.shape[:3], *w.shape[1:])  # (n, i, j, a, b, c)
        node.check_size(windows, 4)
        seen = np.zeros(windows, np.float32)
        for tap in taps(x, layout.rows, layout.columns):
            seen[tap.windows][..., tap.a, tap.b, :] = tap.pixels
        pixels, filters = seen.reshape(-1, w[0].size), w.reshape(len(w), -1)
        if _is_shared(node, options):
            sums = eigen_contraction.contract(
                pixels,
                filters,
                threads=node.profile.num_threads,
                windows=_gathers_windows(layout, x.shape, w.shape),
                packet=node.profile.float_packet,
                l1_bytes=node.profile.l1_bytes,
            )
        else:
            sums = multiply_as_eigen(node.profile, pixels, filters)
        y = clamp_float(sums + bias.reshape(-1), options.fused_activation_function)
        return y.reshape(*layout.shape[:3], len(w))

    return run


def _gathers_windows(layout: Layout, x: tuple[int, ...], w: tuple[int, ...]) -> bool:
    """Whether windows are more than the image's pixels, or than its one window."""
    pixels = w[1:3] == (1, 1) and layout.rows.stride == layout.columns.stride == 1
    whole = w[1:3] == x[1:3] and layout.rows.before == layout.columns.before == 0
    return not (pixels or whole)


def _is_shared(node: Node, options: Conv2DOptions) -> bool:
    """Whether a tensor contraction serves instead, which several threads may share."""
    undilated = options.dilation_h_factor == options.dilation_w_factor == 1
    return node.profile.num_threads > 1 and undilated and node.input(1).constant is not None


def _is_delegated_float32(node: Node) -> bool:
    return node.input_type(1) is TensorType.FLOAT32 and _is_delegated(node)


@kernel("CONV_2D", [TensorType.FLOAT32], family="xnnpack", when=_is_delegated_float32)
def xnnpack_float32(node: Node) -> Kernel:
    """The bias first, then a chain of fused multiply-adds."""
    options = node.read_options(Conv2DOptions)
    require_bias(node, node.input(2), (TensorType.FLOAT32,), _filters(node))

    def run(x: Array, w: Array, bias: Array) -> Array:
        chain, by_columns = chain_of(node.profile), _is_depthwise_in_xnnpack(node)
        sums = _accumulate_float32(node, options, x, w, start=bias, add=chain, by_columns=by_columns)
        return clamp_float(sums, options.fused_activation_function)

    return run


def _is_hybrid(node: Node) -> bool:
    return node.input_type(1) in (*_INTEGER_WEIGHTS, TensorType.UINT8)


@kernel("CONV_2D", [TensorType.FLOAT32], when=_is_hybrid)
def hybrid(node: Node) -> Kernel:
    """Integer sums of images quantized on the fly, scaled back."""
    return _hybrid(node, _per_channel_products)


@kernel(
    "CONV_2D",
    [TensorType.FLOAT32],
    family="optimized",
    when=lambda node: _is_hybrid(node) and not _is_grouped(node),
)
def optimized_hybrid(node: Node) -> Kernel:
    """The same, several scales multiplied with each other first."""
    return _hybrid(node, partial(_per_channel_products, scales_first=True))


def _hybrid(node: Node, per_channel_products: Callable[..., NDArray[np.float32]]) -> Kernel:
    options = node.read_options(Conv2DOptions)
    filters, w_value = _filters(node), node.input(1)
    require_bias(node, node.input(2), (TensorType.FLOAT32,), filters)
    scales = w_value.scales
    # Bytes that the file calls uint8 are read as int8 and have one scale.
    per_channel = w_value.type is not TensorType.UINT8 and bool(np.any(scales != scales[:1]))
    if per_channel:
        node.require(scales.size == filters, "input 1 (weights)", f"{scales.size} scales", f"{filters}")

    def run(x: Array, w: Array, bias: Array) -> Array:
        w = w.view(np.int8)
        layout = _layout(node, options, x.shape, w.shape)
        if layout.groups > 1 and not per_channel:
            raise node.unsupported("input 1 (weights)", "groups with equal scales", "scales that differ")
        products = per_channel_products if per_channel else _per_tensor_products
        sums = products(node, options, x, w, w_value)
        return clamp_float(sums + bias.reshape(-1), options.fused_activation_function)

    return run


def _is_delegated_hybrid(node: Node) -> bool:
    return node.input_type(1) is TensorType.INT8 and _is_delegated(node)


@kernel("CONV_2D", [TensorType.FLOAT32], family="xnnpack", when=_is_delegated_hybrid)
def xnnpack_hybrid(node: Node) -> Kernel:
    """Integer sums of images, or of pixels where filters see one pixel, scaled back with the bias."""
    options = node.read_options(Conv2DOptions)
    filters, w_value = _filters(node), node.input(1)
    require_bias(node, node.input(2), (TensorType.FLOAT32,), filters)
    one_place = (*w_value.shape[1:3], options.stride_h, options.stride_w) == (1, 1, 1, 1)
    each_pixel = one_place and not _is_grouped(node)  # made a dense layer
    scales = w_value.scales if w_value.scales.size == filters else w_value.scale

    def run(x: Array, w: Array, bias: Array) -> Array:
        images = xnnpack_images(x, each_pixel=each_pixel)
        acc = fixed_point.wrap_int32(accumulate(node, options, images.stored, w))
        y = qd8.dequantize_sums(acc, images.scale, scales, bias, fma=node.profile.fma)
        return clamp_float(y, options.fused_activation_function)

    return run


def _per_channel_products(
    node: Node,
    options: Conv2DOptions,
    x: Array,
    w: Array,
    parameters: Value,
    *,
    scales_first: bool = False,
) -> NDArray[np.float32]:
    images = asymmetric_images(x)
    sums = fixed_point.wrap_int32(accumulate(node, options, images.stored, w)).astype(np.float32)
    if scales_first:
        return np.asarray(sums * (parameters.scales * images.scale), np.float32)
    return np.asarray(sums * parameters.scales * images.scale, np.float32)  # from left to right


def _per_tensor_products(
    node: Node, options: Conv2DOptions, x: Array, w: Array, parameters: Value
) -> NDArray[np.float32]:
    images = symmetric_images(x)
    scale = parameters.scales[0] if parameters.scales.size else np.float32(0)
    sums = accumulate(node, options, images.stored, w)
    if w.shape[0] % 4:
        # Not the matrix product for a multiple of four filters, but the byte multiplier.
        sums += 256 * accumulate(node, options, np.minimum(images.stored, 0), _lowest_in_blocks(w))
    return np.asarray(fixed_point.wrap_int32(sums).astype(np.float32) * (images.scale * scale), np.float32)


def _lowest_in_blocks(w: Array) -> Array:
    """1 where a weight is -128 and lies in one of the filter's blocks of 16 elements, else 0.

    There the byte multiplier gives a negative pixel the wrong sign (`arithmetic.hybrid`): what
    should have been 128 |x| becomes -128 |x|.
    """
    lowest = (w == -128).reshape(w.shape[0], -1)
    lowest[:, lowest.shape[1] // 16 * 16 :] = False
    return np.asarray(lowest.reshape(w.shape))
