"""CONV_2D: slide every filter over the image.

    y[n, i, j, o] = clamp(zy + requantize(bias[o] + Σ (x[n, i·s + a·d, j·s + b·d, c] − zx) · (w[o, a, b, c] − zw)))

x is (n, h, w, c), w is (o, a, b, c / groups), y is (n, i, j, o).

(C1) x and w have four dimensions.
(C2) The channels of x are a multiple of the channels of w; the quotient is the number of groups,
     which divides o.
(C3) int8 and int16 weights have zero point 0; 4-bit weights are unpacked and then as int8.
(C4) There is a bias; int32, or int64 for int16 activations unless `quantized_bias_type` says INT32.
(C5) Several weight scales run along axis 0, one per filter.

Padded positions contribute nothing, which is what padding with zx does. Accumulators are int32 and
wrap; those of int16 activations are int64.

Hybrid: float x, int8 w. Every image is quantized on the fly (`quantlib.arithmetic.hybrid`).

Source: LiteRT tflite/kernels/conv.cc, internal/reference/conv.h, internal/reference/integer_ops/conv.h.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, requantize
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput, sum_products_float32
from quantlib.ops._activation import Activation, clamp_float
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._window import Padding, extract_windows, window

__all__ = ["Conv2DOptions", "accumulate"]


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


_INTEGER_WEIGHTS = (TensorType.INT8, TensorType.INT4)


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
    columns, filters, shape = _columns(node, options, x.astype(np.float64), w.astype(np.float64))
    # float64 holds every partial sum: int16 * int8 summed 2**30 times stays below 2**53.
    sums = np.matmul(columns, filters.transpose(0, 2, 1))  # (g, p, k) @ (g, k, o/g) -> (g, p, o/g)
    return np.asarray(np.moveaxis(sums, 0, 1).reshape(shape), np.int64)


def _columns(node: Node, options: Conv2DOptions, x: Array, w: Array) -> tuple[Array, Array, tuple[int, ...]]:
    """Windows as rows (g, p, k), filters as rows (g, o/g, k), and the shape of the output."""
    node.require(x.ndim == 4, "input 0", f"{x.ndim} dimensions", "4")
    node.require(w.ndim == 4, "input 1 (weights)", f"{w.ndim} dimensions", "4")
    channels, depth = x.shape[3], w.shape[3]
    node.require(
        depth > 0 and channels % depth == 0,
        "input 1 (weights)",
        f"{depth} channels",
        f"a divisor of {channels}",
    )
    groups = channels // depth
    node.require(
        groups > 0 and w.shape[0] % groups == 0,
        "input 1 (weights)",
        f"{w.shape[0]} filters",
        f"a multiple of {groups}",
    )
    rows = window(
        node, "height", x.shape[1], w.shape[1], options.stride_h, options.dilation_h_factor, options.padding
    )
    across = window(
        node, "width", x.shape[2], w.shape[2], options.stride_w, options.dilation_w_factor, options.padding
    )
    shape = (x.shape[0], rows.output, across.output, w.shape[0])
    taps = w.shape[1] * w.shape[2] * depth
    node.check_size(shape)
    node.check_work(int(np.prod(shape, dtype=object)) * taps)
    views = extract_windows(x, rows, across, 0)  # (n, i, j, a, b, c)
    views = views.reshape(-1, w.shape[1], w.shape[2], groups, depth)  # (p, a, b, g, c/g)
    columns = np.moveaxis(views, 3, 0).reshape(groups, -1, taps)  # (g, p, k)
    return columns, w.reshape(groups, -1, taps), shape


def _integer(
    node: Node, multiplier: Callable[..., Array], wrap: Callable[[Array], NDArray[np.int64]]
) -> Kernel:
    options = node.read_options(Conv2DOptions)
    x_value, w_value = node.input(0), node.input(1)
    node.require(node.has_input(2), "input 2 (bias)", "absent", "a bias")
    real = multiplier(x_value.scale, w_value.scales, node.output().scale)

    def sums(x: Array, w: Array, bias: Array) -> NDArray[np.int64]:
        stored_x = x.astype(np.int64) - x_value.zero_point
        stored_w = w.astype(np.int64) - w_value.zero_point
        return wrap(accumulate(node, options, stored_x, stored_w) + bias)

    return Accumulating(sums, ToOutput.of(node, node.requantizer(real), options.fused_activation_function))


@kernel("CONV_2D", [TensorType.INT8], when=lambda node: node.input_type(1) in _INTEGER_WEIGHTS)
def int8(node: Node) -> Kernel:
    """Integer sums, one multiplier per filter."""
    node.require(not node.input(1).zero_points.any(), "input 1 (weights)", "a zero point", "0")
    return _integer(node, requantize.multiplier_float64, fixed_point.wrap_int32)


@kernel("CONV_2D", [TensorType.UINT8], when=lambda node: node.input_type(1) is TensorType.UINT8)
def uint8(node: Node) -> Kernel:
    """Integer sums with a weight zero point, one multiplier."""
    node.require(not node.input(1).is_per_axis, "input 1 (weights)", "several scales", "one")
    return _integer(node, requantize.multiplier_float32_product, fixed_point.wrap_int32)


@kernel("CONV_2D", [TensorType.FLOAT32], when=lambda node: node.input_type(1) is TensorType.FLOAT32)
def float32(node: Node) -> Kernel:
    """Real sums, in the order of the filter's elements."""
    options = node.read_options(Conv2DOptions)

    def run(x: Array, w: Array, bias: Array) -> Array:
        columns, filters, shape = _columns(node, options, x, w)
        sums = [sum_products_float32(*pair) for pair in zip(columns, filters, strict=True)]
        y = np.concatenate(sums, axis=1).reshape(shape) + bias
        return clamp_float(y, options.fused_activation_function)

    return run
