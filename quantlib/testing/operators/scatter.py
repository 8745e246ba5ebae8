"""Random SCATTER_ND and DYNAMIC_UPDATE_SLICE models."""

from __future__ import annotations

import numpy as np

from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, extents
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases


@cases("SCATTER_ND", "float32", "int8", "uint8", "int32", "int64", "bool")
def scatter_nd(choices: Choices, configuration: str) -> Case:
    """Elements or slices, many of them to the same place."""
    movement = Movement(choices, TYPES[configuration], dynamic=choices.integer(0, 3) == 0)
    shape = extents(choices, 1, 5)
    depth = choices.integer(0 if choices.integer(0, 7) == 0 and not movement.dynamic else 1, len(shape))
    outer = extents(choices, 1 if depth == len(shape) else 0, 2, largest=6)
    columns = [choices.generator().integers(0, extent, outer) for extent in shape[:depth]]
    indices = np.stack(columns, -1) if columns else np.empty((*outer, 0), np.int64)
    movement.parameter(indices)
    movement.data((*outer, *shape[depth:]))
    movement.parameter(shape)
    return movement.finished("SCATTER_ND")


@cases("DYNAMIC_UPDATE_SLICE", *ANY)
def dynamic_update_slice(choices: Choices, configuration: str) -> Case:
    """Starts beyond either border; updates of one element to everything."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 1, 6)
    movement.data(shape)
    movement.data([choices.integer(1, extent) for extent in shape], constant=choices.choice((False, True)))
    movement.index_parameter([choices.integer(-2, extent + 1) for extent in shape])
    return movement.finished("DYNAMIC_UPDATE_SLICE", version=2)
