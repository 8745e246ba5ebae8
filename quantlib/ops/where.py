"""WHERE: the coordinates of every element that is not 0, in row-major order.

y is (elements found, dimensions of x); NaN is not 0.

(C1) x has at least one dimension; the output is int64.

Source: LiteRT tflite/kernels/where.cc, internal/reference/reference_ops.h (SelectTrueCoords).
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []


@kernel(
    "WHERE",
    [
        TensorType.BOOL,
        TensorType.FLOAT32,
        TensorType.INT8,
        TensorType.UINT8,
        TensorType.INT32,
        TensorType.UINT32,
        TensorType.INT64,
    ],
)
def where(node: Node) -> Kernel:
    """Every type that the kernel compares with 0."""
    node.require(len(node.inputs) == 1, "inputs", len(node.inputs), 1)
    found = node.output().type
    node.require(found is TensorType.INT64, "output", found.name, TensorType.INT64.name)

    def run(x: Array) -> Array:
        node.require(x.ndim > 0, "input 0", "no dimension", "at least one")
        node.check_size((int(np.count_nonzero(x)), x.ndim), 8)
        return np.argwhere(x).astype(np.int64)

    return run
