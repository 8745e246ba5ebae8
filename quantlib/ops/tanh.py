"""TANH: the hyperbolic tangent of every element.

    y = tanh(x)

(C1) y has the type of x.
(C2) int16 codes have zero points 0 and output scale 2**-15 (within 0.07 %).

8-bit codes are looked up in a table of 256 entries computed in float32, for any scales; int16 codes
are interpolated in the table of LOGISTIC.

Optimized: int16 codes in units of 2**-12 or 2**-11 go through fixed point (gemmlowp); float32 through
Eigen. XNNPACK: the table of 8-bit codes is rounded half to even. Its float32 and
float16 are its own (`quantlib.arithmetic.xnnpack`, `xnnpack_half`), float16 being reproduced for
processors with AVX-512.

Source: LiteRT tflite/kernels/activations.cc (TanhPrepare, TanhEval), internal/reference/tanh.h,
internal/reference/integer_ops/tanh.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import eigen, gemmlowp, libm, sigmoid_table, xnnpack_half
from quantlib.arithmetic import xnnpack as xnnpack_functions
from quantlib.arithmetic.power_of_two import checked_log2
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import maps_bytes, maps_float16_by_avx512, maps_float32
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
    "TANH",
    fixed=Fixed(int8=(1 / 128, 0), int16=(1 / 32768, 0)),
    int16="own scale",
    versions=Versions(int8=2, int16=2),
)


@kernel("TANH", [TensorType.INT8, TensorType.UINT8])
def eight_bit(node: Node) -> Kernel:
    """A table of 256 entries."""
    require_same_type(node)
    return look_up_8bit(node, libm.tanhf)


@kernel("TANH", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=maps_bytes)
def xnnpack(node: Node) -> Kernel:
    """A table of 256 entries, rounded half to even."""
    require_same_type(node)
    return look_up_8bit_xnnpack(node, libm.tanhf)


@kernel("TANH", [TensorType.INT16], family="optimized", when=lambda node: has_scale(node, (-12, -11)))
def optimized_int16(node: Node) -> Kernel:
    """Fixed point in Q3."""
    _require_int16(node)
    exponent, _ = checked_log2(float(node.input(0).scale))

    def run(x: Array) -> Array:
        raw = gemmlowp.saturating_shift_left_int16(x, exponent + 12)
        return gemmlowp.tanh(raw, 3, bits=16).astype(np.int16)

    return run


@kernel("TANH", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """A table of 256 samples, interpolated."""
    _require_int16(node)
    multiplier, shift = sigmoid_table_multiplier(node, (0, 1))

    def run(x: Array) -> Array:
        return sigmoid_table.tanh_int16(x, multiplier, shift).astype(np.int16)

    return run


@kernel("TANH", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """The C library's function."""
    require_same_type(node)
    return libm.tanhf


@kernel("TANH", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """Eigen's function."""
    require_same_type(node)
    return eigen.tanh


@kernel("TANH", [TensorType.FLOAT32], family="xnnpack", when=maps_float32)
def xnnpack_float32(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack_functions.tanhf


@kernel("TANH", [TensorType.FLOAT16], family="xnnpack", when=maps_float16_by_avx512)
def xnnpack_float16(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack_half.tanh


@kernel("TANH", [TensorType.FLOAT16])
def float16(node: Node) -> Kernel:
    """As float32, rounded at the end."""
    require_same_type(node)
    return float16_function(libm.tanhf)


def _require_int16(node: Node) -> None:
    require_same_type(node)
    require_no_zero_point(node)
    scale = node.output().scale
    fits = scale > 0 and checked_log2(float(scale)) == (-15, True)
    node.require(bool(fits), "output", f"scale {scale}", "2**-15")
