"""A random integer network under construction: its tensors, scales, weights and biases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.ops._activation import Activation
from quantlib.testing.choices import Choices, integers
from quantlib.testing.single_operator import Graph, quantization

__all__ = ["IntegerNetwork"]


class IntegerNetwork:
    """A graph of integers under construction, and what is drawn for it.

    Parameters
    ----------
    choices : Choices
    kind : {"int8", "uint8", "int16"}
        Element type of its activations.

    Attributes
    ----------
    graph : Graph
    made : list of int
        Tensors of that type, in the order in which they were made.
    arrays : list of ndarray
        For the inputs.
    bias, declared : TensorType
        Of the biases of its layers, and what `quantized_bias_type` says of it.
    """

    def __init__(self, choices: Choices, kind: str) -> None:
        self.choices = choices
        self.random = choices.generator()
        self.type = TensorType[kind.upper()]
        self.graph = Graph()
        self.made: list[int] = []
        self.arrays: list[NDArray[Any]] = []
        assert self.type.dtype is not None
        info = np.iinfo(self.type.dtype)
        self.low, self.high = int(info.min), int(info.max)
        self.binary = choices.choice((False, True))
        self.bias, self.declared = TensorType.INT32, TensorType.FLOAT32
        if self.type is TensorType.INT16:
            wide, narrow = TensorType.INT64, TensorType.INT32
            self.bias, self.declared = choices.choice(((wide, self.declared), (wide, wide), (narrow, narrow)))

    def shape(self, index: int) -> tuple[int, ...]:
        """Of a tensor."""
        return self.graph.tensors[index].shape

    def parameters(self, index: int) -> Quantization:
        """Of a tensor."""
        found = self.graph.tensors[index].quantization
        assert found is not None
        return found

    def scale(self, index: int) -> float:
        """Of a tensor."""
        return float(self.parameters(index).scale[0])

    def pick(self, rank: int | None = None) -> int | None:
        """A tensor, more often a late one; of that many dimensions."""
        fitting = [index for index in self.made if rank in (None, len(self.shape(index)))]
        return self.choices.choice([*fitting, *fitting[-2:]]) if fitting else None

    def drawn(self, scale: float) -> Quantization:
        """Parameters near that scale."""
        scale *= 2.0 ** self.choices.real(-1.0, 1.0)
        if self.binary or self.choices.integer(0, 3) == 0:
            scale = 2.0 ** round(float(np.log2(scale)))
        middle = (self.low + self.high + 1) // 2
        reach = self.choices.choice((0, 20, self.high - middle))
        point = middle + self.choices.integer(-reach, reach)
        return quantization(scale, 0 if self.type is TensorType.INT16 else point)

    def input(self) -> None:
        """One more input of the network."""
        shape = self.choices.choice(((1, 6, 6, 4), (1, 5, 7, 3), (1, 9, 4, 16), (1, 12)))
        scale = 0.05 if self.type is not TensorType.INT16 else 0.0002
        index = self.graph.input(shape, self.type, self.drawn(scale))
        self.made.append(index)
        self.arrays.append(integers(self.choices, shape, self.low, self.high, self.type.dtype or np.int8))

    def numbers(self, values: Any) -> int:
        """A constant of int32."""
        return self.graph.constant(np.array(values, np.int32), TensorType.INT32)

    def add(
        self,
        name: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        parameters: Quantization,
        options: object = None,
        version: int = 2,
    ) -> int:
        """An operator with one output of that shape; the output."""
        output = self.graph.tensor(shape, self.type, parameters)
        self.graph.operator(name, inputs, [output], options, version=version)
        self.made.append(output)
        return output

    def activation(self) -> Activation:
        """Fused or none."""
        return self.choices.choice((Activation.NONE, Activation.NONE, Activation.RELU, Activation.RELU6))

    def weights(
        self, x: int, shape: Sequence[int], axis: int, products: int, bias_type: TensorType | None = None
    ) -> tuple[int, int, Quantization]:
        """Weights, a bias, and parameters for the output of a layer."""
        unsigned, wide = self.type is TensorType.UINT8, self.type is TensorType.INT16
        channels = shape[axis]
        count = 1 if unsigned or self.choices.integer(0, 2) == 0 else channels
        scales = np.float32(2.0 ** self.random.uniform(-9, -4, count))
        if self.binary:
            scales = np.exp2(np.rint(np.log2(scales)))
        w_type = TensorType.UINT8 if unsigned else TensorType.INT8
        low, high = (0, 255) if unsigned else (-127, 127)
        stored = integers(self.choices, shape, low, high, w_type.dtype or np.int8)
        point = self.choices.choice((128, 0, 255, 100)) if unsigned else 0
        w = self.graph.constant(stored, w_type, quantization(scales, point, axis))
        products_scale = np.float32(self.scale(x)) * scales
        reach = 2000 * (200 if wide else 1)
        bias = self.graph.constant(
            self.random.integers(-reach, reach, channels),
            bias_type or self.bias,
            quantization(products_scale),
        )
        # A sum of k random products is about sqrt(k) times a typical product.
        typical = (self.high - self.low) / 4 * 60 * np.sqrt(products) * float(np.median(products_scale))
        return (
            w,
            bias,
            self.drawn(max(typical / ((self.high - self.low) / 4), float(products_scale.max()) / 100)),
        )
