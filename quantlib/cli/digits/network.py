"""The digits network as a model, float or int8.

reshape → convolution 3×3 with ReLU → max-pooling 2×2 → flatten → dense: the network of
TensorFlow's integer quantization tutorial, on images of 8×8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Buffer, Metadata, Model, Quantization, Signature, TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._pool import Pool2DOptions
from quantlib.ops._window import Padding
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.testing.single_operator import Graph

__all__ = ["FILTERS", "Weights", "build"]

FILTERS = 64
"""Filters of the convolution: the float file takes 27 kB, the int8 file 10."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What is learned.

    Parameters
    ----------
    filters : array (o, 3, 3, 1)
    filters_bias : array (o,)
    dense : array (10, 9·o)
    dense_bias : array (10,)
    """

    filters: NDArray[Any]
    filters_bias: NDArray[Any]
    dense: NDArray[Any]
    dense_bias: NDArray[Any]


def build(
    weights: Weights,
    type: TensorType = TensorType.FLOAT32,
    parameters: Sequence[Quantization | None] = (None,) * 7,
) -> Model:
    """The network as a model, named as a converter names things.

    Parameters
    ----------
    weights : Weights
        float32, or codes: int8 weights and int32 biases.
    type : TensorType
        Of the activations: FLOAT32 or INT8.
    parameters : sequence of Quantization, optional
        Of the image, the convolution's output, the scores, and the four weights in their order.

    Returns
    -------
    Model
        Input ``image`` (1, 8, 8), output ``scores`` (1, 10), signature ``serving_default``.
    """
    quantized = type is TensorType.INT8
    bias_type = TensorType.INT32 if quantized else type
    image, activation, scores, *of_weights = parameters
    graph = Graph()
    names: dict[int, str] = {}

    def named(index: int, name: str) -> int:
        names[index] = name
        return index

    x = named(graph.input((1, 8, 8), type, image), "serving_default_image:0")
    to_image = named(graph.constant(_int32(1, 8, 8, 1), TensorType.INT32), "digits/reshape/Reshape/shape")
    filters, filters_bias, dense, dense_bias = (
        named(graph.constant(getattr(weights, field.name), kind, one), f"digits/{name}")
        for field, kind, one, name in zip(
            fields(Weights),
            (type, bias_type, type, bias_type),
            of_weights,
            ("conv2d/kernel", "conv2d/bias", "dense/kernel", "dense/bias"),
            strict=True,
        )
    )
    count = weights.filters.shape[0]
    to_vector = named(graph.constant(_int32(1, 9 * count), TensorType.INT32), "digits/flatten/Const")
    reshaped = named(graph.tensor((1, 8, 8, 1), type, image), "digits/reshape/Reshape")
    convolved = named(graph.tensor((1, 6, 6, count), type, activation), "digits/conv2d/Relu")
    pooled = named(graph.tensor((1, 3, 3, count), type, activation), "digits/max_pooling2d/MaxPool")
    flat = named(graph.tensor((1, 9 * count), type, activation), "digits/flatten/Reshape")
    y = named(graph.output((1, 10), type, scores), "StatefulPartitionedCall:0")

    graph.operator("RESHAPE", [x, to_image], [reshaped])
    convolution = Conv2DOptions(
        padding=Padding.VALID, stride_w=1, stride_h=1, fused_activation_function=Activation.RELU
    )
    graph.operator(
        "CONV_2D", [reshaped, filters, filters_bias], [convolved], convolution, version=3 if quantized else 1
    )
    pooling = Pool2DOptions(padding=Padding.VALID, stride_w=2, stride_h=2, filter_width=2, filter_height=2)
    graph.operator("MAX_POOL_2D", [convolved], [pooled], pooling, version=2 if quantized else 1)
    graph.operator("RESHAPE", [pooled, to_vector], [flat])
    graph.operator(
        "FULLY_CONNECTED",
        [flat, dense, dense_bias],
        [y],
        FullyConnectedOptions(),
        version=4 if quantized else 1,
    )
    return _finished(graph, names, "1.14.0" if quantized else "1.5.0")


def _finished(graph: Graph, names: dict[int, str], runtime: str) -> Model:
    """The graph's model with names, a signature and the metadata that a converter writes."""
    model = graph.model()
    (subgraph,) = model.subgraphs
    tensors = tuple(replace(tensor, name=names[index]) for index, tensor in enumerate(subgraph.tensors))
    (x,), (y,) = subgraph.inputs, subgraph.outputs
    return replace(
        model,
        subgraphs=(replace(subgraph, tensors=tensors),),
        buffers=(*model.buffers, Buffer(memoryview(runtime.encode().ljust(16, b"\0")))),
        metadata=(Metadata("min_runtime_version", len(model.buffers)),),
        signatures=(Signature("serving_default", (("image", x),), (("scores", y),)),),
        description="Handwritten digits; quantlib/cli/digits/train.py",
    )


def _int32(*values: int) -> NDArray[np.int32]:
    return np.array(values, np.int32)
