"""UNPACK: the slices of a tensor along an axis, which vanishes.

    y_i[...] = x[..., i, ...]

(C1) There are `num` outputs, of the type of x, and x has as many slices.
(C2) The axis exists; negative ones count from the end.
(C3) x is not empty.
(C4) Every output has the scale and zero point of x.

Source: LiteRT tflite/kernels/unpack.cc, internal/reference/reference_ops.h (Unpack).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import require_same_parameters, require_same_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["UnpackOptions"]


@dataclass(frozen=True, slots=True)
class UnpackOptions:
    """How many slices, and along which axis."""

    num: int = 0
    axis: int = 0


rule("UNPACK", same_scale=True, int16="same scale", versions=Versions(int8=2))


_TYPES = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.UINT8,
    TensorType.INT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.BOOL,
)


@kernel("UNPACK", _TYPES)
def slices(node: Node) -> Kernel:
    """Views of the input."""
    options = node.read_options(UnpackOptions)
    node.require(options.num == len(node.outputs), "num", options.num, f"{len(node.outputs)}, the outputs")
    require_same_type(node, node.input(0))
    for output in node.outputs:
        require_same_parameters(node, output, node.input(0))

    def run(x: Array) -> tuple[Array, ...]:
        node.require(x.size > 0, "input 0", f"an empty tensor {x.shape}", "elements")
        axis = resolve_axis(node, "axis", options.axis, x.ndim)
        node.require(x.shape[axis] == options.num, "input 0", f"{x.shape[axis]} slices", f"{options.num}")
        return tuple(np.asarray(part) for part in np.moveaxis(x, axis, 0))

    return run
