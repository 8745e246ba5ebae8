"""Random CONV_2D models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, cases, quantization, random_quantization


def _options(choices: Choices) -> Conv2DOptions:
    dilation = choices.choice((1, 1, 2))
    return Conv2DOptions(
        padding=choices.choice((Padding.SAME, Padding.VALID)),
        stride_w=choices.integer(1, 2) if dilation == 1 else 1,
        stride_h=choices.integer(1, 3) if dilation == 1 else 1,
        fused_activation_function=choices.choice(
            (Activation.NONE, Activation.RELU, Activation.RELU_N1_TO_1, Activation.RELU6)
        ),
        dilation_w_factor=dilation,
        dilation_h_factor=dilation,
    )


def _shapes(choices: Choices, grouped: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    groups = choices.choice((2, 3)) if grouped else 1
    depth = choices.integer(1, 8)
    filters = groups * choices.integer(1, 6)
    kernel = (choices.integer(1, 3), choices.integer(1, 3))
    image = (choices.integer(5, 9), choices.integer(5, 9))
    return (choices.integer(1, 2), *image, groups * depth), (filters, *kernel, depth)


@cases(
    "CONV_2D",
    "int8 per channel",
    "int8 per tensor",
    "int8 grouped",
    "int8 with int4 weights",
    "uint8",
    "uint8 grouped",
)
def integer(choices: Choices, configuration: str) -> Case:
    """Output scales are chosen so that results fill the output's range, or are ties."""
    x_shape, w_shape = _shapes(choices, "grouped" in configuration)
    unsigned = configuration.startswith("uint8")
    type = TensorType.UINT8 if unsigned else TensorType.INT8
    graph = Graph()
    x_parameters = random_quantization(choices, type)
    channels = 1 if unsigned or "tensor" in configuration else w_shape[0]
    random = choices.generator()
    if choices.choice((False, True)):
        scales = 2.0 ** random.integers(-9, -3, channels)
    else:
        scales = 10.0 ** random.uniform(-3, -1, channels)
    # A sum of k random products is about sqrt(k) times a typical product.
    typical = np.sqrt(np.prod(w_shape[1:])) * 50.0 * float(x_parameters.scale[0]) * float(np.median(scales))
    typical *= 4 if "int4" in configuration else 50
    y_scale = 2.0 ** np.round(np.log2(typical / 64)) if choices.choice((False, True)) else typical / 64
    y_parameters = quantization(y_scale, choices.integer(0, 255) - (0 if unsigned else 128))
    low, high = (0, 255) if unsigned else (-8, 7) if "int4" in configuration else (-127, 127)
    w_type = type if "int4" not in configuration else TensorType.INT4
    w = integers(choices, w_shape, low, high, np.uint8 if unsigned else np.int8)
    w_parameters = quantization(scales, choices.integer(0, 255) if unsigned else 0)
    bias_scale = x_parameters.scale[0] * w_parameters.scale
    bias = integers(choices, w_shape[:1], -20000, 20000, np.int32)
    inputs = [
        graph.input(x_shape, type, x_parameters),
        graph.constant(w, w_type, w_parameters),
        graph.constant(bias, TensorType.INT32, quantization(bias_scale)),
    ]
    graph.operator("CONV_2D", inputs, [graph.output((), type, y_parameters)], _options(choices), version=3)
    return graph.finished(
        integers(choices, x_shape, *((0, 255) if unsigned else (-128, 127)), type.dtype or np.int8)
    )


@cases("CONV_2D", "float32", "float32 grouped")
def float32(choices: Choices, configuration: str) -> Case:
    """Real filters."""
    x_shape, w_shape = _shapes(choices, "grouped" in configuration)
    graph = Graph()
    inputs = [
        graph.input(x_shape, TensorType.FLOAT32),
        graph.constant(reals(choices, w_shape), TensorType.FLOAT32),
        graph.constant(reals(choices, w_shape[:1]), TensorType.FLOAT32),
    ]
    graph.operator("CONV_2D", inputs, [graph.output((), TensorType.FLOAT32)], _options(choices))
    return graph.finished(reals(choices, x_shape))
