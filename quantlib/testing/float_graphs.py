"""Random float networks of several operators, made from nothing: what a quantizer is tried on.

Branches, shared weights, an input that many read, a tensor added to itself, outputs in the middle,
operators that no quantizer takes: what single-operator models cannot show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._pool import Pool2DOptions
from quantlib.ops._reduce import ReducerOptions
from quantlib.ops._window import Padding
from quantlib.ops.add import AddOptions
from quantlib.ops.arg_max import ArgMaxOptions
from quantlib.ops.batch_matmul import BatchMatMulOptions
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.ops.gather import GatherOptions
from quantlib.ops.leaky_relu import LeakyReluOptions
from quantlib.ops.mul import MulOptions
from quantlib.ops.pack import PackOptions
from quantlib.ops.pad import PadOptions, PadV2Options
from quantlib.ops.reshape import ReshapeOptions
from quantlib.ops.resize_nearest_neighbor import ResizeNearestNeighborOptions
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.ops.split import SplitOptions
from quantlib.ops.strided_slice import StridedSliceOptions
from quantlib.ops.sub import SubOptions
from quantlib.ops.transpose_conv import TransposeConvOptions
from quantlib.ops.unpack import UnpackOptions
from quantlib.testing.choices import Choices
from quantlib.testing.single_operator import Case, Graph

__all__ = ["float_graph"]

F = TensorType.FLOAT32
UNARY = ("RELU", "RELU6", "LOGISTIC", "TANH", "ABS", "HARD_SWISH", "NEG", "SQUARE", "SIN", "EXP")
PLAIN_BINARY = ("MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")
LARGEST = 4096
"""Elements of a tensor that may still grow."""


class _Network:
    """A graph that grows by operators drawn at random."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.random = choices.generator()
        self.graph = Graph()
        self.reals: list[int] = []
        self.arrays: list[NDArray[np.float32]] = []
        self.held: list[int] = []

    def shape(self, index: int) -> tuple[int, ...]:
        """Of a tensor."""
        return self.graph.tensors[index].shape

    def pick(self) -> int:
        """A tensor, more often a late one."""
        return self.choices.choice([*self.reals, *self.reals[-2:], *self.reals[-1:]])

    def input(self) -> None:
        """One more input of the network."""
        shape = self.choices.choice(((1, 6, 6, 4), (1, 8, 5, 3), (1, 12), (2, 3, 8)))
        index = self.graph.input(shape, F)
        self.reals.append(index)
        self.arrays.append(self.random.normal(0, self.choices.choice((0.1, 1, 5)), shape).astype(np.float32))

    def weights(self, shape: Sequence[int], spread: float = 0.5) -> int:
        """A constant; sometimes one that is there already."""
        shape = tuple(shape)
        equal = [index for index in self.held if self.shape(index) == shape]
        if equal and self.choices.integer(0, 3) == 0:
            return self.choices.choice(equal)
        values = self.random.normal(0, spread, shape)
        if self.choices.integer(0, 11) == 0:
            values = np.zeros(shape)
        index = self.graph.constant(values.astype(np.float32), F)
        self.held.append(index)
        return index

    def integers(self, values: Any) -> int:
        """A constant of int32."""
        return self.graph.constant(np.array(values, np.int32), TensorType.INT32)

    def add(
        self, name: str, inputs: Sequence[int], shape: Sequence[int], options: object = None, version: int = 1
    ) -> None:
        """An operator with one real output of that shape."""
        output = self.graph.tensor(shape, F)
        self.graph.operator(name, inputs, [output], options, version=version)
        self.reals.append(output)

    def activation(self) -> Activation:
        """Fused or none."""
        return self.choices.choice((Activation.NONE, Activation.RELU, Activation.RELU6))

    # Each method below adds one operator, or nothing where the tensor does not suit it.

    def unary(self, x: int) -> None:
        """A function of every element."""
        name = self.choices.choice((*UNARY, "LEAKY_RELU", "SOFTMAX", "L2_NORMALIZATION"))
        options = {"LEAKY_RELU": LeakyReluOptions(0.25), "SOFTMAX": SoftmaxOptions(1.0)}.get(name)
        if name == "EXP":
            self.add("TANH", [x], self.shape(x))  # so that nothing overflows
            x = self.reals[-1]
        self.add(name, [x], self.shape(x), options)

    def binary(self, x: int) -> None:
        """Two tensors, a tensor twice, or a tensor and a constant."""
        shape = self.shape(x)
        others = [index for index in self.reals if self.shape(index) == shape]
        kind = self.choices.integer(0, 2)
        other = self.weights(self.choices.choice((shape, shape[-1:], (1,) * len(shape), ())), 1.0)
        if kind:
            other = self.choices.choice(others)
        name, options = self.choices.choice(
            (
                ("ADD", AddOptions(self.activation())),
                ("MUL", MulOptions(self.activation())),
                ("SUB", SubOptions(self.activation())),
                *((plain, None) for plain in PLAIN_BINARY),
            )
        )
        self.add(name, [x, other] if self.choices.integer(0, 3) else [other, x], shape, options)

    def convolution(self, x: int) -> None:
        """CONV_2D, DEPTHWISE_CONV_2D or TRANSPOSE_CONV."""
        shape = self.shape(x)
        if len(shape) != 4:
            return
        name = self.choices.choice(("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"))
        side, filters = self.choices.choice((1, 3)), self.choices.integer(1, 6)
        same = (*shape[:3], filters)
        if name == "CONV_2D":
            w, bias = self.weights((filters, side, side, shape[3])), self.weights((filters,))
            self.add(name, [x, w, bias], same, Conv2DOptions(Padding.SAME, 1, 1, self.activation()))
        elif name == "DEPTHWISE_CONV_2D":
            w, bias = self.weights((1, side, side, shape[3])), self.weights((shape[3],))
            options = DepthwiseConv2DOptions(Padding.SAME, 1, 1, 1, self.activation())
            self.add(name, [x, w, bias], shape, options)
        else:
            w = self.weights((filters, side, side, shape[3]))
            inputs = [self.integers(same), w, x]
            if self.choices.integer(0, 1):
                inputs.append(self.weights((filters,)))
            self.add(name, inputs, same, TransposeConvOptions(Padding.SAME, 1, 1), version=len(inputs) - 2)

    def dense(self, x: int) -> None:
        """FULLY_CONNECTED behind RESHAPE, or BATCH_MATMUL."""
        shape = self.shape(x)
        units, size = self.choices.integer(1, 9), int(np.prod(shape))
        if len(shape) == 3 and self.choices.integer(0, 1):
            self.add(
                "BATCH_MATMUL",
                [x, self.weights((shape[0], shape[2], units))],
                (*shape[:2], units),
                BatchMatMulOptions(),
            )
            return
        if len(shape) != 2 or shape[0] != 1:
            self.add("RESHAPE", [x, self.integers((1, size))], (1, size), ReshapeOptions((1, size)))
            x = self.reals[-1]
        bias = (
            self.weights(self.choices.choice(((units,), (units,), (1, units))))
            if self.choices.integer(0, 3)
            else -1
        )
        self.add(
            "FULLY_CONNECTED",
            [x, self.weights((units, size)), bias],
            (1, units),
            FullyConnectedOptions(self.activation()),
        )

    def pool(self, x: int) -> None:
        """The maxima or means of windows, or a tensor resized."""
        shape = self.shape(x)
        if len(shape) != 4:
            return
        name = self.choices.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D", "RESIZE_NEAREST_NEIGHBOR"))
        if name == "RESIZE_NEAREST_NEIGHBOR":
            size = (shape[1] + 1, max(shape[2] - 1, 1))
            self.add(
                name, [x, self.integers(size)], (shape[0], *size, shape[3]), ResizeNearestNeighborOptions()
            )
            return
        self.add(name, [x], shape, Pool2DOptions(Padding.SAME, 1, 1, 2, 2, self.activation()))

    def reduction(self, x: int) -> None:
        """MEAN, SUM or an extreme, of the last axis or of all but it."""
        shape = self.shape(x)
        axes = self.choices.choice(((len(shape) - 1,), tuple(range(1, len(shape) - 1)) or (0,)))
        name = self.choices.choice(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"))
        kept = tuple(1 if axis in axes else extent for axis, extent in enumerate(shape))
        self.add(name, [x, self.integers(axes)], kept, ReducerOptions(keep_dims=True))

    def rearrangement(self, x: int) -> None:
        """Elements moved, repeated or left out."""
        shape, rank = self.shape(x), len(self.shape(x))
        name = self.choices.choice(("TRANSPOSE", "PAD", "PADV2", "STRIDED_SLICE", "GATHER", "EXPAND_DIMS"))
        if name == "TRANSPOSE" and rank > 1:
            order = (0, *range(rank - 1, 0, -1))
            self.add(name, [x, self.integers(order)], [shape[axis] for axis in order])
        elif name in ("PAD", "PADV2"):
            margins = [(0, 0)] * (rank - 1) + [(1, 0)]
            given = [x, self.integers(margins)]
            if name == "PADV2":
                given.append(self.weights(()))
            self.add(
                name, given, (*shape[:-1], shape[-1] + 1), PadOptions() if name == "PAD" else PadV2Options()
            )
        elif name == "STRIDED_SLICE" and shape[-1] > 1:
            ends = [
                self.integers(values) for values in ((0,) * rank, (*shape[:-1], shape[-1] - 1), (1,) * rank)
            ]
            self.add(name, [x, *ends], (*shape[:-1], shape[-1] - 1), StridedSliceOptions())
        elif name == "GATHER":
            chosen = self.random.integers(0, shape[-1], 3)
            self.add(name, [x, self.integers(chosen)], (*shape[:-1], 3), GatherOptions(axis=rank - 1))
        elif name == "EXPAND_DIMS" and rank < 4:
            self.add(name, [x, self.integers((0,))], (1, *shape))

    def joining(self, x: int) -> None:
        """Tensors put together, or one taken apart."""
        shape = self.shape(x)
        others = [index for index in self.reals if self.shape(index)[:-1] == shape[:-1]]
        other = self.choices.choice([*others, self.weights(shape, 1.0)])
        kind = self.choices.integer(0, 3)
        if kind == 0 and len(shape) < 4:
            equal = self.choices.choice([index for index in self.reals if self.shape(index) == shape])
            self.add("PACK", [x, equal], (*shape, 2), PackOptions(2, len(shape)))
        elif kind == 1 and len(shape) > 1 and 1 < shape[-1] <= 6:
            parts = [self.graph.tensor(shape[:-1], F) for _ in range(shape[-1])]
            self.graph.operator("UNPACK", [x], parts, UnpackOptions(shape[-1], len(shape) - 1))
            self.reals += parts[:2]
        elif kind == 2 and shape[-1] % 2 == 0:
            parts = [self.graph.tensor((*shape[:-1], shape[-1] // 2), F) for _ in range(2)]
            self.graph.operator("SPLIT", [self.integers(len(shape) - 1), x], parts, SplitOptions(2))
            self.reals += parts
        else:
            width = shape[-1] + self.shape(other)[-1]
            self.add("CONCATENATION", [x, other], (*shape[:-1], width), ConcatenationOptions(len(shape) - 1))

    def choosing(self, x: int) -> None:
        """A comparison and what it selects, or the place of the largest."""
        shape = self.shape(x)
        if self.choices.integer(0, 2) == 0:
            output = self.graph.tensor(shape[:-1], TensorType.INT32)
            options = ArgMaxOptions(TensorType.INT32)
            self.graph.operator("ARG_MAX", [x, self.integers(len(shape) - 1)], [output], options)
            self.graph.outputs.append(output)
            return
        other = self.choices.choice([index for index in self.reals if self.shape(index) == shape])
        is_greater = self.graph.tensor(shape, TensorType.BOOL)
        self.graph.operator("GREATER", [x, self.weights((1,) * len(shape))], [is_greater])
        self.add("SELECT", [is_greater, x, other], shape)


STEPS: tuple[Callable[[_Network, int], None], ...] = (
    _Network.convolution,
    _Network.convolution,
    _Network.dense,
    _Network.binary,
    _Network.binary,
    _Network.unary,
    _Network.pool,
    _Network.reduction,
    _Network.rearrangement,
    _Network.joining,
    _Network.choosing,
)
"""What a network may grow by, the commoner more often."""


def float_graph(choices: Choices, operators: int = 10) -> Case:
    """A random float network and one sample for it.

    Parameters
    ----------
    choices : Choices
    operators : int
        About how many.

    Returns
    -------
    Case
        Its tensors have names; what nobody reads is an output.

    Examples
    --------
    >>> from quantlib.testing.choices import SeededChoices
    >>> case = float_graph(SeededChoices(1))
    >>> case.model == float_graph(SeededChoices(1)).model
    True
    """
    network = _Network(choices)
    for _ in range(choices.integer(1, 2)):
        network.input()
    while len(network.graph.operators) < operators:
        x = network.pick()
        if np.prod(network.shape(x)) > LARGEST:
            x = network.reals[0]
        choices.choice(STEPS)(network, x)
    graph = network.graph
    read = {index for operator in graph.operators for index in operator.inputs}
    made = [index for operator in graph.operators for index in operator.outputs]
    ends = [index for index in made if index not in read or choices.integer(0, 11) == 0]
    graph.outputs.extend(index for index in ends if index not in graph.outputs)
    return graph.finished(*network.arrays)
