"""Random SPACE_TO_DEPTH, DEPTH_TO_SPACE, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND models."""

from __future__ import annotations

import math

import numpy as np

from quantlib.ops.depth_to_space import DepthToSpaceOptions
from quantlib.ops.space_to_depth import SpaceToDepthOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, extents
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases

_CONFIGURATIONS = ("float32", "int8", "uint8", "int32", "int64")


def _to_depth(choices: Choices, movement: Movement, *, empty: bool = False) -> Case:
    size = choices.integer(1, 4)
    n, h, w, c = _extents(choices, empty)
    movement.data((n, h * size, w * size, c))
    return movement.finished("SPACE_TO_DEPTH", SpaceToDepthOptions(size), version=2)


def _to_space(choices: Choices, movement: Movement, *, empty: bool = False) -> Case:
    size = choices.integer(1, 4)
    n, h, w, c = _extents(choices, empty)
    movement.data((n, h, w, c * size * size))
    return movement.finished("DEPTH_TO_SPACE", DepthToSpaceOptions(size))


def _extents(choices: Choices, empty: bool) -> list[int]:
    shape = extents(choices, 4, 4, largest=4)
    if empty:
        shape[choices.integer(0, 3)] = 0
    return shape


@cases("SPACE_TO_DEPTH", *_CONFIGURATIONS)
def space_to_depth(choices: Choices, configuration: str) -> Case:
    """Blocks of one to four pixels."""
    return _to_depth(choices, Movement.of(choices, TYPES[configuration]))


@cases("SPACE_TO_DEPTH", "float32 empty", unclaimed=["xnnpack"])
def empty_to_depth(choices: Choices, _: str) -> Case:
    """Images of nothing, which the delegate refuses."""
    return _to_depth(choices, Movement(choices, TYPES["float32"]), empty=True)


@cases("DEPTH_TO_SPACE", *_CONFIGURATIONS)
def depth_to_space(choices: Choices, configuration: str) -> Case:
    """Blocks of one to four pixels."""
    return _to_space(choices, Movement.of(choices, TYPES[configuration]))


@cases("DEPTH_TO_SPACE", "float32 empty", unclaimed=["xnnpack"])
def empty_to_space(choices: Choices, _: str) -> Case:
    """Images of nothing, which the delegate refuses."""
    return _to_space(choices, Movement(choices, TYPES["float32"]), empty=True)


@cases("SPACE_TO_BATCH_ND", *ANY)
def space_to_batch_nd(choices: Choices, configuration: str) -> Case:
    """One or two spatial axes; now and then a negative padding, which crops."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 3, 4)
    spatial = shape[1:-1]
    blocks = [choices.integer(1, 3) for _ in spatial]
    rows = []
    for extent, block in zip(spatial, blocks, strict=True):
        before, after = choices.integer(0, 3), choices.integer(0, 3)
        if choices.integer(0, 9) == 0:
            before = choices.integer(1 - extent, 3)
        rows.append([before, after + -(before + extent + after) % block])
    movement.data(shape)
    movement.parameter(blocks)
    movement.parameter(rows)
    return movement.finished("SPACE_TO_BATCH_ND", version=3)


@cases("BATCH_TO_SPACE_ND", *ANY)
def batch_to_space_nd(choices: Choices, configuration: str) -> Case:
    """One or two spatial axes; crops that leave something."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 3, 4, largest=4)
    blocks = [choices.integer(1, 3) for _ in shape[1:-1]]
    rows = []
    for extent, block in zip(shape[1:-1], blocks, strict=True):
        before = choices.integer(0, extent * block - 1)
        rows.append([before, choices.integer(0, extent * block - 1 - before)])
    shape[0] *= math.prod(blocks)
    movement.data(shape)
    movement.parameter(blocks)
    movement.parameter(np.reshape(rows, (len(blocks), 2)))
    return movement.finished("BATCH_TO_SPACE_ND", version=3)
