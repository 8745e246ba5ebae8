"""GATHER_ND: slices of a tensor, picked by vectors of indices.

    y[k] = x[j[k, 0], j[k, 1], ...]      the vectors j[k] lie along the last axis of the indices

(C1) y has the type of x; x has one dimension or more.
(C2) Indices are int16, int32 or int64, with one dimension or more; a vector is no longer than x has
     dimensions. Shorter ones pick whole slices.
(C3) Every index lies in 0 .. extent − 1.
(C4) x is not empty, unless the indices are empty, too.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/gather_nd.cc, internal/reference/reference_ops.h (GatherNd).
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import COMMON_TYPES, check_shape, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__: list[str] = []

rule("GATHER_ND", same_scale=True, int16="same scale", versions=Versions(int8=3, int16=3))

_POSITION_TYPES = (TensorType.INT16, TensorType.INT32, TensorType.INT64)


@kernel("GATHER_ND", COMMON_TYPES)
def gather_nd(node: Node) -> Kernel:
    """Elements as they are, some of them, more than once."""
    require_type(node, 1, "indices", _POSITION_TYPES)
    require_same_type(node)

    def run(x: Array, indices: Array) -> Array:
        role = "input 1 (indices)"
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        node.require(indices.ndim >= 1, role, "a scalar", "1 dimension or more")
        depth = indices.shape[-1]
        node.require(depth <= x.ndim, role, f"vectors of {depth}", f"at most {x.ndim}")
        node.require(x.size > 0 or indices.size == 0, "input 0", f"an empty tensor {x.shape}", "elements")
        shape = (*indices.shape[:-1], *x.shape[depth:])
        check_shape(node, shape, x.itemsize)
        picks = indices.astype(np.int64).reshape(-1, depth) if depth else np.empty((0, 0), np.int64)
        for axis in range(depth):
            column, extent = picks[:, axis], x.shape[axis]
            outside = column[(column < 0) | (column >= extent)]
            found = int(outside[0]) if outside.size else None
            node.require(found is None, role, f"{found} for axis {axis}", f"0 .. {extent - 1}")
        if not depth:
            return np.array(np.broadcast_to(x, shape))
        return np.asarray(x[tuple(picks.T)]).reshape(shape)

    return run
