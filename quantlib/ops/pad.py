"""PAD, PADV2: surround a tensor with a constant.

    y[before + k] = x[k], elsewhere the constant      along every axis, before and after it

Inputs: x, paddings (rank, 2), and optionally the constant.

(C1) x has at most five dimensions, y has its type.
(C2) Paddings are int32, int64, int16, int8 or bool, a row (before, after) for each axis of x; none
     is negative.
(C3) The constant, if given, is one element of the type of x. For uint8, and for int8 and int16
     where x is quantized, it has the scale and zero point of y.

Without a constant the padding is what means 0.0: the zero point of y where x is quantized (uint8:
always), otherwise 0. Scale and zero point of x are not looked at: codes are copied.

Both names are one kernel. The optimized family sets every byte to 0 where the constant is -0.0,
which so becomes 0.0; not for float16 images, constant paddings of the two axes in the middle.

Source: LiteRT tflite/kernels/pad.cc, internal/reference/pad.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import (
    COMMON_TYPES,
    check_shape,
    require_same_parameters,
    require_same_type,
    require_type,
)
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["PadOptions", "PadV2Options", "padding_element", "surround"]


@dataclass(frozen=True, slots=True)
class PadOptions:
    """Nothing to choose."""


@dataclass(frozen=True, slots=True)
class PadV2Options:
    """Nothing to choose."""


rule("PAD", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))
rule("PADV2", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


_PADDING_TYPES = (
    TensorType.INT32,
    TensorType.INT64,
    TensorType.INT16,
    TensorType.INT8,
    TensorType.BOOL,
)
_MOST_DIMENSIONS = 5


def surround(node: Node, x: Array, paddings: Array, constant: Array) -> Array:
    """x with a constant around it.

    Parameters
    ----------
    node : Node
        For error texts and limits.
    x : array
    paddings : integer array (rank of x, 2)
        How many elements stand before and after, along each axis.
    constant : array of one element, of the dtype of x

    Raises
    ------
    InvalidModelError
        Paddings of another shape, or negative ones.
    LimitExceededError
        More than the limits allow; nothing was allocated.
    """
    role = "input 1 (paddings)"
    node.require(x.ndim <= _MOST_DIMENSIONS, "input 0", f"{x.ndim} dimensions", f"at most {_MOST_DIMENSIONS}")
    node.require(paddings.shape == (x.ndim, 2), role, paddings.shape, (x.ndim, 2))
    rows = [(int(before), int(after)) for before, after in paddings]
    node.require(all(amount >= 0 for row in rows for amount in row), role, rows, "0 or more")
    shape = [before + extent + after for extent, (before, after) in zip(x.shape, rows, strict=True)]
    check_shape(node, shape, x.itemsize)
    y = np.full(shape, constant.reshape(()), x.dtype)
    y[tuple(slice(before, before + extent) for extent, (before, _) in zip(x.shape, rows, strict=True))] = x
    return y


def padding_element(node: Node) -> Array:
    """The element that stands for 0.0 in the output."""
    y = node.output()
    if not _is_quantized(node):
        return np.zeros((), y.dtype)
    low, high = y.limits
    node.require(low <= y.zero_point <= high, "output", f"zero_point {y.zero_point}", f"{low} .. {high}")
    return np.array(y.zero_point, y.dtype)


def _is_quantized(node: Node) -> bool:
    """Whether the kernel treats elements as codes."""
    x = node.input(0)
    return x.type is TensorType.UINT8 or (x.type in (TensorType.INT8, TensorType.INT16) and x.scales.size > 0)


@kernel("PADV2", COMMON_TYPES)
@kernel("PAD", COMMON_TYPES)
def constant_padding(node: Node) -> Kernel:
    """Elements as they are, and a constant around them."""
    require_type(node, 1, "paddings", _PADDING_TYPES)
    require_same_type(node)
    if not node.has_input(2):
        zero = padding_element(node)
        return lambda x, paddings, _=None: surround(node, x, paddings, zero)
    require_type(node, 2, "constant", [node.input(0).type])
    if _is_quantized(node):
        require_same_parameters(node, node.input(2), node.output())

    def run(x: Array, paddings: Array, constant: Array) -> Array:
        node.require(constant.size == 1, "input 2 (constant)", f"{constant.size} elements", "1")
        return surround(node, x, paddings, constant)

    return run


@kernel("PADV2", [TensorType.FLOAT32, TensorType.FLOAT16], family="optimized")
def without_minus_zero(node: Node) -> Kernel:
    """As the reference, but for a constant of -0.0."""
    pad = constant_padding(node)
    if not node.has_input(2) or _is_float16_image(node):
        return pad
    return lambda x, paddings, constant: pad(
        x, paddings, np.where(constant == 0, np.zeros_like(constant), constant)
    )


def _is_float16_image(node: Node) -> bool:
    rows = node.input(1).constant
    constant_image = rows is not None and rows.shape == (4, 2) and not rows[[0, 3]].any()
    return node.input(0).type is TensorType.FLOAT16 and constant_image
