"""Random REVERSE_V2 and REVERSE_SEQUENCE models."""

from __future__ import annotations

from quantlib.ops.reverse_sequence import ReverseSequenceOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, extents
from quantlib.testing.operators._operands import TYPES
from quantlib.testing.single_operator import Case, cases


@cases("REVERSE_V2", *ANY)
def reverse(choices: Choices, configuration: str) -> Case:
    """Axes side by side, in any order, counted from either end."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 1, 6)
    movement.data(shape)
    count = choices.integer(1, len(shape))
    first = choices.integer(0, len(shape) - count)
    left = list(range(first, first + count))
    axes = [left.pop(choices.integer(0, len(left) - 1)) for _ in range(count)]
    movement.parameter([one - choices.choice((0, len(shape))) for one in axes])
    return movement.finished("REVERSE_V2", version=2)


@cases("REVERSE_SEQUENCE", "float32", "uint8", "int16", "int32", "int64")
def reverse_sequence(choices: Choices, configuration: str) -> Case:
    """Sequences along any axis, counted along any other; lengths from none to all."""
    movement = Movement.of(choices, TYPES[configuration])
    shape = extents(choices, 2, 5, largest=6)
    movement.data(shape)
    along = choices.integer(0, len(shape) - 1)
    across = (along + choices.integer(1, len(shape) - 1)) % len(shape)
    movement.index_parameter([choices.integer(-1, shape[along]) for _ in range(shape[across])])
    return movement.finished("REVERSE_SEQUENCE", ReverseSequenceOptions(along, across))
