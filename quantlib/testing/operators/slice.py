"""Random SLICE, STRIDED_SLICE, TRANSPOSE and TILE models."""

from __future__ import annotations

from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops.strided_slice import StridedSliceOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, extents
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases


@cases("SLICE", *ANY)
def box(choices: Choices, configuration: str) -> Case:
    """Any box inside, up to the end in either way of saying so."""
    return _box(choices, Movement.of(choices, TYPES[configuration]), extents(choices, 1, 7), least=1)


@cases("SLICE", "float32 degenerate", unclaimed=["xnnpack"])
def degenerate_box(choices: Choices, _: str) -> Case:
    """Scalars, and boxes of nothing, which the delegate refuses."""
    return _box(choices, Movement(choices, TYPES["float32"]), extents(choices, 0, 7), least=0)


def _box(choices: Choices, movement: Movement, shape: list[int], *, least: int) -> Case:
    movement.data(shape)
    begin, size = [], []
    for extent in shape:
        begin.append(choices.integer(0, extent - least))
        length = choices.integer(least, extent - begin[-1])
        size.append(-1 if length == extent - begin[-1] and choices.choice((False, True)) else length)
    type = choices.choice((TensorType.INT32, TensorType.INT64))
    movement.parameter(begin, type)
    movement.parameter(size, type)
    return movement.finished("SLICE", version=3)


def _mask(choices: Choices, count: int, one_in: int) -> int:
    return sum(1 << bit for bit in range(count) if choices.integer(1, one_in) == 1)


def _masks(choices: Choices, rank: int, count: int) -> StridedSliceOptions:
    ellipsis = 1 << choices.integer(0, count - 1) if count and choices.integer(0, 3) == 0 else 0
    new_axes = choices.choice((0, _mask(choices, count, 4)))
    return StridedSliceOptions(
        begin_mask=_mask(choices, count, 3),
        end_mask=_mask(choices, count, 3),
        ellipsis_mask=ellipsis,
        new_axis_mask=new_axes if rank + new_axes.bit_count() <= 8 else 0,
        shrink_axis_mask=_mask(choices, count, 4),
    )


def _strided_slice(choices: Choices, movement: Movement, shape: list[int]) -> tuple[Case, bool]:
    """A model, and whether its output is empty.

    Raises
    ------
    InvalidModelError
        A shrunken axis without its element, which LiteRT leaves unwritten.
    """
    movement.data(shape)
    count = choices.integer(0, len(shape))
    spoken = shape[:count]
    movement.parameter([choices.integer(-extent - 1, extent) for extent in spoken])
    movement.parameter([choices.integer(-extent - 2, extent + 1) for extent in spoken])
    movement.parameter([choices.choice((1, 1, 2, 3, -1, -2, 5)) for _ in spoken])
    case = movement.finished("STRIDED_SLICE", _masks(choices, len(shape), count), version=4)
    subgraph = case.model.subgraphs[0]
    return case, 0 in subgraph.tensors[subgraph.outputs[0]].shape


@cases("STRIDED_SLICE", *ANY)
def strided_slice(choices: Choices, configuration: str) -> Case:
    """Every mask; begin and end beyond either border."""
    while True:
        try:
            movement = Movement.of(choices, TYPES[configuration])
            case, is_empty = _strided_slice(choices, movement, extents(choices, 1, 6))
        except InvalidModelError:
            continue
        if not is_empty:
            return case


@cases("STRIDED_SLICE", "float32 degenerate", unclaimed=["xnnpack"])
def degenerate_slice(choices: Choices, _: str) -> Case:
    """Scalars, and slices of nothing among others, which the delegate refuses."""
    while True:
        try:
            return _strided_slice(choices, Movement(choices, TYPES["float32"]), extents(choices, 0, 6))[0]
        except InvalidModelError:
            continue


@cases("STRIDED_SLICE", "float32 with offset")
def offset(choices: Choices, _: str) -> Case:
    """Ends counted from begin, inside; axes dropped."""
    movement = Movement.of(choices, TYPES["float32"])
    shape = extents(choices, 1, 6)
    movement.data(shape)
    begin = [choices.integer(0, extent - 1) for extent in shape]
    movement.parameter(
        [start - choices.choice((0, extent)) for start, extent in zip(begin, shape, strict=True)]
    )
    movement.parameter(
        [choices.integer(1, extent - start) for start, extent in zip(begin, shape, strict=True)]
    )
    movement.parameter([choices.integer(1, 3) for _extent in shape])
    options = StridedSliceOptions(shrink_axis_mask=_mask(choices, len(shape), 4), offset=True)
    return movement.finished("STRIDED_SLICE", options, version=4)


@cases("TRANSPOSE", *ANY)
def transpose(choices: Choices, configuration: str) -> Case:
    """Axes counted from either end."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 1, 8, empty=not movement.dynamic)
    movement.data(shape)
    left = list(range(len(shape)))
    permutation = [left.pop(choices.integer(0, len(left) - 1)) for _ in shape]
    movement.parameter([one - choices.choice((0, 0, len(shape))) for one in permutation])
    return movement.finished("TRANSPOSE", version=5)


@cases("TILE", *ANY)
def tile(choices: Choices, configuration: str) -> Case:
    """Each axis up to four times, now and then not at all."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 0, 5, empty=not movement.dynamic)
    movement.data(shape)
    least = 0 if not movement.dynamic and choices.integer(0, 7) == 0 else 1
    movement.index_parameter([choices.integer(least, 4 if len(shape) < 4 else 2) for _ in shape])
    return movement.finished("TILE", version=2)
