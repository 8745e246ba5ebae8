"""DYNAMIC_UPDATE_SLICE: overwrite a box of a tensor.

    y[start + k] = update[k], elsewhere x

Inputs: x, update, start.

(C1) y and update have the type of x, update its rank and no larger extents.
(C2) start is a vector of int32 or int64, a value for each axis; it is moved so that the box lies
     inside x.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/dynamic_update_slice.cc.
"""

from __future__ import annotations

from quantlib.ops._movement import EVERY_TYPE, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__: list[str] = []

rule("DYNAMIC_UPDATE_SLICE", same_scale=True)


@kernel("DYNAMIC_UPDATE_SLICE", EVERY_TYPE)
def dynamic_update_slice(node: Node) -> Kernel:
    """A copy of the input with other elements in it."""
    require_type(node, 2, "start")
    require_same_type(node, node.input(0), node.input(1))

    def run(x: Array, update: Array, start: Array) -> Array:
        role = "input 1 (update)"
        node.require(update.ndim == x.ndim, role, f"{update.ndim} dimensions", f"{x.ndim}")
        fits = all(small <= large for small, large in zip(update.shape, x.shape, strict=True))
        node.require(fits, role, update.shape, f"no more than {x.shape}")
        begins = integers(node, "input 2 (start)", start, x.ndim)
        box = []
        for begin, extent, length in zip(begins, x.shape, update.shape, strict=True):
            moved = min(max(begin, 0), extent - length)
            box.append(slice(moved, moved + length))
        y = x.copy()
        y[tuple(box)] = update
        return y

    return run
