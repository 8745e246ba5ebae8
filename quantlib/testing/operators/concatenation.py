"""Random CONCATENATION models."""

from __future__ import annotations

import numpy as np

from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import ANY, Movement, axis, extents
from quantlib.testing.operators._operands import TYPES, numbers
from quantlib.testing.single_operator import Case, cases, quantization, random_quantization


def _shapes(choices: Choices) -> tuple[list[list[int]], int]:
    """One to five shapes that differ along an axis."""
    shape = extents(choices, 1, 5)
    along = axis(choices, len(shape))
    shapes = [list(shape) for _ in range(choices.integer(1, 5))]
    for one in shapes:
        one[along] = choices.integer(0 if choices.integer(0, 9) == 0 else 1, 5)
    return shapes, along


@cases("CONCATENATION", *ANY, "uint32")
def copied(choices: Choices, configuration: str) -> Case:
    """Equal parameters; constants among the inputs."""
    movement = Movement.of(choices, TYPES[configuration])
    shapes, along = _shapes(choices)
    for position, shape in enumerate(shapes):
        movement.data(shape, constant=position > 0 and choices.integer(0, 3) == 0 and 0 not in shape)
    return movement.finished("CONCATENATION", ConcatenationOptions(along), version=3)


@cases("CONCATENATION", "uint8 rescaled")
def rescaled(choices: Choices, _: str) -> Case:
    """Every input with parameters of its own, near the output's so that codes neither all saturate nor vanish."""
    movement = Movement(choices, TYPES["uint8"], random_quantization(choices, TYPES["uint8"]))
    assert movement.quantization is not None
    scale = float(movement.quantization.scale[0])
    shapes, along = _shapes(choices)
    for shape in shapes:
        factor = choices.choice((1.0, 2.0 ** choices.integer(-3, 3), 10.0 ** choices.real(-1, 1)))
        movement.data(shape, quantization=quantization(scale * factor, choices.integer(0, 255)))
    return movement.finished("CONCATENATION", ConcatenationOptions(along), version=2)


@cases("CONCATENATION", "int16 of several scales")
def unequal(choices: Choices, _: str) -> Case:
    """Scales that the kernel does not look at."""
    movement = Movement(choices, TYPES["int16"], random_quantization(choices, TYPES["int16"]))
    shapes, along = _shapes(choices)
    for shape in shapes:
        movement.data(shape, quantization=random_quantization(choices, TYPES["int16"]))
    return movement.finished("CONCATENATION", ConcatenationOptions(along), version=3)


@cases("CONCATENATION", "scalars")
def scalars(choices: Choices, _: str) -> Case:
    """Constants without dimensions, which become a vector."""
    movement = Movement(choices, TYPES[choices.choice(ANY)])
    for _position in range(choices.integer(1, 4)):
        values = np.asarray(numbers(choices, (), movement.type))
        movement.add(values, movement.type, None, constant=True)
    return movement.finished("CONCATENATION", ConcatenationOptions(0), version=3)
