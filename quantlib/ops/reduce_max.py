"""REDUCE_MAX: the largest value along axes.

    y[…] = max(x[…])

(C1) The axes are int32 and the input has them.
(C2) y has the type of x, and 8- and 16-bit codes the same scale and zero point.
(C3) 16-bit codes have zero point 0.

Codes are compared as they are. Where there is nothing to compare the result is the smallest value of
the type. In float32 a NaN is never larger than anything and -inf never larger than the smallest
number, from which the search starts; over all axes it starts from the first element, be it NaN.

The optimized kernel starts from the first element and replaces it by whatever it does not exceed: by
every NaN, and NaN by its successor. bool is copied where there is nothing to fold and refused
elsewhere. XNNPACK does not ask for (C2)'s same parameters; what it makes of NaN and of zeros of both
signs depends on the processor and is not claimed.

Source: LiteRT tflite/kernels/reduce.cc (EvalType), internal/reference/reduce.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic.flush import flush_denormals
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import takes_float32_reduction, takes_reduction
from quantlib.ops._extremum import (
    INTEGERS,
    float32_extremum,
    float32_extremum_in_order,
    integer_extremum,
)
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import ReducerOptions, copied_boolean
from quantlib.ops._reduce_float32 import require_axes_of_delegate
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["ReducerOptions"]

rule("REDUCE_MAX", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


@kernel("REDUCE_MAX", INTEGERS)
def integer(node: Node) -> Kernel:
    """Codes, integers and bool."""
    return integer_extremum(node, largest=True)


@kernel("REDUCE_MAX", [TensorType.BOOL], family="optimized")
def boolean(node: Node) -> Kernel:
    """Copied, or refused."""
    return copied_boolean(node)


@kernel("REDUCE_MAX", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    return float32_extremum(node, largest=True)


@kernel("REDUCE_MAX", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """Real numbers by a comparison that NaN breaks."""
    return float32_extremum_in_order(node, largest=True)


@kernel("REDUCE_MAX", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=takes_reduction)
def xnnpack(node: Node) -> Kernel:
    """Codes as they are, whatever the parameters of the output."""
    require_axes_of_delegate(node)
    return integer_extremum(node, largest=True, same_parameters=False)


@kernel("REDUCE_MAX", [TensorType.FLOAT32], family="xnnpack", when=takes_float32_reduction)
def xnnpack_float32(node: Node) -> Kernel:
    """Denormals count as 0."""
    require_axes_of_delegate(node)
    extremum = float32_extremum_in_order(node, largest=True)

    def run(x: Array, axis: Array) -> Array:
        return np.asarray(extremum(flush_denormals(x), axis))

    return run
