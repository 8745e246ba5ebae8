"""SELECT: x where the condition holds, y elsewhere.

(C1) The condition is bool; x, y and the output have the same type.
(C2) x and y have the same shape. So has the condition; or it has no dimension; or it has one and
     chooses whole slices of the first axis.

Codes are copied as they stand, whatever their scales. A result of one element takes the shape that
the file states for it.

Source: LiteRT tflite/kernels/select.cc, internal/reference/select.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule
from quantlib.ops._select import SELECTABLE, require_select_types, shape_of_one

__all__: list[str] = []

rule("SELECT", same_scale=True, int16="scale of output")


@kernel("SELECT", SELECTABLE, data_input=1)
def select(node: Node) -> Kernel:
    """Elements of any size."""
    require_select_types(node)

    def run(condition: Array, x: Array, y: Array) -> Array:
        shape = shape_of_one(node, condition, x, y)
        if shape is not None:
            return np.where(condition.reshape(shape), x.reshape(shape), y.reshape(shape))
        node.require(x.shape == y.shape, "input 2", f"shape {y.shape}", f"{x.shape}")
        if condition.shape != x.shape:
            slices = condition.ndim == 1 and condition.shape == x.shape[:1]
            node.require(
                condition.ndim == 0 or slices,
                "input 0 (condition)",
                f"shape {condition.shape}",
                f"{x.shape}, {x.shape[:1]} or ()",
            )
            condition = condition.reshape(condition.shape + (1,) * (x.ndim - condition.ndim))
        return np.where(condition, x, y)

    return run
