"""Random SPLIT and SPLIT_V models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.split import SplitOptions
from quantlib.ops.split_v import SplitVOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import Movement, axis, extents
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases

_CONFIGURATIONS = ("float32", "int8", "uint8", "int16", "int32", "int64")


@cases("SPLIT", *_CONFIGURATIONS)
def equal_parts(choices: Choices, configuration: str) -> Case:
    """One to five parts along any axis."""
    movement = Movement.of(choices, TYPES[configuration])
    parts = choices.integer(1, 5)
    shape = extents(choices, 1, 5)
    along = axis(choices, len(shape))
    shape[along] = parts * choices.integer(1, 3)
    movement.parameter(np.full(choices.choice(((), (1,))), along))
    movement.data(shape)
    return movement.finished("SPLIT", SplitOptions(parts), outputs=parts, version=4)


@cases("SPLIT_V", *_CONFIGURATIONS)
def given_parts(choices: Choices, configuration: str) -> Case:
    """Parts of any size, one perhaps what is left."""
    movement = Movement.of(choices, TYPES[configuration])
    least = 0 if not movement.dynamic and choices.integer(0, 5) == 0 else 1
    sizes = [choices.integer(least, 3) for _ in range(choices.integer(1, 5))]
    shape = extents(choices, 1, 5)
    along = axis(choices, len(shape))
    shape[along] = sum(sizes)
    if choices.choice((False, True)):
        sizes[choices.integer(0, len(sizes) - 1)] = -1
    movement.data(shape)
    movement.index_parameter(sizes)
    movement.parameter([along], TensorType.INT32)
    return movement.finished("SPLIT_V", SplitVOptions(len(sizes)), outputs=len(sizes), version=2)
