"""SQRT: the square root of every element.

Quantized: y = clamp(zo + trunc(√(sx · (x − zx)) / so)), every step in float32, and truncated rather
than rounded. What is no int32 becomes INT32_MIN before zo is added.

(C1) x and the output have the same type.
(C2) Codes are quantized on both sides; zero points of int16 are 0.
(C3) No code lies below its zero point. Negative floats give NaN.

XNNPACK takes float32 and refines the processor's estimate, which is reproduced for AVX-512
(`quantlib.arithmetic.rsqrt14`).

Source: LiteRT tflite/kernels/elementwise.cc (SqrtEvalQuantized).
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import fixed_point, rounding, rsqrt14
from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._delegated import maps_float32_by_avx512
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._unary_codes import unary_parameters

__all__: list[str] = []

rule("SQRT", int16="own scale", versions=Versions(int8=2, int16=2))


@kernel("SQRT", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node, 1)

    def run(x: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(x))

    return run


@kernel("SQRT", [TensorType.FLOAT32], family="xnnpack", when=maps_float32_by_avx512)
def xnnpack_float32(node: Node) -> Kernel:
    """A refined estimate of the reciprocal, times x."""
    require_operands(node, 1)
    return rsqrt14.root


@kernel("SQRT", [TensorType.INT8, TensorType.INT16])
def codes(node: Node) -> Kernel:
    """Codes."""
    parameters = unary_parameters(node)
    dtype, (low, high) = node.output().dtype, node.output().limits

    def run(x: Array) -> Array:
        stored = (x.astype(np.int64) - parameters.input_zero_point).astype(np.float32)
        real = np.asarray(parameters.input_scale * stored, np.float32)
        node.require(bool(np.all(real >= 0)), "input 0", "a negative number", "none")
        with np.errstate(all="ignore"):
            units = np.asarray(np.sqrt(real) / parameters.output_scale, np.float32)
        y = fixed_point.wrap_int32(rounding.float_to_int32(units) + parameters.output_zero_point)
        return fixed_point.saturate(y, low, high).astype(dtype)

    return run
