"""TILE: repeat a tensor along every axis.

    y[k] = x[k mod extent]      along every axis, k from 0 to multiple · extent − 1

Inputs: x, multiples.

(C1) y has the type of x.
(C2) Multiples are int32 or int64, one for each axis of x, none negative.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/tile.cc.
"""

from __future__ import annotations

import numpy as np

from quantlib.ops._movement import EVERY_TYPE, check_shape, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__: list[str] = []

rule("TILE", same_scale=True, int16="same scale", versions=Versions(int8=3, int16=3))


@kernel("TILE", EVERY_TYPE)
def tile(node: Node) -> Kernel:
    """Elements as they are, more than once."""
    require_type(node, 1, "multiples")
    require_same_type(node)

    def run(x: Array, multiples: Array) -> Array:
        role = "input 1 (multiples)"
        times = integers(node, role, multiples.reshape(-1), x.ndim)
        node.require(all(count >= 0 for count in times), role, list(times), "0 or more")
        check_shape(node, [count * extent for count, extent in zip(times, x.shape, strict=True)], x.itemsize)
        return np.tile(x, times)

    return run
