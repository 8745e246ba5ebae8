"""REDUCE_PROD: the product along axes.

    p = x[0] − zx;  p = MBQM64(p · (x[k] − zx)) for every further k;  y = clamp(zy + MBQM64(p))

Each of the n multiplications is scaled by sx / sy^(1/n), so that together they make sx^n / sy.

(C1) The axes are int32 and the input has them.
(C2) y has the type of x.
(C3) 16-bit codes have zero point 0.
(C4) Quantized data are int8 or int16; 8- and 16-bit data without quantization parameters are plain
     integers, and so is the output.
(C5) Quantized data are not empty: the kernel leaves the output unwritten.
(C6) bool data are not folded, unless every product has one factor.

Where data and axes are constant and the output has at most 8 elements, Prepare folds them, by the
optimized kernel, whose result differs in one thing: codes whose product has one factor are copied
rather than rescaled. And it has no bool. In the optimized family all models run this kernel. XNNPACK
has no products.

Plain integers wrap in their own type; bool by and; real products run in row-major order, each step
rounded to float32. A plain product of nothing is 1.

Source: LiteRT tflite/kernels/reduce.cc (PrepareProd, EvalImpl), internal/reference/reduce.h
(QuantizedReduceProd).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from quantlib.arithmetic import fixed_point
from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import (
    ReducerOptions,
    Reduction,
    copied_boolean,
    fold_float32,
    require_reducible,
    require_same_parameters,
)
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["ReducerOptions"]

rule("REDUCE_PROD", int16="own scale", versions=Versions(int8=2, int16=2))

_SMALL = (TensorType.INT8, TensorType.UINT8, TensorType.INT16)

_LARGEST_FOLDED = 8
"""Elements of an output that Prepare computes."""


def _is_quantized(node: Node) -> bool:
    return node.input(0).scales.size > 0


@kernel("REDUCE_PROD", _SMALL, when=_is_quantized)
def quantized(node: Node) -> Kernel:
    """Products rescaled at every step."""
    return _quantized(node, copies_single=lambda reduction: _is_folded(node, reduction))


@kernel("REDUCE_PROD", _SMALL, family="optimized", when=_is_quantized)
def optimized(node: Node) -> Kernel:
    """The same, but products of one factor are copied."""
    return _quantized(node, copies_single=lambda _: True)


def _quantized(node: Node, *, copies_single: Callable[[Reduction], bool]) -> Kernel:
    require_reducible(node)
    options = node.read_options(ReducerOptions)
    x_value, y_value = node.input(0), node.output()
    node.require(x_value.type is not TensorType.UINT8, "input 0", "quantized UINT8", "INT8 or INT16")

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        if x.size == 0:
            raise node.unsupported("input 0", "no elements; the kernel leaves its output unwritten", "some")
        root = math.pow(float(y_value.scale), 1.0 / reduction.count)
        multiplier, shift = fixed_point.quantize_multiplier(np.float64(x_value.scale) / np.float64(root))

        def rescale(product: Array) -> Array:
            return fixed_point.multiply_int64_by_quantized_multiplier(product, multiplier, shift)

        if reduction.count == 1 and copies_single(reduction):
            return reduction.output(reduction.rows)
        factors = reduction.rows.astype(np.int64) - x_value.zero_point
        product = factors[0]
        for factor in factors[1:]:
            product = rescale(product * factor)
        y = fixed_point.wrap_int32(rescale(product) + y_value.zero_point)
        return reduction.output(fixed_point.saturate(y, *y_value.limits).astype(x.dtype))

    return run


@kernel("REDUCE_PROD", [*_SMALL, TensorType.INT32, TensorType.INT64, TensorType.BOOL])
def plain(node: Node) -> Kernel:
    """Integer products that wrap; bool by and."""
    require_reducible(node)
    require_same_parameters(node)
    options = node.read_options(ReducerOptions)
    is_bool = node.input_type() is TensorType.BOOL

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        refused = is_bool and reduction.count > 1 and _is_folded(node, reduction)
        node.require(not refused, "input 0", "constant BOOL", "data computed at run time")
        return reduction.output(np.multiply.reduce(reduction.rows, axis=0, dtype=x.dtype))

    return run


@kernel("REDUCE_PROD", [TensorType.BOOL], family="optimized")
def boolean(node: Node) -> Kernel:
    """Copied, or refused."""
    return copied_boolean(node)


@kernel("REDUCE_PROD", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real products in order."""
    require_reducible(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        from_first = reduction.over_everything and reduction.count > 0
        start = None if from_first else np.ones(reduction.rows.shape[1], np.float32)
        return reduction.output(fold_float32(np.multiply, reduction.rows, start))

    return run


def _is_folded(node: Node, reduction: Reduction) -> bool:
    """Whether LiteRT computes the product once, while it prepares."""
    known = node.input(0).constant is not None and node.input(1).constant is not None
    return known and math.prod(reduction.shape) <= _LARGEST_FOLDED
