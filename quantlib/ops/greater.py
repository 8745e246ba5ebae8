"""GREATER: whether x is above y, element by element.

Shapes broadcast. int8 and uint8 codes are compared as `quantlib.ops._comparison` says;
everything else, every int16 included, is compared as it is.

(C1) x and y have the same type; the output is bool.
(C2) Compared codes have a scale that is not exactly 1.

Source: LiteRT tflite/kernels/comparisons.cc.
"""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._comparison import compare_codes, compare_numbers
from quantlib.ops._node import Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._scale_limits import comparable_scales

__all__: list[str] = []

rule("GREATER", scales_fit=comparable_scales, versions=Versions(int8=2))


@kernel("GREATER", [TensorType.INT8, TensorType.UINT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    return compare_codes(node, np.greater)


@kernel(
    "GREATER",
    [
        TensorType.FLOAT32,
        TensorType.FLOAT16,
        TensorType.INT16,
        TensorType.INT32,
        TensorType.INT64,
    ],
)
def numbers(node: Node) -> Kernel:
    """Numbers as they are."""
    return compare_numbers(node, np.greater)
