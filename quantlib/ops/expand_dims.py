"""EXPAND_DIMS: insert an axis of extent 1.

    y.flat[k] = x.flat[k]

Inputs: x, axis.

(C1) y has the type, scale and zero point of x; int16: zero point 0.
(C2) The axis is one int32 or int64 in −(rank + 1) .. rank.

Source: LiteRT tflite/kernels/expand_dims.cc.
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops._movement import (
    EVERY_TYPE,
    check_shape,
    integer,
    require_same_parameters,
    require_same_type,
    require_type,
    resolve_axis,
)
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__: list[str] = []

rule("EXPAND_DIMS", same_scale=True, int16="same scale")


@kernel("EXPAND_DIMS", EVERY_TYPE)
def expand_dims(node: Node) -> Kernel:
    """A view of the input where its layout allows."""
    value = node.input(0)
    require_type(node, 1, "axis")
    require_same_type(node)
    require_same_parameters(node, value, node.output())
    if value.type is TensorType.INT16:
        node.require(value.zero_point == 0, "input 0", f"zero_point {value.zero_point}", "0")

    def run(x: Array, axis: Array) -> Array:
        role = "input 1 (axis)"
        at = resolve_axis(node, role, integer(node, role, axis), x.ndim + 1)
        shape = (*x.shape[:at], 1, *x.shape[at:])
        check_shape(node, shape, x.itemsize)
        return x.reshape(shape)

    return run
