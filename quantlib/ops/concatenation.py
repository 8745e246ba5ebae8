"""CONCATENATION: join tensors along an axis.

    y[..., s(i) + k, ...] = x_i[..., k, ...]      s(i): the extents of x_0 .. x_{i-1} along the axis, summed

(C1) Every input has the type and the rank of the output; extents agree but along the axis.
(C2) The axis exists; negative ones count from the end.
(C3) There is no fused activation.
(C4) int8: every input has the output's scale and zero point. int16: every zero point is 0; scales
     are not looked at.
(C5) Scalars are stacked into a vector, codes as they are; the axis is 0. (LiteRT takes constant ones only.)

uint8 inputs whose parameters are not the output's are rescaled, in float32:

    y = saturate(zy + int32(round(x · a + b)))    a = sx · (1 / sy),  b = −zx · a,  halves away from zero

Source: LiteRT tflite/kernels/concatenation.cc, internal/reference/concatenation.h.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from quantlib.arithmetic import fixed_point, rounding
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._movement import (
    COMMON_TYPES,
    check_shape,
    require_same_parameters,
    require_same_type,
    resolve_axis,
)
from quantlib.ops._node import Array, Kernel, Node, Value
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["ConcatenationOptions"]


@dataclass(frozen=True, slots=True)
class ConcatenationOptions:
    """Where tensors are joined."""

    axis: int = 0
    fused_activation_function: Activation = Activation.NONE


rule("CONCATENATION", same_scale=True, int16="scale of output", versions=Versions(int8=2, int16=2))


def join(node: Node, axis: int, parts: Sequence[Array]) -> Array:
    """The parts one after the other along an axis.

    Parameters
    ----------
    node : Node
        For error texts and limits.
    axis : int
    parts : sequence of arrays, at least one, of one dtype
    """
    first = parts[0]
    for position, part in enumerate(parts):
        node.require(part.ndim == first.ndim, f"input {position}", f"{part.ndim} dimensions", f"{first.ndim}")
    if first.ndim == 0:
        node.require(axis == 0, "axis", axis, "0 for scalars")
        return np.stack(parts)
    axis = resolve_axis(node, "axis", axis, first.ndim)
    for position, part in enumerate(parts):
        found, wanted = ((*one.shape[:axis], *one.shape[axis + 1 :]) for one in (part, first))
        node.require(found == wanted, f"input {position}", part.shape, f"{first.shape} but along axis {axis}")
    total = sum(part.shape[axis] for part in parts)
    check_shape(node, (*first.shape[:axis], total, *first.shape[axis + 1 :]), first.itemsize)
    return np.concatenate(parts, axis)


def _options(node: Node) -> ConcatenationOptions:
    options = node.read_options(ConcatenationOptions)
    node.require(len(node.inputs) >= 1, "inputs", "none", "1 or more")
    require_same_type(node, *_inputs(node))
    activation = options.fused_activation_function
    node.require(activation is Activation.NONE, "fused_activation_function", activation.name, "NONE")
    return options


def _inputs(node: Node) -> list[Value]:
    return [node.input(position) for position in range(len(node.inputs))]


def _rescaling(value: Value, output: Value) -> Callable[[Array], Array]:
    """From the codes of one uint8 tensor to those of another."""
    if value.scale == output.scale and value.zero_point == output.zero_point:
        return lambda x: x
    with np.errstate(all="ignore"):
        factor = value.scale * (np.float32(1) / output.scale)
        offset = np.float32(-value.zero_point) * factor
    codes = np.arange(256, dtype=np.float32)
    with np.errstate(all="ignore"):
        units = rounding.round_half_away_from_zero(codes * factor + offset)
    y = fixed_point.wrap_int32(rounding.float_to_int32(units) + output.zero_point)
    table = fixed_point.saturate(y, 0, 255).astype(np.uint8)
    return lambda x: table[x]


@kernel("CONCATENATION", [TensorType.UINT8])
def uint8(node: Node) -> Kernel:
    """Codes, rescaled where the output's parameters are others."""
    options = _options(node)
    conversions = [_rescaling(value, node.output()) for value in _inputs(node)]

    def run(*inputs: Array) -> Array:
        if inputs[0].ndim:
            inputs = tuple(convert(x) for convert, x in zip(conversions, inputs, strict=True))
        return join(node, options.axis, inputs)

    return run


@kernel("CONCATENATION", [*COMMON_TYPES, TensorType.UINT32])
def copied(node: Node) -> Kernel:
    """Elements as they are."""
    options = _options(node)
    for value in _inputs(node):
        if value.type is TensorType.INT8:
            require_same_parameters(node, value, node.output())
        if value.type is TensorType.INT16:
            node.require(
                value.zero_point == 0, f"tensor {value.index}", f"zero_point {value.zero_point}", "0"
            )
    if node.output().type is TensorType.INT16:
        zero_point = node.output().zero_point
        node.require(zero_point == 0, "output", f"zero_point {zero_point}", "0")
    return lambda *inputs: join(node, options.axis, inputs)
