"""SQUARE: x · x, element by element.

(C1) x and the output are float32.

XNNPACK takes float32 and flushes subnormal numbers to zero.

Source: LiteRT tflite/kernels/elementwise.cc (SquareEval).
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._xnnpack_operands import flushing, takes_number

__all__: list[str] = []


@kernel("SQUARE", [TensorType.FLOAT32])
def square(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node, 1)

    def run(x: Array) -> Array:
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.multiply(x, x))

    return run


@kernel("SQUARE", [TensorType.FLOAT32], family="xnnpack", when=takes_number)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed."""
    return flushing(square(node))
