"""Sums and means in float32: the optimized SUM of codes, and XNNPACK's SUM and MEAN.

The reference kernels take the zero points from every code and requantize in fixed point; these
sum the codes as they are, and take care of the zero points in real numbers afterwards.

Source: LiteRT tflite/kernels/internal/optimized/reduce.h (QuantizedMeanOrSum); google/XNNPACK
src/operators/reduce-nd.c, src/f32-rdsum, src/reference/unary-elementwise.cc; measured on ai-edge-litert 2.3.0
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import fixed_point, rounding
from quantlib.arithmetic.flush import flush_denormals
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import ReducerOptions, Reduction, fold_float32, require_reducible, resolve_axes

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

    Neighbouring axes count as one. Each inner sum runs in order from 0 and is scaled by 1 / n, or by 1,
    before it is added to the others. Denormals count as 0.

    Parameters
    ----------
    node : Node
    optimized : Kernel
        For reductions of the last axis, whose order depends on the processor's vectors: not claimed.
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
        if x.ndim - 1 in axes:
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
        inner_rows = np.moveaxis(rows, 1, 0).reshape(run_length, runs * size)
        sums = fold_float32(np.add, inner_rows, np.zeros(inner_rows.shape[1], np.float32))
        scale = np.float32(1) / np.float32(reduction.count) if mean else np.float32(1)
        parts = flush_denormals(sums * scale).reshape(runs, size)
        total = fold_float32(np.add, parts, np.zeros(size, np.float32))
        return reduction.output(flush_denormals(total))

    return run


def require_axes_of_delegate(node: Node) -> None:
    """Refuse a scalar: the delegate takes the node and then cannot prepare it.

    Raises
    ------
    UnsupportedError
    """
    if len(node.input(0).shape) == 0:
        raise node.unsupported("input 0", "a scalar, with which XNNPACK fails", "1 dimension or more")
