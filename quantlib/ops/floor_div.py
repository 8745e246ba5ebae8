"""FLOOR_DIV: the largest whole number that is not above x / y.

The quotient is formed and floored in float64, then converted to the type. Shapes broadcast.

(C1) x and y have the type of the output.
(C2) No divisor is 0, whatever the type.

Codes are divided as they stand: scales and zero points play no part. The smallest integer of a type
over −1 does not fit. It gives itself; but where shapes are equal, int8 and int16 saturate in all whole
blocks of 8 elements, which the compiler vectorised.

Source: LiteRT tflite/kernels/floor_div.cc, internal/reference/floor_div.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import rounding
from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel

__all__: list[str] = []

_BLOCK = 8
"""Elements that the vectorised loop takes at once; measured on LiteRT 2.3.0."""


@kernel("FLOOR_DIV", [TensorType.FLOAT32, TensorType.INT8, TensorType.INT16, TensorType.INT32])
def floor_div(node: Node) -> Kernel:
    """Numbers and codes as they are."""
    require_operands(node)
    dtype = node.output().dtype

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        node.require(bool(np.all(y != 0)), "input 1", "a divisor of 0", "none")
        with np.errstate(all="ignore"):
            quotient = np.floor(x.astype(np.float64) / y.astype(np.float64))
            if dtype.kind == "f":
                return np.asarray(quotient, dtype)
        wrapped = rounding.float_to_int32(quotient).astype(dtype)
        if dtype.itemsize == 4 or x.shape != y.shape:
            return wrapped
        saturated = np.minimum(quotient, np.iinfo(dtype).max).astype(dtype)
        in_a_block = np.arange(quotient.size).reshape(quotient.shape) < quotient.size // _BLOCK * _BLOCK
        return np.where(in_a_block, saturated, wrapped)

    return run
