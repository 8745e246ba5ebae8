"""Random GATHER and GATHER_ND models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.gather import GatherOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, axis, extents
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases

_POSITIONS = (TensorType.INT32, TensorType.INT64, TensorType.INT16)


@cases("GATHER", *ANY)
def gather(choices: Choices, configuration: str) -> Case:
    """Along any axis, with batch axes or without."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 1, 5)
    along = axis(choices, len(shape))
    batch_dims = choices.choice((0, choices.integer(0, along % len(shape))))
    indices = (*shape[:batch_dims], *extents(choices, 0, 3))
    movement.data(shape, constant=movement.dynamic and choices.choice((False, True)))
    picks = choices.generator().integers(0, shape[along], indices)
    movement.parameter(picks, choices.choice(_POSITIONS))
    spelled = (
        batch_dims - len(indices) if batch_dims < len(indices) and choices.integer(0, 3) == 0 else batch_dims
    )
    return movement.finished("GATHER", GatherOptions(along, spelled), version=5)


@cases("GATHER_ND", *ANY)
def gather_nd(choices: Choices, configuration: str) -> Case:
    """Elements, or slices of any rank."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 1, 5)
    depth = choices.integer(1 if movement.dynamic else 0, len(shape))
    outer = tuple(extents(choices, 0, 3))
    columns = [choices.generator().integers(0, extent, outer) for extent in shape[:depth]]
    picks = np.stack(columns, -1) if columns else np.empty((*outer, 0), np.int64)
    movement.data(shape)
    movement.parameter(picks, choices.choice(_POSITIONS))
    return movement.finished("GATHER_ND", version=5)
