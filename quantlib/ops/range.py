"""RANGE: evenly spaced numbers, up to a limit that is left out.

    y[0] = start,  y[k] = y[k − 1] + delta      ceil(|limit − start| / |delta|) numbers

float32 numbers add up one after the other, each sum rounded.

(C1) start, limit and delta are scalars of the type of y: float32, int32 or int64.
(C2) delta leads from start towards limit, or start is limit and delta is not 0.
(C3) limit − start fits the type. (LiteRT overflows.)

Source: LiteRT tflite/kernels/range.cc.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import check_shape, require_same_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []


def _count(node: Node, start: Array, limit: Array, delta: Array) -> int:
    """How many numbers there are."""
    numbers = [value.item() for value in (start, limit, delta)]
    first, last, step = numbers
    leads = (first <= last and step > 0) or (first >= last and step < 0)
    node.require(leads, "input 2 (delta)", step, f"one that leads from {first} to {last}")
    if start.dtype.kind == "i":
        largest = int(np.iinfo(start.dtype).max)
        node.require(abs(last - first) <= largest, "input 1 (limit)", last, f"within {largest} of {first}")
        return int(-(-abs(last - first) // abs(step)))
    with np.errstate(all="ignore"):
        count = np.ceil(np.abs((limit - start) / delta))
    node.require(bool(np.isfinite(count)), "input 1 (limit)", last, "a finite number of steps away")
    return int(count)


@kernel("RANGE", [TensorType.FLOAT32, TensorType.INT32, TensorType.INT64])
def evenly_spaced(node: Node) -> Kernel:
    """Numbers of the type of start."""
    require_same_type(node, *(node.input(position) for position in range(3)))

    def run(start: Array, limit: Array, delta: Array) -> Array:
        for position, value in enumerate((start, limit, delta)):
            node.require(value.ndim == 0, f"input {position}", f"{value.ndim} dimensions", "0")
        count = _count(node, start, limit, delta)
        check_shape(node, (count,), start.itemsize)
        steps = np.full(count, delta, start.dtype)
        steps[:1] = start
        with np.errstate(all="ignore"):
            return np.add.accumulate(steps, dtype=start.dtype)

    return run
