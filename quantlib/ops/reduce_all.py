"""REDUCE_ALL: whether all elements along axes are true.

    y[…] = x[…] and …

(C1) The axes are int32 and the input has them.
(C2) x and y are bool.

Of nothing the result is true.

Source: LiteRT tflite/kernels/reduce.cc (PrepareAllOrAny, EvalType).
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import ReducerOptions, Reduction, require_reducible
from quantlib.ops._registry import kernel

__all__ = ["ReducerOptions"]


@kernel("REDUCE_ALL", [TensorType.BOOL])
def boolean(node: Node) -> Kernel:
    """And."""
    require_reducible(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        return reduction.output(np.logical_and.reduce(reduction.rows, axis=0))

    return run
