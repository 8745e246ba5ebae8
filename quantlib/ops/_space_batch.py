"""Blocks of pixels as further images of a batch: what both directions ask of their parameters.

Source: LiteRT tflite/kernels/space_to_batch_nd.cc, batch_to_space_nd.cc
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops._movement import integers, require_same_parameters, require_same_type, require_type
from quantlib.ops._node import Array, Node

__all__ = ["read_blocks", "require_copyable"]

_CODES = (TensorType.INT8, TensorType.UINT8, TensorType.INT16)


def require_copyable(node: Node) -> None:
    """Refuse types and quantization parameters under which elements cannot be copied.

    Raises
    ------
    InvalidModelError
    """
    value = node.input(0)
    require_type(node, 1, "block shape", [TensorType.INT32])
    require_type(node, 2, "margins", [TensorType.INT32])
    require_same_type(node)
    if value.type in _CODES:
        require_same_parameters(node, value, node.output())
    if value.type is TensorType.INT16:
        node.require(value.zero_point == 0, "input 0", f"zero_point {value.zero_point}", "0")


def read_blocks(
    node: Node, rank: int, block_shape: Array, margins: Array
) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Extents of a block, and what is added or removed around the image, for each spatial axis.

    Parameters
    ----------
    node : Node
    rank : int
        Of the input; its first axis is the batch, its last the channels.
    block_shape : int32 array (spatial axes,)
    margins : int32 array (spatial axes, 2)

    Returns
    -------
    blocks : tuple of int, 1 or more each
    margins : list of (before, after)

    Raises
    ------
    InvalidModelError
        Another rank than 3 or 4, parameters of another shape, a block below 1.
    """
    node.require(rank in (3, 4), "input 0", f"{rank} dimensions", "3 or 4")
    blocks = integers(node, "input 1 (block shape)", block_shape, rank - 2)
    node.require(all(block >= 1 for block in blocks), "input 1 (block shape)", list(blocks), "1 or more")
    node.require(margins.shape == (rank - 2, 2), "input 2 (margins)", margins.shape, (rank - 2, 2))
    return blocks, [(int(before), int(after)) for before, after in margins]
