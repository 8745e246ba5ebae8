"""CUMSUM: running sums along an axis.

    y[k] = x[0] + … + x[k];  exclusive: without x[k];  reverse: from the end

(C1) The axis is one int32, and x has it.
(C2) y has the type of x.

Integers wrap. Reals are added one after the other in float32, starting from 0.

Source: LiteRT tflite/kernels/cumsum.cc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import resolve_axes
from quantlib.ops._registry import kernel
from quantlib.ops._table import require_same_type

__all__ = ["CumsumOptions"]


@dataclass(frozen=True, slots=True)
class CumsumOptions:
    """From where, and whether an element counts itself."""

    exclusive: bool = False
    reverse: bool = False


@kernel("CUMSUM", [TensorType.FLOAT32, TensorType.INT32, TensorType.INT64])
def plain(node: Node) -> Kernel:
    """NumPy's running sum, which has only one order."""
    require_same_type(node)
    node.require(node.input_type(1) is TensorType.INT32, "input 1 (axis)", node.input(1).type.name, "INT32")
    options = node.read_options(CumsumOptions)

    def run(x: Array, axis: Array) -> Array:
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        node.require(axis.size == 1, "input 1 (axis)", f"{axis.size} elements", "1")
        (along,) = resolve_axes(node, axis, x.ndim)
        rows = np.moveaxis(x, along, 0)
        rows = rows[::-1] if options.reverse else rows
        # Beginning with a 0, as the kernel does, turns -0.0 into 0.0.
        begun = np.concatenate((np.zeros((1, *rows.shape[1:]), x.dtype), rows))
        sums = np.add.accumulate(begun, axis=0, dtype=x.dtype)
        sums = sums[:-1] if options.exclusive else sums[1:]
        return np.moveaxis(sums[::-1] if options.reverse else sums, 0, along)

    return run
