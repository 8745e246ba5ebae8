"""BROADCAST_ARGS: the shape that two shapes broadcast to.

    y[i] = a[i] where b[i] is 1, else b[i]      aligned at the end, 1 where a shape is shorter

(C1) Both shapes are vectors of one type, int32 or int64, and y has it.
(C2) Extents are equal, or one of them is 1. (LiteRT ends the process otherwise.)

Source: LiteRT tflite/kernels/broadcast_args.cc, internal/reference/broadcast_args.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.ops._movement import INDEX_TYPES, integers, require_same_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []


@kernel("BROADCAST_ARGS", INDEX_TYPES)
def broadcast_args(node: Node) -> Kernel:
    """Integers."""
    require_same_type(node, node.input(0), node.input(1))

    def run(first: Array, second: Array) -> Array:
        a, b = integers(node, "input 0 (shape)", first), integers(node, "input 1 (shape)", second)
        rank = max(len(a), len(b))
        a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
        fits = all(x in (1, y) or y == 1 for x, y in zip(a, b, strict=True))
        node.require(fits, "input 1 (shape)", list(b), f"a shape that broadcasts with {list(a)}")
        return np.array([y if x == 1 else x for x, y in zip(a, b, strict=True)], first.dtype)

    return run
