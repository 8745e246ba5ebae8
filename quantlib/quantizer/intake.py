"""Ranges as callers give them, by tensor index."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from quantlib.errors import InvalidInputError
from quantlib.model.graph import Model, Tensor, TensorType

__all__ = ["ranges_of"]

Range = tuple[float, float]


def ranges_of(model: Model, ranges: Mapping[Any, Any] | None) -> dict[int, dict[int, Range]]:
    """Ranges by subgraph and tensor index, rounded to float32 as a file stores them.

    Parameters
    ----------
    model : Model
    ranges : mapping, optional
        (min, max), or anything with attributes ``min`` and ``max``, by tensor name, by tensor index
        of the first subgraph, or by (subgraph, index). None: what the model's tensors carry.

    Raises
    ------
    InvalidInputError
        A key that is no tensor; ends that are not finite numbers, or reversed.
    """
    if ranges is None:
        return {
            index: {
                at: carried
                for at, tensor in enumerate(subgraph.tensors)
                if (carried := _carried(tensor)) is not None
            }
            for index, subgraph in enumerate(model.subgraphs)
        }
    places = _places(model)
    found: dict[int, dict[int, Range]] = {index: {} for index in range(len(model.subgraphs))}
    for key, value in ranges.items():
        place = (0, key) if isinstance(key, int) and not isinstance(key, bool) else key
        if place not in places:
            raise InvalidInputError(
                "ranges", f"a range for {key!r:.80}", "names or indices of the model's tensors"
            )
        for subgraph, index in places[place]:
            found[subgraph][index] = _checked(key, value)
    return found


def _carried(tensor: Tensor) -> Range | None:
    quantization = tensor.quantization
    if tensor.type is not TensorType.FLOAT32 or quantization is None:
        return None
    if quantization.min.size == 0 or quantization.min.size != quantization.max.size:
        return None
    low, high = float(quantization.min[0]), float(quantization.max[0])
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low <= high else None


def _places(model: Model) -> dict[Any, list[tuple[int, int]]]:
    places: dict[Any, list[tuple[int, int]]] = {}
    for number, subgraph in enumerate(model.subgraphs):
        for index, tensor in enumerate(subgraph.tensors):
            places[number, index] = [(number, index)]
            if tensor.name is not None:
                places.setdefault(tensor.name, []).append((number, index))
    return places


def _checked(key: object, value: Any) -> Range:
    try:
        low, high = (value.min, value.max) if hasattr(value, "min") and hasattr(value, "max") else value
        with np.errstate(over="ignore"):
            ends = float(np.float32(low)), float(np.float32(high))
    except (TypeError, ValueError):
        raise InvalidInputError("ranges", f"{key!r:.80}: {value!r:.80}", "(min, max)") from None
    if not all(math.isfinite(end) for end in ends) or ends[0] > ends[1]:
        raise InvalidInputError("ranges", f"{key!r:.80}: {ends}", "finite ends, min <= max")
    return ends
