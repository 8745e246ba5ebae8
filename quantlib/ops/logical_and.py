"""LOGICAL_AND: whether both x and y hold, element by element.

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


@kernel("LOGICAL_AND", [TensorType.BOOL])
def logical_and(node: Node) -> Kernel:
    """Truth values."""
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        return np.asarray(np.logical_and(x, y))

    return run
