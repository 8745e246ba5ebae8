"""RELU_N1_TO_1: x, but nothing below −1 or above 1.

Quantized: y = clamp(zo + requantize(x − zx), q(−1), q(1)); scales of input and output may differ.

(C1) x and the output have the same type.

XNNPACK takes float32 and flushes subnormal numbers to zero.

Source: LiteRT tflite/kernels/activations.cc (Relu1Eval).
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops._clip import clip_codes, clip_float32
from quantlib.ops._node import Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule
from quantlib.ops._xnnpack_operands import flushing, takes_number

__all__: list[str] = []

rule("RELU_N1_TO_1")


@kernel("RELU_N1_TO_1", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers; NaN and −0 pass."""
    return clip_float32(node, -1.0, 1.0)


@kernel("RELU_N1_TO_1", [TensorType.INT8, TensorType.UINT8])
def codes(node: Node) -> Kernel:
    """Codes."""
    return clip_codes(node, -1.0, 1.0)


@kernel("RELU_N1_TO_1", [TensorType.FLOAT32], family="xnnpack", when=takes_number)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers, subnormal ones flushed."""
    return flushing(float32(node))
