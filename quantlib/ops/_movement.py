"""What operators that only move elements share: the types they take, and parameters given as tensors.

Axes, shapes and sizes arrive as integer tensors, from the file or from the caller. Each value passes
through here, and is checked, before it becomes an index or the size of an array.

Source: LiteRT tflite/kernels/internal/kernel_utils.h (ReadAndNormalizeAxis), kernel_util.h (CheckedNumElements)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Node, Value

__all__ = [
    "COMMON_TYPES",
    "EVERY_TYPE",
    "INDEX_TYPES",
    "check_shape",
    "integer",
    "integers",
    "require_same_parameters",
    "require_same_type",
    "require_type",
    "resolve_axis",
]

COMMON_TYPES = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)
"""Types that kernels name one by one."""

EVERY_TYPE = (
    *COMMON_TYPES,
    TensorType.UINT16,
    TensorType.UINT32,
    TensorType.UINT64,
    TensorType.FLOAT64,
    TensorType.COMPLEX64,
)
"""Types of 8, 16, 32 or 64 bits: what kernels take that look at the width alone."""

INDEX_TYPES = (TensorType.INT32, TensorType.INT64)
"""Types of parameters, where a kernel reads both."""

_LARGEST_EXTENT = 2**31 - 1


def require_type(node: Node, position: int, name: str, types: Sequence[TensorType] = INDEX_TYPES) -> None:
    """Refuse an input of another type.

    Parameters
    ----------
    node : Node
    position : int
    name : str
        What the input is, for the error.
    types : sequence of TensorType

    Raises
    ------
    InvalidModelError
    """
    found = node.input(position).type
    wanted = " or ".join(one.name for one in types)
    node.require(found in types, f"input {position} ({name})", found.name, wanted)


def require_same_type(node: Node, *values: Value) -> None:
    """Refuse outputs, and the given values, that do not have the type of the first value.

    Raises
    ------
    InvalidModelError
    """
    wanted = (values[0] if values else node.input(0)).type
    for value in (*values, *node.outputs):
        node.require(value.type is wanted, f"tensor {value.index}", value.type.name, wanted.name)


def require_same_parameters(node: Node, value: Value, other: Value) -> None:
    """Refuse two tensors whose scale or zero point, as kernels read them, differ.

    Codes are copied between them, and must mean the same number in both.

    Raises
    ------
    InvalidModelError
    """
    for field in ("scale", "zero_point"):
        found, wanted = getattr(value, field), getattr(other, field)
        node.require(found == wanted, f"tensor {value.index}", f"{field} {found}", f"{wanted}, the output's")


def integers(node: Node, role: str, values: Array, count: int | None = None) -> tuple[int, ...]:
    """The values of a parameter that is a vector.

    Parameters
    ----------
    node : Node
    role : str
        What it is, for the error.
    values : integer array
    count : int, optional
        How many there have to be.

    Raises
    ------
    InvalidModelError
        Not a vector, or not of that length.
    """
    node.require(values.ndim == 1, role, f"{values.ndim} dimensions", "1")
    if count is not None:
        node.require(values.size == count, role, f"{values.size} values", f"{count}")
    return tuple(int(value) for value in values)


def integer(node: Node, role: str, values: Array) -> int:
    """The value of a parameter that is one number, in an array of any shape.

    Raises
    ------
    InvalidModelError
        None, or several.
    """
    node.require(values.size == 1, role, f"{values.size} values", "1")
    return int(values.reshape(-1)[0])


def resolve_axis(node: Node, role: str, axis: int, rank: int) -> int:
    """An axis counted from the front; negative ones count from the end.

    Raises
    ------
    InvalidModelError
        There is no such axis.
    """
    node.require(-rank <= axis < rank, role, axis, f"{-rank} .. {rank - 1}" if rank else "an axis to exist")
    return axis % rank


def check_shape(node: Node, shape: Sequence[int], itemsize: int) -> None:
    """Refuse a shape that comes from the file, before anything of it is allocated.

    An extent of 0 excuses no other: what comes after may divide by it or multiply it.

    Parameters
    ----------
    node : Node
    shape : sequence of int
    itemsize : int
        Bytes of one element.

    Raises
    ------
    InvalidModelError
        An extent below 0 or beyond int32.
    LimitExceededError
        More bytes or dimensions than the limits allow.
    """
    fits = all(extent <= _LARGEST_EXTENT for extent in shape)
    node.require(fits, "output shape", list(shape), f"extents up to {_LARGEST_EXTENT}")
    node.check_size(shape, itemsize)
    if math.prod(shape) == 0:
        node.check_size([extent or 1 for extent in shape], itemsize)
