"""Random models of SELECT, SELECT_V2 and WHERE."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices
from quantlib.testing.operators._operands import TYPES, Operands, broadcastable_shapes, numbers, shape
from quantlib.testing.single_operator import Case, cases

_TYPES = ("int8", "uint8", "int16", "int32", "uint32", "int64", "float16", "float32", "bool")


def _condition(choices: Choices, extents: tuple[int, ...]) -> NDArray[np.bool_]:
    return np.asarray(choices.generator().random(extents) < 0.5)


@cases("SELECT", *_TYPES)
def select(choices: Choices, configuration: str) -> Case:
    """A condition for every element, for every slice, or for all."""
    type = TYPES[configuration]
    extents = tuple(max(extent, 1) for extent in shape(choices))
    chosen = choices.choice((extents, extents[:1], ()))
    operands = Operands(choices)
    operands.add(_condition(choices, chosen), TensorType.BOOL)
    operands.add(numbers(choices, extents, type), type)
    operands.add(numbers(choices, extents, type), type)
    return operands.finished("SELECT", type, version=1)


@cases("SELECT_V2", *_TYPES)
def select_v2(choices: Choices, configuration: str) -> Case:
    """Three shapes that broadcast."""
    type = TYPES[configuration]
    first, second = broadcastable_shapes(choices, 8)
    third = choices.choice((first, second, ()))
    shapes = [first, second, third]
    choices.generator().shuffle(shapes)
    operands = Operands(choices)
    operands.add(_condition(choices, shapes[0]), TensorType.BOOL)
    operands.add(numbers(choices, shapes[1], type), type)
    operands.add(numbers(choices, shapes[2], type), type)
    return operands.finished("SELECT_V2", type, version=1)


@cases("WHERE", "bool", "float32", "int8", "uint8", "int32", "uint32", "int64")
def where(choices: Choices, configuration: str) -> Case:
    """At least one element that is not 0: LiteRT's Python wrapper reads no empty array."""
    type = TYPES[configuration]
    extents = tuple(max(extent, 1) for extent in shape(choices)) or (3,)
    x = numbers(choices, extents, type)
    x = np.where(choices.generator().random(extents) < 0.5, np.asarray(0, type.dtype), x)
    x.reshape(-1)[-1] = 1
    operands = Operands(choices)
    operands.add(x, type)
    return operands.finished("WHERE", TensorType.INT64, version=1)
