"""Random BATCH_MATMUL models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.ops.batch_matmul import BatchMatMulOptions
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.operators._layers import activations, output_quantization
from quantlib.testing.single_operator import Case, Graph, cases, quantization, random_quantization

Shape = tuple[int, ...]


def _options(choices: Choices) -> BatchMatMulOptions:
    return BatchMatMulOptions(
        adj_x=choices.choice((False, True)),
        adj_y=choices.choice((False, True)),
        asymmetric_quantize_inputs=choices.choice((False, True)),
    )


def _shapes(choices: Choices, options: BatchMatMulOptions) -> tuple[Shape, Shape]:
    """Of both operands: leading axes are equal, 1 on either side, or missing on one."""
    rows, columns = choices.integer(1, 6), choices.integer(1, 6)
    depth = choices.choice((choices.integer(1, 8), choices.integer(1, 40)))
    leading = [choices.integer(1, 3) for _ in range(choices.integer(0, 3))]
    x_leading = [extent if choices.choice((True, True, False)) else 1 for extent in leading]
    w_leading = [
        extent if x == 1 or choices.choice((True, False)) else 1
        for extent, x in zip(leading, x_leading, strict=True)
    ]
    if choices.choice((False, True)):
        x_leading = x_leading[choices.integer(0, len(leading)) :]
    else:
        w_leading = w_leading[choices.integer(0, len(leading)) :]
    x = (depth, rows) if options.adj_x else (rows, depth)
    w = (columns, depth) if options.adj_y else (depth, columns)
    return (*x_leading, *x), (*w_leading, *w)


@cases("BATCH_MATMUL", "int8", "int8 to int32", "int8 with several scales", "int16", "int16 and int8")
def integer(choices: Choices, configuration: str) -> Case:
    """Both operands are inputs, or one is a constant."""
    options = _options(choices)
    x_shape, w_shape = _shapes(choices, options)
    type = TensorType[configuration.split(maxsplit=1)[0].upper()]
    w_type = TensorType.INT8 if "and int8" in configuration else type
    graph = Graph()
    x_parameters = random_quantization(choices, type)
    w_parameters = random_quantization(choices, w_type)
    if type is TensorType.INT16:
        w_parameters = quantization(w_parameters.scale)
    products = x_shape[-2] if options.adj_x else x_shape[-1]
    typical = np.sqrt(products) * float(x_parameters.scale[0]) * float(w_parameters.scale[0]) * 70.0
    typical *= 70.0 if type is TensorType.INT8 else 20000.0
    typical *= 300.0 if w_type is TensorType.INT16 else 1.0
    if "several" in configuration:
        axis = len(w_shape) - (2 if options.adj_y else 1)
        w_parameters = quantization(np.full(w_shape[axis], 0.1), 0, axis)
    y_type, y_parameters = type, output_quantization(choices, type, typical)
    if "int32" in configuration:
        y_type, y_parameters = TensorType.INT32, Quantization()
    arrays: list[NDArray[Any]] = []
    tensors: list[int] = []
    for shape, operand, parameters in ((x_shape, type, x_parameters), (w_shape, w_type, w_parameters)):
        assert operand.dtype is not None
        info = np.iinfo(operand.dtype)
        array = integers(choices, shape, int(info.min), int(info.max), operand.dtype)
        if choices.choice((False, True)) and arrays:
            tensors.append(graph.constant(array, operand, parameters))
        else:
            tensors.append(graph.input(shape, operand, parameters))
            arrays.append(array)
    graph.operator("BATCH_MATMUL", tensors, [graph.output((), y_type, y_parameters)], options, version=4)
    return graph.finished(*arrays)


@cases("BATCH_MATMUL", "float32")
def float32(choices: Choices, configuration: str) -> Case:
    """Real operands."""
    options = _options(choices)
    x_shape, w_shape = _shapes(choices, options)
    graph = Graph()
    type = TensorType[configuration.upper()]
    x, w = graph.input(x_shape, type), graph.input(w_shape, type)
    graph.operator("BATCH_MATMUL", [x, w], [graph.output((), type)], options)
    return graph.finished(reals(choices, x_shape), reals(choices, w_shape))


@cases("BATCH_MATMUL", "hybrid per tensor", "hybrid per channel")
@cases("BATCH_MATMUL", "hybrid with weights as input", unclaimed=["xnnpack"])
def hybrid(choices: Choices, configuration: str) -> Case:
    """Integer weights, real activations."""
    options = _options(choices)
    x_shape, w_shape = _shapes(choices, options)
    axis = len(w_shape) - (2 if options.adj_y else 1)
    if len(w_shape) == 5 and options.asymmetric_quantize_inputs:
        w_shape = w_shape[1:]  # five dimensions may need column sums that LiteRT never formed
        axis -= 1
    scales = 10.0 ** choices.generator().uniform(-3, -1, w_shape[axis] if "channel" in configuration else 1)
    graph = Graph()
    x = graph.input(x_shape, TensorType.FLOAT32)
    parameters, array = quantization(scales, 0, axis), integers(choices, w_shape, -128, 127, np.int8)
    arrays = [activations(choices, x_shape)]
    if "input" not in configuration:
        w = graph.constant(array, TensorType.INT8, parameters)
    else:
        w = graph.input(w_shape, TensorType.INT8, parameters)
        arrays.append(array)
    graph.operator("BATCH_MATMUL", [x, w], [graph.output((), TensorType.FLOAT32)], options, version=4)
    return graph.finished(*arrays)
