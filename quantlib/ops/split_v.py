"""SPLIT_V: cut a tensor into parts of given sizes along an axis.

    y_i[..., k, ...] = x[..., s(i) + k, ...]      s(i): the sizes before i, summed

Inputs: x, sizes, axis.

(C1) There are `num_splits` outputs, of the type of x, and as many sizes, a vector of int32 or int64.
(C2) The axis is one int32 or int64, and exists; negative ones count from the end.
(C3) One size may be -1, which takes what the others leave; else they sum to the extent. None is
     below that.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/split_v.cc, internal/reference/reference_ops.h (Split).
"""

from __future__ import annotations

from dataclasses import dataclass

from quantlib.model.graph import TensorType
from quantlib.ops._movement import integer, integers, require_same_type, require_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["SplitVOptions", "resolve_sizes"]


@dataclass(frozen=True, slots=True)
class SplitVOptions:
    """How many parts."""

    num_splits: int = 0


rule("SPLIT_V", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


_TYPES = (
    TensorType.FLOAT32,
    TensorType.UINT8,
    TensorType.INT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)


def resolve_sizes(node: Node, sizes: tuple[int, ...], extent: int) -> tuple[int, ...]:
    """The size of every part, -1 replaced by what the others leave.

    Parameters
    ----------
    node : Node
        For error texts.
    sizes : tuple of int
    extent : int
        Of the axis.

    Raises
    ------
    InvalidModelError
        They do not fill the axis exactly.
    """
    role = "input 1 (sizes)"
    node.require(all(size >= -1 for size in sizes), role, list(sizes), "-1 or more")
    node.require(sizes.count(-1) <= 1, role, list(sizes), "at most one -1")
    rest = extent - sum(size for size in sizes if size != -1)
    node.require(rest == 0 or (rest > 0 and -1 in sizes), role, list(sizes), f"a sum of {extent}")
    return tuple(rest if size == -1 else size for size in sizes)


@kernel("SPLIT_V", _TYPES)
def parts(node: Node) -> Kernel:
    """Views of the input."""
    count = node.read_options(SplitVOptions).num_splits
    node.require(count == len(node.outputs), "num_splits", count, f"{len(node.outputs)}, the outputs")
    require_type(node, 1, "sizes")
    require_type(node, 2, "axis")
    require_same_type(node, node.input(0))

    def run(x: Array, sizes: Array, axis: Array) -> tuple[Array, ...]:
        along = resolve_axis(node, "input 2 (axis)", integer(node, "input 2 (axis)", axis), x.ndim)
        lead = (slice(None),) * along
        start = 0
        found = []
        for size in resolve_sizes(node, integers(node, "input 1 (sizes)", sizes, count), x.shape[along]):
            found.append(x[(*lead, slice(start, start + size))])
            start += size
        return tuple(found)

    return run
