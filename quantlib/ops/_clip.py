"""Operators that clip: RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1 differ in two numbers.

Unlike a fused activation, these are operators of their own and bring codes to the output's scale.

Source: LiteRT tflite/kernels/activations.cc (ReluPrepare, QuantizedReluX) and
internal/reference/reference_ops.h (ReluX).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, requantize, rounding
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._broadcast import require_operands, require_zero_points_of_zero
from quantlib.ops._node import Array, Kernel, Node, Value

__all__ = ["clip_codes", "clip_float32"]


def clip_float32(node: Node, low: float, high: float) -> Kernel:
    """A kernel that clips real numbers; NaN and −0 pass.

    Parameters
    ----------
    node : Node
    low, high : float
        `high` may be infinite.
    """
    require_operands(node, 1)
    lower, upper = np.float32(low), np.float32(high)

    def run(x: Array) -> Array:
        return np.where(x > upper, upper, np.where(x < lower, lower, x))

    return run


def clip_codes(node: Node, low: float, high: float) -> Kernel:
    """A kernel that requantizes codes and clips them: clamp(zo + requantize(x − zx), q(low), q(high)).

    Parameters
    ----------
    node : Node
    low, high : float
        In real numbers; q(v) = zo + round(v / so), in float32, halves away from zero. What is no
        int32 becomes INT32_MIN before zo is added.

    Raises
    ------
    InvalidModelError
        int16 with a zero point.
    """
    require_operands(node, 1)
    x_value, output = node.input(0), node.output()
    if output.type is TensorType.INT16:
        require_zero_points_of_zero(node)
    smallest, largest = output.limits
    low_code = max(smallest, _quantized(low, output))
    high_code = largest if math.isinf(high) else min(largest, _quantized(high, output))
    real = requantize.multiplier_float32(x_value.scale, 1.0, output.scale)

    def accumulate(x: Array) -> NDArray[np.int64]:
        return fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)

    to_output = ToOutput(node.requantizer(real), output.zero_point, low_code, high_code, output.dtype)
    return Accumulating(accumulate, to_output)


def _quantized(bound: float, output: Value) -> int:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        units = rounding.round_half_away_from_zero(np.float32(bound) / np.asarray(output.scale))
    return int(fixed_point.wrap_int32(rounding.float_to_int32(units) + output.zero_point))
