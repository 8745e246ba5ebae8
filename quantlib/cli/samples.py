"""Inputs for a model, from files or from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidInputError, Location, UnsupportedError
from quantlib.model.graph import Model, Tensor

__all__ = ["load_inputs", "random_inputs"]


def load_inputs(model: Model, paths: Sequence[Path]) -> list[NDArray[Any]]:
    """Arrays from .npy files, one per input, or from one .npz by name or in order.

    Parameters
    ----------
    model : Model
    paths : sequence of Path

    Raises
    ------
    InvalidInputError
        A file that cannot be read as arrays, or not the arrays that the model wants.
    """
    if len(paths) == 1 and paths[0].suffix == ".npz":
        names = [model.subgraphs[0].tensors[index].name for index in model.subgraphs[0].inputs]
        with _load(paths[0]) as archive:
            found = {name: archive[name] for name in archive.files}
        if all(name in found for name in names):
            return [found[str(name)] for name in names]
        return list(found.values())
    return [_load(path) for path in paths]


def random_inputs(model: Model, seed: int) -> list[NDArray[Any]]:
    """One random array per input: every code of an integer type, a normal of a real one.

    Parameters
    ----------
    model : Model
    seed : int
        The same seed gives the same arrays.

    Raises
    ------
    UnsupportedError
        An input of a type without numbers.
    """
    random = np.random.default_rng(seed)
    subgraph = model.subgraphs[0]
    return [_random(subgraph.tensors[index], index, random) for index in subgraph.inputs]


def _random(tensor: Tensor, index: int, random: np.random.Generator) -> NDArray[Any]:
    dtype = tensor.type.dtype
    if dtype is None:
        where = Location(tensor=index, tensor_name=tensor.name)
        raise UnsupportedError(where, f"an input of type {tensor.type.name}", "a numeric type")
    if dtype.kind == "f":
        return random.standard_normal(tensor.shape).astype(dtype)
    if dtype.kind == "b":
        return random.random(tensor.shape) < 0.5
    if dtype.kind not in "iu":
        return np.zeros(tensor.shape, dtype)
    info = np.iinfo(dtype)
    # Wider integers are indices and sizes; stay small.
    low, high = (info.min, info.max) if dtype.itemsize <= 2 else (0, 9)
    return random.integers(low, high, tensor.shape, np.int64, endpoint=True).astype(dtype)


def _load(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInputError("--input", f"{path}: {error}", "a .npy or .npz file") from error
