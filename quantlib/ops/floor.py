"""FLOOR: the largest whole number that is not above x.

(C1) x and the output have the same type. −0 and NaN stay.

XNNPACK takes float32 and flushes subnormal numbers to zero.

Source: LiteRT tflite/kernels/floor.cc, internal/reference/floor.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._xnnpack_operands import flushing, takes_number

__all__: list[str] = []


@kernel("FLOOR", [TensorType.FLOAT32, TensorType.FLOAT16])
def floor(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node, 1)

    def run(x: Array) -> Array:
        return np.asarray(np.floor(x))

    return run


@kernel("FLOOR", [TensorType.FLOAT32], family="xnnpack", when=takes_number)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed."""
    return flushing(floor(node))
