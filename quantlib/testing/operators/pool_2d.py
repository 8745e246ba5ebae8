"""Random AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._pool import Pool2DOptions
from quantlib.ops._window import Padding
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, cases, quantization, random_quantization

_TYPES = ("int8", "uint8", "int16", "float32")


def _shape_and_options(choices: Choices) -> tuple[tuple[int, ...], Pool2DOptions]:
    """SAME windows may be larger than the image, VALID ones fit; strides may skip pixels."""
    height, width = choices.integer(1, 9), choices.integer(1, 9)
    padding = choices.choice((Padding.SAME, Padding.VALID))
    reach = 2 if padding is Padding.SAME else 0
    options = Pool2DOptions(
        padding=padding,
        stride_w=choices.integer(1, 4),
        stride_h=choices.integer(1, 4),
        filter_width=choices.integer(1, min(width, 6) + reach),
        filter_height=choices.integer(1, min(height, 6) + reach),
        fused_activation_function=choices.choice(
            (Activation.NONE, Activation.RELU, Activation.RELU_N1_TO_1, Activation.RELU6)
        ),
    )
    return (choices.integer(1, 3), height, width, choices.integer(1, 6)), options


def _pool(choices: Choices, operator: str, configuration: str) -> Case:
    type = TensorType[configuration.split(maxsplit=1)[0].upper()]
    shape, options = _shape_and_options(choices)
    graph = Graph()
    if operator == "AVERAGE_POOL_2D" and configuration == "float32":
        # XNNPACK averages wrong pixels where windows hang over both borders.
        options = replace(options, filter_height=min(options.filter_height, shape[1]))
    if type is TensorType.FLOAT32:
        graph.operator(operator, [graph.input(shape, type)], [graph.output((), type)], options)
        return graph.finished(reals(choices, shape))
    # Coarse scales, so that the bounds of fused activations fall inside the range of codes.
    parameters = random_quantization(choices, type)
    other = parameters
    if configuration.endswith("parameters") or (
        type is TensorType.INT16 or (operator != "MAX_POOL_2D" and choices.choice((False, False, True)))
    ):
        other = random_quantization(choices, type)
    if type is TensorType.INT16 and choices.choice((False, True)):
        other = quantization(choices.choice((2.0**-12, 1e-3)))
    x, y = graph.input(shape, type, parameters), graph.output((), type, other)
    graph.operator(operator, [x], [y], options, version=3 if type is TensorType.INT16 else 2)
    info = np.iinfo(type.dtype or np.int8)
    # Small numbers around zero make many ties.
    low, high = choices.choice(((int(info.min), int(info.max)), (max(-6, int(info.min)), 6)))
    return graph.finished(integers(choices, shape, low, high, info.dtype))


@cases("AVERAGE_POOL_2D", *_TYPES)
def average(choices: Choices, configuration: str) -> Case:
    """Windows of every size; ties in small integers."""
    return _pool(choices, "AVERAGE_POOL_2D", configuration)


@cases("AVERAGE_POOL_2D", "float32 larger windows", unclaimed=("xnnpack",))
def average_of_large_windows(choices: Choices, configuration: str) -> Case:
    """Windows higher than the image, some of which XNNPACK mixes up."""
    return _pool(choices, "AVERAGE_POOL_2D", configuration)


@cases("MAX_POOL_2D", *_TYPES)
def largest(choices: Choices, configuration: str) -> Case:
    """Windows of every size."""
    return _pool(choices, "MAX_POOL_2D", configuration)


@cases("MAX_POOL_2D", "int8 other parameters", "uint8 other parameters", unclaimed=("xnnpack",))
def largest_elsewhere(choices: Choices, configuration: str) -> Case:
    """Codes are copied, whatever they mean then; XNNPACK fails with most of these models."""
    return _pool(choices, "MAX_POOL_2D", configuration)


@cases("L2_POOL_2D", "float32")
def root_mean_square(choices: Choices, configuration: str) -> Case:
    """Windows of every size."""
    return _pool(choices, "L2_POOL_2D", configuration)
