"""L2_NORMALIZATION: every row of the last axis divided by its length.

    y[…, k] = x[…, k] / sqrt(Σ x[…, k]²)

(C1) x has a last axis.
(C2) y has the type of x.
(C3) There is no fused activation.
(C4) Output codes are in units of 1/128 with zero point 0 (int8) or 128 (uint8).

Codes: the int32 sum of squares (which wraps) gives a quantized multiplier 1 / sqrt, and a sum that is
not positive counts as 1. Reals: squares are summed one after the other in float32, and a length below
1e-6 counts as 1e-6.

Source: LiteRT tflite/kernels/l2norm.cc, internal/reference/l2normalization.h,
internal/reference/integer_ops/l2normalization.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, gemmlowp
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import sum_last_axis_float32
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Fixed, Versions, rule
from quantlib.ops._table import require_same_type

__all__ = ["L2NormOptions"]


@dataclass(frozen=True, slots=True)
class L2NormOptions:
    """What follows."""

    fused_activation_function: Activation = Activation.NONE


rule("L2_NORMALIZATION", fixed=Fixed(int8=(1 / 128, 0)), versions=Versions(int8=2))


_SHORTEST = np.float32(1e-6)


@kernel("L2_NORMALIZATION", [TensorType.INT8])
def int8(node: Node) -> Kernel:
    """The factor 128 is part of the multiplier's shift."""
    _prepare(node, zero_point=0)
    zero_point = node.input(0).zero_point

    def run(x: Array) -> Array:
        codes = _codes(node, x, zero_point)
        multiplier, shift = _one_over_length(codes)
        y = fixed_point.multiply_by_quantized_multiplier(codes, multiplier, shift + 7)
        return fixed_point.saturate(y, -128, 127).astype(np.int8)

    return run


@kernel("L2_NORMALIZATION", [TensorType.UINT8])
def uint8(node: Node) -> Kernel:
    """The factor 128 is multiplied in first."""
    _prepare(node, zero_point=128)
    zero_point = node.input(0).zero_point

    def run(x: Array) -> Array:
        codes = _codes(node, x, zero_point)
        multiplier, shift = _one_over_length(codes)
        y = 128 + fixed_point.multiply_by_quantized_multiplier(128 * codes, multiplier, shift)
        return fixed_point.saturate(y, 0, 255).astype(np.uint8)

    return run


@kernel("L2_NORMALIZATION", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Squares summed in order."""
    _prepare(node)

    def run(x: Array) -> Array:
        node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
        length = np.sqrt(sum_last_axis_float32(x * x))
        return np.asarray(x / np.where(length < _SHORTEST, _SHORTEST, length))

    return run


def _prepare(node: Node, zero_point: int | None = None) -> None:
    require_same_type(node)
    activation = node.read_options(L2NormOptions).fused_activation_function
    node.require(activation is Activation.NONE, "fused activation", activation.name, "NONE")
    if zero_point is not None:
        y = node.output()
        node.require(float(y.scale) == 1 / 128, "output", f"scale {y.scale}", "1/128")
        node.require(y.zero_point == zero_point, "output", f"zero point {y.zero_point}", f"{zero_point}")


def _codes(node: Node, x: Array, zero_point: int) -> NDArray[np.int64]:
    node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
    return x.astype(np.int64) - zero_point


def _one_over_length(codes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    square = fixed_point.wrap_int32((codes * codes).sum(axis=-1, keepdims=True))
    return gemmlowp.inverse_sqrt_multiplier(np.maximum(square, 0))
