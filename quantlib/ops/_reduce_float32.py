"""Sums and means in float32: the optimized SUM of codes, and XNNPACK's SUM and MEAN.

The reference kernels take the zero points from every code and requantize in fixed point; these
sum the codes as they are, and take care of the zero points in real numbers afterwards.

Source: LiteRT tflite/kernels/internal/optimized/reduce.h (QuantizedMeanOrSum); google/XNNPACK
src/operators/reduce-nd.c, src/f32-rsum, src/f32-rdsum, src/reference/unary-elementwise.cc; measured on ai-edge-litert 2.3.0
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import fixed_point, rounding
from quantlib.arithmetic.flush import flush_denormals, multiply_flushed
from quantlib.arithmetic.fused import fma32
from quantlib.arithmetic.xnnpack_sum import sum_in_order, sum_rows
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import ReducerOptions, Reduction, require_reducible, resolve_axes

__all__ = ["optimized_sum", "require_axes_of_delegate", "xnnpack_real_sum", "xnnpack_sum"]

_ROUNDS_TO_EVEN_SINCE = (2, 1, 6)
"""Before this release XNNPACK rounded halves away from zero."""


def optimized_sum(node: Node) -> Kernel:
    """round(Σ x · s − zx · s · n) + zy, every step in float32, halves away from zero; s = sx / sy.

    Parameters
    ----------
    node : Node

    Raises
    ------
    InvalidModelError
        Types or axes that the operator refuses.
    UnsupportedError
        When called: nothing to sum, where the kernel leaves its output unwritten.
    """
    require_reducible(node)
    options = node.read_options(ReducerOptions)
    x_value, y_value = node.input(0), node.output()
    scale = x_value.scale / y_value.scale

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        if reduction.count == 0:
            raise node.unsupported("input 0", "no elements; the kernel leaves its output unwritten", "some")
        sums = fixed_point.wrap_int32(reduction.rows.sum(axis=0, dtype=np.int64))
        bias = np.float32(-x_value.zero_point) * scale * np.float32(reduction.count)
        real = sums.astype(np.float32) * scale + bias
        codes = rounding.float_to_int32(rounding.round_half_away_from_zero(real)) + y_value.zero_point
        codes = fixed_point.saturate(fixed_point.wrap_int32(codes), *y_value.limits)
        return reduction.output(codes.astype(x.dtype))

    return run


def xnnpack_sum(node: Node, *, mean: bool) -> Kernel:
    """round(Σ x · s + z), every step in float32, halves to even; s = sx / sy, z = zy − zx · n · s.

    Parameters
    ----------
    node : Node
    mean : bool
        s is sx / sy times 1 / n.

    Raises
    ------
    UnsupportedError
        A scalar, or, when called, nothing to sum: LiteRT does not run these.
    InvalidModelError
        Types or axes that the operator refuses.
    """
    require_reducible(node)
    require_axes_of_delegate(node)
    options = node.read_options(ReducerOptions)
    x_value, y_value = node.input(0), node.output()
    low, high = y_value.limits
    to_even = node.profile.release >= _ROUNDS_TO_EVEN_SINCE

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        if reduction.count == 0:
            raise node.unsupported("input 0", "no elements, which XNNPACK does not define", "some")
        n = reduction.count
        scale = x_value.scale / y_value.scale
        if mean:
            scale = scale * (np.float32(1) / np.float32(n))
        points = fixed_point.wrap_int32(np.asarray(n * x_value.zero_point))
        zero = np.float32(y_value.zero_point) - points.astype(np.float32) * scale
        sums = fixed_point.wrap_int32(reduction.rows.sum(axis=0, dtype=np.int64))
        real = np.asarray(sums.astype(np.float32) * scale + zero, np.float32)
        bounded = np.minimum(np.maximum(real, np.float32(low)), np.float32(high))
        whole = rounding.round_half_to_even if to_even else rounding.round_half_away_from_zero
        return reduction.output(whole(bounded).astype(x.dtype))

    return run


def xnnpack_real_sum(node: Node, optimized: Kernel, *, mean: bool) -> Kernel:
    """Σ over outer axes of (Σ over the innermost reduced axes) · scale, every step in float32.

    Neighbouring axes count as one. Along the last axis each inner sum runs in the order of
    `xnnpack_sum.sum_rows`, and is multiplied and added to the others in one step; along other axes it runs
    in order from 0, and is multiplied before it is added. The factor is 1 / n or 1. Denormals count as 0.

    Parameters
    ----------
    node : Node
    optimized : Kernel
        For reductions of the last axis where vectors are not those of AVX-512: their order is unknown.
    mean : bool

    Raises
    ------
    UnsupportedError
        A scalar.
    InvalidModelError
        Types or axes that the operator refuses.
    """
    require_reducible(node)
    require_axes_of_delegate(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        axes = resolve_axes(node, axis, x.ndim)
        along_last = x.ndim - 1 in axes
        if along_last and node.profile.vectors != "avx512f":
            result = optimized(x, axis)
            assert not isinstance(result, tuple)
            return result
        reduction = Reduction.of(node, options, flush_denormals(x), axis)
        if reduction.count == 0:
            nothing = np.float32(np.nan if mean else 0)
            return np.full(reduction.shape, nothing)
        inner = next(one for one in reversed(range(x.ndim)) if one in axes)
        first = next((one + 1 for one in reversed(range(inner)) if one not in axes), 0)
        run_length = int(np.prod(x.shape[first : inner + 1]))
        runs, size = reduction.count // run_length, reduction.rows.shape[1]
        rows = reduction.rows.reshape(runs, run_length, size)
        scale = np.float32(1) / np.float32(reduction.count) if mean else np.float32(1)
        if along_last:
            total = np.zeros(size, np.float32)
            for part in rows:
                total = flush_denormals(fma32(sum_rows(part.T), scale, total))
            return reduction.output(total)
        inner_rows = np.moveaxis(rows, 1, 0).reshape(run_length, runs * size)
        parts = multiply_flushed(sum_in_order(inner_rows), scale).reshape(runs, size)
        return reduction.output(sum_in_order(parts))

    return run


def require_axes_of_delegate(node: Node) -> None:
    """Refuse a scalar: the delegate takes the node and then cannot prepare it.

    Raises
    ------
    UnsupportedError
    """
    if len(node.input(0).shape) == 0:
        raise node.unsupported("input 0", "a scalar, with which XNNPACK fails", "1 dimension or more")
