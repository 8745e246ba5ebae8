"""SQUARED_DIFFERENCE: (x − y)², element by element.

Quantized: y = clamp(zo + requantize((x′ − y′)²)), both inputs brought to a common scale first
(`quantlib.ops._common_scale`). Shapes broadcast.

(C1) x and y have the type of the output.
(C2) int8: zero points lie in −128 .. 127; every scale is positive, and one squared unit of the common
     scale is worth less than one unit of the output. LiteRT ends the process otherwise.

int32 wraps.

XNNPACK takes float32 and flushes subnormal numbers to zero.

Source: LiteRT tflite/kernels/squared_difference.cc.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.flush import flush_denormals
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._activation import Activation
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._common_scale import CommonScale, multiplier_smaller_than_one
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._scale_limits import common_scale
from quantlib.ops._unquantized import wrapping
from quantlib.ops._xnnpack_operands import numbers as operands
from quantlib.ops._xnnpack_operands import takes_numbers

__all__: list[str] = []

rule("SQUARED_DIFFERENCE", scales_fit=common_scale(7, power=2), versions=Versions(int8=2))

_LEFT_SHIFT = 7
"""(255 << 7)², halved twice by the common scale, fits int32."""


@kernel("SQUARED_DIFFERENCE", [TensorType.INT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    require_operands(node)
    output = node.output()
    for role, value in (("input 0", node.input(0)), ("input 1", node.input(1)), ("output", output)):
        point = value.zero_point
        node.require(-128 <= point <= 127, f"{role} quantization.zero_point", point, "-128 .. 127")
    common = CommonScale.of(node, _LEFT_SHIFT)
    with np.errstate(all="ignore"):
        unit = np.float32(1 << 2 * _LEFT_SHIFT) * output.scale  # float32, as the kernel has it
        real = float(np.float64(common.twice_max_input_scale**2) / np.float64(unit))
    multiplier_smaller_than_one(node, f"output quantization.scale {output.scale:.9g}", real)

    def accumulate(x: Array, y: Array) -> NDArray[np.int64]:
        broadcast_shape(node, x, y)
        difference = fixed_point.wrap_int32(common.first(x) - common.second(y))
        return fixed_point.wrap_int32(difference * difference)

    return Accumulating(accumulate, ToOutput.of(node, node.requantizer(real)))


@kernel("SQUARED_DIFFERENCE", [TensorType.FLOAT32, TensorType.INT32])
def numbers(node: Node) -> Kernel:
    """Numbers as they are."""
    require_operands(node)
    subtract, multiply = wrapping(np.subtract), wrapping(np.multiply)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        with np.errstate(all="ignore"):
            difference = subtract(x, y)
            return multiply(difference, difference)

    return run


@kernel("SQUARED_DIFFERENCE", [TensorType.FLOAT32], family="xnnpack", when=takes_numbers)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed at every step."""

    def square(x: Array, y: Array) -> Array:
        difference = flush_denormals(x - y)
        return np.asarray(difference * difference)

    return operands(node, square, Activation.NONE)
