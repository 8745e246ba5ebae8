"""Random RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops.resize_bilinear import ResizeBilinearOptions
from quantlib.ops.resize_nearest_neighbor import ResizeNearestNeighborOptions
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.operators._movement import Movement
from quantlib.testing.operators._operands import TYPES, numbers
from quantlib.testing.single_operator import Case, cases

_CODES = (TensorType.INT8, TensorType.UINT8, TensorType.INT16)


def _image(choices: Choices, movement: Movement) -> None:
    """An image and the size wanted: sizes that divide each other, and any."""
    image = (choices.integer(1, 2), choices.integer(1, 12), choices.integer(1, 12), choices.integer(1, 4))
    sizes = [
        choices.choice((choices.integer(1, 25), extent * choices.integer(1, 3), 2 * extent - 1, 1, extent))
        for extent in image[1:3]
    ]
    factor = choices.choice((0, 0, 0, 2, 8))
    if factor:  # both axes alike, which some kernels do in their own way
        image = (1, choices.integer(1, 4), choices.integer(1, 4), choices.choice((8, 16, 3, 9)))
        sizes = [factor * image[1], factor * image[2]]
    movement.add(_pixels(choices, movement, image), movement.type, movement.quantization, constant=False)
    movement.parameter(sizes)


def _pixels(choices: Choices, movement: Movement, image: tuple[int, ...]) -> NDArray[Any]:
    if movement.type is TensorType.FLOAT32:
        return reals(choices, image, choices.choice((1.0, 100.0)))
    if movement.type in _CODES:
        assert movement.type.dtype is not None
        info = np.iinfo(movement.type.dtype)
        return integers(choices, image, int(info.min), int(info.max), movement.type.dtype)
    return numbers(choices, image, movement.type)


@cases("RESIZE_BILINEAR", "float32", "int8", "uint8", "int16")
def bilinear(choices: Choices, configuration: str) -> Case:
    """Each way that pixels correspond; both options at once where LiteRT does not ask."""
    for _ in range(100):
        movement = Movement.of(choices, TYPES[configuration])
        _image(choices, movement)
        pairs = [(False, False), (True, False), (False, True)] + [(True, True)] * movement.dynamic
        try:
            return movement.finished(
                "RESIZE_BILINEAR", ResizeBilinearOptions(*choices.choice(pairs)), version=3
            )
        except InvalidModelError:  # both at once led beyond the image
            continue
    return movement.finished("RESIZE_BILINEAR", ResizeBilinearOptions(), version=3)


@cases(
    "RESIZE_NEAREST_NEIGHBOR",
    *("float32", "float16", "int8", "uint8", "int16", "int32", "bool", "uint32"),
)
def nearest_neighbor(choices: Choices, configuration: str) -> Case:
    """Each way that pixels correspond, both options at once among them."""
    movement = Movement.of(choices, TYPES[configuration])
    _image(choices, movement)
    options = ResizeNearestNeighborOptions(choices.choice((False, True)), choices.choice((False, True)))
    return movement.finished("RESIZE_NEAREST_NEIGHBOR", options, version=3)
