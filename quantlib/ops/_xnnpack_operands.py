"""Sums and products of codes as XNNPACK makes them, and which nodes its delegate takes.

Source: LiteRT tflite/delegates/xnnpack/xnnpack_delegate.cc (VisitBinaryNode); google/XNNPACK
src/microparams-init.c, src/qs8-vadd, src/qs8-vmul; measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point, requantize
from quantlib.arithmetic.flush import flush_denormals, multiply_flushed
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._activation import Activation, xnnpack_bounds
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._common_scale import SumOfTerms
from quantlib.ops._delegated import has_byte_parameters
from quantlib.ops._node import Array, Kernel, Node

__all__ = [
    "MOST_DIMENSIONS",
    "chosen",
    "eight_fractional_bits",
    "flushing",
    "numbers",
    "operands_of_table",
    "takes_codes",
    "takes_number",
    "takes_numbers",
    "takes_product",
    "takes_ratios",
    "weighted_sum",
]

MOST_DIMENSIONS = 6
"""Of a tensor that the delegate takes."""

_BOUNDS = {
    Activation.RELU: (0.0, np.inf),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}
_ACTIVATIONS = (Activation.NONE, *_BOUNDS)


def takes_codes(node: Node) -> bool:
    """Whether the delegate looks further at a node of two operands: one 8-bit type, one scale each."""
    values = (*node.inputs, *node.outputs)
    if len(node.inputs) != 2 or len(node.outputs) != 1 or any(value is None for value in values):
        return False
    options = node.options if node.options is not None else {}
    if options.get("fused_activation_function", Activation.NONE) not in _ACTIVATIONS:
        return False
    small = all(has_byte_parameters(value) for value in values if value is not None)
    ranks = [len(node.input(position).shape) for position in (0, 1)]
    one_type = node.input(0).type is node.input(1).type is node.output().type
    return small and one_type and max(ranks) <= MOST_DIMENSIONS


def takes_numbers(node: Node) -> bool:
    """Whether the delegate takes a node of two float32 or two float16 operands."""
    values = (*node.inputs, *node.outputs)
    if len(node.inputs) != 2 or len(node.outputs) != 1 or any(value is None for value in values):
        return False
    options = node.options if node.options is not None else {}
    if options.get("fused_activation_function", Activation.NONE) not in _ACTIVATIONS:
        return False
    ranks = [len(node.input(position).shape) for position in (0, 1)]
    one_type = node.input(0).type is node.input(1).type is node.output().type
    return one_type and max(ranks) <= MOST_DIMENSIONS


def numbers(node: Node, operation: Callable[[Array, Array], Array], activation: Activation) -> Kernel:
    """A kernel for one IEEE operation, and bounds where an activation sets some.

    float32 is computed with subnormal numbers flushed to zero, before and after; float16 in float32.

    Parameters
    ----------
    node : Node
        That the delegate takes.
    operation : ufunc
    activation : Activation
    """
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        with np.errstate(all="ignore"):
            if x.dtype == np.float32:
                flushed = multiply_flushed if operation is np.multiply else operation
                result = flush_denormals(flushed(flush_denormals(x), flush_denormals(y)))
            else:
                result = operation(x, y)
            return _bounded(result, activation)

    return run


def _bounded(y: Array, activation: Activation) -> Array:
    """Float32 keeps NaN and -0.0 as std::max does; float16, its comparisons reversed, makes them a bound."""
    if activation is Activation.NONE:
        return y
    low, high = (y.dtype.type(bound) for bound in _BOUNDS[activation])
    if y.dtype == np.float32:
        raised = np.where(y < low, low, y)
        return np.asarray(np.where(high < raised, high, raised), y.dtype)
    raised = np.where(y > low, y, low)
    return np.asarray(np.where(raised < high, raised, high), y.dtype)


def chosen(node: Node, is_better: np.ufunc) -> Kernel:
    """A kernel for the better one of two numbers: x where it is better than y, else y.

    It matters where a comparison decides nothing, between 0 and −0 or with NaN. If x stands still along
    the innermost axis, operands change places. A constant of one element becomes a bound on the other,
    unless it has more dimensions; as a bound, −0 is 0. An infinite bound that bounds nothing is a copy,
    of NaN and of subnormal numbers, too.

    Parameters
    ----------
    node : Node
        That the delegate takes.
    is_better : ufunc
        np.greater or np.less.
    """

    def choose(x: Array, y: Array) -> Array:
        first, second = (y, x) if _stands_still(x.shape, y.shape) else (x, y)
        return np.where(is_better(first, second), first, second)

    def bound_first(x: Array, y: Array) -> Array:
        return _bounded_by(x, y, is_better)

    def bound_second(x: Array, y: Array) -> Array:
        return _bounded_by(y, x, is_better)

    position = _position_of_bound(node)
    if position is None:
        return numbers(node, choose, Activation.NONE)
    constant = node.input(position).constant
    if constant is not None and constant.item() == (-np.inf if is_better(1, 0) else np.inf):
        require_operands(node)
        return lambda x, y: np.array((y, x)[position])
    bounded = numbers(node, (bound_first, bound_second)[position], Activation.NONE)

    def run(x: Array, y: Array) -> Array | tuple[Array, ...]:
        # Before subnormal numbers are flushed: a negative one stays −0.
        return bounded(x + x.dtype.type(0), y) if position == 0 else bounded(x, y + y.dtype.type(0))

    return run


def _position_of_bound(node: Node) -> int | None:
    """Which operand is a constant of one element and of no more dimensions than the other: best the second."""
    for position in (1, 0):
        constant = node.input(position).constant
        if constant is not None and constant.size == 1:
            return position if constant.ndim <= len(node.input(1 - position).shape) else None
    return None


def _bounded_by(bound: Array, x: Array, is_better: np.ufunc) -> Array:
    """float32 keeps NaN; float16 compares the other way round and has a second bound, at infinity."""
    if x.dtype == np.float32:
        return np.where(is_better(bound, x), bound, x)
    infinite = np.full_like(bound, np.inf)
    low, high = (bound, infinite) if is_better(1, 0) else (-infinite, bound)
    raised = np.where(x > low, x, low)
    return np.where(raised < high, raised, high)


def _stands_still(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> bool:
    """Whether x has one element along the last axis along which either has several, or there is none."""
    pairs = itertools.zip_longest(reversed(x_shape), reversed(y_shape), fillvalue=1)
    innermost = next((pair for pair in pairs if pair != (1, 1)), (1, 1))
    return innermost[0] == 1


def takes_number(node: Node) -> bool:
    """Whether the delegate takes a node of one float32 or float16 operand."""
    few = len(node.inputs) >= 1 and len(node.input(0).shape) <= MOST_DIMENSIONS
    return few and node.input(0).type is node.output().type


def flushing(kernel: Kernel) -> Kernel:
    """A kernel of one float32 operand, subnormal numbers flushed before and after.

    Parameters
    ----------
    kernel : Kernel
    """
    return lambda x: flush_denormals(np.asarray(kernel(flush_denormals(x))))


def eight_fractional_bits(real: ArrayLike) -> requantize.Requantize:
    """(acc · round(256 · real) + 128) >> 8: XNNPACK's rule from 8-bit codes to 8-bit codes.

    Parameters
    ----------
    real : float
        2**-8 .. 2**7 in magnitude.

    Examples
    --------
    >>> eight_fractional_bits(0.1)(np.array([100, -5])).tolist()  # 26 / 256 instead of 0.1
    [10, -1]

    Source: google/XNNPACK src/microparams-init.c (xnn_init_qs8_cvt_scalar_params)
    """
    factor = int(np.rint(np.float32(256) * np.asarray(real, np.float32)))
    return partial(_multiply_by_256ths, factor=factor)


def _multiply_by_256ths(acc: NDArray[np.int64], *, factor: int) -> NDArray[np.int64]:
    return (acc * factor + 128) >> 8


def takes_ratios(node: Node) -> bool:
    """Whether the delegate takes an ADD or SUB: both input scales over the output's in range."""
    if not takes_codes(node):
        return False
    ratios = [_ratio(node, position) for position in (0, 1)]
    return all(2.0**-10 <= ratio < 2.0**8 for ratio in ratios)


def takes_product(node: Node) -> bool:
    """Whether the delegate takes a MUL: the product of the input scales over the output's in range."""
    if not takes_codes(node):
        return False
    real = requantize.multiplier_float32(node.input(0).scale, node.input(1).scale, node.output().scale)
    return bool(2.0**-16 <= real < 2.0**8)


def operands_of_table(node: Node, activation: Activation) -> Callable[[Array, Array], tuple[Array, Array]]:
    """Both operands, but for the dimensions of a constant that becomes part of a table.

    From an operator of 8-bit codes, one of them a constant of one element, and the activation after it
    XNNPACK makes a table of 256 codes. What is looked up has the shape of the other operand, even where
    the constant has more dimensions. Not reproduced: so it has where LOGISTIC, TANH or ELU takes the place
    of the activation, since a kernel sees one operator.

    Parameters
    ----------
    node : Node
        That the delegate takes.
    activation : Activation

    Source: google/XNNPACK src/subgraph.c (xnn_subgraph_fuse_unary_quantized_into_lut)
    """
    first, second = (node.input(position).constant for position in (0, 1))
    if activation is Activation.NONE or (first is None) is (second is None):
        return lambda x, y: (x, y)
    if first is not None:
        return lambda x, y: (x.reshape(()) if x.size == 1 else x, y)
    return lambda x, y: (x, y.reshape(()) if y.size == 1 else y)


def weighted_sum(node: Node, sign: int, activation: Activation) -> Accumulating:
    """A kernel for ((x − zx)·a ± (y − zy)·b + 2**(shift − 1) >> shift) + zo, clamped.

    a and b are the ratios sx / so and sy / so times 2**shift, to the nearest integer; the shift is such
    that the larger one has 21 bits. Shapes are those of `operands_of_table`.

    Parameters
    ----------
    node : Node
        That the delegate takes.
    sign : {+1, −1}
        Of the second operand.
    activation : Activation
    """
    require_operands(node)
    x_value, y_value, output = node.input(0), node.input(1), node.output()
    ratios = np.array([_ratio(node, 0), _ratio(node, 1)], np.float32)
    shift = 21 - int(np.frexp(np.max(ratios))[1])  # frexp's exponent is one more than IEEE's
    a, b = (int(weight) for weight in np.rint(np.ldexp(ratios, shift)))
    operands = operands_of_table(node, activation)

    def terms(x: Array, y: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        broadcast_shape(node, x, y)
        x, y = operands(x, y)
        left = (x.astype(np.int64) - x_value.zero_point) * a
        right = (y.astype(np.int64) - y_value.zero_point) * (sign * b)
        return left, right

    low, high = xnnpack_bounds(activation, output)
    half_up = partial(_shift_right_half_up, shift=shift)
    return Accumulating(SumOfTerms(terms), ToOutput(half_up, output.zero_point, low, high, output.dtype))


def _shift_right_half_up(acc: NDArray[np.int64], *, shift: int) -> NDArray[np.int64]:
    return fixed_point.wrap_int32(acc + (1 << (shift - 1))) >> shift


def _ratio(node: Node, position: int) -> np.float32:
    with np.errstate(all="ignore"):
        return np.float32(node.input(position).scale / node.output().scale)
