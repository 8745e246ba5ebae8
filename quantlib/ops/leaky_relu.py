"""LEAKY_RELU: x where x is positive, alpha · x elsewhere.

Quantized: y = clamp(zo + requantize(x − zx)) with the factor sx / so where x ≥ zx, and with
sx · alpha / so elsewhere. Both factors are made in float32.

(C1) x and the output have the same type.
(C2) int16: zero points are 0.

alpha may be negative or larger than 1. The magnitude of its factor is what is requantized, so that a
tie is rounded as for a positive alpha and then negated.

Source: LiteRT tflite/kernels/activations.cc (LeakyReluPrepare), internal/reference/leaky_relu.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.arithmetic import fixed_point, requantize
from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands, require_zero_points_of_zero
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["LeakyReluOptions"]


@dataclass(frozen=True, slots=True)
class LeakyReluOptions:
    """The slope where x is negative."""

    alpha: float = 0.0


rule("LEAKY_RELU", int16="own scale", versions=Versions(int16=2))


@kernel("LEAKY_RELU", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node, 1)
    alpha = np.float32(node.read_options(LeakyReluOptions).alpha)

    def run(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.where(x > 0, x, x * alpha)

    return run


@kernel("LEAKY_RELU", [TensorType.INT8, TensorType.UINT8, TensorType.INT16])
def codes(node: Node) -> Kernel:
    """Codes."""
    require_operands(node, 1)
    x_value, output = node.input(0), node.output()
    if output.type is TensorType.INT16:
        require_zero_points_of_zero(node)
    low, high = output.limits
    slope = requantize.multiplier_float32(
        x_value.scale, node.read_options(LeakyReluOptions).alpha, output.scale
    )
    identity = node.requantizer(requantize.multiplier_float32(x_value.scale, 1.0, output.scale))
    steep, sign = node.requantizer(np.abs(slope)), -1 if slope < 0 else 1

    def run(x: Array) -> Array:
        stored = fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)
        scaled = np.where(stored >= 0, identity(stored), sign * steep(stored))
        y = fixed_point.wrap_int32(scaled + output.zero_point)
        return fixed_point.saturate(y, low, high).astype(output.dtype)

    return run
