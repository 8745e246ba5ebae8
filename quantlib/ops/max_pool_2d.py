"""MAX_POOL_2D: the largest value of every window.

    y[n, i, j, c] = clamp(max(x[n, i·s + a, j·s + b, c]))

x is (n, h, w, c), y is (n, i, j, c).

(C1) x has four dimensions.
(C2) The window and its strides are 1 or more, and the window fits the image.
(C3) y has the type of x.

Stored values are compared as they are and copied without rescaling, even where the scales of x and y
differ. In float32 a NaN is never larger than anything, so windows skip it; a window of nothing else
gives the smallest float32.

All families agree, but that XNNPACK fails where it takes the node and the parameters of x and y differ;
it takes 8-bit codes and float32 where windows leave no gaps. To it denormals are 0; what it makes of
NaN and of zeros of both signs is not claimed.

Source: LiteRT tflite/kernels/pooling.cc, internal/reference/pooling.h,
internal/reference/integer_ops/pooling.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.flush import flush_denormals
from quantlib.model.graph import TensorType
from quantlib.ops._activation import clamp_float, quantized_bounds
from quantlib.ops._delegated import maps_bytes
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._pool import Pool2DOptions, Pooling, is_delegated_pool
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["Pool2DOptions"]

rule("MAX_POOL_2D", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


def _is_delegated(node: Node) -> bool:
    return maps_bytes(node) and is_delegated_pool(node)


@kernel("MAX_POOL_2D", [TensorType.INT8, TensorType.UINT8, TensorType.INT16])
def integer(node: Node) -> Kernel:
    """Codes compared as they are."""
    options = _options(node)
    low, high = quantized_bounds(options.fused_activation_function, node.output())
    smallest = node.output().limits[0]

    def run(x: Array) -> Array:
        largest = Pooling.of(node, options, x.shape).windows(x, smallest).max(axis=(3, 4))
        return fixed_point.saturate(largest, low, high).astype(x.dtype)

    return run


@kernel("MAX_POOL_2D", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=_is_delegated)
def xnnpack(node: Node) -> Kernel:
    """The same, where input and output have the same parameters."""
    x, y = node.input(0), node.output()
    if (x.scale, x.zero_point) != (y.scale, y.zero_point):
        found = f"scale {y.scale} and zero point {y.zero_point}, with which XNNPACK fails"
        raise node.unsupported("output", found, f"the input's {x.scale} and {x.zero_point}")
    return integer(node)


@kernel("MAX_POOL_2D", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers compared one after the other, so that zeros keep their sign and NaN loses."""
    options = _options(node)
    smallest = np.finfo(np.float32).min

    def run(x: Array) -> Array:
        pooling = Pooling.of(node, options, x.shape)
        shape = (x.shape[0], pooling.rows.output, pooling.columns.output, x.shape[3])
        largest = np.full(shape, smallest, np.float32)
        for tap in pooling.taps(x, float(smallest)):
            largest = np.where(largest < tap, tap, largest)
        return clamp_float(largest, options.fused_activation_function)

    return run


@kernel("MAX_POOL_2D", [TensorType.FLOAT32], family="xnnpack", when=is_delegated_pool)
def xnnpack_float32(node: Node) -> Kernel:
    """Denormals count as 0."""
    largest = float32(node)

    def run(x: Array) -> Array:
        return np.asarray(largest(flush_denormals(x)))

    return run


def _options(node: Node) -> Pool2DOptions:
    node.require(
        node.output().type is node.input_type(), "output", node.output().type.name, "the input's type"
    )
    return node.read_options(Pool2DOptions)
