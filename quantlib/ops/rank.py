"""RANK: the number of dimensions of a tensor.

    y = rank of x

(C1) y is int32.

Source: LiteRT tflite/kernels/rank.cc.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import EVERY_TYPE
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__: list[str] = []

rule("RANK")


@kernel("RANK", EVERY_TYPE)
def rank(node: Node) -> Kernel:
    """Nothing but the shape matters."""
    node.require(node.output().type is TensorType.INT32, "output", node.output().type.name, "INT32")

    def run(x: Array) -> Array:
        return np.array(x.ndim, np.int32)

    return run
