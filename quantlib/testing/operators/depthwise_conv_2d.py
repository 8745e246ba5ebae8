"""Random DEPTHWISE_CONV_2D models."""

from __future__ import annotations

from dataclasses import replace

from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._layers import float_layer, hybrid_layer, image_size, integer_layer
from quantlib.testing.single_operator import Case, Graph, cases

_NO_BIAS: tuple[str, ...] = ("optimized", "xnnpack")
"""Families in which LiteRT 2.3.0 ends the process if there is no bias."""


def _options(choices: Choices) -> DepthwiseConv2DOptions:
    dilation = choices.choice((1, 1, 2))
    return DepthwiseConv2DOptions(
        padding=choices.choice((Padding.SAME, Padding.VALID)),
        stride_w=choices.integer(1, 3),
        stride_h=choices.integer(1, 3),
        depth_multiplier=choices.choice((1, 1, 2, 3)),
        fused_activation_function=choices.choice(tuple(Activation)),
        dilation_w_factor=dilation,
        dilation_h_factor=choices.choice((dilation, 1, 3)),
    )


def _shapes(
    choices: Choices, options: DepthwiseConv2DOptions
) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    channels = choices.choice((choices.integer(1, 9), choices.integer(1, 9), choices.integer(10, 34)))
    height, width = choices.integer(1, 4), choices.integer(1, 4)
    image = image_size(
        choices,
        options.padding,
        (height - 1) * options.dilation_h_factor + 1,
        (width - 1) * options.dilation_w_factor + 1,
    )
    return (choices.integer(1, 3), *image, channels), (1, height, width, channels * options.depth_multiplier)


@cases(
    "DEPTHWISE_CONV_2D",
    "int8 per channel",
    "int8 per tensor",
    "int8 with int4 weights",
    "uint8",
    "int16 per channel",
    "int16 per tensor",
    "int16 without bias",
)
@cases("DEPTHWISE_CONV_2D", "int8 without bias", "uint8 without bias", unclaimed=_NO_BIAS)
@cases("DEPTHWISE_CONV_2D", "int8 with weight zero point", unclaimed=["xnnpack"])
def integer(choices: Choices, configuration: str) -> Case:
    """Integer filters; zero points of int8 weights, which the kernel ignores, too."""
    options = _options(choices)
    x_shape, w_shape = _shapes(choices, options)
    type = TensorType[configuration.split(maxsplit=1)[0].upper()]
    bias = TensorType.INT64 if type is TensorType.INT16 else TensorType.INT32
    graph = Graph()
    layer = integer_layer(
        choices,
        graph,
        type,
        x_shape,
        w_shape,
        axis=3,
        products=w_shape[1] * w_shape[2],
        weights=TensorType.INT4 if "int4" in configuration else None,
        per_channel="per tensor" not in configuration and type is not TensorType.UINT8,
        weight_zero_point=type is TensorType.UINT8 or "zero point" in configuration,
        bias=None if "without" in configuration else bias,
    )
    y = graph.output((), layer.type, layer.parameters)
    graph.operator("DEPTHWISE_CONV_2D", layer.inputs, [y], options, version=6)
    return graph.finished(*layer.arrays)


@cases("DEPTHWISE_CONV_2D", "float32", unclaimed=["xnnpack"])
@cases("DEPTHWISE_CONV_2D", "float32 with constants")
@cases("DEPTHWISE_CONV_2D", "float32 without bias", unclaimed=_NO_BIAS)
def float32(choices: Choices, configuration: str) -> Case:
    """Real filters; a wrong depth multiplier, which the kernel ignores, too."""
    options = _options(choices)
    x_shape, w_shape = _shapes(choices, options)
    graph = Graph()
    bias, constant = "without" not in configuration, "constants" in configuration
    layer = float_layer(choices, graph, x_shape, w_shape, axis=3, bias=bias, constant=constant)
    if not constant:
        options = replace(options, depth_multiplier=choices.choice((options.depth_multiplier, 0, 7)))
    y = graph.output((), layer.type)
    graph.operator("DEPTHWISE_CONV_2D", layer.inputs, [y], options, version=2)
    return graph.finished(*layer.arrays)


@cases("DEPTHWISE_CONV_2D", "hybrid")
@cases("DEPTHWISE_CONV_2D", "hybrid without bias", unclaimed=_NO_BIAS)
def hybrid(choices: Choices, configuration: str) -> Case:
    """Integer filters, real images."""
    options = _options(choices)
    x_shape, w_shape = _shapes(choices, options)
    graph = Graph()
    layer = hybrid_layer(
        choices, graph, x_shape, w_shape, axis=3, lowest=True, bias="without" not in configuration
    )
    y = graph.output((), layer.type)
    graph.operator("DEPTHWISE_CONV_2D", layer.inputs, [y], options, version=6)
    return graph.finished(*layer.arrays)
