"""Random CONV_2D models."""

from __future__ import annotations

from dataclasses import replace

from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._layers import BOUNDS, float_layer, hybrid_layer, image_size, integer_layer
from quantlib.testing.single_operator import Case, Graph, cases


def _options(choices: Choices, bias_type: TensorType = TensorType.FLOAT32) -> Conv2DOptions:
    dilation = choices.choice((1, 1, 2))
    return Conv2DOptions(
        padding=choices.choice((Padding.SAME, Padding.VALID)),
        stride_w=choices.integer(1, 3),
        stride_h=choices.integer(1, 3),
        fused_activation_function=choices.choice(tuple(Activation)),
        dilation_w_factor=dilation,
        dilation_h_factor=choices.choice((dilation, 1, 3)),
        quantized_bias_type=bias_type,
    )


def _shapes(
    choices: Choices, options: Conv2DOptions, grouped: bool
) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
    groups = choices.choice((2, 3)) if grouped else 1
    depth = choices.choice((choices.integer(1, 9), choices.integer(1, 9), choices.integer(10, 40)))
    filters = groups * choices.choice((choices.integer(1, 6), choices.integer(1, 6), choices.integer(7, 20)))
    if grouped and choices.choice((False, False, True)):
        depth, filters = 1, groups  # depthwise by another name
    height, width = choices.choice(((1, 1), (choices.integer(1, 4), choices.integer(1, 4))))
    image = image_size(
        choices,
        options.padding,
        (height - 1) * options.dilation_h_factor + 1,
        (width - 1) * options.dilation_w_factor + 1,
    )
    return (choices.integer(1, 3), *image, groups * depth), (filters, height, width, depth)


@cases(
    "CONV_2D",
    "int8 per channel",
    "int8 per tensor",
    "int8 grouped",
    "int8 with int4 weights",
    "uint8",
    "uint8 grouped",
    "int16 per channel",
    "int16 per tensor",
    "int16 grouped",
    "int16 with int4 weights",
    "int16 with int32 bias",
)
def integer(choices: Choices, configuration: str) -> Case:
    """Integer filters."""
    type = TensorType[configuration.split(maxsplit=1)[0].upper()]
    narrow = "int32" in configuration
    wide = type is TensorType.INT16 and not narrow
    declared = choices.choice((TensorType.FLOAT32, TensorType.INT64)) if wide else TensorType.FLOAT32
    options = _options(choices, TensorType.INT32 if narrow else declared)
    x_shape, w_shape = _shapes(choices, options, "grouped" in configuration)
    graph = Graph()
    layer = integer_layer(
        choices,
        graph,
        type,
        x_shape,
        w_shape,
        axis=0,
        products=w_shape[1] * w_shape[2] * w_shape[3],
        weights=TensorType.INT4 if "int4" in configuration else None,
        per_channel=type is not TensorType.UINT8 and "tensor" not in configuration,
        weight_zero_point=type is TensorType.UINT8,
        bias=TensorType.INT64 if wide else TensorType.INT32,
    )
    y = graph.output((), layer.type, layer.parameters)
    graph.operator("CONV_2D", layer.inputs, [y], options, version=8)
    return graph.finished(*layer.arrays)


@cases("CONV_2D", "float32", "float32 with constants", "float32 grouped", "float32 larger")
def float32(choices: Choices, configuration: str) -> Case:
    """Real filters."""
    options = _options(choices)
    constant = "constants" in configuration
    if constant:  # so that XNNPACK takes it
        options = replace(options, fused_activation_function=choices.choice(BOUNDS))
    x_shape, w_shape = _shapes(choices, options, "grouped" in configuration)
    if "larger" in configuration:  # panels of every kind, and depths that are divided
        depth = choices.choice((choices.integer(1, 40), choices.integer(170, 270)))
        w_shape = (choices.integer(1, 37), *w_shape[1:3], depth)
        x_shape = (*x_shape[:3], depth)
    graph = Graph()
    layer = float_layer(choices, graph, x_shape, w_shape, axis=0, constant=constant)
    y = graph.output((), layer.type)
    graph.operator("CONV_2D", layer.inputs, [y], options)
    return graph.finished(*layer.arrays)


@cases(
    "CONV_2D",
    "hybrid per tensor",
    "hybrid per channel",
    "hybrid grouped",
    "hybrid with int4 weights",
    "hybrid with uint8 weights",
    "hybrid with lowest weights",
)
def hybrid(choices: Choices, configuration: str) -> Case:
    """Integer filters, real images."""
    words = configuration.split()
    grouped, lowest = "grouped" in words, "lowest" in words
    other = "weights" in words and not lowest
    options = _options(choices)
    x_shape, w_shape = _shapes(choices, options, grouped)
    graph = Graph()
    layer = hybrid_layer(
        choices,
        graph,
        x_shape,
        w_shape,
        axis=0,
        weights=TensorType[words[2].upper()] if other else TensorType.INT8,
        per_channel=grouped or "channel" in words or (other and choices.choice((False, True))),
        lowest=lowest or "int4" in words,
    )
    y = graph.output((), layer.type)
    graph.operator("CONV_2D", layer.inputs, [y], options, version=8)
    return graph.finished(*layer.arrays)
