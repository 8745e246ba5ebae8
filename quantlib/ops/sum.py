"""SUM: the sum along axes.

    y[…] = clamp(zy + requantize(Σ x[…] − n · zx)),  multiplier sx / sy

(C1) The axes are int32 and the input has them.
(C2) y has the type of x.
(C3) 16-bit codes have zero point 0.

Sums of uint8 codes are int32 and wrap; those of int32 and int64 wrap in their own type; a sum of bool
is true where any element is. Real sums run in row-major order, each step rounded to float32. Where
there is nothing to sum the result is 0 (not the zero point).

Two defects of the reference kernel: it takes int8 data for uint8, so negative codes count 256 too
much and results are clamped to 0 .. 255 (reproduced); and it takes int16 data for uint8, so half of
the output is never written (refused).

The optimized kernel and XNNPACK scale sums of codes in float32 (`quantlib.ops._reduce_float32`), int8
as int8; the optimized one takes int16, too, and bool only where there is nothing to fold. It starts
from the first element. The order in which XNNPACK adds real numbers of the last axis depends on the
processor's vectors and is reproduced for AVX-512.

Source: LiteRT tflite/kernels/reduce.cc (QuantizedMeanOrSum), internal/reference/reduce.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import fixed_point
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import ToOutput
from quantlib.ops._delegated import takes_float32_reduction, takes_reduction
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import (
    ReducerOptions,
    Reduction,
    copied_boolean,
    fold_float32,
    require_reducible,
)
from quantlib.ops._reduce_float32 import optimized_sum, xnnpack_real_sum, xnnpack_sum
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["ReducerOptions"]

rule("SUM", versions=Versions(int8=2))  # the converter also makes it int16, which kernels take for bytes


@kernel("SUM", [TensorType.UINT8, TensorType.INT8])
def quantized(node: Node) -> Kernel:
    """Sums of bytes read as unsigned, whatever they are."""
    require_reducible(node)
    options = node.read_options(ReducerOptions)
    x_value, y_value = node.input(0), node.output()
    real = np.float64(x_value.scale) / np.float64(y_value.scale)
    to_output = ToOutput(node.requantizer(real), y_value.zero_point, 0, 255, np.dtype(np.uint8))

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x.view(np.uint8), axis)
        if reduction.count == 0:
            return np.zeros(reduction.shape, x.dtype)
        sums = reduction.rows.sum(axis=0, dtype=np.int64) - reduction.count * x_value.zero_point
        return reduction.output(to_output(fixed_point.wrap_int32(sums)).view(x.dtype))

    return run


@kernel("SUM", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """Refused.

    Raises
    ------
    UnsupportedError
    """
    found = "INT16, which the reference kernel takes for bytes, leaving half of the output unwritten"
    raise node.unsupported("input 0", found, "INT8, UINT8, INT32, INT64 or FLOAT32")


@kernel("SUM", [TensorType.INT8, TensorType.UINT8, TensorType.INT16], family="optimized")
def optimized(node: Node) -> Kernel:
    """Sums scaled in float32."""
    return optimized_sum(node)


@kernel("SUM", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=takes_reduction)
def xnnpack(node: Node) -> Kernel:
    """Sums scaled in float32."""
    return xnnpack_sum(node, mean=False)


@kernel("SUM", [TensorType.BOOL], family="optimized")
def boolean(node: Node) -> Kernel:
    """Copied, or refused."""
    return copied_boolean(node)


@kernel("SUM", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real sums in order."""
    return _float32(node, from_first=False)


@kernel("SUM", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """Real sums in order; a sum of -0.0 alone stays -0.0."""
    return _float32(node, from_first=True)


@kernel("SUM", [TensorType.FLOAT32], family="xnnpack", when=takes_float32_reduction)
def xnnpack_float32(node: Node) -> Kernel:
    """Inner sums added up."""
    return xnnpack_real_sum(node, optimized_float32(node), mean=False)


def _float32(node: Node, *, from_first: bool) -> Kernel:
    require_reducible(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        begins = (from_first or reduction.over_everything) and reduction.count > 0
        start = None if begins else np.zeros(reduction.rows.shape[1], np.float32)
        return reduction.output(fold_float32(np.add, reduction.rows, start))

    return run


@kernel("SUM", [TensorType.INT32, TensorType.INT64, TensorType.BOOL])
def plain(node: Node) -> Kernel:
    """Integer sums that wrap; bool by or."""
    require_reducible(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        return reduction.output(np.add.reduce(reduction.rows, axis=0, dtype=x.dtype))

    return run
