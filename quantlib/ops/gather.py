"""GATHER: slices of a tensor, picked by index along an axis.

    y[b, o, k, i] = x[b, o, j[b, k], i]

b stands for the first `batch_dims` axes, o for those between them and `axis`, i for those after it,
k for the axes of the indices j that are not batch axes.

(C1) y has the type of x.
(C2) Indices are int16, int32 or int64.
(C3) The axis exists; a negative one counts from the end.
(C4) 0 ≤ batch_dims ≤ axis, and no more than the indices have axes; a negative number counts from
     the rank of the indices. The batch axes of x and of the indices agree.
(C5) Every index lies in 0 .. extent − 1.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/gather.cc, internal/reference/gather.h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import COMMON_TYPES, check_shape, require_same_type, require_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Hybrid, Versions, rule

__all__ = ["GatherOptions"]


@dataclass(frozen=True, slots=True)
class GatherOptions:
    """Along which axis, and how many leading axes belong together."""

    axis: int = 0
    batch_dims: int = 0


rule(
    "GATHER",
    same_scale=True,
    int16="same scale",
    hybrid=Hybrid(0, weights_only=True),
    versions=Versions(int8=2, int16=2),
)


_POSITION_TYPES = (TensorType.INT16, TensorType.INT32, TensorType.INT64)


@kernel("GATHER", COMMON_TYPES)
def gather(node: Node) -> Kernel:
    """Elements as they are, some of them, more than once."""
    options = node.read_options(GatherOptions)
    require_type(node, 1, "indices", _POSITION_TYPES)
    require_same_type(node)

    def run(x: Array, indices: Array) -> Array:
        axis = resolve_axis(node, "axis", options.axis, x.ndim)
        batch_dims = options.batch_dims + (indices.ndim if options.batch_dims < 0 else 0)
        most = min(axis, indices.ndim)
        node.require(0 <= batch_dims <= most, "batch_dims", options.batch_dims, f"0 .. {most}")
        batch, between, after = x.shape[:batch_dims], x.shape[batch_dims:axis], x.shape[axis + 1 :]
        role = "input 1 (indices)"
        node.require(indices.shape[:batch_dims] == batch, role, indices.shape, f"leading extents {batch}")
        extent = x.shape[axis]
        shape = (*x.shape[:axis], *indices.shape[batch_dims:], *after)
        check_shape(node, shape, x.itemsize)
        outside = (indices < 0) | (indices >= extent)
        node.require(not outside.any(), role, _first(indices, outside), f"0 .. {extent - 1}")
        flat = x.reshape(math.prod(batch), math.prod(between), extent, math.prod(after))
        picks = indices.astype(np.int64).reshape(math.prod(batch), math.prod(indices.shape[batch_dims:]))
        rows = np.arange(flat.shape[0])[:, None]
        # Two index arrays around a slice: their axes come first.
        y = flat[rows, :, picks]  # (b, k, o, i)
        return np.moveaxis(y, 2, 1).reshape(shape)

    return run


def _first(indices: Array, outside: Array) -> int | None:
    found = indices[outside]
    return int(found[0]) if found.size else None
