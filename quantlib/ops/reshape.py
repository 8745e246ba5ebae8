"""RESHAPE: the same elements in the same order, in another shape.

    y.flat[k] = x.flat[k]

The shape stands in the second input where that is an int32 vector, else in the options
(`new_shape`; none at all, and the old way to write a scalar, [0], mean no dimensions).

(C1) At most one extent is -1: it takes what the others leave. No other is negative.
(C2) y has as many elements as x, and its type.
(C3) The options hold eight extents at most, even where the second input has the shape.

Where x is empty, -1 becomes 0, unless another extent is 0: then it is the quotient of the products
of the extents that are not 0.

Source: LiteRT tflite/kernels/reshape.cc, internal/reshape_utils.h (ResolveOutputShape),
tflite/core/api/flatbuffer_conversions.cc (ParseReshape).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from quantlib.model.graph import TensorType
from quantlib.ops._movement import EVERY_TYPE, check_shape, integers, require_same_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__ = ["ReshapeOptions", "resolve_shape"]


@dataclass(frozen=True, slots=True)
class ReshapeOptions:
    """The shape, for files that do not give it as a tensor."""

    new_shape: tuple[int, ...] | None = None


rule("RESHAPE", same_scale=True, int16="same scale")

_MOST_EXTENTS = 8


def resolve_shape(node: Node, asked: Sequence[int], given: Sequence[int]) -> tuple[int, ...]:
    """The shape that is meant, -1 replaced.

    Parameters
    ----------
    node : Node
        For error texts.
    asked : sequence of int
    given : sequence of int
        Shape of the input.

    Raises
    ------
    InvalidModelError
        It does not hold as many elements as the input.
    """
    role = "shape"
    node.require(all(extent >= -1 for extent in asked), role, list(asked), "no extent below -1")
    node.require(list(asked).count(-1) <= 1, role, list(asked), "at most one -1")
    others = [extent for extent in asked if extent != -1]
    if math.prod(given) == 0 and math.prod(others) != 0:
        rest = 0
    else:
        rest = math.prod(extent or 1 for extent in given) // math.prod(extent or 1 for extent in others)
    shape = tuple(rest if extent == -1 else extent for extent in asked)
    node.require(math.prod(shape) == math.prod(given), role, list(asked), f"{math.prod(given)} elements")
    return shape


@kernel("RESHAPE", EVERY_TYPE)
def reshape(node: Node) -> Kernel:
    """A view of the input where its layout allows."""
    require_same_type(node)
    node.require(len(node.inputs) in (1, 2), "inputs", len(node.inputs), "1 or 2")
    from_options = node.read_options(ReshapeOptions).new_shape or ()
    node.require(
        len(from_options) <= _MOST_EXTENTS,
        "new_shape",
        f"{len(from_options)} extents",
        f"at most {_MOST_EXTENTS}",
    )
    if from_options == (0,):
        from_options = ()

    def run(x: Array, shape: Array | None = None) -> Array:
        asked: tuple[int, ...] = from_options
        if shape is not None and shape.ndim == 1 and node.input(1).type is TensorType.INT32:
            asked = integers(node, "input 1 (shape)", shape)
        resolved = resolve_shape(node, asked, x.shape)
        check_shape(node, resolved, x.itemsize)
        return x.reshape(resolved)

    return run
