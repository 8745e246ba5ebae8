"""MINIMUM: the smaller of x and y, element by element: x if x < y, else y.

Shapes broadcast. A comparison with NaN is false, so a NaN in x gives y and a NaN in y gives NaN;
of 0 and −0 the second is taken.

(C1) x, y and the output have the same type.

Codes are compared as they stand: scales and zero points play no part, even where they differ.

XNNPACK takes floats: it flushes subnormal float32 to zero, and where x is repeated along the innermost
axis the two change places in what is said of NaN and −0. A constant of one element is a bound there,
which treats both in another way (`quantlib.ops._xnnpack_operands.chosen`).

Source: LiteRT tflite/kernels/maximum_minimum.cc; google/XNNPACK src/operators/binary-elementwise-nd.c.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._xnnpack_operands import chosen, takes_numbers

__all__: list[str] = []

rule(
    "MINIMUM",
    same_scale=True,
    int16="scale of output",
    versions=Versions(int8=2, int16=2),
)


@kernel(
    "MINIMUM",
    [
        TensorType.FLOAT32,
        TensorType.FLOAT16,
        TensorType.INT8,
        TensorType.UINT8,
        TensorType.INT16,
        TensorType.INT32,
        TensorType.INT64,
    ],
)
def minimum(node: Node) -> Kernel:
    """Every type that has an order."""
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        return np.where(x < y, x, y)

    return run


@kernel("MINIMUM", [TensorType.FLOAT32, TensorType.FLOAT16], family="xnnpack", when=takes_numbers)
def numbers_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed."""
    return chosen(node, np.less)
