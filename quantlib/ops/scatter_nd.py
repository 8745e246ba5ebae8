"""SCATTER_ND: add slices into a tensor of zeros, where vectors of indices say.

    y[j[k, 0], j[k, 1], ...] += u[k]      one k after the other; the vectors j[k] lie along the last axis

Inputs: indices j, updates u, shape of y.

(C1) Indices and shape are int32, the shape a vector; indices and updates have a dimension or more.
     y has the type of u.
(C2) u has the shape of the indices without their last axis, followed by what the vectors leave of
     the shape of y.
(C3) Every index lies inside y.

Integers wrap, bool saturates, float32 sums are rounded one by one.

Source: LiteRT tflite/kernels/scatter_nd.cc, internal/reference/reference_ops.h (ScatterNd).
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import check_shape, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__: list[str] = []

rule("SCATTER_ND", same_scale=True)  # the converter also makes it int16, which no kernel takes

_TYPES = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)


@kernel("SCATTER_ND", _TYPES, data_input=1)
def scatter_nd(node: Node) -> Kernel:
    """Sums of the updates."""
    require_type(node, 0, "indices", [TensorType.INT32])
    require_type(node, 2, "shape", [TensorType.INT32])
    require_same_type(node, node.input(1))

    def run(indices: Array, updates: Array, shape: Array) -> Array:
        extents = integers(node, "input 2 (shape)", shape)
        node.require(indices.ndim >= 1, "input 0 (indices)", "a scalar", "1 dimension or more")
        node.require(updates.ndim >= 1, "input 1 (updates)", "a scalar", "1 dimension or more")
        depth = indices.shape[-1]
        node.require(
            depth <= len(extents), "input 0 (indices)", f"vectors of {depth}", f"up to {len(extents)}"
        )
        wanted = (*indices.shape[:-1], *extents[depth:])
        node.require(updates.shape == wanted, "input 1 (updates)", updates.shape, wanted)
        check_shape(node, extents, updates.itemsize)
        vectors = indices.astype(np.int64).reshape(-1, depth) if depth else np.empty((0, 0), np.int64)
        for axis in range(depth):
            column = vectors[:, axis]
            outside = column[(column < 0) | (column >= extents[axis])]
            found = int(outside[0]) if outside.size else None
            node.require(
                found is None, "input 0 (indices)", f"{found} for axis {axis}", f"0 .. {extents[axis] - 1}"
            )
        y = np.zeros(extents, updates.dtype)
        if updates.size and depth:
            # add.at goes through the updates in order, and adds to an element as often as it is named.
            np.add.at(y, tuple(vectors.T), updates.reshape(-1, *extents[depth:]))
        elif updates.size:
            for update in updates.reshape(-1, *extents):
                np.add(y, update, out=y)
        return y

    return run
