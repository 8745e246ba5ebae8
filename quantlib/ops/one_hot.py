"""ONE_HOT: a value where an index says so, another one everywhere else.

    y[o, d, i] = on if j[o, i] = d, else off      d from 0 to depth − 1, along the new axis

Inputs: indices j, depth, on, off.

(C1) Indices are int32 or int64; the latter are taken modulo 2³². Outside 0 .. depth − 1 they are
     nowhere.
(C2) depth, on and off are one element each; depth is int32 and 0 or more, on and off have the type
     of y.
(C3) The axis lies in 0 .. rank of the indices; -1 means behind the last.

Source: LiteRT tflite/kernels/one_hot.cc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.arithmetic import fixed_point
from quantlib.model.graph import TensorType
from quantlib.ops._movement import check_shape, integer, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__ = ["OneHotOptions"]


@dataclass(frozen=True, slots=True)
class OneHotOptions:
    """Where the new axis goes."""

    axis: int = 0


rule("ONE_HOT")


_TYPES = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)


@kernel("ONE_HOT", _TYPES, data_input=2)
def one_hot(node: Node) -> Kernel:
    """Elements as they are, many times."""
    axis = node.read_options(OneHotOptions).axis
    require_type(node, 0, "indices")
    require_type(node, 1, "depth", [TensorType.INT32])
    require_same_type(node, node.input(2), node.input(3))

    def run(indices: Array, depth: Array, on: Array, off: Array) -> Array:
        at = indices.ndim if axis == -1 else axis
        node.require(0 <= at <= indices.ndim, "axis", axis, f"-1 .. {indices.ndim}")
        count = integer(node, "input 1 (depth)", depth)
        for role, value in (("input 2 (on)", on), ("input 3 (off)", off)):
            node.require(value.size == 1, role, f"{value.size} elements", "1")
        check_shape(node, (*indices.shape[:at], count, *indices.shape[at:]), on.itemsize)
        places = np.arange(count).reshape(-1, *(1,) * (indices.ndim - at))
        hot = np.expand_dims(fixed_point.wrap_int32(indices), at) == places
        return np.where(hot, on.reshape(()), off.reshape(()))

    return run
