"""SPACE_TO_BATCH_ND: blocks of pixels into further images of the batch.

    y[(a · B₂ + c) · batch + n, i, j, d] = padded[n, i · B₁ + a, j · B₂ + c, d]

Inputs: x, block shape (B₁, B₂), paddings (2, 2). Three dimensions have one spatial axis.

(C1) x has three or four dimensions, y has its type. int8, uint8, int16: also its scale and zero
     point; int16: zero point 0.
(C2) Block shape and paddings are int32, a value or a row (before, after) for each spatial axis.
(C3) Blocks are 1 or more and divide the padded extents.

The padding is the output's zero point for elements of one or two bytes, else 0. It is set byte by
byte, which shows in float16 tensors that carry a zero point. A negative padding crops, as the
kernels have it.

Source: LiteRT tflite/kernels/space_to_batch_nd.cc, internal/reference/space_to_batch_nd.h.
"""

from __future__ import annotations

import math

import numpy as np

from quantlib.ops._movement import EVERY_TYPE, check_shape
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._space_batch import read_blocks, require_copyable

__all__: list[str] = []

rule("SPACE_TO_BATCH_ND", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


def _filler(node: Node) -> Array:
    """One element of padding."""
    dtype = node.output().dtype
    byte = node.output().zero_point & 0xFF if dtype.itemsize <= 2 else 0
    if dtype.kind == "b":
        return np.array(byte != 0)
    return np.full(dtype.itemsize, byte, np.uint8).view(dtype).reshape(())


@kernel("SPACE_TO_BATCH_ND", EVERY_TYPE)
def space_to_batch_nd(node: Node) -> Kernel:
    """Elements as they are, and padding."""
    require_copyable(node)
    filler = _filler(node)

    def run(x: Array, block_shape: Array, paddings: Array) -> Array:
        blocks, margins = read_blocks(node, x.ndim, block_shape, paddings)
        role = "input 2 (paddings)"
        batch, spatial, depth = x.shape[0], x.shape[1:-1], x.shape[-1]
        padded = [before + extent + after for extent, (before, after) in zip(spatial, margins, strict=True)]
        node.require(
            all(extent >= 0 for extent in padded), role, margins, f"no less than is there, {spatial}"
        )
        fits = all(extent % block == 0 for extent, block in zip(padded, blocks, strict=True))
        node.require(fits, role, f"{padded} when padded", f"multiples of {list(blocks)}")
        cells = [extent // block for extent, block in zip(padded, blocks, strict=True)]
        shape = (math.prod(blocks) * batch, *cells, depth)
        check_shape(node, shape, x.itemsize)
        canvas = np.full((batch, *padded, depth), filler, x.dtype)
        into, out_of = [], []
        for extent, whole, (before, _) in zip(spatial, padded, margins, strict=True):
            # Where a padding is negative, the image begins before the canvas or ends behind it.
            start = max(before, 0)
            stop = max(start, min(before + extent, whole))
            into.append(slice(start, stop))
            out_of.append(slice(start - before, stop - before))
        canvas[(slice(None), *into)] = x[(slice(None), *out_of)]
        folded = canvas.reshape(batch, *(n for pair in zip(cells, blocks, strict=True) for n in pair), depth)
        axes = range(1, folded.ndim - 1)
        return folded.transpose(*axes[1::2], 0, *axes[::2], folded.ndim - 1).reshape(shape)

    return run
