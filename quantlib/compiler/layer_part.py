"""A layer whose sums go through a matrix library: its weights, its proof, and how many sums at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.bench import Bench
from quantlib.compiler.ladder import Proved
from quantlib.compiler.part import Part, Unfit
from quantlib.ops._accumulate import Products

__all__ = ["LayerPart", "chunks"]

_CHUNK = 1 << 18
"""Sums at a time: a megabyte, which stays in cache and keeps the program small."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerPart(Part):
    """What convolutions, depthwise convolutions and dense layers have in common.

    Parameters
    ----------
    products : Products
    weights : float32 or float64 array
    proved : Proved
    """

    products: Products
    weights: NDArray[Any]
    proved: Proved

    @property
    def x(self) -> int:
        """Tensor index of the input."""
        return self.step.inputs[0]

    @property
    def y(self) -> int:
        """Tensor index of the output."""
        return self.step.outputs[0]

    def output(self, bench: Bench, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """The place for the output's codes, if it has that shape."""
        if bench.shape(self.y) != shape:
            raise Unfit(f"tensor {self.y} is {shape}, not {bench.shape(self.y)}")
        return bench.new_codes(self.y)


def chunks(shape: tuple[int, ...], elements: int) -> Iterator[tuple[slice, slice]]:
    """Images, or rows of one image, whose sums fit the cache: slices of the first two axes."""
    images, height, width = shape
    row = max(width * elements, 1)
    together = max(_CHUNK // max(height * row, 1), 1)
    if together > 1 or height * row <= _CHUNK:
        for begin in range(0, images, together):
            yield slice(begin, min(begin + together, images)), slice(0, height)
        return
    count = math.ceil(height * row / _CHUNK)
    lines = math.ceil(height / count)
    for image in range(images):
        for begin in range(0, height, lines):
            yield slice(image, image + 1), slice(begin, min(begin + lines, height))
