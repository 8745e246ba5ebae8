"""What random models of operators that move elements share: tensors of any type, and their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import numbers
from quantlib.testing.single_operator import Case, Graph, random_quantization

__all__ = ["ANY", "Movement", "axis", "codes_quantization", "extents", "factors"]

ANY = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool")
"""Configurations of operators that take every type."""

_QUANTIZED = (TensorType.INT8, TensorType.UINT8, TensorType.INT16)


def codes_quantization(choices: Choices, type: TensorType) -> Quantization | None:
    """Parameters for int8, uint8 and int16, mostly."""
    if type not in _QUANTIZED or choices.integer(0, 3) == 0:
        return None
    return random_quantization(choices, type)


def extents(choices: Choices, least: int, most: int, *, largest: int = 5, empty: bool = False) -> list[int]:
    """A shape of `least` to `most` dimensions, fewer elements along each the more there are.

    Parameters
    ----------
    choices : Choices
    least, most : int
        Dimensions.
    largest : int
        Elements along one.
    empty : bool
        Whether an axis may have none.
    """
    rank = choices.integer(least, most)
    largest = min(largest, 5 if rank <= 4 else 3 if rank <= 6 else 2)
    shape = [choices.integer(1, largest) for _ in range(rank)]
    if empty and shape and choices.integer(0, 15) == 0:
        shape[choices.integer(0, rank - 1)] = 0
    return shape


def axis(choices: Choices, rank: int) -> int:
    """An axis, counted from either end."""
    return choices.integer(-rank, rank - 1)


def factors(choices: Choices, product: int, most: int) -> list[int]:
    """Up to `most` + 1 numbers with that product; where it is 0, one of them is."""
    found = []
    for _ in range(choices.integer(0, most)):
        divisors = [number for number in range(1, product + 1) if product % number == 0] or [0, 1, 2, 3]
        found.append(choices.choice(divisors))
        product = product // found[-1] if found[-1] else 0
    found.insert(choices.integer(0, len(found)), product)
    return found


@dataclass(slots=True)
class Movement:
    """A graph of one operator under construction.

    Parameters
    ----------
    choices : Choices
    type : TensorType
        Of the elements that move.
    quantization : Quantization, optional
        Their parameters.
    """

    choices: Choices
    type: TensorType
    quantization: Quantization | None = None
    dynamic: bool = False
    graph: Graph = field(default_factory=Graph)
    arrays: list[NDArray[Any]] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, choices: Choices, type: TensorType) -> Movement:
        """Constant parameters mostly; else they are inputs of the model."""
        return cls(choices, type, codes_quantization(choices, type), dynamic=choices.integer(0, 3) == 0)

    def data(
        self, shape: Sequence[int], *, constant: bool = False, quantization: Quantization | None = None
    ) -> None:
        """A tensor of elements to move."""
        values = numbers(self.choices, tuple(shape), self.type)
        self.add(values, self.type, quantization or self.quantization, constant=constant)

    def parameter(self, values: ArrayLike, type: TensorType = TensorType.INT32) -> None:
        """A tensor that says where they move."""
        self.add(np.asarray(values, type.dtype), type, None, constant=not self.dynamic)

    def index_parameter(self, values: ArrayLike) -> None:
        """The same, of either type that most kernels read."""
        self.parameter(values, self.choices.choice((TensorType.INT32, TensorType.INT32, TensorType.INT64)))

    def add(
        self, values: NDArray[Any], type: TensorType, parameters: Quantization | None, *, constant: bool
    ) -> None:
        """The next operand."""
        if constant:
            self.indices.append(self.graph.constant(values, type, parameters))
            return
        self.indices.append(self.graph.input(values.shape, type, parameters))
        self.arrays.append(values)

    def finished(
        self,
        operator: str,
        options: object = None,
        *,
        outputs: int = 1,
        type: TensorType | None = None,
        quantization: Quantization | None = None,
        version: int = 1,
    ) -> Case:
        """The model of that operator; outputs have the data's type and parameters unless told otherwise."""
        parameters = quantization or (self.quantization if type is None else None)
        made = [self.graph.output((), type or self.type, parameters) for _ in range(outputs)]
        self.graph.operator(operator, self.indices, made, options, version=version)
        return self.graph.finished(*self.arrays)
