"""L2_POOL_2D: the root mean square of every window.

    y[n, i, j, c] = clamp(sqrt(Σ x[n, i·s + a, j·s + b, c]² / number of pixels summed))

x is (n, h, w, c), y is (n, i, j, c); float32 alone.

(C1) x has four dimensions.
(C2) The window and its strides are 1 or more, and the window fits the image.
(C3) y has the type of x.

The optimized kernel multiplies by the float32 reciprocal of the number of pixels. XNNPACK does not take
the operator.

Source: LiteRT tflite/kernels/pooling.cc, internal/reference/pooling.h (L2Pool).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._activation import clamp_float
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._pool import Pool2DOptions, Pooling
from quantlib.ops._registry import kernel

__all__ = ["Pool2DOptions"]


@kernel("L2_POOL_2D", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Squares summed over the window's rows, each step rounded to float32, and divided."""
    return _float32(node, lambda total, counts: total / counts)


@kernel("L2_POOL_2D", [TensorType.FLOAT32], family="optimized")
def optimized(node: Node) -> Kernel:
    """The same sums, multiplied by reciprocals."""
    return _float32(node, lambda total, counts: total * (np.float32(1) / counts))


def _float32(node: Node, mean: Callable[[NDArray[np.float32], NDArray[np.float32]], Array]) -> Kernel:
    node.require(
        node.output().type is node.input_type(), "output", node.output().type.name, "the input's type"
    )
    options = node.read_options(Pool2DOptions)

    def run(x: Array) -> Array:
        pooling = Pooling.of(node, options, x.shape)
        counts = pooling.counts().astype(np.float32)
        total = np.zeros((x.shape[0], pooling.rows.output, pooling.columns.output, x.shape[3]), np.float32)
        for tap in pooling.taps(x, 0.0):
            total += tap * tap
        return clamp_float(np.sqrt(mean(total, counts)), options.fused_activation_function)

    return run
