"""REDUCE_MIN: the smallest value along axes.

    y[…] = min(x[…])

(C1) The axes are int32 and the input has them.
(C2) y has the type of x, and 8- and 16-bit codes the same scale and zero point.
(C3) 16-bit codes have zero point 0.

Codes are compared as they are. Where there is nothing to compare the result is the largest value of
the type. In float32 a NaN is never smaller than anything and inf never smaller than the largest
number, from which the search starts; over all axes it starts from the first element, be it NaN.

Source: LiteRT tflite/kernels/reduce.cc (EvalType), internal/reference/reduce.h.
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops._extremum import INTEGERS, float32_extremum, integer_extremum
from quantlib.ops._node import Kernel, Node
from quantlib.ops._reduce import ReducerOptions
from quantlib.ops._registry import kernel

__all__ = ["ReducerOptions"]


@kernel("REDUCE_MIN", INTEGERS)
def integer(node: Node) -> Kernel:
    """Codes, integers and bool."""
    return integer_extremum(node, largest=False)


@kernel("REDUCE_MIN", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    return float32_extremum(node, largest=False)
