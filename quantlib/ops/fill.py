"""FILL: a tensor of one value.

    y[k] = value

Inputs: shape, value.

(C1) The shape is a vector of int32 or int64, none of its extents negative.
(C2) The value is a scalar of the type, scale and zero point of y; int16: zero point 0.

Source: LiteRT tflite/kernels/fill.cc, internal/reference/fill.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import (
    EVERY_TYPE,
    check_shape,
    integers,
    require_same_parameters,
    require_same_type,
    require_type,
)
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__: list[str] = []

rule("FILL", same_scale=True, int16="same scale", versions=Versions(int8=3, int16=3))


@kernel("FILL", EVERY_TYPE, data_input=1)
def fill(node: Node) -> Kernel:
    """The element as it is, many times."""
    value = node.input(1)
    require_type(node, 0, "shape")
    require_same_type(node, value)
    require_same_parameters(node, value, node.output())
    if value.type is TensorType.INT16:
        node.require(value.zero_point == 0, "input 1 (value)", f"zero_point {value.zero_point}", "0")

    def run(shape: Array, element: Array) -> Array:
        extents = integers(node, "input 0 (shape)", shape)
        node.require(element.ndim == 0, "input 1 (value)", f"{element.ndim} dimensions", "0")
        check_shape(node, extents, element.itemsize)
        return np.full(extents, element, element.dtype)

    return run
