"""REVERSE_SEQUENCE: the first so many elements of every sequence in the opposite order.

    y[b, k] = x[b, n[b] − 1 − k] for k < n[b], else x[b, k]      b along `batch_dim`, k along `seq_dim`

Inputs: x, lengths n.

(C1) y has the type of x.
(C2) Both axes exist, counted from the front, and differ.
(C3) Lengths are a vector of int32 or int64, one for each index along `batch_dim`, none longer than
     a sequence; below 1 nothing is reversed. (LiteRT only looks at the first, and moves elements
     out of the tensor for others.)

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/reverse_sequence.cc, internal/reference/reference_ops.h (ReverseSequence).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__ = ["ReverseSequenceOptions"]


@dataclass(frozen=True, slots=True)
class ReverseSequenceOptions:
    """Along which axis the sequences lie, and along which one they are counted."""

    seq_dim: int = 0
    batch_dim: int = 0


rule("REVERSE_SEQUENCE", int8=False, why_not_int8="no kernel takes int8, though the converter writes it")


_TYPES = (TensorType.FLOAT32, TensorType.UINT8, TensorType.INT16, TensorType.INT32, TensorType.INT64)


@kernel("REVERSE_SEQUENCE", _TYPES)
def reverse_sequence(node: Node) -> Kernel:
    """Elements as they are."""
    options = node.read_options(ReverseSequenceOptions)
    along, across = options.seq_dim, options.batch_dim
    require_type(node, 1, "lengths")
    require_same_type(node)
    node.require(along != across, "seq_dim", along, f"another than batch_dim {across}")

    def run(x: Array, lengths: Array) -> Array:
        for field, axis in (("seq_dim", along), ("batch_dim", across)):
            node.require(0 <= axis < x.ndim, field, axis, f"0 .. {x.ndim - 1}")
        integers(node, "input 1 (lengths)", lengths, x.shape[across])
        extent = x.shape[along]
        too_long = lengths[lengths > extent]
        found = int(too_long[0]) if too_long.size else None
        node.require(found is None, "input 1 (lengths)", found, f"at most {extent}")
        index = np.arange(extent)
        ends = lengths.astype(np.int64)[:, None]
        order = np.where(index < ends, ends - 1 - index, index)  # (b, k)
        rows = np.moveaxis(x, (across, along), (0, 1))
        picked = rows[np.arange(rows.shape[0])[:, None], order]  # (b, k, ...)
        return np.moveaxis(picked, (0, 1), (across, along))

    return run
