"""What random models of elementwise operators share: shapes that broadcast, operands, output scales."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.ops._activation import Activation
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, quantization, random_quantization

__all__ = [
    "TYPES",
    "Operands",
    "activation",
    "broadcastable_shapes",
    "input_quantization",
    "numbers",
    "output_quantization",
    "shape",
]

TYPES = {
    "int8": TensorType.INT8,
    "uint8": TensorType.UINT8,
    "int16": TensorType.INT16,
    "int32": TensorType.INT32,
    "int64": TensorType.INT64,
    "uint32": TensorType.UINT32,
    "float16": TensorType.FLOAT16,
    "float32": TensorType.FLOAT32,
    "bool": TensorType.BOOL,
}
"""Element types by the first word of a configuration."""


def activation(choices: Choices) -> Activation:
    """A fused activation; often none, because bounds hide what was rounded wrongly."""
    none = Activation.NONE
    return choices.choice((none, none, none, Activation.RELU, Activation.RELU_N1_TO_1, Activation.RELU6))


def shape(choices: Choices, most: int = 5) -> tuple[int, ...]:
    """Up to `most` dimensions; now and then none, or an empty array."""
    rank = choices.choice((choices.integer(1, 4), choices.integer(0, most)))
    extents = [choices.integer(1, 24 if rank < 3 else 6 if rank < 5 else 4) for _ in range(rank)]
    if extents and choices.integer(0, 40) == 0:
        extents[0] = 0
    return tuple(extents)


def broadcastable_shapes(choices: Choices, most: int = 6) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes: equal, or with axes repeated or missing on either side.

    Parameters
    ----------
    choices : Choices
    most : int
        Dimensions.
    """
    rank = choices.choice((choices.integer(1, 4), choices.integer(1, 4), choices.integer(0, most)))
    widest = choices.choice((24, 24, 80))  # several vector blocks, and what is left over
    most_each = widest if rank < 3 else 6 if rank < 5 else 3 if rank < 7 else 2
    whole = tuple(choices.integer(1, most_each) for _ in range(rank))
    if choices.integer(0, 2) == 0:
        return whole, whole
    pair = []
    for _ in range(2):
        kept = tuple(1 if choices.integer(0, 3) == 0 else extent for extent in whole)
        pair.append(kept[choices.choice((0, 0, 0, choices.integer(0, rank))) :])
    return pair[0], pair[1]


def numbers(choices: Choices, shape: tuple[int, ...], type: TensorType) -> NDArray[Any]:
    """Unquantized values: spread over the type, or small; among floats NaN, infinities and -0.0."""
    assert type.dtype is not None
    random = choices.generator()
    if type is TensorType.BOOL:
        return np.asarray(random.random(shape) < 0.5)
    if type.dtype.kind in "iu":
        info = np.iinfo(type.dtype)
        if choices.choice((False, True)):
            return np.asarray(random.integers(max(info.min, -9), 10, shape), type.dtype)
        return np.asarray(random.integers(info.min, info.max, shape, type.dtype, endpoint=True), type.dtype)
    values = reals(choices, shape, choices.choice((1.0, 10.0))).astype(type.dtype)
    if choices.integer(0, 3) == 0:
        info_f = np.finfo(type.dtype)
        small = info_f.smallest_subnormal
        special = np.array(
            [
                np.nan,
                np.inf,
                -np.inf,
                -0.0,
                0.0,
                1.0,
                info_f.max,
                info_f.min,
                small,
                -small,
                info_f.tiny**0.5,
            ],
            type.dtype,
        )
        special = np.append(special, special[-1:] / type.dtype.type(3))  # whose square is subnormal
        values = np.where(random.random(shape) < 0.5, random.choice(special, shape), values)
    return np.asarray(values, type.dtype)


def input_quantization(choices: Choices, type: TensorType) -> Quantization:
    """As `random_quantization`, with int16 reaching 1 to 300, so that activations cut some of it."""
    if type is not TensorType.INT16:
        return random_quantization(choices, type)
    if choices.choice((False, True)):
        return quantization(2.0 ** choices.integer(-15, -7))
    return quantization(float(np.float32(10.0 ** choices.real(-4.5, -2))))


def output_quantization(
    choices: Choices, type: TensorType, largest: float, *, zero_point: bool = True
) -> Quantization:
    """Parameters under which results of up to `largest` neither all saturate nor all vanish.

    Parameters
    ----------
    choices : Choices
    type : TensorType
    largest : float
        Typical largest result, in real numbers.
    zero_point : bool
        Whether it may be other than 0; int16 never has one.
    """
    assert type.dtype is not None
    info = np.iinfo(type.dtype)
    scale = largest / ((info.max - info.min) / 2) * choices.choice((0.3, 1.0, 1.0, 3.0))
    if choices.choice((False, True)):
        scale = 2.0 ** float(np.round(np.log2(scale)))
    if type is TensorType.INT16 or not zero_point:
        return quantization(scale)
    low, high = int(info.min), int(info.max)
    middle = (low + high + 1) // 2
    return quantization(
        scale, choices.choice((middle, choices.integer(low, high), choices.choice((low, high))))
    )


@dataclass(slots=True)
class Operands:
    """A graph of one operator, and the arrays for those of its operands that are inputs.

    Parameters
    ----------
    choices : Choices
    """

    choices: Choices
    graph: Graph = field(default_factory=Graph)
    arrays: list[NDArray[Any]] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)

    def add(self, array: NDArray[Any], type: TensorType, parameters: Quantization | None = None) -> None:
        """One operand: an input of the model, or, if an earlier one is, perhaps a constant."""
        if self.arrays and self.choices.integer(0, 2) == 0 and array.size:
            self.indices.append(self.graph.constant(array, type, parameters))
            return
        self.indices.append(self.graph.input(array.shape, type, parameters))
        self.arrays.append(array)

    def codes(self, shape: tuple[int, ...], type: TensorType, parameters: Quantization) -> None:
        """One operand of integer codes."""
        assert type.dtype is not None
        info = np.iinfo(type.dtype)
        self.add(integers(self.choices, shape, info.min, info.max, type.dtype), type, parameters)

    def finished(
        self,
        operator: str,
        type: TensorType,
        parameters: Quantization | None = None,
        options: object = None,
        *,
        version: int = 1,
        shape: tuple[int, ...] = (),
    ) -> Case:
        """The model of that operator with one output; its shape matters where scales run along an axis."""
        output = self.graph.output(shape, type, parameters)
        self.graph.operator(operator, self.indices, [output], options, version=version)
        return self.graph.finished(*self.arrays)
