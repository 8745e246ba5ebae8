"""Random integer networks of several operators, made from nothing: what families are compared on.

Chains and branches of layers, sums, pools and rearrangements in int8, uint8 or int16, with real
numbers in between now and then. Scales are ordinary or powers of two, so that ties occur.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._pool import Pool2DOptions
from quantlib.ops._reduce import ReducerOptions
from quantlib.ops._window import Padding
from quantlib.ops.add import AddOptions
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.ops.leaky_relu import LeakyReluOptions
from quantlib.ops.mul import MulOptions
from quantlib.ops.pad import PadOptions
from quantlib.ops.reshape import ReshapeOptions
from quantlib.ops.resize_bilinear import ResizeBilinearOptions
from quantlib.ops.resize_nearest_neighbor import ResizeNearestNeighborOptions
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.ops.split import SplitOptions
from quantlib.ops.strided_slice import StridedSliceOptions
from quantlib.ops.sub import SubOptions
from quantlib.ops.transpose_conv import TransposeConvOptions
from quantlib.testing.choices import Choices, integers
from quantlib.testing.integer_network import IntegerNetwork
from quantlib.testing.single_operator import Case, quantization

__all__ = ["KINDS", "integer_graph"]

KINDS = ("int8", "uint8", "int16")
"""Element types of activations."""

LARGEST = 3000
"""Elements of a tensor that may still grow."""


REARRANGEMENTS = (
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
    "PAD",
    "STRIDED_SLICE",
    "SPLIT",
    "TRANSPOSE",
    "CONCATENATION",
    "RESIZE_NEAREST_NEIGHBOR",
    "RESIZE_BILINEAR",
)
"""Operators whose output has the parameters of the input."""


def layer(network: IntegerNetwork) -> None:
    """CONV_2D, DEPTHWISE_CONV_2D or TRANSPOSE_CONV."""
    x = network.pick(4)
    if x is None or np.prod(network.shape(x)) > LARGEST:
        return
    _, height, width, channels = network.shape(x)
    name = network.choices.choice(("CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"))
    side, stride = network.choices.choice((1, 1, 2, 3)), network.choices.choice((1, 1, 2))
    filters = network.choices.choice((channels, 1, 5, 8, 17))
    padding = network.choices.choice((Padding.SAME, Padding.VALID))
    if padding is Padding.VALID and side > min(height, width):
        return
    rows, columns = (_windows(extent, side, stride, padding) for extent in (height, width))
    declared, fused = network.declared, network.activation()
    if name == "CONV_2D":
        depth = channels // network.choices.choice([1, 1, 1, *(g for g in (2, 4) if channels % g == 0)])
        filters = filters if depth == channels else channels
        w, bias, y = network.weights(x, (filters, side, side, depth), 0, side * side * depth)
        options: object = Conv2DOptions(padding, stride, stride, fused, 1, 1, declared)
        network.add(name, [x, w, bias], (1, rows, columns, filters), y, options, 3)
    elif name == "DEPTHWISE_CONV_2D":
        times = network.choices.choice((1, 1, 2))
        kind = TensorType.INT64 if network.type is TensorType.INT16 else TensorType.INT32
        w, bias, y = network.weights(x, (1, side, side, channels * times), 3, side * side, kind)
        options = DepthwiseConv2DOptions(padding, stride, stride, times, fused)
        network.add(name, [x, w, bias], (1, rows, columns, channels * times), y, options, 3)
    elif side >= stride:
        w, bias, y = network.weights(x, (filters, side, side, channels), 0, side * side * channels)
        shape = (1, height * stride, width * stride, filters)
        options = TransposeConvOptions(Padding.SAME, stride, stride, fused, declared)
        inputs = [network.numbers(shape), w, x, *([bias] if network.choices.integer(0, 2) else [])]
        network.add(name, inputs, shape, y, options, 4)


def dense(network: IntegerNetwork) -> None:
    """FULLY_CONNECTED, behind RESHAPE where it has to be."""
    x = network.pick()
    if x is None or np.prod(network.shape(x)) > LARGEST:
        return
    if len(network.shape(x)) != 2:
        size = int(np.prod(network.shape(x)[1:]))
        new = [x, network.numbers((-1, size))]
        x = network.add("RESHAPE", new, (1, size), network.parameters(x), ReshapeOptions((-1, size)), 1)
    units, size = network.choices.choice((1, 4, 10, 32)), network.shape(x)[1]
    w, bias, y = network.weights(x, (units, size), 0, size)
    inputs = [x, w] if network.choices.integer(0, 4) == 0 else [x, w, bias]
    options = FullyConnectedOptions(network.activation(), quantized_bias_type=network.declared)
    network.add("FULLY_CONNECTED", inputs, (1, units), y, options, 4)


def binary_operator(network: IntegerNetwork) -> None:
    """Two tensors, a tensor twice, or a tensor and a constant."""
    x = network.pick()
    if x is None:
        return
    shape = network.shape(x)
    other = network.choices.choice([index for index in network.made if network.shape(index) == shape])
    if network.choices.integer(0, 2) == 0:
        narrow = network.choices.choice((shape, (1,) * (len(shape) - 1) + shape[-1:], (1,) * len(shape)))
        codes = integers(network.choices, narrow, network.low, network.high, network.type.dtype or np.int8)
        other = network.graph.constant(codes, network.type, network.drawn(network.scale(x)))
    pair = [x, other] if network.choices.integer(0, 1) else [other, x]
    name = network.choices.choice(("ADD", "ADD", "MUL", "SUB"))
    larger = max(network.scale(x), network.scale(other))
    if name == "MUL":
        product = network.scale(x) * network.scale(other) * (network.high - network.low) / 4
        network.add(name, pair, shape, network.drawn(product), MulOptions(network.activation()))
        return
    options = AddOptions if name == "ADD" else SubOptions
    network.add(
        name, pair, shape, network.drawn(2 * larger), options(network.activation(), pot_scale_int16=False)
    )


def unary(network: IntegerNetwork) -> None:
    """A function of every element, or new parameters for it."""
    x = network.pick()
    if x is None:
        return
    names = ["LOGISTIC", "TANH", "SOFTMAX", "RELU", "RELU6", "LEAKY_RELU", "QUANTIZE"]
    name = network.choices.choice([*names, *([] if network.type is TensorType.INT16 else ["HARD_SWISH"])])
    options = {
        "SOFTMAX": SoftmaxOptions(1.0),
        "LEAKY_RELU": LeakyReluOptions(network.choices.choice((float(np.float32(0.1)), 0.25, 1.5))),
    }.get(name)
    wide = network.type is TensorType.INT16
    point = network.low
    y = {
        "LOGISTIC": quantization(2.0**-15 if wide else 2.0**-8, 0 if wide else point),
        "SOFTMAX": quantization(2.0**-15 if wide else 2.0**-8, 0 if wide else point),
        "TANH": quantization(2.0**-15 if wide else 2.0**-7, 0 if wide else point + 128),
    }.get(name) or network.drawn(network.scale(x))
    if name == "SOFTMAX" and network.scale(x) * network.shape(x)[-1] > 50:
        return
    network.add(name, [x], network.shape(x), y, options, 2 if name != "HARD_SWISH" else 1)


def same_parameters(network: IntegerNetwork) -> None:
    """Pools and rearrangements."""
    x = network.pick()
    if x is None:
        return
    shape, y = network.shape(x), network.parameters(x)
    rank = len(shape)
    options: object
    name = network.choices.choice(REARRANGEMENTS)
    if name.endswith("POOL_2D") and rank == 4:
        stride = network.choices.choice((1, 2))
        pooled = (1, -(-shape[1] // stride), -(-shape[2] // stride), shape[3])
        options = Pool2DOptions(Padding.SAME, stride, stride, 2, network.choices.choice((2, 3)))
        network.add(name, [x], pooled, y, options, 3 if network.type is TensorType.INT16 else 2)
    elif name == "PAD" and np.prod(shape) < LARGEST:
        margins = [(0, 0)] * (rank - 2) + [(1, 0), (0, 2)] if rank == 4 else [(0, 0), (2, 1)]
        grown = [extent + sum(margin) for extent, margin in zip(shape, margins, strict=True)]
        network.add(name, [x, network.numbers(margins)], grown, y, PadOptions())
    elif name == "STRIDED_SLICE" and shape[-1] > 1:
        ends = ((0,) * rank, (0,) * (rank - 1) + (shape[-1] - 1,), (1,) * rank)
        options = StridedSliceOptions(end_mask=(1 << (rank - 1)) - 1)
        given = [x, *map(network.numbers, ends)]
        network.add(name, given, (*shape[:-1], shape[-1] - 1), y, options, 4)
    elif name == "SPLIT" and shape[-1] % 2 == 0:
        half = (*shape[:-1], shape[-1] // 2)
        parts = [network.graph.tensor(half, network.type, y) for _ in range(2)]
        network.graph.operator(name, [network.numbers(rank - 1), x], parts, SplitOptions(2), version=2)
        network.made += parts
    elif name == "TRANSPOSE" and rank == 4:
        network.add(name, [x, network.numbers((0, 2, 1, 3))], (shape[0], shape[2], shape[1], shape[3]), y)
    elif name == "CONCATENATION":
        _join(network, x)
    elif name.startswith("RESIZE") and rank == 4 and np.prod(shape) < LARGEST:
        size = network.choices.choice(((shape[1] * 2, shape[2] * 2), (shape[1] + 1, max(shape[2] - 1, 1))))
        kind = ResizeBilinearOptions if name == "RESIZE_BILINEAR" else ResizeNearestNeighborOptions
        options = kind(half_pixel_centers=network.choices.choice((False, True)))
        network.add(name, [x, network.numbers(size)], (1, *size, shape[3]), y, options, 3)


def _join(network: IntegerNetwork, x: int) -> None:
    """CONCATENATION of tensors with equal parameters; of uint8, with any."""
    lead, equal = network.shape(x)[:-1], network.parameters(x)
    fitting = [
        index
        for index in network.made
        if network.shape(index)[:-1] == lead
        and (network.parameters(index) == equal or network.type is TensorType.UINT8)
    ]
    parts = [x, *(network.choices.choice(fitting) for _ in range(network.choices.integer(1, 3)))]
    width = sum(network.shape(index)[-1] for index in parts)
    axis = len(lead)
    network.add("CONCATENATION", parts, (*lead, width), equal, ConcatenationOptions(axis), 3)


def mean(network: IntegerNetwork) -> None:
    """MEAN over the pixels."""
    x = network.pick(4)
    if x is None:
        return
    keep = network.choices.choice((True, False))
    shape = (1, 1, 1, network.shape(x)[3]) if keep else (1, network.shape(x)[3])
    y = network.drawn(network.scale(x) / 2)
    network.add("MEAN", [x, network.numbers((1, 2))], shape, y, ReducerOptions(keep))


def excursion(network: IntegerNetwork) -> None:
    """DEQUANTIZE, a float operator, QUANTIZE."""
    x = network.pick()
    if x is None:
        return
    shape = network.shape(x)
    real, bent = (network.graph.tensor(shape, TensorType.FLOAT32) for _ in range(2))
    network.graph.operator("DEQUANTIZE", [x], [real], version=3 if network.type is TensorType.INT16 else 2)
    network.graph.operator(network.choices.choice(("TANH", "ABS", "RELU")), [real], [bent])
    network.add("QUANTIZE", [bent], shape, network.drawn(network.scale(x)))


def _windows(extent: int, side: int, stride: int, padding: Padding) -> int:
    return -(-extent // stride) if padding is Padding.SAME else -(-(extent - side + 1) // stride)


STEPS: tuple[Callable[[IntegerNetwork], None], ...] = (
    layer,
    layer,
    layer,
    dense,
    binary_operator,
    binary_operator,
    unary,
    same_parameters,
    same_parameters,
    mean,
    excursion,
)
"""What a network may grow by, the commoner more often."""


def integer_graph(choices: Choices, kind: str, operators: int = 8) -> Case:
    """A random network of integers and one sample for it.

    Parameters
    ----------
    choices : Choices
    kind : {"int8", "uint8", "int16"}
    operators : int
        About how many.

    Returns
    -------
    Case
        What nobody reads is an output.

    Examples
    --------
    >>> from quantlib.testing.choices import SeededChoices
    >>> case = integer_graph(SeededChoices(1), "int8")
    >>> case.model == integer_graph(SeededChoices(1), "int8").model
    True
    """
    network = IntegerNetwork(choices, kind)
    for _ in range(choices.integer(1, 2)):
        network.input()
    while len(network.graph.operators) < operators:
        choices.choice(STEPS)(network)
    graph = network.graph
    read = {index for operator in graph.operators for index in operator.inputs}
    made = [index for operator in graph.operators for index in operator.outputs]
    graph.outputs.extend(index for index in made if index not in read)
    return graph.finished(*network.arrays)
