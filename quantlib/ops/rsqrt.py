"""RSQRT: 1 / √x, element by element.

float32: the root and then the quotient, each rounded. int8: y = clamp(zo + requantize(1 / √(x − zx)))
with the root in fixed point (`quantlib.arithmetic.gemmlowp`) and the factor 1 / (√sx · so), the
denominator in float32. int16: a table of 513 entries, interpolated, whose entries for 0 and below
are the largest output.

(C1) x and the output have the same type.
(C2) Codes are quantized on both sides; zero points of int16 are 0.
(C3) No code lies below its zero point; the zero point itself gives the largest code of int8. Floats
     may be 0 or negative.

XNNPACK takes float32 and refines the processor's estimate, which is reproduced for AVX-512
(`quantlib.arithmetic.rsqrt14`).

Source: LiteRT tflite/kernels/elementwise.cc (RsqrtEval).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, gemmlowp, rsqrt14
from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._delegated import maps_float32_by_avx512
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._table import look_up_int16
from quantlib.ops._unary_codes import unary_parameters

__all__: list[str] = []

rule("RSQRT", int16="own scale", versions=Versions(int8=2, int16=2))

_SHIFT = 20
"""Bits of fraction that the root of a whole number is given."""


@kernel("RSQRT", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node, 1)
    return _reciprocal_root


@kernel("RSQRT", [TensorType.FLOAT32], family="xnnpack", when=maps_float32_by_avx512)
def xnnpack_float32(node: Node) -> Kernel:
    """A refined estimate."""
    require_operands(node, 1)
    return rsqrt14.reciprocal_root


@kernel("RSQRT", [TensorType.INT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    parameters = unary_parameters(node)
    with np.errstate(all="ignore"):
        denominator = np.sqrt(parameters.input_scale) * parameters.output_scale
        real = float(np.float64(1) / np.float64(denominator))
    multiplier, shift = fixed_point.quantize_multiplier(real)
    low, high = node.output().limits

    def run(x: Array) -> Array:
        stored = x.astype(np.int64) - parameters.input_zero_point
        _require_positive(node, stored)
        root_multiplier, root_shift = gemmlowp.inverse_sqrt_multiplier(stored)
        root = fixed_point.multiply_by_quantized_multiplier(1, root_multiplier, root_shift + _SHIFT)
        units = fixed_point.multiply_by_quantized_multiplier(root, multiplier, shift - _SHIFT)
        y = fixed_point.saturate(
            fixed_point.wrap_int32(units + parameters.output_zero_point), low, high
        ).astype(np.int8)
        return np.where(stored == 0, np.int8(high), y)

    return run


@kernel("RSQRT", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """Codes of 16 bits."""
    parameters = unary_parameters(node)
    largest = np.float32(32767) * parameters.output_scale

    def tabulated(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(x <= 0, largest, _reciprocal_root(x))

    look_up = look_up_int16(node, tabulated)

    def run(x: Array) -> Array:
        _require_positive(node, x)
        y = look_up(x)
        assert not isinstance(y, tuple)
        return y

    return run


def _reciprocal_root(x: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.float32(1) / np.sqrt(x), np.float32)


def _require_positive(node: Node, stored: Array) -> None:
    node.require(bool(np.all(stored >= 0)), "input 0", "a code below its zero point", "none")
