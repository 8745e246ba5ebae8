"""SELECT_V2: x where the condition holds, y elsewhere; all three broadcast.

(C1) The condition is bool; x, y and the output have the same type.
(C2) Shapes broadcast, to at most 8 dimensions.

Codes are copied as they stand, whatever their scales. A result of one element takes the shape that
the file states for it, if that has one element, too.

Source: LiteRT tflite/kernels/select.cc, internal/reference/select.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.ops._broadcast import broadcast_shape
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule
from quantlib.ops._select import SELECTABLE, require_select_types, shape_of_one

__all__: list[str] = []

rule("SELECT_V2", same_scale=True)


@kernel("SELECT_V2", SELECTABLE, data_input=1)
def select_v2(node: Node) -> Kernel:
    """Elements of any size."""
    require_select_types(node)

    def run(condition: Array, x: Array, y: Array) -> Array:
        shape = shape_of_one(node, condition, x, y)
        if shape is not None:
            return np.where(condition.reshape(shape), x.reshape(shape), y.reshape(shape))
        broadcast_shape(node, condition, x, y)
        return np.where(condition, x, y)

    return run
