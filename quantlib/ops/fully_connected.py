"""FULLY_CONNECTED: every output is a weighted sum of a row of inputs.

    y[n, o] = clamp(zy + requantize(bias[o] + Σ (x[n, k] − zx) · (w[o, k] − zw)))

x is any array, read as rows as long as those of w (o, k); y is (n, o), or x's shape with o in place
of the last axis if `keep_num_dims` is set.

(C1) w has two dimensions. With `keep_num_dims` the last axis of x is k long.
(C2) Weights: int8, int4 and int2 go with int8 and int16 activations, int16 with int16, uint8 with
     uint8, float32 with float32; float32 activations with int8, uint8, int4 or int2 are hybrid.
     4-bit and 2-bit weights have zero point 0.
(C3) A bias, which may be left out, has o elements: int32 or int64 for integers, float32 otherwise.
     For int16 activations with 8-bit weights it is int64, or int32 if and only if
     `quantized_bias_type` says INT32.
(C4) Several weight scales run along axis 0; the weights' zero points are ignored then. With one
     scale, the bias's scale is x scale · w scale.
(C5) int16 activations have zero point 0 on both sides.
(C6) The fused activation is NONE, RELU, RELU_N1_TO_1 or RELU6; hybrid takes TANH and SIGN_BIT, too.
(C7) Weights are stored row by row (`weights_format` DEFAULT).
(C8) y has x's type. uint8 activations may give int16, too; then there is a bias.

Accumulators are int32 and wrap; those of int16 activations are int64 unless `quantized_bias_type`
says INT32. The reference kernels multiply them in float64 by x scale · w scale / y scale and round
once; only int16 weights use fixed point. Elements of x beyond the last whole row are ignored. With
k = 0 every output byte is 0.

Families. Optimized: other rounding, also for int16 with sums of 32 bits, which are those without an
int64 bias and without a weight zero point; a kernel of its own for hybrid 4-bit weights, which has no
place for -8 (refused); float32 sums by `arithmetic.eigen_product`. XNNPACK, where `_is_delegated`: float32 multipliers;
hybrid by `arithmetic.qd8`; float32 as chains of fused multiply-adds that start at the bias.

LiteRT's own defects: an int64 bias where the kernel wants int32 is read as pairs of int32
(reproduced); an int32 bias where it wants int64 is read beyond its end (refused). Other pairs of
integer types in and out are taken by LiteRT, which reads one type as another; not built here.

Source: LiteRT tflite/kernels/fully_connected.cc, internal/reference/fully_connected.h,
internal/reference/integer_ops/fully_connected.h.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, qd8, requantize
from quantlib.arithmetic import hybrid as hybrid_rows
from quantlib.arithmetic.ordered import sum_products_float32
from quantlib.arithmetic.requantize import Requantize
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import (
    Accumulating,
    Products,
    ToOutput,
    chain_products_float32,
    multiply_as_eigen,
    sum_products_int64,
)
from quantlib.ops._activation import Activation, activate_vector, clamp_float
from quantlib.ops._node import Array, Kernel, Node, Value
from quantlib.ops._registry import kernel, multiply_adds
from quantlib.ops._rule import Bias, Hybrid, Versions, rule
from quantlib.ops._scale_limits import bias_scale
from quantlib.ops._weights import (
    channel_multipliers,
    has_narrow_bias,
    legacy_multiplier,
    require_quantized,
    require_symmetric,
)
from quantlib.ops._xnnpack_layers import (
    float32_output,
    takes_activation,
    takes_bias,
    takes_data,
    takes_rank,
)

__all__ = ["FullyConnectedOptions", "WeightsFormat"]


class WeightsFormat(enum.IntEnum):
    """How weights are stored."""

    DEFAULT = 0
    SHUFFLED4x16INT8 = 1


@dataclass(frozen=True, slots=True)
class FullyConnectedOptions:
    """What happens besides the sums."""

    fused_activation_function: Activation = Activation.NONE
    weights_format: WeightsFormat = WeightsFormat.DEFAULT
    keep_num_dims: bool = False
    asymmetric_quantize_inputs: bool = False
    quantized_bias_type: TensorType = TensorType.FLOAT32


rule(
    "FULLY_CONNECTED",
    weights={1: 0},
    dense=True,
    bias=Bias(2, of=(0, 1), type_option="quantized_bias_type"),
    int16="own scale",
    hybrid=Hybrid(1, asymmetric_inputs=True),
    scales_fit=bias_scale,
    versions=Versions(int8=4, int16=4, hybrid=12),
)


_NARROW_WEIGHTS = (TensorType.INT8, TensorType.INT4, TensorType.INT2)
_BOUNDING = (Activation.NONE, Activation.RELU, Activation.RELU_N1_TO_1, Activation.RELU6)


def _shapes(
    node: Node, options: FullyConnectedOptions, x: tuple[int, ...], w: tuple[int, ...]
) -> tuple[int, tuple[int, ...]]:
    """How many rows there are in x, and the shape of the output."""
    node.require(len(w) == 2, "input 1 (weights)", f"{len(w)} dimensions", "2")
    units, depth = w
    if options.keep_num_dims:
        node.require(len(x) > 0 and x[-1] == depth, "input 0", f"shape {x}", f"{depth} along the last axis")
    batch = math.prod(x) // depth if depth else math.prod(x[:-1])
    shape = (*x[:-1], units) if options.keep_num_dims else (batch, units)
    node.check_size(shape, 8)
    node.check_work(batch * units * depth)
    return batch, shape


def _rows(node: Node, options: FullyConnectedOptions, x: Array, w: Array) -> tuple[Array, tuple[int, ...]]:
    """x as rows (n, k), and the shape of the output."""
    batch, shape = _shapes(node, options, x.shape, w.shape)
    depth = w.shape[1]
    return x.reshape(-1)[: batch * depth].reshape(batch, depth), shape


def _bias(node: Node, *types: TensorType) -> Value | None:
    """The bias, checked; the form of the weights, checked, too."""
    w = node.input(1)
    node.require(len(w.shape) == 2, "input 1 (weights)", f"{len(w.shape)} dimensions", "2")
    bias = node.input(2) if node.has_input(2) else None
    if bias is not None:
        node.require(
            bias.type in types, "input 2 (bias)", bias.type.name, " or ".join(kind.name for kind in types)
        )
        size = math.prod(bias.shape)
        node.require(size == w.shape[0], "input 2 (bias)", f"{size} elements", f"{w.shape[0]}")
    return bias


def _read_options(node: Node, *, hybrid: bool = False) -> FullyConnectedOptions:
    options = node.read_options(FullyConnectedOptions)
    if options.weights_format is not WeightsFormat.DEFAULT:
        raise node.unsupported("options", f"weights_format {options.weights_format.name}", "DEFAULT")
    found = options.fused_activation_function
    node.require(hybrid or found in _BOUNDING, "options", found.name, "NONE, RELU, RELU_N1_TO_1 or RELU6")
    if node.input_type(1) in (TensorType.INT4, TensorType.INT2):
        require_symmetric(node, "input 1 (weights)", node.input(1))
    return options


def _multipliers(node: Node, bias: Value | None) -> NDArray[np.float64]:
    """x scale · w scale / y scale, one for all units or one per unit.

    In float64; but kernels in fixed point round the product of two single scales to float32.
    """
    x, w = node.input(0), node.input(1)
    if w.is_per_axis:
        axis = w.quantized_dimension
        node.require(axis == 0, "input 1 (weights)", f"quantized_dimension {axis}", "0")
        return channel_multipliers(node, x, w, w.shape[0])
    in_float64 = channel_multipliers(node, x, w, w.shape[0])  # refuses what has no scale
    in_float32 = legacy_multiplier(node, x, w, bias)  # refuses a bias of another scale
    return in_float64 if node.requantizer is requantize.float64_half_away else in_float32


def _integer(
    node: Node,
    options: FullyConnectedOptions,
    rule: Requantize,
    *,
    sums: type[np.signedinteger[Any]] = np.int32,
    biases: type[np.signedinteger[Any]] = np.int32,
) -> Kernel:
    """Sums of one width, a bias of one width, then the rule."""
    x_value, w_value, output = node.input(0), node.input(1), node.output()
    weight_zero_point = 0 if w_value.is_per_axis else w_value.zero_point

    def accumulate(x: Array, w: Array, bias: Array | None = None) -> NDArray[np.int64]:
        rows, shape = _rows(node, options, x, w)
        acc = sum_products_int64(
            rows.astype(np.int64) - x_value.zero_point, w.astype(np.int64) - weight_zero_point
        )
        return (acc + read(bias)).astype(sums).astype(np.int64).reshape(shape)

    def read(bias: Array | None) -> NDArray[np.int64]:
        if bias is None:
            return np.zeros((), np.int64)
        # As the kernel's type, whatever it is.
        return np.ascontiguousarray(bias.reshape(-1)).view(biases)[: bias.size].astype(np.int64)

    products = Products(
        x_value.zero_point,
        weight_zero_point,
        partial(_shapes, node, options),
        read,
        bits=8 * np.dtype(sums).itemsize,
    )
    to_output = ToOutput.of(node, rule, options.fused_activation_function)
    layer = Accumulating(accumulate, to_output, products)

    def nothing_to_sum(x: Array, w: Array, bias: Array | None = None) -> Array:
        del bias
        return np.zeros(_rows(node, options, x, w)[1], output.dtype)

    return layer if w_value.shape[1] else nothing_to_sum


@multiply_adds("FULLY_CONNECTED")
def count(node: Node) -> int:
    """Every row of x meets every weight."""
    units, depth = node.input(1).shape
    return math.prod(node.input(0).shape) // max(depth, 1) * units * depth


@kernel("FULLY_CONNECTED", [TensorType.INT8], when=lambda node: node.input_type(1) in _NARROW_WEIGHTS)
def int8(node: Node) -> Accumulating | Kernel:
    """Integer sums, one multiplier, or one per unit."""
    options = _read_options(node)
    bias = _bias(node, TensorType.INT32, TensorType.INT64)
    if node.output().type is not TensorType.INT8:
        raise node.unsupported("output", node.output().type.name, "INT8")
    return _integer(node, options, node.requantizer(_multipliers(node, bias)))


@kernel("FULLY_CONNECTED", [TensorType.UINT8], when=lambda node: node.input_type(1) is TensorType.UINT8)
def uint8(node: Node) -> Accumulating | Kernel:
    """Integer sums, one multiplier; the output may be int16."""
    options = _read_options(node)
    bias, found = _bias(node, TensorType.INT32, TensorType.INT64), node.output().type
    node.require(not node.input(1).is_per_axis, "input 1 (weights)", "several scales", "one")
    if found not in (TensorType.UINT8, TensorType.INT16):
        raise node.unsupported("output", found.name, "UINT8 or INT16")
    node.require(found is TensorType.UINT8 or bias is not None, "input 2 (bias)", "absent", "a bias")
    return _integer(node, options, node.requantizer(_multipliers(node, bias)))


def _is_delegated(node: Node) -> bool:
    """Whether XNNPACK takes it."""
    options = node.read_options(FullyConnectedOptions)
    x, w, y = node.input(0), node.input(1), node.output()
    depth = w.shape[1] if takes_rank(w, 2) else 1
    return (
        2 <= len(node.inputs) <= 3
        and options.weights_format is WeightsFormat.DEFAULT
        and takes_activation(options.fused_activation_function)
        and takes_data(x)
        and takes_data(y)
        and x.type is y.type
        and _takes_weights(w)
        and depth % {TensorType.INT4: 2, TensorType.INT2: 4}.get(w.type, 1) == 0
        and (not node.has_input(2) or takes_bias(node.input(2), len(node.input(2).shape)))
    )


def _takes_weights(w: Value) -> bool:
    """Whether XNNPACK takes them."""
    if not takes_rank(w, 2) or not w.is_static:
        return False
    if w.type is TensorType.FLOAT32:
        return True
    if w.scales.size == 0 or (w.is_per_axis and w.quantized_dimension != 0):
        return False
    return w.type is not TensorType.INT2 or w.scales.size == w.shape[0]


def _is_delegated_integer(node: Node) -> bool:
    w = node.input(1)
    if node.input_type() is TensorType.UINT8:
        return w.type is TensorType.UINT8 and _is_delegated(node)
    offset = w.type is TensorType.INT8 and w.zero_point != 0
    return w.type in _NARROW_WEIGHTS and not offset and _is_delegated(node)


@kernel("FULLY_CONNECTED", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=_is_delegated_integer)
def xnnpack_integer(node: Node) -> Kernel:
    """The same sums, multiplied in float32."""
    layer = int8(node) if node.input_type() is TensorType.INT8 else uint8(node)
    activation = node.read_options(FullyConnectedOptions).fused_activation_function
    to_output = float32_output(node, node.input(0), node.input(1), activation)
    if not isinstance(layer, Accumulating):
        return layer
    if node.input_type(1) is TensorType.INT4:
        products = None if layer.products is None else replace(layer.products, bits=28)
        layer = Accumulating(partial(_sixteenfold, layer.accumulate), to_output, products)
    return layer.ending(to_output)


def _sixteenfold(accumulate: Callable[..., NDArray[np.int64]], *inputs: Array | None) -> NDArray[np.int64]:
    """The sums, of which XNNPACK holds 16 times as much in int32.

    4-bit weights stay in the high half of their byte.
    """
    return fixed_point.wrap_int32(16 * accumulate(*inputs)) >> 4


def _require_int16(node: Node) -> None:
    require_symmetric(node, "input 0", node.input(0))
    require_symmetric(node, "output", node.output())
    if node.output().type is not TensorType.INT16:
        raise node.unsupported("output", node.output().type.name, "INT16")


def _has_optimized_int16_kernel(node: Node) -> bool:
    declared = node.read_options(FullyConnectedOptions).quantized_bias_type
    bias = node.input_type(2)
    narrow = bias is TensorType.INT32 and declared is TensorType.INT32
    sums = narrow or (bias is None and declared is not TensorType.INT64)
    return sums and node.input_type(1) in _NARROW_WEIGHTS and node.input(1).zero_point == 0


@kernel("FULLY_CONNECTED", [TensorType.INT16], family="optimized", when=_has_optimized_int16_kernel)
def optimized_int16(node: Node) -> Kernel:
    """Integer sums of 32 bits, half up both times."""
    options = _read_options(node)
    _require_int16(node)
    bias = _bias(node, TensorType.INT32)
    rule = requantize.two_roundings_half_up
    return _integer(node, options, rule(_multipliers(replace(node, requantizer=rule), bias)))


@kernel("FULLY_CONNECTED", [TensorType.INT16], when=lambda node: node.input_type(1) in _NARROW_WEIGHTS)
def int16(node: Node) -> Kernel:
    """Integer sums as wide as the bias, one multiplier, or one per unit."""
    options = _read_options(node)
    _require_int16(node)
    narrow = has_narrow_bias(node, options.quantized_bias_type)
    bias = _bias(node, TensorType.INT32 if narrow else TensorType.INT64)
    width, rule = np.int32 if narrow else np.int64, node.requantizer
    if narrow and rule is requantize.int64_one_rounding:  # fixed point has a rule for either width
        rule = requantize.two_roundings
    return _integer(node, options, rule(_multipliers(node, bias)), sums=width, biases=width)


@kernel("FULLY_CONNECTED", [TensorType.INT16], when=lambda node: node.input_type(1) is TensorType.INT16)
def int16_weights(node: Node) -> Kernel:
    """64-bit sums in fixed point; every family has this one kernel."""
    options = _read_options(node)
    _require_int16(node)
    declared = options.quantized_bias_type
    has_narrow_bias(node, declared)
    types = (TensorType.INT32, TensorType.INT64) if declared is TensorType.FLOAT32 else (declared,)
    x, w, bias = node.input(0), node.input(1), _bias(node, *types)
    width = np.int64 if declared is TensorType.INT64 else np.int32
    require_quantized(node, activations=x, weights=w)
    real = _multipliers(node, bias) if w.is_per_axis else legacy_multiplier(node, x, w, bias)
    return _integer(node, options, requantize.int64_one_rounding(real), sums=np.int64, biases=width)


def _is_hybrid(node: Node) -> bool:
    return node.input_type(1) in (*_NARROW_WEIGHTS, TensorType.UINT8)


@kernel("FULLY_CONNECTED", [TensorType.FLOAT32], when=_is_hybrid)
def hybrid(node: Node) -> Kernel:
    """Integer sums of rows quantized on the fly, scaled and added to the bias."""
    options = _read_options(node, hybrid=True)
    _bias(node, TensorType.FLOAT32)
    w_value = node.input(1)
    if w_value.is_per_axis:
        units = w_value.shape[0]
        node.require(
            w_value.scales.size == units,
            "input 1 (weights)",
            f"{w_value.scales.size} scales",
            f"1 or {units}",
        )

    def run(x: Array, w: Array, bias: Array | None = None) -> Array:
        rows, shape = _rows(node, options, x, w)
        if w.shape[1] == 0:
            return np.zeros(shape, np.float32)
        start = np.float32(0) if bias is None else bias.reshape(-1)
        y = np.broadcast_to(start, (rows.shape[0], w.shape[0]))
        if x.any():
            y = y + _hybrid_products(rows, w.view(np.int8), w_value, options.asymmetric_quantize_inputs)
        return activate_vector(y, options.fused_activation_function).reshape(shape)

    return run


def _hybrid_products(
    x: NDArray[np.float32], w: NDArray[np.int8], parameters: Value, asymmetric: bool
) -> NDArray[np.float32]:
    """Σ x · w by way of rounded x, shape (n, o)."""
    quantize_rows = (
        hybrid_rows.quantize_rows_asymmetric if asymmetric else hybrid_rows.quantize_rows_symmetric
    )
    rows = quantize_rows(x)
    scale = rows.scale[:, None] * (
        parameters.scales if parameters.is_per_axis else parameters.scale
    )  # float32
    sums = hybrid_rows.signed_dot_product(w, rows.stored)
    if asymmetric:
        sums = fixed_point.wrap_int32(
            sums - rows.zero_point[:, None] * hybrid_rows.row_sums_in_int16_lanes(w)
        )
    return np.asarray(sums.astype(np.float32) * scale, np.float32)


def _has_4_bit_kernel(node: Node) -> bool:
    w = node.input(1)
    wide = w.type is TensorType.INT4 and len(w.shape) == 2 and w.shape[0] >= 4
    return wide and w.constant is not None and w.shape[1] in _EVEN_DEPTHS


_EVEN_DEPTHS = range(32, 2**31, 2)


@kernel("FULLY_CONNECTED", [TensorType.FLOAT32], family="optimized", when=_has_4_bit_kernel)
def optimized_hybrid_int4(node: Node) -> Kernel:
    """Integer sums of rows by weights plus 7, which are not negative; 7 rows are taken off the bias."""
    hybrid(node)  # for what it refuses
    options, w_value = _read_options(node, hybrid=True), node.input(1)
    if np.any(w_value.constant == -8):
        raise node.unsupported(
            "input 1 (weights)", "-8", "-7 .. 7; LiteRT's 4-bit kernel has no place for -8"
        )
    scales = w_value.scales if w_value.is_per_axis else w_value.scale

    def run(x: Array, w: Array, bias: Array | None = None) -> Array:
        rows, shape = _rows(node, options, x, w)
        stored, scale, _ = hybrid_rows.quantize_rows_symmetric(rows, blocks_of=rows.shape[1] + 1)
        acc = sum_products_int64(stored, w.astype(np.int64) + 7).astype(np.float32)
        taken = (-7 * stored.sum(axis=-1, dtype=np.int64)).astype(np.float32)
        start = (taken * scale)[:, None] * scales
        y = (start if bias is None else start + bias.reshape(-1)) + acc * scale[:, None] * scales
        return activate_vector(np.asarray(y, np.float32), options.fused_activation_function).reshape(shape)

    return run


def _is_delegated_hybrid(node: Node) -> bool:
    return node.input_type(1) in _NARROW_WEIGHTS and _is_delegated(node)


@kernel("FULLY_CONNECTED", [TensorType.FLOAT32], family="xnnpack", when=_is_delegated_hybrid)
def xnnpack_hybrid(node: Node) -> Kernel:
    """Integer sums of rows quantized by XNNPACK, scaled back with the bias."""
    hybrid(node)  # for what it refuses
    options = _read_options(node, hybrid=True)
    w_value = node.input(1)

    def run(x: Array, w: Array, bias: Array | None = None) -> Array:
        rows, shape = _rows(node, options, x, w)
        stored, scale = qd8.quantize_rows(rows)
        acc = fixed_point.wrap_int32(sum_products_int64(stored, w))
        start = np.float32(0) if bias is None else bias.reshape(-1)
        y = qd8.dequantize_sums(acc, scale[:, None], w_value.scales, start, fma=node.profile.fma)
        return clamp_float(y, options.fused_activation_function).reshape(shape)

    return run


@kernel("FULLY_CONNECTED", [TensorType.FLOAT32], when=lambda node: node.input_type(1) is TensorType.FLOAT32)
def float32(node: Node) -> Kernel:
    """Real sums, k ascending."""
    options = _read_options(node)
    _bias(node, TensorType.FLOAT32)

    def run(x: Array, w: Array, bias: Array | None = None) -> Array:
        rows, shape = _rows(node, options, x, w)
        if w.shape[1] == 0:
            return np.zeros(shape, np.float32)
        sums = sum_products_float32(rows, w) + (np.float32(0) if bias is None else bias.reshape(-1))
        return clamp_float(sums, options.fused_activation_function).reshape(shape)

    return run


@kernel(
    "FULLY_CONNECTED",
    [TensorType.FLOAT32],
    family="optimized",
    when=lambda node: node.input_type(1) is TensorType.FLOAT32,
)
def optimized_float32(node: Node) -> Kernel:
    """A matrix product."""
    options = _read_options(node)
    _bias(node, TensorType.FLOAT32)

    def run(x: Array, w: Array, bias: Array | None = None) -> Array:
        rows, shape = _rows(node, options, x, w)
        sums = multiply_as_eigen(node.profile, rows, w)
        if bias is not None:  # nothing is added else, and -0.0 stays
            sums = sums + bias.reshape(-1)
        return clamp_float(sums, options.fused_activation_function).reshape(shape)

    return run


@kernel(
    "FULLY_CONNECTED",
    [TensorType.FLOAT32],
    family="xnnpack",
    when=lambda node: node.input_type(1) is TensorType.FLOAT32 and _is_delegated(node),
)
def xnnpack_float32(node: Node) -> Kernel:
    """The bias first, then a chain of fused multiply-adds."""
    options = _read_options(node)
    _bias(node, TensorType.FLOAT32)

    def run(x: Array, w: Array, bias: Array | None = None) -> Array:
        rows, shape = _rows(node, options, x, w)
        start = np.float32(0) if bias is None else bias.reshape(-1)
        sums = chain_products_float32(node, rows, w, start)
        return clamp_float(sums, options.fused_activation_function).reshape(shape)

    return run
