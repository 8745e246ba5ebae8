"""BATCH_TO_SPACE_ND: images of the batch into blocks of pixels.

    uncropped[n, i · B₁ + a, j · B₂ + c, d] = x[(a · B₂ + c) · batch + n, i, j, d]

of which the crops are cut off. Inputs: x, block shape (B₁, B₂), crops (2, 2). Three dimensions have
one spatial axis.

(C1) x has three or four dimensions, y has its type. int8, uint8, int16: also its scale and zero
     point; int16: zero point 0.
(C2) Block shape and crops are int32, a value or a row (before, after) for each spatial axis.
(C3) Blocks are 1 or more; their product divides the number of images.
(C4) Crops are 0 or more, and no more than there is.

Source: LiteRT tflite/kernels/batch_to_space_nd.cc, internal/reference/batch_to_space_nd.h.
"""

from __future__ import annotations

import math

from quantlib.ops._movement import EVERY_TYPE, check_shape
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._space_batch import read_blocks, require_copyable

__all__: list[str] = []

rule("BATCH_TO_SPACE_ND", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


@kernel("BATCH_TO_SPACE_ND", EVERY_TYPE)
def batch_to_space_nd(node: Node) -> Kernel:
    """Elements as they are."""
    require_copyable(node)

    def run(x: Array, block_shape: Array, crops: Array) -> Array:
        blocks, margins = read_blocks(node, x.ndim, block_shape, crops)
        count, cells, depth = math.prod(blocks), x.shape[1:-1], x.shape[-1]
        node.require(x.shape[0] % count == 0, "input 0", f"{x.shape[0]} images", f"a multiple of {count}")
        whole = [cell * block for cell, block in zip(cells, blocks, strict=True)]
        role = "input 2 (crops)"
        for extent, (before, after) in zip(whole, margins, strict=True):
            fits = before >= 0 and after >= 0 and before + after <= extent
            node.require(fits, role, (before, after), f"0 or more, together at most {extent}")
        batch = x.shape[0] // count
        check_shape(node, (batch, *whole, depth), x.itemsize)
        spread = x.reshape(*blocks, batch, *cells, depth)
        m = len(blocks)
        pairs = [axis for i in range(m) for axis in (m + 1 + i, i)]
        merged = spread.transpose(m, *pairs, 2 * m + 1).reshape(batch, *whole, depth)
        kept = (slice(b, extent - a) for extent, (b, a) in zip(whole, margins, strict=True))
        return merged[(slice(None), *kept)]

    return run
