"""FLOOR_MOD: what is left of x after division by y, with the sign of y.

r = x − y · trunc(x / y), exactly, plus y where r is not 0 and has another sign than y; that sum is
rounded for floats. Shapes broadcast.

(C1) x and y have the type of the output.
(C2) No integer divisor is 0. A float divisor of 0 gives NaN.
(C3) int32 and int64: the smallest integer is not divided by −1, on which LiteRT ends the process.

Codes are divided as they stand: scales and zero points play no part.

Source: LiteRT tflite/kernels/floor_mod.cc, internal/reference/floor_mod.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []


@kernel("FLOOR_MOD", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        with np.errstate(all="ignore"):
            rest = np.asarray(np.fmod(x, y))
            return np.where((rest != 0) & ((y < 0) != (rest < 0)), rest + y, rest)

    return run


@kernel("FLOOR_MOD", [TensorType.INT8, TensorType.INT16, TensorType.INT32, TensorType.INT64])
def integers(node: Node) -> Kernel:
    """Whole numbers and codes as they are."""
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        node.require(bool(np.all(y != 0)), "input 1", "a divisor of 0", "none")
        smallest = np.iinfo(x.dtype).min
        if x.dtype.itemsize >= 4 and bool(np.any((x == smallest) & (y == -1))):
            raise node.unsupported(
                "inputs", f"{smallest} over -1, on which LiteRT ends the process", "others"
            )
        return np.asarray(np.mod(x, y))

    return run
