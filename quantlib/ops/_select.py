"""SELECT and SELECT_V2: what they have in common.

Source: LiteRT tflite/kernels/select.cc (SelectPrepare).
"""

from __future__ import annotations

import math

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Node

__all__ = ["SELECTABLE", "require_select_types", "shape_of_one"]

SELECTABLE = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.FLOAT64,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.UINT16,
    TensorType.INT32,
    TensorType.UINT32,
    TensorType.INT64,
    TensorType.UINT64,
    TensorType.BOOL,
    TensorType.COMPLEX64,
)
"""Everything whose elements take 1, 2, 4 or 8 whole bytes: they are only copied."""


def require_select_types(node: Node) -> None:
    """Refuse a node unless it has a bool condition and two inputs of the output's type.

    Raises
    ------
    InvalidModelError
    """
    node.require(len(node.inputs) == 3, "inputs", len(node.inputs), 3)
    condition, wanted = node.input(0).type, node.input(1).type
    node.require(condition is TensorType.BOOL, "input 0 (condition)", condition.name, TensorType.BOOL.name)
    for role, found in (("input 2", node.input(2).type), ("output", node.output().type)):
        node.require(found is wanted, role, found.name, wanted.name)


def shape_of_one(node: Node, *arrays: Array) -> tuple[int, ...] | None:
    """The shape of a result of one element: the one that the file states for the output.

    Parameters
    ----------
    node : Node
    *arrays : ndarray

    Returns
    -------
    tuple of int, or None where an input or the stated output has more elements than one
    """
    stated = node.output().shape
    of_one = math.prod(stated) == 1 and all(array.size == 1 for array in arrays)
    return stated if of_one else None
