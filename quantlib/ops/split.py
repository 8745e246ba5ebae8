"""SPLIT: cut a tensor into equal parts along an axis.

    y_i[..., k, ...] = x[..., i · m + k, ...]     m: the extent of x along the axis over the number of parts

Inputs: axis, x.

(C1) There are `num_splits` outputs, of the type of x.
(C2) The axis is one int32 or int64, and exists; negative ones count from the end.
(C3) The number of parts divides the extent.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/split.cc, internal/reference/reference_ops.h (Split).
"""

from __future__ import annotations

from dataclasses import dataclass

from quantlib.model.graph import TensorType
from quantlib.ops._movement import integer, require_same_type, require_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["SplitOptions"]


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How many parts."""

    num_splits: int = 0


rule("SPLIT", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


_TYPES = (
    TensorType.FLOAT32,
    TensorType.UINT8,
    TensorType.INT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)


@kernel("SPLIT", _TYPES, data_input=1)
def equal_parts(node: Node) -> Kernel:
    """Views of the input."""
    parts = node.read_options(SplitOptions).num_splits
    node.require(
        parts == len(node.outputs) and parts > 0, "num_splits", parts, f"{len(node.outputs)}, the outputs"
    )
    require_type(node, 0, "axis")
    require_same_type(node, node.input(1))

    def run(axis: Array, x: Array) -> tuple[Array, ...]:
        along = resolve_axis(node, "input 0 (axis)", integer(node, "input 0 (axis)", axis), x.ndim)
        extent = x.shape[along]
        node.require(
            extent % parts == 0, "input 1", f"extent {extent} along axis {along}", f"a multiple of {parts}"
        )
        size = extent // parts
        lead = (slice(None),) * along
        return tuple(x[(*lead, slice(start * size, (start + 1) * size))] for start in range(parts))

    return run
