"""LOGISTIC: the sigmoid function of every element.

    y = 1 / (1 + exp(−x))

(C1) y has the type of x.
(C2) The output scale of 8-bit codes is 1/256; any zero point.
(C3) int16 codes have zero points 0 and output scale 1/32768.

8-bit codes are looked up in a table of 256 entries computed in float32; int16 codes are interpolated
in a table of the function itself. Reals above 16.619 give 1, reals below -9 exp(x).

Optimized: int16 codes in units of 2**-12 go through fixed point (gemmlowp); real numbers through
Eigen. XNNPACK: the table of 8-bit codes is rounded half to even, and (C2) falls; its float32
is its own (`quantlib.arithmetic.xnnpack_exp`) and reproduced for processors with AVX-512. Its float16
multiplies by rcpps, an estimate that is the vendor's, and is not claimed.

Source: LiteRT tflite/kernels/activations.cc (SigmoidPrepare, SigmoidEval),
internal/reference/logistic.h, internal/reference/integer_ops/logistic.h.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import eigen, gemmlowp, libm, sigmoid_table, xnnpack_exp
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import maps_bytes, maps_float32_by_avx512
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Fixed, Versions, rule
from quantlib.ops._table import (
    float16_function,
    has_scale,
    look_up_8bit,
    look_up_8bit_xnnpack,
    require_no_zero_point,
    require_same_type,
    sigmoid_table_multiplier,
)

__all__: list[str] = []

rule(
    "LOGISTIC",
    fixed=Fixed(int8=(1 / 256, -128), int16=(1 / 32768, 0)),
    int16="own scale",
    versions=Versions(int8=2, int16=2),
)

_ONE_ABOVE = np.float32(16.619047164916992188)
_EXP_BELOW = np.float32(-9)


@kernel("LOGISTIC", [TensorType.INT8, TensorType.UINT8])
def eight_bit(node: Node) -> Kernel:
    """A table of 256 entries."""
    require_same_type(node)
    scale = node.output().scale
    node.require(float(scale) == 1 / 256, "output", f"scale {scale}", "1/256")
    return look_up_8bit(node, _one_over_one_plus_exp)


@kernel("LOGISTIC", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=maps_bytes)
def xnnpack(node: Node) -> Kernel:
    """A table of 256 entries, computed through float64, for any output scale."""
    require_same_type(node)
    return look_up_8bit_xnnpack(node, _through_float64)


@kernel("LOGISTIC", [TensorType.INT16], family="optimized", when=lambda node: has_scale(node, (-12,)))
def optimized_int16(node: Node) -> Kernel:
    """Fixed point in Q3."""
    require_same_type(node)
    require_no_zero_point(node)
    scale = node.output().scale
    node.require(float(scale) == 1 / 32768, "output", f"scale {scale}", "1/32768")

    def run(x: Array) -> Array:
        return gemmlowp.logistic(x, 3, bits=16).astype(np.int16)

    return run


@kernel("LOGISTIC", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """A table of 256 samples, interpolated."""
    require_same_type(node)
    require_no_zero_point(node)
    scale = node.output().scale
    node.require(float(scale) == 1 / 32768, "output", f"scale {scale}", "1/32768")
    multiplier, shift = sigmoid_table_multiplier(node, (0,))

    def run(x: Array) -> Array:
        return sigmoid_table.logistic_int16(x, multiplier, shift).astype(np.int16)

    return run


@kernel("LOGISTIC", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Three pieces."""
    require_same_type(node)
    return _in_three_pieces


@kernel("LOGISTIC", [TensorType.FLOAT16])
def float16(node: Node) -> Kernel:
    """As float32, rounded at the end."""
    require_same_type(node)
    return float16_function(_in_three_pieces)


@kernel("LOGISTIC", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """Eigen's function."""
    require_same_type(node)
    return partial(eigen.logistic, size=node.profile.float_packet)


@kernel("LOGISTIC", [TensorType.FLOAT32], family="xnnpack", when=maps_float32_by_avx512)
def xnnpack_float32(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack_exp.logistic


@kernel("LOGISTIC", [TensorType.FLOAT16], family="optimized")
def optimized_float16(node: Node) -> Kernel:
    """Eigen's formula for one element, every step rounded to float16."""
    require_same_type(node)

    def run(x: Array) -> Array:
        one = np.float16(1)
        power = libm.expf(x.astype(np.float32)).astype(np.float16)
        raised = (one + power).astype(np.float32)
        quotient = (power.astype(np.float32) / raised).astype(np.float16)
        return np.where(np.isinf(power), one, quotient)

    return run


def _through_float64(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """exp(x) / (1 + exp(x)) for a few codes; the last bits of exp are far below those of float32."""
    powers = np.array([math.exp(max(-100.0, min(100.0, one))) for one in x.tolist()])
    y = (powers / (1 + powers)).astype(np.float32)
    return np.where(x < -100, np.float32(0), np.where(x > 100, np.float32(1), y))


def _one_over_one_plus_exp(x: NDArray[np.float32]) -> NDArray[np.float32]:
    one = np.float32(1)
    with np.errstate(over="ignore"):
        return np.asarray(one / (one + libm.expf(-x)), np.float32)


def _in_three_pieces(x: NDArray[np.float32]) -> NDArray[np.float32]:
    y = np.where(x < _EXP_BELOW, libm.expf(x), _one_over_one_plus_exp(x))
    return np.where(x > _ONE_ABOVE, np.float32(1), y)
