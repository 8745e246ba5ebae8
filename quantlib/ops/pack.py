"""PACK: stack tensors along a new axis.

    y[..., i, ...] = x_i[...]

(C1) There are `values_count` inputs, all of the output's type and of one shape.
(C2) The new axis lies in −(rank + 1) .. rank, the rank being that of the inputs.
(C3) Every input has the output's scale and zero point.

Source: LiteRT tflite/kernels/pack.cc, internal/reference/reference_ops.h (Pack).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import check_shape, require_same_parameters, require_same_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["PackOptions"]


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How many tensors, and where the new axis goes."""

    values_count: int = 0
    axis: int = 0


rule("PACK", same_scale=True, int16="scale of output", versions=Versions(int8=2, int16=2))


_TYPES = (
    TensorType.FLOAT32,
    TensorType.UINT8,
    TensorType.INT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.UINT32,
)


@kernel("PACK", _TYPES)
def stack(node: Node) -> Kernel:
    """Elements as they are."""
    options = node.read_options(PackOptions)
    count = len(node.inputs)
    node.require(
        options.values_count == count > 0, "values_count", options.values_count, f"{count}, the inputs"
    )
    values = [node.input(position) for position in range(count)]
    require_same_type(node, *values)
    for value in values:
        require_same_parameters(node, value, node.output())

    def run(*inputs: Array) -> Array:
        shape = inputs[0].shape
        for position, x in enumerate(inputs):
            node.require(x.shape == shape, f"input {position}", x.shape, shape)
        axis = resolve_axis(node, "axis", options.axis, len(shape) + 1)
        check_shape(node, (*shape[:axis], count, *shape[axis:]), inputs[0].itemsize)
        return np.stack(inputs, axis)

    return run
