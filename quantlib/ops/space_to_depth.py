"""SPACE_TO_DEPTH: blocks of pixels into channels.

    y[n, i, j, (a · b + c) · depth + d] = x[n, i · b + a, j · b + c, d]      b: the block size

(C1) x has four dimensions, y has its type.
(C2) The block size is 1 or more, and divides height and width.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/space_to_depth.cc, internal/reference/space_to_depth.h.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantlib.model.graph import TensorType
from quantlib.ops._movement import check_shape, require_same_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["SpaceToDepthOptions"]


@dataclass(frozen=True, slots=True)
class SpaceToDepthOptions:
    """Height and width of a block."""

    block_size: int = 0


rule("SPACE_TO_DEPTH", same_scale=True, versions=Versions(int8=2))


_TYPES = (TensorType.FLOAT32, TensorType.UINT8, TensorType.INT8, TensorType.INT32, TensorType.INT64)


@kernel("SPACE_TO_DEPTH", _TYPES)
def space_to_depth(node: Node) -> Kernel:
    """Elements as they are."""
    require_same_type(node)
    size = node.read_options(SpaceToDepthOptions).block_size
    node.require(size >= 1, "block_size", size, "1 or more")

    def run(x: Array) -> Array:
        node.require(x.ndim == 4, "input 0", f"{x.ndim} dimensions", "4")
        n, h, w, depth = x.shape
        node.require(h % size == 0 and w % size == 0, "input 0", f"{h} × {w} pixels", f"multiples of {size}")
        shape = (n, h // size, w // size, depth * size * size)
        check_shape(node, shape, x.itemsize)
        blocks = x.reshape(n, h // size, size, w // size, size, depth)
        return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(shape)  # (n, i, j, a · c · d)

    return run
