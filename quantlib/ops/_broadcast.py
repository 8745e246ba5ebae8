"""Operands of elementwise operators: one type, shapes that broadcast.

Shapes are aligned at their last axis; an extent of 1 is repeated, as NumPy does it.

Source: LiteRT tflite/kernels/kernel_util.cc (CalculateShapeForBroadcast) and
internal/reference/broadcast_loop.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.ops._node import Array, Node

__all__ = [
    "BROADCAST_RANK",
    "broadcast_shape",
    "require_operands",
    "require_same_elements",
    "require_zero_points_of_zero",
]

BROADCAST_RANK = 8
"""Dimensions that the broadcasting loop has room for; LiteRT ends the process on more."""


def require_operands(node: Node, count: int = 2, *, output: bool = True) -> None:
    """Refuse a node unless it has that many inputs, all of one type.

    Parameters
    ----------
    node : Node
    count : int
    output : bool
        Whether the output is of the same type, too.

    Raises
    ------
    InvalidModelError

    Source: LiteRT tflite/kernels/add.cc (Prepare)
    """
    node.require(len(node.inputs) == count, "inputs", len(node.inputs), count)
    node.require(len(node.outputs) == 1, "outputs", len(node.outputs), 1)
    wanted = node.input(0).type
    for position in range(1, count):
        found = node.input(position).type
        node.require(found is wanted, f"input {position}", found.name, wanted.name)
    if output:
        node.require(node.output().type is wanted, "output", node.output().type.name, wanted.name)


def require_zero_points_of_zero(node: Node) -> None:
    """Refuse a node unless all its tensors have zero point 0, as int16 codes must.

    Raises
    ------
    InvalidModelError
    """
    roles = [f"input {position}" for position in range(len(node.inputs))]
    for role, value in zip((*roles, "output"), (*node.inputs, node.output()), strict=True):
        point = 0 if value is None else value.zero_point
        node.require(point == 0, f"{role} quantization.zero_point", point, 0)


def broadcast_shape(node: Node, *arrays: Array) -> tuple[int, ...]:
    """The shape that all arrays broadcast to, once it is known to be allowed.

    Parameters
    ----------
    node : Node
        For error texts and limits.
    *arrays : ndarray

    Raises
    ------
    InvalidModelError
        Two extents differ and neither is 1.
    UnsupportedError
        Arrays of different shape and more than `BROADCAST_RANK` dimensions.
    LimitExceededError
        The result is larger than the limits allow.
    """
    shapes = [array.shape for array in arrays]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        node.require(False, "inputs", f"shapes {shapes}", "shapes that broadcast")
        raise
    if len(set(shapes)) > 1:
        if len(shape) > BROADCAST_RANK:
            raise node.unsupported(
                "inputs",
                f"{len(shape)} dimensions to broadcast, on which LiteRT ends the process",
                f"at most {BROADCAST_RANK}",
            )
        node.check_size(shape, 8)  # codes are computed as int64
    return shape


def require_same_elements(node: Node, x: Array, y: Array) -> None:
    """Refuse broadcasting where the kernel has none: it would end the process.

    Shapes may differ as long as nothing is repeated, such as (1, 4) and (4,).

    Raises
    ------
    UnsupportedError

    Source: LiteRT tflite/kernels/internal/runtime_shape.h (MatchingElementsSize)
    """
    if x.shape != y.shape and not x.size == y.size == int(np.prod(broadcast_shape(node, x, y))):
        raise node.unsupported(
            "inputs", f"shapes {x.shape} and {y.shape}, on which LiteRT ends the process", "equal shapes"
        )
