"""TOPK_V2: the k largest elements of every row of the last axis, and where they stand.

    values[…, i] = x[…, indices[…, i]],  descending; of equals the one further left comes first

(C1) x has a last axis of at least k elements.
(C2) k is one int32 or int16; a negative one counts as 0.
(C3) values have the type of x; indices are int32 or int16, which holds them.

Codes are compared as they are. NaN comes after everything else.

Source: LiteRT tflite/kernels/topk_v2.cc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["TopKV2Options"]


@dataclass(frozen=True, slots=True)
class TopKV2Options:
    """Nothing to choose."""


rule("TOPK_V2", same_scale=True, versions=Versions(int8=2))


_INDEX_TYPES = (TensorType.INT32, TensorType.INT16)


@kernel(
    "TOPK_V2",
    [
        TensorType.FLOAT32,
        TensorType.INT8,
        TensorType.UINT8,
        TensorType.INT16,
        TensorType.INT32,
        TensorType.INT64,
    ],
)
def plain(node: Node) -> Kernel:
    """A stable sort of every row."""
    x_value, k_value, values, indices = node.input(0), node.input(1), node.output(0), node.output(1)
    node.require(values.type is x_value.type, "output 0 (values)", values.type.name, x_value.type.name)
    node.require(k_value.type in _INDEX_TYPES, "input 1 (k)", k_value.type.name, "INT32 or INT16")
    node.require(indices.type in _INDEX_TYPES, "output 1 (indices)", indices.type.name, "INT32 or INT16")
    most = indices.limits[1]

    def run(x: Array, k: Array) -> tuple[Array, Array]:
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        node.require(k.size == 1, "input 1 (k)", f"{k.size} elements", "1")
        count = max(int(k.reshape(())), 0)
        node.require(count <= x.shape[-1], "input 1 (k)", count, f"at most {x.shape[-1]}")
        node.require(x.shape[-1] <= most, "output 1 (indices)", f"rows of {x.shape[-1]}", f"at most {most}")
        where = _descending(x)[..., :count]
        return np.take_along_axis(x, where, axis=-1), where.astype(indices.dtype)

    return run


def _descending(x: Array) -> NDArray[np.intp]:
    """Positions along the last axis, largest element first, NaN last."""
    if x.dtype.kind == "f":
        return np.lexsort((-x, np.isnan(x)), axis=-1)
    return np.argsort(~x, axis=-1, kind="stable")
