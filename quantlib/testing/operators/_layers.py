"""Random weights, biases and scales for the operators that multiply by weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Graph, quantization, random_quantization

__all__ = [
    "BOUNDS",
    "Layer",
    "activations",
    "float_layer",
    "hybrid_layer",
    "image_size",
    "integer_layer",
    "output_quantization",
]

BOUNDS = (Activation.NONE, Activation.RELU, Activation.RELU_N1_TO_1, Activation.RELU6)
"""Activations that every layer takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The tensors of a layer, by their index in the graph.

    Parameters
    ----------
    x, w : int
    bias : int, optional
    type : TensorType
        Of the output.
    parameters : Quantization, optional
        Of the output.
    arrays : tuple of ndarray
        For the inputs of the model, in its order: x, then whatever of w and the bias is not constant.
    """

    x: int
    w: int
    bias: int | None
    type: TensorType
    parameters: Quantization | None
    arrays: tuple[NDArray[Any], ...]

    @property
    def inputs(self) -> list[int]:
        """x, w and the bias if there is one."""
        return [self.x, self.w] if self.bias is None else [self.x, self.w, self.bias]


def integer_layer(
    choices: Choices,
    graph: Graph,
    type: TensorType,
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    *,
    axis: int,
    products: int,
    weights: TensorType | None = None,
    per_channel: bool = True,
    weight_zero_point: bool = False,
    bias: TensorType | None = TensorType.INT32,
    output: TensorType | None = None,
) -> Layer:
    """Add x, weights and bias of integers to a graph.

    Parameters
    ----------
    choices : Choices
    graph : Graph
    type : TensorType
        Of x.
    x_shape, w_shape : sequence of int
    axis : int
        Of the weights' output channels.
    products : int
        How many products are summed for one output.
    weights : TensorType, optional
        Of the weights; int8 by default, uint8 for uint8.
    per_channel : bool
        Whether there are as many weight scales as channels.
    weight_zero_point : bool
        Whether weights may have one.
    bias : TensorType, optional
        None for no bias.
    output : TensorType, optional
        Of y; that of x by default.

    Returns
    -------
    Layer
        Its output parameters let results neither all saturate nor all vanish.
    """
    random = choices.generator()
    unsigned = type is TensorType.UINT8
    weights = weights or (TensorType.UINT8 if unsigned else TensorType.INT8)
    channels = w_shape[axis]
    x_parameters = random_quantization(choices, type)
    scales = _scales(choices, channels if per_channel else 1)
    binary = choices.choice((False, True))
    if binary:  # multipliers that are powers of two make ties
        scales = np.asarray(2.0 ** np.round(np.log2(scales)), np.float64)
        x_scale = 2.0 ** np.round(np.log2(x_parameters.scale.astype(np.float64)))
        x_parameters = quantization(x_scale, x_parameters.zero_point)
    low, high = _weight_range(weights)
    w = _sparse(choices, integers(choices, w_shape, low, high, weights.dtype or np.int8))
    zero_point = choices.integer(low, high) if weight_zero_point else 0
    w_parameters = quantization(scales, zero_point, axis)
    # A sum of k random products is about sqrt(k) times a typical product.
    typical = np.sqrt(products) * _spread(type) * (high - low) / 3.5 * float(np.median(scales))
    typical *= float(x_parameters.scale[0])
    y_parameters = output_quantization(choices, output or type, float(typical), binary=binary)
    if type is not TensorType.INT16:
        y_parameters = _with_multiplier_below_256(y_parameters, x_parameters.scale[0] * scales.max())
    x = integers(choices, x_shape, *_range(type), type.dtype or np.int8)
    arrays, x_tensor = [x], graph.input(x_shape, type, x_parameters)
    w_tensor = _operand(choices, graph, arrays, w, weights, w_parameters)
    bias_tensor = None
    if bias is not None:
        reach = choices.choice((20000, 20000, 300, 2**31 - 1))
        if bias is TensorType.INT64:
            reach = choices.choice((10**6, 2**33))
        elif type is TensorType.UINT8 or not per_channel:
            reach = min(reach, 20000)
        stored = random.integers(-reach, reach, channels, np.int64, endpoint=True)
        parameters = quantization(x_parameters.scale[0] * w_parameters.scale)
        bias_tensor = _operand(choices, graph, arrays, stored, bias, parameters)
    return Layer(x_tensor, w_tensor, bias_tensor, output or type, y_parameters, tuple(arrays))


def float_layer(
    choices: Choices,
    graph: Graph,
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    *,
    axis: int,
    bias: bool = True,
    constant: bool = False,
) -> Layer:
    """Add x, weights and bias of real numbers to a graph, the last two constant if they have to be."""
    type = TensorType.FLOAT32
    arrays, x = [reals(choices, x_shape)], graph.input(x_shape, type)

    def add(array: NDArray[np.float32]) -> int:
        return graph.constant(array, type) if constant else _operand(choices, graph, arrays, array, type)

    w = add(reals(choices, w_shape))
    bias_tensor = add(reals(choices, (w_shape[axis],))) if bias else None
    return Layer(x, w, bias_tensor, type, None, tuple(arrays))


def hybrid_layer(
    choices: Choices,
    graph: Graph,
    x_shape: Sequence[int],
    w_shape: Sequence[int],
    *,
    axis: int,
    weights: TensorType = TensorType.INT8,
    per_channel: bool = True,
    lowest: bool = False,
    one_sided: bool = False,
    bias: bool = True,
) -> Layer:
    """Add real x and bias, and integer weights, to a graph.

    Parameters
    ----------
    choices, graph, x_shape, w_shape, axis, weights, per_channel
        As in `integer_layer`.
    lowest : bool
        Whether weights of -128 occur, or -8 of 4 bits.
    one_sided : bool
        Whether the weights of a channel are nearly all at the same end.
    bias : bool
    """
    channels = w_shape[axis]
    low, high = _weight_range(weights)
    low += weights is TensorType.INT4
    w = integers(choices, w_shape, low - lowest, high, weights.dtype or np.int8)
    if one_sided:
        random = choices.generator()
        ends = random.choice(
            (low, high), [extent if place == axis else 1 for place, extent in enumerate(w_shape)]
        )
        w = np.where(random.random(w_shape) < 0.98, ends, w).astype(np.int8)
    scales = _scales(choices, channels if per_channel else 1)
    scales[0] *= 1.5  # not all equal, which would be no longer per channel
    parameters = quantization(scales, 0, axis)
    type = TensorType.FLOAT32
    arrays: list[NDArray[Any]] = [activations(choices, x_shape)]
    x = graph.input(x_shape, type)
    w_tensor = _operand(choices, graph, arrays, w, weights, parameters)
    bias_tensor = _operand(choices, graph, arrays, reals(choices, (channels,)), type) if bias else None
    return Layer(x, w_tensor, bias_tensor, type, None, tuple(arrays))


def image_size(choices: Choices, padding: Padding, reach_y: int, reach_x: int) -> tuple[int, int]:
    """Height and width of an image on which windows of that reach fit, if they have to."""
    least_y, least_x = (reach_y, reach_x) if padding is Padding.VALID else (1, 1)
    return choices.integer(least_y, max(10, least_y)), choices.integer(least_x, max(10, least_x))


def activations(choices: Choices, shape: Sequence[int]) -> NDArray[np.float32]:
    """Real activations whose rows are ordinary, of one sign, of few values, constant or all zero."""
    x = reals(choices, shape, spread=choices.choice((1.0, 1.0, 100.0, 1e-3)))
    random = choices.generator()
    manner = choices.choice(("ordinary", "ordinary", "positive", "negative", "coarse", "blank"))
    if manner == "positive":
        return np.abs(x)
    if manner == "negative":
        return -np.abs(x)
    if manner == "coarse":  # ties when it is quantized
        return np.asarray(np.rint(x * 4) / 8, np.float32)
    if manner == "blank":
        blank = random.random((shape[0],) + (1,) * (len(shape) - 1)) < 0.5
        return np.where(blank, np.float32(choices.choice((0.0, 0.0, 3.0))), x)
    return x


def _with_multiplier_below_256(y: Quantization, product: float) -> Quantization:
    """The parameters, or coarser ones: XNNPACK refuses larger multipliers, and LiteRT then fails."""
    while product / float(y.scale[0]) >= 255:
        y = quantization(y.scale * 4, y.zero_point)
    return y


def _operand(
    choices: Choices,
    graph: Graph,
    arrays: list[NDArray[Any]],
    array: NDArray[Any],
    type: TensorType,
    parameters: Quantization | None = None,
) -> int:
    """Add weights or a bias: mostly a constant, now and then an input of the model."""
    if choices.choice((False, False, False, True)) and type.bits is not None and type.bits >= 8:
        arrays.append(array.astype(type.dtype))
        return graph.input(array.shape, type, parameters)
    return graph.constant(array, type, parameters)


def _range(type: TensorType) -> tuple[int, int]:
    info = np.iinfo(type.dtype or np.int8)
    return int(info.min), int(info.max)


def _weight_range(weights: TensorType) -> tuple[int, int]:
    if weights is TensorType.INT4:
        return -8, 7
    if weights is TensorType.INT2:
        return -2, 1
    if weights is TensorType.INT16:
        return -32767, 32767
    return (0, 255) if weights is TensorType.UINT8 else (-127, 127)


def _spread(type: TensorType) -> float:
    low, high = _range(type)
    return (high - low) / 3.5


def _scales(choices: Choices, count: int) -> NDArray[np.float64]:
    random = choices.generator()
    if choices.choice((False, True)):
        return np.asarray(2.0 ** random.integers(-9, -3, count))
    return np.asarray(10.0 ** random.uniform(-3, -1, count))


def _sparse(choices: Choices, w: NDArray[Any]) -> NDArray[Any]:
    """The weights, or most of them 0, or one value only: small sums, which tie."""
    random = choices.generator()
    manner = choices.choice(("dense", "dense", "sparse", "same"))
    if manner == "sparse":
        return np.where(random.random(w.shape) < 0.8, 0, w).astype(w.dtype)
    if manner == "same":
        return np.full_like(w, w.flat[0] if w.size else 0)
    return w


def output_quantization(
    choices: Choices, type: TensorType, typical: float, *, binary: bool | None = None
) -> Quantization:
    """Parameters under which numbers of the typical size neither saturate nor vanish, mostly."""
    low, high = _range(type)
    scale = typical / ((high - low) / 4)
    scale *= 2.0 ** choices.choice((0, 0, 0, -2, 2, 4, -10))
    if choices.choice((False, True)) if binary is None else binary:
        scale = 2.0 ** round(float(np.log2(scale)))
    zero_point = 0 if type is TensorType.INT16 else choices.integer(low, high)
    return quantization(scale, zero_point)
