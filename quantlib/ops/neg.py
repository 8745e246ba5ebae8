"""NEG: −x, element by element.

(C1) x and the output have the same type.

Codes are negated as they stand, whatever their scales and zero points; the smallest integer of a
type is its own negative.

XNNPACK takes float32 and flushes subnormal numbers to zero, and makes −0 of neither zero.

Source: LiteRT tflite/kernels/neg.cc.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._xnnpack_operands import flushing, takes_number

__all__: list[str] = []


@kernel(
    "NEG",
    [
        TensorType.FLOAT32,
        TensorType.FLOAT16,
        TensorType.INT8,
        TensorType.INT16,
        TensorType.INT32,
        TensorType.INT64,
    ],
)
def neg(node: Node) -> Kernel:
    """Every signed type."""
    require_operands(node, 1)

    def run(x: Array) -> Array:
        return np.asarray(np.negative(x))

    return run


@kernel("NEG", [TensorType.FLOAT32], family="xnnpack", when=takes_number)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed; 0 − x, so that 0 stays 0."""
    negative = flushing(neg(node))
    return lambda x: np.asarray(negative(x)) + np.float32(0)
