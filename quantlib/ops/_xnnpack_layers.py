"""Which layers XNNPACK's delegate takes, and how XNNPACK brings their sums to output units.

The delegate looks at types, quantization parameters and constants before anything runs; what it
leaves, the optimized kernels compute. What it takes and XNNPACK then refuses makes LiteRT's default
interpreter fail; here the same is an UnsupportedError.

Source: LiteRT tflite/delegates/xnnpack/xnnpack_delegate.cc; google/XNNPACK
src/operators/convolution-nhwc.c.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import requantize
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import ToOutput
from quantlib.ops._activation import Activation, xnnpack_bounds
from quantlib.ops._node import Node, Value

__all__ = [
    "float32_output",
    "takes_activation",
    "takes_bias",
    "takes_data",
    "takes_filters",
    "takes_rank",
]

_EIGHT_BITS = (TensorType.INT8, TensorType.UINT8)
_SMALLEST = np.finfo(np.float32).tiny


def takes_activation(activation: Activation) -> bool:
    """Whether XNNPACK has the fused activation."""
    return activation in (Activation.NONE, Activation.RELU, Activation.RELU_N1_TO_1, Activation.RELU6)


def takes_rank(value: Value, rank: int) -> bool:
    """Whether the shape has that many dimensions, none of them empty."""
    return len(value.shape) == rank and all(extent > 0 for extent in value.shape)


def takes_data(value: Value) -> bool:
    """Whether the delegate takes a tensor as an input or output of a layer.

    float32, or 8 bits with one scale, which does not claim to run along a later axis.
    """
    if value.type is TensorType.FLOAT32:
        return True
    return value.type in _EIGHT_BITS and value.scales.size == 1 and value.quantized_dimension == 0


def takes_filters(value: Value, axis: int) -> bool:
    """Whether the delegate takes a tensor as the filters of a convolution.

    A constant; float32, or uint8 with one scale, or int8, whose several scales run along `axis` and
    have zero point 0.
    """
    if not value.is_static or not takes_rank(value, 4):
        return False
    if value.type is TensorType.INT8 and value.is_per_axis:
        symmetric = value.zero_points[0] == 0
        return bool(symmetric) and _are_normal(value.scales) and value.quantized_dimension == axis
    if value.type is TensorType.INT8:
        return _are_normal(value.scales)
    return takes_data(value) and (value.type is TensorType.FLOAT32 or _are_normal(value.scales))


def takes_bias(value: Value | None, rank: int = 1) -> bool:
    """Whether the delegate takes a tensor as the bias of a convolution: a constant with a scale."""
    if value is None or not value.is_static or not takes_rank(value, rank):
        return False
    if value.type is TensorType.FLOAT32:
        return True
    return value.type is TensorType.INT32 and value.quantized_dimension == 0 and _are_normal(value.scales)


def _are_normal(scales: NDArray[np.float32]) -> bool:
    return scales.size > 0 and bool(np.all((scales >= _SMALLEST) & np.isfinite(scales)))


def float32_output(
    node: Node,
    x: Value,
    w: Value,
    activation: Activation,
    *,
    saturating: bool = False,
    below: float = 256.0,
) -> ToOutput:
    """XNNPACK's second half of an integer layer: one float32 multiplier per channel.

    Parameters
    ----------
    node : Node
        Its first output is y.
    x, w : Value
    activation : Activation
    saturating : bool
        Whether products below -2**31 saturate, as the depthwise kernels have it.
    below : float
        The least multiplier that the operator does not take.

    Raises
    ------
    UnsupportedError
        A multiplier that is too large, or int8 weights with a zero point.
    """
    y = node.output()
    if w.type is not TensorType.UINT8 and w.zero_points.any():
        raise node.unsupported("weights", f"zero points {w.zero_points.tolist()}", "0, as XNNPACK has it")
    real = requantize.multiplier_float32(x.scale, w.scales, y.scale)
    if not np.all(real < below):
        raise node.unsupported("multiplier", float(np.max(real)), f"below {below:.9g}, as XNNPACK has it")
    low, high = xnnpack_bounds(activation, y)
    if saturating:
        return ToOutput(requantize.float32_half_to_even(real), y.zero_point, low, high, y.dtype)
    rule = requantize.float32_half_to_even_below(real, high - y.zero_point)
    return ToOutput(rule, y.zero_point, low, y.limits[1], y.dtype)
