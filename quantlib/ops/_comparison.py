"""EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL differ in one function.

Numbers are compared as they are; a comparison with NaN is false, but for NOT_EQUAL. Codes are
multiplied by 256 and by their scale, each rounded to an integer, and then compared: codes that stand
for nearly equal numbers may come out equal. Scales above 1 leave little but the sign
(`quantlib.ops._negative_shift`).

Source: LiteRT tflite/kernels/comparisons.cc, internal/reference/comparisons.h.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._common_scale import multiplier_smaller_than_one
from quantlib.ops._negative_shift import multiply_without_left_shift
from quantlib.ops._node import Array, Kernel, Node

__all__ = ["compare_codes", "compare_numbers"]

Comparison = Callable[[Array, Array], Array]
"""Two arrays to an array of bool."""

_LEFT_SHIFT = 8


def compare_numbers(node: Node, comparison: Comparison) -> Kernel:
    """A kernel that compares numbers as they are.

    Raises
    ------
    InvalidModelError
        Operands of different types, or an output that is not bool.
    """
    _require_types(node)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        return np.asarray(comparison(x, y))

    return run


def compare_codes(node: Node, comparison: Comparison) -> Kernel:
    """A kernel that compares what codes stand for.

    Raises
    ------
    InvalidModelError
        Operands of different types, or an output that is not bool.
    UnsupportedError
        A scale is missing or exactly 1, on which LiteRT ends the process; or so large that C leaves
        the comparison undefined.
    """
    _require_types(node)
    first, second = _scaled(node, 0), _scaled(node, 1)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        return np.asarray(comparison(first(x), second(y)))

    return run


def _scaled(node: Node, position: int) -> Callable[[Array], NDArray[np.int64]]:
    value = node.input(position)
    scale = float(value.scale)
    role = f"input {position} quantization.scale {scale:.9g}"
    if 1.0 < scale < np.inf:
        multiplier, shift = fixed_point.quantize_multiplier(scale)
    else:
        multiplier, shift = multiplier_smaller_than_one(node, role, scale)

    def run(codes: Array) -> NDArray[np.int64]:
        stored = fixed_point.wrap_int32(codes.astype(np.int64) - value.zero_point)
        shifted = fixed_point.shift_left_int32(stored, _LEFT_SHIFT)
        return multiply_without_left_shift(node, role, shifted, multiplier, shift)

    return run


def _require_types(node: Node) -> None:
    require_operands(node, output=False)
    found = node.output().type
    node.require(found is TensorType.BOOL, "output", found.name, TensorType.BOOL.name)
