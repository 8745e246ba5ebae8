"""BATCH_MATMUL: products of matrices, one pair after the other.

    y[..., i, j] = clamp(zy + requantize(Σ (x[..., i, k] − zx) · (w[..., j, k] − zw)))

x is (..., i, k), or (..., k, i) with `adj_x`; w is (..., k, j), or (..., j, k) with `adj_y`; leading
axes broadcast against each other; y is (..., i, j).

(C1) x and w have two to five dimensions, and equally many k.
(C2) Element types: float32 · float32; int8 · int8 to int8 or int32; int16 · int16 or int16 · int8 to
     int16; float32 · int8 to float32 (hybrid).
(C3) int16 activations: all zero points are 0.
(C4) Hybrid: one weight scale, or one per column j.

int8 to int32 is the bare sum of products: neither zero points nor scales count. 8-bit sums are int32
and wrap, those of int16 are int64. float32: products are added one by one, k ascending.

Hybrid: float32 x, int8 w. Every row of x is quantized on the fly, symmetrically or, if
`asymmetric_quantize_inputs` is set, asymmetrically; y = f32(acc) · (x scale · w scale), where acc is
the sum minus x's zero point times the sum of the column, formed in float32 and cut off to int32.

Families. XNNPACK: float32 multipliers for int8 (above 255 only if w is computed: LiteRT dies of a
constant), hybrid by `arithmetic.qd8` with constant weights, float32 as chains of fused multiply-adds.

LiteRT's own defects, reproduced: w with several scales counts as scale 0 and zero point 0 outside of
hybrid, so that y is its zero point everywhere; in hybrid, the matrices of two or more leading axes
take each other's scales and column sums (`_borrowed`), column sums wrap (`arithmetic.hybrid`). Not
reproduced: column sums that LiteRT reads but never formed (refused), and that it keeps column sums
of the first run even if w is not constant.

Source: LiteRT tflite/kernels/batch_matmul.cc, internal/reference/batch_matmul.h.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, qd8, rounding
from quantlib.arithmetic import hybrid as hybrid_rows
from quantlib.arithmetic.ordered import sum_products_float32
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import (
    Accumulating,
    ToOutput,
    chain_products_float32,
    sum_products_int64,
)
from quantlib.ops._activation import Activation
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel, multiply_adds
from quantlib.ops._rule import Hybrid, Versions, rule
from quantlib.ops._weights import legacy_multiplier
from quantlib.ops._xnnpack_layers import float32_output, takes_data

__all__ = ["BatchMatMulOptions"]


@dataclass(frozen=True, slots=True)
class BatchMatMulOptions:
    """Which operands come transposed; how hybrid activations are quantized."""

    adj_x: bool = False
    adj_y: bool = False
    asymmetric_quantize_inputs: bool = False


rule(
    "BATCH_MATMUL",
    int16="own scale",
    hybrid=Hybrid(1, asymmetric_inputs=True),
    versions=Versions(int8=2, int16=2, hybrid=4),
)


def _rows(node: Node, options: BatchMatMulOptions, x: Array, w: Array) -> tuple[Array, Array]:
    """The operands as (..., i, k) and (..., j, k), checked to fit each other."""
    for position, operand in enumerate((x, w)):
        node.require(2 <= operand.ndim <= 5, f"input {position}", f"{operand.ndim} dimensions", "2 to 5")
    x = np.swapaxes(x, -1, -2) if options.adj_x else x
    w = w if options.adj_y else np.swapaxes(w, -1, -2)
    node.require(x.shape[-1] == w.shape[-1], "input 1", f"{w.shape[-1]} rows", f"{x.shape[-1]}")
    try:
        leading = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
    except ValueError:
        node.require(False, "input 1", f"leading axes {w.shape[:-2]}", f"those of input 0, {x.shape[:-2]}")
        raise
    shape = (*leading, x.shape[-2], w.shape[-2])
    node.check_size(shape, 8)
    node.check_work(int(np.prod(shape, dtype=object)) * x.shape[-1])
    return x, w


def _require_output(node: Node, *types: TensorType) -> None:
    found = node.output().type
    node.require(found in types, "output", found.name, " or ".join(kind.name for kind in types))


def _sums(
    node: Node, wrap: Callable[[NDArray[np.int64]], NDArray[np.int64]]
) -> Callable[[Array, Array], NDArray[np.int64]]:
    options = node.read_options(BatchMatMulOptions)
    x_zero_point, w_zero_point = node.input(0).zero_point, node.input(1).zero_point

    def sums(x: Array, w: Array) -> NDArray[np.int64]:
        x, w = _rows(node, options, x, w)
        return wrap(sum_products_int64(x.astype(np.int64) - x_zero_point, w.astype(np.int64) - w_zero_point))

    return sums


def _multiplier(node: Node) -> NDArray[np.float64]:
    return legacy_multiplier(node, node.input(0), node.input(1), None)


def _is_int8_pair(node: Node) -> bool:
    return node.input_type(1) is TensorType.INT8 and node.output().type is not TensorType.INT32


@multiply_adds("BATCH_MATMUL")
def count(node: Node) -> int:
    """Every element of y sums a row of x."""
    axis = -2 if node.read_options(BatchMatMulOptions).adj_x else -1
    return math.prod(node.output().shape) * node.input(0).shape[axis]


@kernel("BATCH_MATMUL", [TensorType.INT8], when=_is_int8_pair)
def int8(node: Node) -> Accumulating:
    """Integer sums, one multiplier."""
    _require_output(node, TensorType.INT8)
    to_output = ToOutput.of(node, node.requantizer(_multiplier(node)))
    return Accumulating(_sums(node, fixed_point.wrap_int32), to_output)


def _is_delegated_integer(node: Node) -> bool:
    """Whether XNNPACK takes it."""
    x, w, y = node.input(0), node.input(1), node.output()
    pair = x.type is w.type is y.type is TensorType.INT8
    return pair and takes_data(x) and w.scales.size == 1 and w.zero_point == 0 and takes_data(y)


@kernel("BATCH_MATMUL", [TensorType.INT8], family="xnnpack", when=_is_delegated_integer)
def xnnpack_integer(node: Node) -> Kernel:
    """The same sums, multiplied in float32: by at most 255 if w is constant, else by any number."""
    below = (
        np.inf if node.input(1).constant is None else float(np.nextafter(np.float32(255), np.float32(256)))
    )
    to_output = float32_output(node, node.input(0), node.input(1), Activation.NONE, below=below)
    return int8(node).ending(to_output)


@kernel("BATCH_MATMUL", [TensorType.INT8], when=lambda node: node.input_type(1) is TensorType.INT8)
def int8_to_int32(node: Node) -> Kernel:
    """The bare sums of stored values."""
    options = node.read_options(BatchMatMulOptions)
    _require_output(node, TensorType.INT32)

    def run(x: Array, w: Array) -> Array:
        return sum_products_int64(*_rows(node, options, x, w)).astype(np.int32)

    return run


@kernel(
    "BATCH_MATMUL",
    [TensorType.INT16],
    when=lambda node: node.input_type(1) in (TensorType.INT16, TensorType.INT8),
)
def int16(node: Node) -> Kernel:
    """64-bit sums, one multiplier."""
    _require_output(node, TensorType.INT16)
    for role, value in (("input 0", node.input(0)), ("input 1", node.input(1)), ("output", node.output())):
        node.require(value.zero_point == 0, role, f"zero point {value.zero_point}", "0")
    return Accumulating(_sums(node, np.asarray), ToOutput.of(node, node.requantizer(_multiplier(node))))


@kernel("BATCH_MATMUL", [TensorType.FLOAT32], when=lambda node: node.input_type(1) is TensorType.FLOAT32)
def float32(node: Node) -> Kernel:
    """Real sums, k ascending."""
    options = node.read_options(BatchMatMulOptions)
    _require_output(node, TensorType.FLOAT32)

    def run(x: Array, w: Array) -> Array:
        return sum_products_float32(*_rows(node, options, x, w))

    return run


@kernel(
    "BATCH_MATMUL",
    [TensorType.FLOAT32],
    family="xnnpack",
    when=lambda node: node.input_type(1) is TensorType.FLOAT32,
)
def xnnpack_float32(node: Node) -> Kernel:
    """A chain of fused multiply-adds."""
    options = node.read_options(BatchMatMulOptions)
    _require_output(node, TensorType.FLOAT32)

    def run(x: Array, w: Array) -> Array:
        return chain_products_float32(node, *_rows(node, options, x, w), np.float32(0))

    return run


@kernel("BATCH_MATMUL", [TensorType.FLOAT32], when=lambda node: node.input_type(1) is TensorType.INT8)
def hybrid(node: Node) -> Kernel:
    """Integer sums of rows quantized on the fly, scaled back."""
    options = node.read_options(BatchMatMulOptions)
    _require_output(node, TensorType.FLOAT32)
    w_value = node.input(1)
    if w_value.is_per_axis:
        columns = w_value.shape[-2 if options.adj_y else -1]
        node.require(
            w_value.scales.size == columns, "input 1", f"{w_value.scales.size} scales", f"1 or {columns}"
        )
    w_scale = w_value.scales if w_value.is_per_axis else w_value.scale

    def run(x: Array, w: Array) -> Array:
        x, w = _rows(node, options, x, w)
        shape = (*np.broadcast_shapes(x.shape[:-2], w.shape[:-2]), x.shape[-2], w.shape[-2])
        if not options.adj_x and min(x.ndim, w.ndim) > 2 and w.shape[-3] == 1:
            # One matrix serves a whole axis of x: its rows are taken for rows of one matrix.
            x, w = x.reshape(*x.shape[:-3], -1, x.shape[-1]), w[..., 0, :, :]
        return _hybrid_products(node, options, x, w, w_scale).reshape(shape)

    return run


def _is_delegated_hybrid(node: Node) -> bool:
    """Whether XNNPACK takes it."""
    w, adjoint = node.input(1), node.read_options(BatchMatMulOptions).adj_y
    if w.type is not TensorType.INT8 or not w.scales.size or node.output().type is not TensorType.FLOAT32:
        return False
    return not w.is_per_axis or w.quantized_dimension == len(w.shape) - (2 if adjoint else 1)


@kernel("BATCH_MATMUL", [TensorType.FLOAT32], family="xnnpack", when=_is_delegated_hybrid)
def xnnpack_hybrid(node: Node) -> Kernel:
    """Integer sums of rows quantized by XNNPACK, scaled back."""
    if node.input(1).constant is None:
        wanted = "a constant; of others LiteRT hands XNNPACK what memory held before the first run"
        raise node.unsupported("input 1", "int8 weights that are computed", wanted)
    options, scales = node.read_options(BatchMatMulOptions), node.input(1).scales

    def run(x: Array, w: Array) -> Array:
        x, w = _rows(node, options, x, w)
        stored, scale = qd8.quantize_rows(x)
        acc = fixed_point.wrap_int32(sum_products_int64(stored, w))
        return qd8.dequantize_sums(acc, scale[..., None], scales, np.float32(0), fma=node.profile.fma)

    return run


def _hybrid_products(
    node: Node, options: BatchMatMulOptions, x: Array, w: Array, w_scale: NDArray[np.float32] | np.float32
) -> NDArray[np.float32]:
    """Products of x (..., i, k) and w (..., j, k) by way of rounded x."""
    asymmetric = options.asymmetric_quantize_inputs
    quantize_rows = (
        hybrid_rows.quantize_rows_asymmetric if asymmetric else hybrid_rows.quantize_rows_symmetric
    )
    rows = quantize_rows(np.ascontiguousarray(x))
    sums = fixed_point.wrap_int32(sum_products_int64(rows.stored, w)).astype(np.float32)
    shape = sums.shape[:-2]
    scale = _borrowed(rows.scale, shape)[..., :, None] * w_scale  # (..., i, j)
    if asymmetric:
        column_sums = _borrowed(_column_sums(node, w), shape).astype(np.float32)
        zero_point = _borrowed(rows.zero_point, shape).astype(np.float32)
        sums = sums - column_sums[..., None, :] * zero_point[..., :, None]
    return np.asarray(scale * rounding.float_to_int32(sums).astype(np.float32), np.float32)


def _column_sums(node: Node, w: Array) -> NDArray[np.int64]:
    """Σ w[..., j, k] over k; the kernel forms them for the last two leading axes only."""
    leading = (1, 1, 1, *w.shape[:-2])[-3:]
    last = sum(extent - 1 for extent in leading)
    if last >= leading[1] * leading[2]:
        found = f"leading axes {leading}, asymmetric inputs"
        raise node.unsupported("input 1", found, "so few that their column sums are all formed")
    return hybrid_rows.row_sums_in_int16_lanes(np.ascontiguousarray(w))


def _borrowed(values: Array, shape: tuple[int, ...]) -> Array:
    """What the kernel finds for each matrix: the values of matrix a + b + c, where (a, b, c) was meant.

    Axes of extent 1 do not count, so that with one other leading axis all is as it should be.

    Parameters
    ----------
    values : array (..., r)
        One row of values for each matrix.
    shape : tuple of int
        Leading axes of the products, to which those of `values` broadcast.

    Returns
    -------
    array (*shape, r)
    """
    leading = (1,) * (len(shape) - values.ndim + 1) + values.shape[:-1]
    steps = np.ix_(*(np.arange(extent) for extent in shape))
    found = sum((step for step, extent in zip(steps, leading, strict=True) if extent != 1), np.intp(0))
    by_matrix = values.reshape(-1, values.shape[-1])
    return np.broadcast_to(by_matrix[found], (*shape, values.shape[-1]))
