"""BROADCAST_TO: repeat a tensor until it has the shape asked for.

    y[..., k, ...] = x[..., k, ...], or x[..., 0, ...] along axes where x has extent 1 or no axis at all

Inputs: x, shape.

(C1) y has the type of x.
(C2) The shape is a vector of int32 or int64, no shorter than x has dimensions; aligned at the end,
     extents of x are 1 or those asked for.

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/broadcast_to.cc, internal/reference/broadcast_to.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.ops._movement import EVERY_TYPE, check_shape, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__: list[str] = []

rule("BROADCAST_TO", same_scale=True, int16="same scale", versions=Versions(int8=3, int16=3))


@kernel("BROADCAST_TO", EVERY_TYPE)
def broadcast_to(node: Node) -> Kernel:
    """Elements as they are, more than once."""
    require_type(node, 1, "shape")
    require_same_type(node)

    def run(x: Array, shape: Array) -> Array:
        asked = integers(node, "input 1 (shape)", shape)
        node.require(len(asked) >= x.ndim, "input 1 (shape)", list(asked), f"{x.ndim} extents or more")
        aligned = asked[len(asked) - x.ndim :]
        fits = all(have in (1, extent) for have, extent in zip(x.shape, aligned, strict=True))
        node.require(fits, "input 1 (shape)", list(asked), f"one that {x.shape} broadcasts to")
        check_shape(node, asked, x.itemsize)
        return np.array(np.broadcast_to(x, asked))

    return run
