"""ABS: |x|, element by element.

Quantized: y = clamp(zo + |x − zx|), requantized with the factor sx / so (a float32) where the scales
differ.

(C1) x and the output have the same type.
(C2) int8 and quantized int16: the output is quantized, too; zero points of int16 are 0.

The smallest int32, and the smallest int16 of tensors without parameters, stay as they are.

Source: LiteRT tflite/kernels/elementwise.cc (AbsEval).
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import fixed_point
from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._unary_codes import unary_parameters

__all__: list[str] = []

rule("ABS", int16="own scale", versions=Versions(int8=2, int16=2))


@kernel("ABS", [TensorType.INT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    return _codes(node)


@kernel("ABS", [TensorType.INT16], when=lambda node: node.input(0).scales.size > 0)
def int16(node: Node) -> Kernel:
    """Codes of 16 bits."""
    return _codes(node)


@kernel("ABS", [TensorType.FLOAT32, TensorType.INT32, TensorType.INT16])
def numbers(node: Node) -> Kernel:
    """Numbers as they are."""
    require_operands(node, 1)

    def run(x: Array) -> Array:
        return np.asarray(np.abs(x))

    return run


def _codes(node: Node) -> Kernel:
    parameters = unary_parameters(node)
    dtype, (low, high) = node.output().dtype, node.output().limits
    rescales = parameters.input_scale != parameters.output_scale
    with np.errstate(all="ignore"):
        requantize = node.requantizer(parameters.input_scale / parameters.output_scale)

    def run(x: Array) -> Array:
        magnitude = np.abs(x.astype(np.int64) - parameters.input_zero_point)
        units = requantize(fixed_point.wrap_int32(magnitude)) if rescales else magnitude
        stored = fixed_point.wrap_int32(units + parameters.output_zero_point)
        return fixed_point.saturate(stored, low, high).astype(dtype)

    return run
