"""ABS, SQRT and RSQRT of codes: what they ask of their parameters.

These kernels read the first scale and zero point of a list, however long it is.

Source: LiteRT tflite/kernels/elementwise.cc (GenericPrepare).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import require_operands
from quantlib.ops._node import Node, Value

__all__ = ["Parameters", "unary_parameters"]


@dataclass(frozen=True, slots=True)
class Parameters:
    """Scales and zero points of an operator of one input.

    Parameters
    ----------
    input_scale, output_scale : float32
    input_zero_point, output_zero_point : int
    """

    input_scale: np.float32
    input_zero_point: int
    output_scale: np.float32
    output_zero_point: int


def unary_parameters(node: Node) -> Parameters:
    """The parameters of a node's input and output.

    Raises
    ------
    InvalidModelError
        Input and output differ in type, one of them is not quantized, or int16 has a zero point.
    """
    require_operands(node, 1)
    x, y = node.input(0), node.output()
    (input_scale, input_zero_point), (output_scale, output_zero_point) = (
        _first(node, "input 0", x),
        _first(node, "output", y),
    )
    return Parameters(input_scale, input_zero_point, output_scale, output_zero_point)


def _first(node: Node, role: str, value: Value) -> tuple[np.float32, int]:
    node.require(value.scales.size > 0, role, "not quantized", "a scale")
    zero_point = int(value.zero_points[0]) if value.zero_points.size else 0
    if value.type is TensorType.INT16:
        node.require(zero_point == 0, f"{role} quantization.zero_point", zero_point, 0)
    return np.float32(value.scales[0]), zero_point
