"""ZEROS_LIKE: zeros in the shape of a tensor.

    y[k] = 0

(C1) y has the type of x: float32, int32 or int64.

Source: LiteRT tflite/kernels/zeros_like.cc.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import require_same_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []


@kernel("ZEROS_LIKE", [TensorType.FLOAT32, TensorType.INT32, TensorType.INT64])
def zeros_like(node: Node) -> Kernel:
    """Nothing but the shape matters."""
    require_same_type(node)

    def run(x: Array) -> Array:
        return np.zeros(x.shape, x.dtype)

    return run
