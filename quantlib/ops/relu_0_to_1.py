"""RELU_0_TO_1: x, but nothing below 0 or above 1.

Quantized: y = clamp(zo + requantize(x − zx), q(0), q(1)); scales of input and output may differ.

(C1) x and the output have the same type.

Source: LiteRT tflite/kernels/activations.cc (Relu0to1Eval).
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops._clip import clip_codes, clip_float32
from quantlib.ops._node import Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__: list[str] = []

rule("RELU_0_TO_1")


@kernel("RELU_0_TO_1", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers; NaN and −0 pass."""
    return clip_float32(node, 0.0, 1.0)


@kernel("RELU_0_TO_1", [TensorType.INT8, TensorType.UINT8])
def codes(node: Node) -> Kernel:
    """Codes."""
    return clip_codes(node, 0.0, 1.0)
