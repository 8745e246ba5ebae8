"""RELU6: x, but nothing below 0 or above 6.

Quantized: y = clamp(zo + requantize(x − zx), q(0), q(6)); scales of input and output may differ.

(C1) x and the output have the same type.
(C2) int16: zero points are 0.

XNNPACK takes float32 and flushes subnormal numbers to zero.

Source: LiteRT tflite/kernels/activations.cc (Relu6Eval).
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops._clip import clip_codes, clip_float32
from quantlib.ops._node import Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._xnnpack_operands import flushing, takes_number

__all__: list[str] = []

rule("RELU6", int16="own scale", versions=Versions(int8=2, int16=2))


@kernel("RELU6", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers; NaN and −0 pass."""
    return clip_float32(node, 0.0, 6.0)


@kernel("RELU6", [TensorType.INT8, TensorType.UINT8, TensorType.INT16])
def codes(node: Node) -> Kernel:
    """Codes."""
    return clip_codes(node, 0.0, 6.0)


@kernel("RELU6", [TensorType.FLOAT32], family="xnnpack", when=takes_number)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed."""
    return flushing(float32(node))
