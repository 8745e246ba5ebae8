"""The exact value of one element of a quantized operator's output, as a fraction.

The file's numbers are float32 scales and integers: the real value that an operator means is rational,
and every kernel's answer is a rounding of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from quantlib.ops._node import Array, Node, Value
from quantlib.oracle.rounding_steps import decimal

__all__ = ["PRODUCTS", "Exact", "exact_value"]

PRODUCTS: Mapping[str, tuple[int, ...]] = {
    "BATCH_MATMUL": (0, 1),
    "CONV_2D": (0, 1),
    "DEPTHWISE_CONV_2D": (0, 1),
    "FULLY_CONNECTED": (0, 1),
    "MUL": (0, 1),
    "QUANTIZE": (0,),
    "RELU": (0,),
    "RELU6": (0,),
    "RELU_0_TO_1": (0,),
    "RELU_N1_TO_1": (0,),
    "TRANSPOSE_CONV": (1, 2),
}
"""Operators whose accumulator is worth the product of some inputs' scales; and these inputs."""


@dataclass(frozen=True, slots=True)
class Exact:
    """What an element means.

    Parameters
    ----------
    units : Fraction
        In units of the output, zero point not added.
    lines : tuple of str
        How it comes about.
    """

    units: Fraction
    lines: tuple[str, ...]


def exact_value(
    node: Node, inputs: tuple[Array | None, ...], element: tuple[int, ...], acc: int | None
) -> Exact | None:
    """The exact value of an element, or None where it is not rational or not known how to say.

    Parameters
    ----------
    node : Node
    inputs : tuple of ndarray or None
    element : tuple of int
        Index into the first output.
    acc : int, optional
        The accumulator of a kernel that sums integers.
    """
    if node.output().scales.size != 1 or node.output().scale == 0:
        return None
    if node.operator in PRODUCTS:
        if node.operator == "MUL":
            codes = _operands(node, inputs, element)
            acc = codes[0] * codes[1]
        return None if acc is None or not _is_integer(inputs, node) else _product(node, element, acc)
    direct = _DIRECT.get(node.operator)
    return None if direct is None or not _is_integer(inputs, node) else direct(node, inputs, element)


def exact_multiplier(node: Node, element: tuple[int, ...]) -> Fraction:
    """Input scales over the output's, from the file's float32 numbers, without rounding.

    Parameters
    ----------
    node : Node
        Of an operator in `PRODUCTS`.
    element : tuple of int
        Its last index is the channel, where weights have several scales.
    """
    scale = Fraction(1)
    for position in PRODUCTS[node.operator]:
        scale *= _scale(node.input(position), element[-1] if element else 0)
    return scale / _scale(node.output())


def _product(node: Node, element: tuple[int, ...], acc: int) -> Exact:
    real = exact_multiplier(node, element)
    line = f"real multiplier {float(real):.17g} = {real.numerator} / {real.denominator}"
    return Exact(real * acc, (line,))


def _sum(node: Node, inputs: tuple[Array | None, ...], element: tuple[int, ...]) -> Exact:
    sign = -1 if node.operator in ("SUB", "SQUARED_DIFFERENCE") else 1
    codes = _operands(node, inputs, element)
    scales = _scale(node.input(0)), _scale(node.input(1))
    total = codes[0] * scales[0] + sign * codes[1] * scales[1]
    words = "+" if sign > 0 else "-"
    line = (
        f"inputs {codes[0]} * {float(scales[0]):.9g} {words} {codes[1]} * {float(scales[1]):.9g}"
        f" = {decimal(total)}, zero points taken off"
    )
    if node.operator == "SQUARED_DIFFERENCE":
        total = total * total
    return Exact(total / _scale(node.output()), (line,))


def _leaky(node: Node, inputs: tuple[Array | None, ...], element: tuple[int, ...]) -> Exact:
    x = inputs[0]
    assert x is not None
    code = int(x[element]) - node.input(0).zero_point
    options = node.options if node.options is not None else {}
    slope = Fraction(1) if code >= 0 else Fraction(float(np.float32(options.get("alpha", 0.0))))
    line = f"input {code} * {float(node.input(0).scale):.9g}, slope {float(slope):.9g}, zero point taken off"
    return Exact(code * slope * _scale(node.input(0)) / _scale(node.output()), (line,))


def _fold(node: Node, inputs: tuple[Array | None, ...], element: tuple[int, ...]) -> Exact | None:
    x, axes = inputs[0], inputs[1]
    assert x is not None
    assert axes is not None
    named = tuple({int(axis) % x.ndim for axis in axes.reshape(-1)}) if x.ndim else ()
    keep = bool(node.options["keep_dims"]) if node.options is not None else False
    sums = np.asarray((x.astype(np.int64) - node.input(0).zero_point).sum(axis=named, keepdims=keep))
    count = x.size // max(sums.size, 1) if node.operator == "MEAN" else 1
    if sums.ndim != len(element) or not count:
        return None
    total = int(sums[element])
    line = f"sum {total} * {float(node.input(0).scale):.9g} / {count}, zero points taken off"
    return Exact(total * _scale(node.input(0)) / count / _scale(node.output()), (line,))


_DIRECT: Mapping[str, Callable[[Node, tuple[Array | None, ...], tuple[int, ...]], Exact | None]] = {
    "ADD": _sum,
    "LEAKY_RELU": _leaky,
    "MEAN": _fold,
    "SQUARED_DIFFERENCE": _sum,
    "SUB": _sum,
    "SUM": _fold,
}


def _is_integer(inputs: tuple[Array | None, ...], node: Node) -> bool:
    positions = PRODUCTS.get(node.operator, (0,))
    given = (inputs[position] for position in positions)
    return all(x is not None and x.dtype.kind in "iu" for x in given)


def _operands(node: Node, inputs: tuple[Array | None, ...], element: tuple[int, ...]) -> tuple[int, int]:
    x, y = inputs[0], inputs[1]
    assert x is not None
    assert y is not None
    first, second = np.broadcast_arrays(x, y)
    return (
        int(first[element]) - node.input(0).zero_point,
        int(second[element]) - node.input(1).zero_point,
    )


def _scale(value: Value, channel: int = 0) -> Fraction:
    return Fraction(float(value.scales[channel if value.scales.size > 1 else 0]))
