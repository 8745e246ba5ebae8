"""LOGICAL_OR: whether x or y holds, or both, element by element.

(C1) x, y and the output are bool. Shapes broadcast.

Source: LiteRT tflite/kernels/logical.cc.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []


@kernel("LOGICAL_OR", [TensorType.BOOL])
def logical_or(node: Node) -> Kernel:
    """Truth values."""
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        return np.asarray(np.logical_or(x, y))

    return run
