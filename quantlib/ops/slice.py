"""SLICE: a box out of a tensor.

    y[k] = x[begin + k]      along every axis, k from 0 to size − 1

Inputs: x, begin, size.

(C1) y has the type of x.
(C2) begin and size are vectors of one type, int32 or int64, with a value for each axis of x.
(C3) The box lies inside: 0 ≤ begin and begin + size ≤ extent. A size of -1 means up to the end.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/slice.cc, internal/reference/slice.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from quantlib.ops._movement import EVERY_TYPE, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__: list[str] = []

rule("SLICE", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


@kernel("SLICE", EVERY_TYPE)
def box(node: Node) -> Kernel:
    """A view of the input."""
    require_type(node, 1, "begin")
    require_type(node, 2, "size", [node.input(1).type])
    require_same_type(node)

    def run(x: Array, begin: Array, size: Array) -> Array:
        spans: list[Any] = []
        begins = integers(node, "input 1 (begin)", begin, x.ndim)
        sizes = integers(node, "input 2 (size)", size, x.ndim)
        for start, length, extent in zip(begins, sizes, x.shape, strict=True):
            node.require(0 <= start <= extent, "input 1 (begin)", start, f"0 .. {extent}")
            room = extent - start
            node.require(-1 <= length <= room, "input 2 (size)", length, f"-1 .. {room} from {start} on")
            spans.append(slice(start, extent if length == -1 else start + length))
        return np.asarray(x[(*spans, ...)])

    return run
