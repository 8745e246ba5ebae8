"""Random TRANSPOSE_CONV models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.transpose_conv import TransposeConvOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._layers import (
    BOUNDS,
    Layer,
    float_layer,
    hybrid_layer,
    image_size,
    integer_layer,
)
from quantlib.testing.single_operator import Case, Graph, cases


def _options(choices: Choices, bias_type: TensorType = TensorType.FLOAT32) -> TransposeConvOptions:
    return TransposeConvOptions(
        padding=choices.choice((Padding.SAME, Padding.VALID)),
        stride_w=choices.integer(1, 3),
        stride_h=choices.integer(1, 3),
        fused_activation_function=choices.choice(tuple(Activation)),
        quantized_bias_type=bias_type,
    )


def _shapes(
    choices: Choices, options: TransposeConvOptions, least: tuple[int, int] = (1, 1)
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Of y, w and x; filters are at least that high and wide."""
    kernel = (choices.integer(least[0], 4), choices.integer(least[1], 4))
    height, width = image_size(choices, options.padding, *kernel)
    if options.padding is Padding.SAME:
        x_size = (-(-height // options.stride_h), -(-width // options.stride_w))
    else:
        x_size = (
            (height - kernel[0]) // options.stride_h + 1,
            (width - kernel[1]) // options.stride_w + 1,
        )
    n, channels = choices.integer(1, 2), choices.integer(1, 6)
    filters = choices.choice((choices.integer(1, 6), choices.integer(7, 18)))  # blocks of 8
    return (n, height, width, filters), (filters, *kernel, channels), (n, *x_size, channels)


def _finished(
    choices: Choices,
    graph: Graph,
    layer: Layer,
    options: TransposeConvOptions,
    y_shape: tuple[int, ...],
    *,
    constant: bool = False,
) -> Case:
    """The output's shape is a constant or an input; a bias left out is absent or not mentioned."""
    shape = np.array(y_shape, np.int32)
    arrays = list(layer.arrays)
    if not constant and choices.choice((False, True)):
        shape_tensor = graph.input((4,), TensorType.INT32)
        arrays.append(shape)
    else:
        shape_tensor = graph.constant(shape, TensorType.INT32)
    inputs = [shape_tensor, layer.w, layer.x]
    if layer.bias is not None:
        inputs.append(layer.bias)
    elif choices.choice((False, True)):
        inputs.append(-1)
    y = graph.output((), layer.type, layer.parameters)
    graph.operator("TRANSPOSE_CONV", inputs, [y], options, version=5)
    return graph.finished(*arrays)


@cases(
    "TRANSPOSE_CONV",
    "int8 per channel",
    "int8 per tensor",
    "int8 without bias",
    "uint8",
    "uint8 without bias",
    "int16 per channel",
    "int16 per tensor",
    "int16 without bias",
    "int16 with int32 bias",
    "int16 with 32-bit sums",
)
@cases("TRANSPOSE_CONV", "int8 with weight zero point", unclaimed=["xnnpack"])
def integer(choices: Choices, configuration: str) -> Case:
    """Integer filters; zero points of int8 weights, which the kernel ignores, too."""
    type = TensorType[configuration.split(maxsplit=1)[0].upper()]
    narrow = "32" in configuration
    wide = type is TensorType.INT16 and not narrow
    bias = TensorType.INT64 if wide else TensorType.INT32
    declared = choices.choice((TensorType.FLOAT32, TensorType.INT64)) if wide else TensorType.FLOAT32
    options = _options(choices, TensorType.INT32 if narrow else declared)
    y_shape, w_shape, x_shape = _shapes(choices, options)
    graph = Graph()
    layer = integer_layer(
        choices,
        graph,
        type,
        x_shape,
        w_shape,
        axis=0,
        products=int(np.prod(w_shape[1:])),
        per_channel=type is not TensorType.UINT8 and "tensor" not in configuration,
        weight_zero_point=type is TensorType.UINT8 or "zero point" in configuration,
        bias=None if "without" in configuration or "sums" in configuration else bias,
    )
    return _finished(choices, graph, layer, options, y_shape)


@cases("TRANSPOSE_CONV", "float32", "float32 without bias", "float32 with constants")
def float32(choices: Choices, configuration: str) -> Case:
    """Real filters."""
    options, constant, least = _options(choices), "constants" in configuration, (1, 1)
    if constant:  # so that XNNPACK takes it
        options = replace(options, fused_activation_function=choices.choice(BOUNDS))
        least = (options.stride_h, options.stride_w)
    y_shape, w_shape, x_shape = _shapes(choices, options, least)
    graph, bias = Graph(), "without" not in configuration
    layer = float_layer(choices, graph, x_shape, w_shape, axis=0, bias=bias, constant=constant)
    return _finished(choices, graph, layer, options, y_shape, constant=constant)


@cases("TRANSPOSE_CONV", "hybrid per channel", "hybrid per tensor", "hybrid without bias")
def hybrid(choices: Choices, configuration: str) -> Case:
    """Integer filters, real images."""
    options = _options(choices)
    y_shape, w_shape, x_shape = _shapes(choices, options)
    graph = Graph()
    layer = hybrid_layer(
        choices,
        graph,
        x_shape,
        w_shape,
        axis=0,
        per_channel="tensor" not in configuration,
        lowest=True,
        bias="without" not in configuration,
    )
    return _finished(choices, graph, layer, options, y_shape)
