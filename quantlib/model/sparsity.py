"""How many elements a sparse constant stores, found by walking its description level by level.

Dimensions are traversed in a given order, first those of the tensor, then those of its blocks.
A dense level multiplies the number of elements; a sparse one (CSR) states it: `array_segments`
says where the indices of each parent begin, `array_indices` which positions they take.

Source: LiteRT tflite/core/tools/verifier.cc (VerifyAndCountSparseElements)
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidModelError, Location
from quantlib.model.graph import Record, Tensor

__all__ = ["stored_elements"]

_DENSE, _SPARSE_CSR = 0, 1


def stored_elements(tensor: Tensor, where: Location) -> int:
    """The number of elements that the buffer of a sparse tensor holds.

    Parameters
    ----------
    tensor : Tensor
        With `sparsity`.
    where : Location
        For error texts.

    Returns
    -------
    int

    Raises
    ------
    InvalidModelError
        The description contradicts itself or the shape.
    """
    sparsity = tensor.sparsity
    assert sparsity is not None
    sizes = _level_sizes(tensor.shape, sparsity, where)
    count = 1
    for level, (dimension, metadata) in enumerate(
        zip(_tuple(sparsity, "traversal_order"), _tuple(sparsity, "dim_metadata"), strict=True)
    ):
        size = sizes[dimension]
        here = f"sparsity.dim_metadata[{level}]"
        if metadata.get("format", _DENSE) == _DENSE:
            if metadata.get("dense_size", 0) != size:
                raise _broken(where, f"{here}.dense_size", metadata.get("dense_size", 0), size)
            count *= size
            continue
        if metadata.get("format", _DENSE) != _SPARSE_CSR:
            raise _broken(where, f"{here}.format", metadata.get("format", _DENSE), "0 or 1")
        segments = _integers(metadata.get("array_segments"))
        indices = _integers(metadata.get("array_indices"))
        rising = segments.size == count + 1 and segments[0] == 0 and not np.any(np.diff(segments) < 0)
        if not rising or segments[-1] != indices.size:
            raise _broken(
                where,
                f"{here}.array_segments",
                f"{segments.size} values",
                f"{count + 1} values rising from 0 to {indices.size}",
            )
        if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= size):
            raise _broken(
                where, f"{here}.array_indices", f"{indices.min()} .. {indices.max()}", f"0 .. {size - 1}"
            )
        count = indices.size
    return count


def _level_sizes(shape: tuple[int, ...], sparsity: Record, where: Location) -> list[int]:
    """The size of each dimension, blocks included, after the blocks have divided the tensor's own."""
    order, metadata = _tuple(sparsity, "traversal_order"), _tuple(sparsity, "dim_metadata")
    block_map = _tuple(sparsity, "block_map")
    rank = len(shape)
    if len(order) < rank or len(metadata) != len(order) or len(block_map) != len(order) - rank:
        raise _broken(
            where,
            "sparsity",
            f"{len(order)} levels, {len(metadata)} with metadata, {len(block_map)} blocks",
            f"as many of each, {rank} for the shape",
        )
    if sorted(order[:rank]) != list(range(rank)) or sorted(order[rank:]) != list(range(rank, len(order))):
        raise _broken(where, "sparsity.traversal_order", list(order[:16]), "dimensions, then blocks")
    sizes = [*shape, *([0] * len(block_map))]
    for block, mapped in enumerate(block_map):
        dimension = order[rank + block]
        size = metadata[rank + block].get("dense_size", 0)
        if not 0 <= mapped < rank:
            raise _broken(where, "sparsity.block_map", mapped, f"0 .. {rank - 1}")
        if size <= 0 or sizes[mapped] % size:
            raise _broken(where, "sparsity.dim_metadata.dense_size", size, f"a divisor of {sizes[mapped]}")
        sizes[dimension] = size
        sizes[mapped] //= size
    return sizes


def _tuple(record: Record, name: str) -> tuple[Any, ...]:
    values: tuple[Any, ...] = record.get(name) or ()
    return values


def _integers(vector: Record | None) -> NDArray[np.int64]:
    values = None if vector is None else vector.get("values")
    if values is None:
        return np.empty(0, np.int64)
    if isinstance(values, bytes):
        return np.frombuffer(values, np.uint8).astype(np.int64)
    return np.array(values, np.int64)


def _broken(where: Location, field: str, found: object, wanted: object) -> InvalidModelError:
    return InvalidModelError(dataclasses.replace(where, field=field), found, wanted)
