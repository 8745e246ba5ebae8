"""TRANSPOSE: permute axes.

    y.shape[i] = x.shape[p(i)]      and the elements accordingly

Inputs: x, permutation p.

(C1) x has one to eight dimensions, y has its type. (Of a scalar LiteRT returns what happens to be
     in memory.)
(C2) The permutation is an int32 vector that names every axis of x once; negative ones count from
     the end. (Of an axis named twice LiteRT reads past the tensor's end.)

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/transpose.cc, internal/reference/transpose.h.
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops._movement import EVERY_TYPE, integers, require_same_type, require_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__: list[str] = []

rule("TRANSPOSE", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))

_MOST = 8


@kernel("TRANSPOSE", EVERY_TYPE)
def transpose(node: Node) -> Kernel:
    """A view of the input."""
    require_type(node, 1, "permutation", [TensorType.INT32])
    require_same_type(node)

    def run(x: Array, permutation: Array) -> Array:
        role = "input 1 (permutation)"
        node.require(1 <= x.ndim <= _MOST, "input 0", f"{x.ndim} dimensions", f"1 .. {_MOST}")
        named = integers(node, role, permutation, x.ndim)
        axes = [resolve_axis(node, role, axis, x.ndim) for axis in named]
        node.require(len(set(axes)) == x.ndim, role, list(named), "every axis once")
        return x.transpose(axes)

    return run
