"""REVERSE_V2: elements along axes in the opposite order.

    y[..., k, ...] = x[..., extent − 1 − k, ...]

Inputs: x, axes.

(C1) x has at most eight dimensions, y has its type.
(C2) Axes are an int32 vector; each exists, negative ones count from the end.
(C3) There is at least one axis, none is named twice, and they lie side by side. (Without an axis
     LiteRT reads what happens to be in memory; for others it has no kernel.)

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/reverse.cc, internal/reference/reverse.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import COMMON_TYPES, integers, require_same_type, require_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__: list[str] = []

rule("REVERSE_V2", int16="same scale", versions=Versions(int8=3, int16=3))

_MOST = 8


@kernel("REVERSE_V2", COMMON_TYPES)
def reverse(node: Node) -> Kernel:
    """A view of the input."""
    require_type(node, 1, "axes", [TensorType.INT32])
    require_same_type(node)

    def run(x: Array, axes: Array) -> Array:
        role = "input 1 (axes)"
        node.require(x.ndim <= _MOST, "input 0", f"{x.ndim} dimensions", f"at most {_MOST}")
        named = sorted(resolve_axis(node, role, axis, x.ndim) for axis in integers(node, role, axes))
        side_by_side = bool(named) and named == list(range(named[0], named[0] + len(named)))
        node.require(side_by_side, role, named, "axes side by side")
        return np.flip(x, tuple(named))

    return run
