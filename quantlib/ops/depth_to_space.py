"""DEPTH_TO_SPACE: channels into blocks of pixels.

    y[n, i · b + a, j · b + c, d] = x[n, i, j, (a · b + c) · depth + d]      b: the block size

(C1) x has four dimensions, y has its type.
(C2) The block size is 1 or more, and its square divides the number of channels.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/depth_to_space.cc, internal/reference/depth_to_space.h.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantlib.model.graph import TensorType
from quantlib.ops._movement import check_shape, require_same_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["DepthToSpaceOptions"]


@dataclass(frozen=True, slots=True)
class DepthToSpaceOptions:
    """Height and width of a block."""

    block_size: int = 0


rule("DEPTH_TO_SPACE", same_scale=True, versions=Versions(int8=2))


_TYPES = (TensorType.FLOAT32, TensorType.UINT8, TensorType.INT8, TensorType.INT32, TensorType.INT64)


@kernel("DEPTH_TO_SPACE", _TYPES)
def depth_to_space(node: Node) -> Kernel:
    """Elements as they are."""
    require_same_type(node)
    size = node.read_options(DepthToSpaceOptions).block_size
    node.require(size >= 1, "block_size", size, "1 or more")

    def run(x: Array) -> Array:
        node.require(x.ndim == 4, "input 0", f"{x.ndim} dimensions", "4")
        n, h, w, channels = x.shape
        node.require(
            channels % (size * size) == 0, "input 0", f"{channels} channels", f"a multiple of {size}²"
        )
        depth = channels // (size * size)
        shape = (n, h * size, w * size, depth)
        check_shape(node, shape, x.itemsize)
        blocks = x.reshape(n, h, w, size, size, depth)
        return blocks.transpose(0, 1, 3, 2, 4, 5).reshape(shape)  # (n, i · a, j · c, d)

    return run
