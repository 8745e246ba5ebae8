"""DEPTHWISE_CONV_2D: slide m filters of their own over every channel.

    y[n, i, j, c·m + k] = clamp(zy + requantize(bias[c·m + k]
                          + Σ (x[n, i·s + a·d, j·s + b·d, c] − zx) · (w[0, a, b, c·m + k] − zw)))

x is (n, h, w, c), w is (1, a, b, c·m), y is (n, i, j, c·m).

(C1) x and w have four dimensions, the first of w is 1, h, w and c of x and all of w are at least 1;
     strides and dilations are at most 32767.
(C2) The channels of w are a multiple of the channels of x; the quotient is m.
(C3) A bias, which may be left out, has c·m elements, one dimension and zero point 0: int32 for 8-bit
     activations, int64 for int16, float32 for float32.
(C4) Several weight scales run along axis 3. Zero points of int8 weights are ignored.
(C5) int16 activations have zero point 0 on both sides; 4-bit weights go with int8 activations only.
(C6) uint8: one weight scale, and the bias's scale is x scale · w scale.
(C7) int16 and hybrid: the field `depth_multiplier` is m; other kernels do not look at it.
(C8) Hybrid: as many weight scales as channels of w.

Padded positions contribute nothing. Accumulators are int32 and wrap; those of int16 activations are
int64.

Hybrid: float32 x, int8 w. Every image is quantized on the fly, asymmetrically, and
y = f32(acc) · (w scale · x scale) + bias, each step in float32.

Families. Optimized: int8 rounds channels in blocks of 8 differently from those left over, hybrid
scales channels in blocks of 4 differently, float32 starts at the bias. XNNPACK, where
`_is_delegated`: float32 multipliers; float32 as chains of fused multiply-adds.

Where (C7) or (C8) is broken LiteRT reads or leaves memory that nobody wrote; refused here. Without a
bias its optimized kernels for int8, uint8 and float32 end the process; refused there.

Source: LiteRT tflite/kernels/depthwise_conv.cc, internal/reference/depthwiseconv_uint8.h,
internal/reference/depthwiseconv_float.h, internal/reference/integer_ops/depthwise_conv.h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point, requantize
from quantlib.arithmetic.fused import fma32
from quantlib.arithmetic.requantize import Requantizer
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, Products, ToOutput
from quantlib.ops._activation import Activation, clamp_float
from quantlib.ops._images import asymmetric_images
from quantlib.ops._node import Array, Kernel, Node, Value
from quantlib.ops._registry import kernel, multiply_adds
from quantlib.ops._rule import Bias, Hybrid, Versions, rule
from quantlib.ops._weights import (
    channel_multipliers,
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

__all__ = ["DepthwiseConv2DOptions", "accumulate"]


@dataclass(frozen=True, slots=True)
class DepthwiseConv2DOptions:
    """How filters move."""

    padding: Padding = Padding.SAME
    stride_w: int = 0
    stride_h: int = 0
    depth_multiplier: int = 0
    fused_activation_function: Activation = Activation.NONE
    dilation_w_factor: int = 1
    dilation_h_factor: int = 1


rule(
    "DEPTHWISE_CONV_2D",
    weights={1: 3},
    bias=Bias(2, of=(0, 1)),
    int16="own scale",
    hybrid=Hybrid(1, needs_channels=True),
    versions=Versions(int8=3, int16=3, hybrid=6),
)


def _windows(
    node: Node, options: DepthwiseConv2DOptions, x: tuple[int, ...], w: tuple[int, ...]
) -> tuple[Window, Window, tuple[int, ...]]:
    """Windows along both axes, and the shape of the output, for shapes of an image and of filters."""
    node.require(len(x) == 4, "input 0", f"{len(x)} dimensions", "4")
    node.require(len(w) == 4 and w[0] == 1, "input 1 (weights)", f"shape {w}", "(1, a, b, c·m)")
    node.require(min(x[1:]) > 0, "input 0", f"shape {x}", "at least 1 pixel and channel")
    node.require(min(w) > 0, "input 1 (weights)", f"shape {w}", "at least 1 of each")
    steps = (options.stride_h, options.stride_w, options.dilation_h_factor, options.dilation_w_factor)
    node.require(max(steps) < 2**15, "options", f"strides and dilations {steps}", "at most 32767")
    (n, extent_y, extent_x, channels), (_, height, width, filters) = x, w
    node.require(
        filters % channels == 0, "input 1 (weights)", f"{filters} channels", f"a multiple of {channels}"
    )
    rows = window(
        node, "height", extent_y, height, options.stride_h, options.dilation_h_factor, options.padding
    )
    columns = window(
        node, "width", extent_x, width, options.stride_w, options.dilation_w_factor, options.padding
    )
    shape = (n, rows.output, columns.output, filters)
    node.check_size(shape, 8)
    node.check_size((n, extent_y, extent_x, filters), 8)
    node.check_work(n * rows.output * columns.output * filters * height * width)
    return rows, columns, shape


def accumulate(node: Node, options: DepthwiseConv2DOptions, x: Array, w: Array) -> NDArray[np.int64]:
    """Σ x · w over every window, without bias; exact.

    Parameters
    ----------
    node : Node
        For error texts and limits.
    options : DepthwiseConv2DOptions
    x : integer array (n, h, w, c), zero point already subtracted
    w : integer array (1, a, b, c·m), zero point already subtracted

    Returns
    -------
    int64 array (n, i, j, c·m)
    """
    # float64 holds every partial sum: int16 * int8 summed 2**30 times stays below 2**53.
    return _sums(node, options, x.astype(np.float64), w.astype(np.float64)).astype(np.int64)


def _sums(node: Node, options: DepthwiseConv2DOptions, x: Array, w: Array) -> Array:
    """Σ x · w in the arithmetic of the arrays' floating type, tap after tap."""
    rows, columns, shape = _windows(node, options, x.shape, w.shape)
    sums = np.zeros(shape, x.dtype)
    image = np.repeat(x, w.shape[3] // x.shape[3], axis=3)  # (n, h, w, c·m)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for tap in taps(image, rows, columns):
            sums[tap.windows] += tap.pixels * w[0, tap.a, tap.b]
    return sums


def _bias(node: Node, type: TensorType) -> Value | None:
    """The bias, checked; LiteRT takes two inputs, or three that are all there."""
    if len(node.inputs) < 3:
        return None
    bias, filters = node.input(2), node.input(1).shape[-1:]
    require_bias(node, bias, (type,), *filters)
    node.require(len(bias.shape) == 1, "input 2 (bias)", f"{len(bias.shape)} dimensions", "1")
    return bias


def _require_depth_multiplier(
    node: Node, options: DepthwiseConv2DOptions, x: tuple[int, ...], w: tuple[int, ...]
) -> None:
    """(C7)."""
    found = options.depth_multiplier
    node.require(found * x[-1] == w[-1], "options", f"depth_multiplier {found}", "that of the weights")


def _integer(
    node: Node,
    real: ArrayLike,
    requantizer: Requantizer,
    wrap: Callable[[NDArray[np.int64]], NDArray[np.int64]],
) -> Accumulating:
    options = node.read_options(DepthwiseConv2DOptions)
    x_value, w_value = node.input(0), node.input(1)
    node.require(node.output().type is x_value.type, "output", node.output().type.name, x_value.type.name)
    weight_zero_point = w_value.zero_point if x_value.type is TensorType.UINT8 else 0

    def sums(x: Array, w: Array, bias: Array | None = None) -> NDArray[np.int64]:
        if x_value.type is TensorType.INT16:
            _require_depth_multiplier(node, options, x.shape, w.shape)
        stored_x = x.astype(np.int64) - x_value.zero_point
        stored_w = w.astype(np.int64) - weight_zero_point
        return wrap(accumulate(node, options, stored_x, stored_w) + (0 if bias is None else bias))

    def geometry(x: tuple[int, ...], w: tuple[int, ...]) -> tuple[Window, Window, tuple[int, ...]]:
        if x_value.type is TensorType.INT16:
            _require_depth_multiplier(node, options, x, w)
        return _windows(node, options, x, w)

    def biases(bias: Array | None) -> NDArray[np.int64]:
        return np.asarray(0 if bias is None else bias, np.int64)

    products = Products(
        x_value.zero_point, weight_zero_point, geometry, biases, bits=64 if wrap is np.asarray else 32
    )
    to_output = ToOutput.of(node, requantizer(real), options.fused_activation_function)
    return Accumulating(sums, to_output, products)


def _channel_multipliers(node: Node) -> NDArray[np.float64]:
    w = node.input(1)
    node.require(len(w.shape) == 4, "input 1 (weights)", f"{len(w.shape)} dimensions", "4")
    return channel_multipliers(node, node.input(0), w, w.shape[3])


@multiply_adds("DEPTHWISE_CONV_2D")
def count(node: Node) -> int:
    """Every element of y sums the taps of one channel."""
    return math.prod(node.output().shape) * math.prod(node.input(1).shape[1:3])


@kernel(
    "DEPTHWISE_CONV_2D",
    [TensorType.INT8],
    when=lambda node: node.input_type(1) in (TensorType.INT8, TensorType.INT4),
)
def int8(node: Node) -> Accumulating:
    """Integer sums, one multiplier per channel."""
    _bias(node, TensorType.INT32)
    return _integer(node, _channel_multipliers(node), node.requantizer, fixed_point.wrap_int32)


@kernel("DEPTHWISE_CONV_2D", [TensorType.UINT8], when=lambda node: node.input_type(1) is TensorType.UINT8)
def uint8(node: Node) -> Accumulating:
    """Integer sums with a weight zero point, one multiplier."""
    x, w, bias = node.input(0), node.input(1), _bias(node, TensorType.INT32)
    require_quantized(node, activations=x, weights=w)
    node.require(not w.is_per_axis, "input 1 (weights)", "several scales", "one")
    return _integer(node, legacy_multiplier(node, x, w, bias), node.requantizer, fixed_point.wrap_int32)


def _is_delegated(node: Node) -> bool:
    """Whether XNNPACK takes it."""
    options = node.read_options(DepthwiseConv2DOptions)
    if len(node.inputs) != 3 or not takes_activation(options.fused_activation_function):
        return False
    x, w, y = node.input(0), node.input(1), node.output()
    return (
        takes_data(x)
        and takes_rank(x, 4)
        and takes_filters(w, axis=3)
        and takes_bias(node.inputs[2])
        and takes_data(y)
        and x.type is y.type is w.type
        and options.depth_multiplier > 0
        and w.shape[3] % options.depth_multiplier == 0
    )


def _require_depth_multiplier_of_xnnpack(node: Node) -> None:
    """XNNPACK believes the field, and LiteRT's default interpreter fails where it is wrong."""
    found, filters = node.read_options(DepthwiseConv2DOptions).depth_multiplier, node.input(1).shape[3]
    if found * node.input(0).shape[3] != filters:
        raise node.unsupported("options", f"depth_multiplier {found}", "that of the weights, for XNNPACK")


@kernel("DEPTHWISE_CONV_2D", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=_is_delegated)
def xnnpack_integer(node: Node) -> Kernel:
    """The same sums, multiplied in float32."""
    layer = int8(node) if node.input_type() is TensorType.INT8 else uint8(node)
    _require_depth_multiplier_of_xnnpack(node)
    activation = node.read_options(DepthwiseConv2DOptions).fused_activation_function
    x, w = node.input(0), node.input(1)
    return layer.ending(float32_output(node, x, w, activation, saturating=_is_depthwise_in_xnnpack(node)))


def _is_depthwise_in_xnnpack(node: Node) -> bool:
    """Whether XNNPACK has a depthwise kernel for it; others are convolutions with groups to it."""
    channels, (_, height, width, filters) = node.input(0).shape[3], node.input(1).shape
    return filters == channels and height * width <= 25


@kernel(
    "DEPTHWISE_CONV_2D",
    [TensorType.INT8, TensorType.UINT8, TensorType.FLOAT32],
    family="optimized",
    when=lambda node: len(node.inputs) < 3,
)
def optimized_without_bias(node: Node) -> Kernel:
    """Refused: LiteRT's optimized kernels read the bias that is not there, and the process ends."""
    raise node.unsupported("input 2 (bias)", "absent", "a bias, without which LiteRT's optimized kernels die")


@kernel("DEPTHWISE_CONV_2D", [TensorType.INT16], when=lambda node: node.input_type(1) is TensorType.INT8)
def int16(node: Node) -> Kernel:
    """64-bit sums, one multiplier per channel."""
    _bias(node, TensorType.INT64)
    require_symmetric(node, "input 0", node.input(0))
    require_symmetric(node, "output", node.output())
    return _integer(node, _channel_multipliers(node), node.requantizer, np.asarray)


@kernel("DEPTHWISE_CONV_2D", [TensorType.FLOAT32], when=lambda node: node.input_type(1) is TensorType.FLOAT32)
def float32(node: Node) -> Kernel:
    """Real sums, in the order of the filter's elements."""
    options = node.read_options(DepthwiseConv2DOptions)
    _bias(node, TensorType.FLOAT32)

    def run(x: Array, w: Array, bias: Array | None = None) -> Array:
        sums = _sums(node, options, x, w) + (np.float32(0) if bias is None else bias)
        return clamp_float(sums, options.fused_activation_function)

    return run


def _float32_from_bias(node: Node, *, fused: bool, by_columns: bool = False) -> Kernel:
    """The bias first, then tap after tap, row by row of the filter or column by column."""
    options = node.read_options(DepthwiseConv2DOptions)
    _bias(node, TensorType.FLOAT32)

    def run(x: Array, w: Array, bias: Array) -> Array:
        rows, columns, shape = _windows(node, options, x.shape, w.shape)
        sums = np.broadcast_to(bias, shape).astype(np.float32)
        image = np.repeat(x, w.shape[3] // x.shape[3], axis=3)  # (n, h, w, c·m)
        places = list(taps(image, rows, columns))
        for tap in sorted(places, key=lambda tap: (tap.b, tap.a)) if by_columns else places:
            place = w[0, tap.a, tap.b]
            if fused:
                sums[tap.windows] = fma32(tap.pixels, place, sums[tap.windows])
            else:
                sums[tap.windows] += tap.pixels * place
        return clamp_float(sums, options.fused_activation_function)

    return run


@kernel(
    "DEPTHWISE_CONV_2D",
    [TensorType.FLOAT32],
    family="optimized",
    when=lambda node: node.input_type(1) is TensorType.FLOAT32,
)
def optimized_float32(node: Node) -> Kernel:
    """The bias first, then tap after tap, row by row."""
    return _float32_from_bias(node, fused=False)


@kernel("DEPTHWISE_CONV_2D", [TensorType.FLOAT32], family="xnnpack", when=_is_delegated)
def xnnpack_float32(node: Node) -> Kernel:
    """The bias first, then a chain of fused multiply-adds.

    Filters of at most 25 taps go column by column, larger ones and several on one channel row by row.
    """
    _require_depth_multiplier_of_xnnpack(node)
    return _float32_from_bias(node, fused=node.profile.fma, by_columns=_is_depthwise_in_xnnpack(node))


_Scaled = Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
"""Sums, weight scales and image scales to real sums."""


def _scale_by_product(
    sums: NDArray[np.float32], weights: NDArray[np.float32], images: NDArray[np.float32]
) -> NDArray[np.float32]:
    return np.asarray(sums * (weights * images))


def _scale_in_turn(
    sums: NDArray[np.float32], weights: NDArray[np.float32], images: NDArray[np.float32]
) -> NDArray[np.float32]:
    """By the weights first in blocks of 4 channels, by the image first in what is left over."""
    in_block = requantize.channels_in_blocks(4, sums.shape)
    return np.where(in_block, sums * weights * images, sums * images * weights)


def _hybrid(node: Node, scaled: _Scaled) -> Kernel:
    options = node.read_options(DepthwiseConv2DOptions)
    _bias(node, TensorType.FLOAT32)
    scales, channels = node.input(1).scales, node.input(1).shape[-1]
    node.require(scales.size == channels, "input 1 (weights)", f"{scales.size} scales", f"{channels}")

    def run(x: Array, w: Array, bias: Array | None = None) -> Array:
        _require_depth_multiplier(node, options, x.shape, w.shape)
        images = asymmetric_images(x)
        sums = fixed_point.wrap_int32(accumulate(node, options, images.stored, w)).astype(np.float32)
        y = scaled(sums, scales, images.scale)
        return clamp_float(y if bias is None else y + bias, options.fused_activation_function)

    return run


@kernel("DEPTHWISE_CONV_2D", [TensorType.FLOAT32], when=lambda node: node.input_type(1) is TensorType.INT8)
def hybrid(node: Node) -> Kernel:
    """Integer sums of images quantized on the fly, scaled back."""
    return _hybrid(node, _scale_by_product)


@kernel(
    "DEPTHWISE_CONV_2D",
    [TensorType.FLOAT32],
    family="optimized",
    when=lambda node: node.input_type(1) is TensorType.INT8,
)
def optimized_hybrid(node: Node) -> Kernel:
    """The same, one scale after the other."""
    return _hybrid(node, _scale_in_turn)
