"""LOGICAL_NOT: whether x does not hold, element by element.

(C1) x and the output are bool.

Source: LiteRT tflite/kernels/elementwise.cc (LogicalNotEval).
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []


@kernel("LOGICAL_NOT", [TensorType.BOOL])
def logical_not(node: Node) -> Kernel:
    """Truth values."""
    require_operands(node, 1)

    def run(x: Array) -> Array:
        return np.asarray(np.logical_not(x))

    return run
