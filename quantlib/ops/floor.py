"""FLOOR: the largest whole number that is not above x.

(C1) x and the output have the same type. −0 and NaN stay.

Source: LiteRT tflite/kernels/floor.cc, internal/reference/floor.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []


@kernel("FLOOR", [TensorType.FLOAT32, TensorType.FLOAT16])
def floor(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node, 1)

    def run(x: Array) -> Array:
        return np.asarray(np.floor(x))

    return run
