"""Many samples, and their labels, from files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidInputError
from quantlib.model.graph import Model

__all__ = ["load_labels", "load_samples", "sample_count", "samples_of"]

Stacked = Mapping[int, NDArray[Any]]
"""Per input, by tensor index, an array whose first dimension counts the samples."""


def load_samples(model: Model, text: str, option: str = "--samples") -> Stacked:
    """Every sample of a file, stacked.

    Parameters
    ----------
    model : Model
    text : str
        Path of a .npy (for a model with one input), or of an .npz that holds an array per input, by
        name or in order. ``file.npz:name`` is one array of an .npz.
    option : str
        For errors.

    Raises
    ------
    InvalidInputError
        A file that cannot be read as arrays, or not as many as the model has inputs.
    """
    subgraph = model.subgraphs[0]
    names = [subgraph.tensors[index].name for index in subgraph.inputs]
    found = _load(text, option)
    if all(name in found for name in names):
        chosen = [found[str(name)] for name in names]
    elif len(found) == len(names):
        chosen = list(found.values())
    else:
        wanted = f"{len(names)} per model input, or one by file.npz:name"
        raise InvalidInputError(option, f"{text}: arrays {sorted(found)}", wanted)
    counts = {array.shape[0] if array.ndim else 0 for array in chosen}
    if len(counts) != 1 or 0 in counts:
        raise InvalidInputError(option, f"{text}: {sorted(counts)} samples", "one number of samples, above 0")
    return dict(zip(subgraph.inputs, chosen, strict=True))


def sample_count(stacked: Stacked) -> int:
    """How many samples there are."""
    return len(next(iter(stacked.values())))


def samples_of(model: Model, stacked: Stacked, count: int | None = None) -> Iterator[list[NDArray[Any]]]:
    """Sample after sample, each as one array per input.

    Parameters
    ----------
    model : Model
    stacked : mapping
        From `load_samples`. Where the samples lack the model's first dimension, a batch of 1, it is
        added.
    count : int, optional
        Stop after so many.
    """
    tensors = model.subgraphs[0].tensors
    total = sample_count(stacked)
    for number in range(total if count is None else min(count, total)):
        arrays = []
        for index, array in stacked.items():
            sample = array[number]
            rank = len(tensors[index].shape)
            arrays.append(sample[None] if sample.ndim == rank - 1 else sample)
        yield arrays


def load_labels(text: str, count: int, option: str = "--labels") -> NDArray[Any]:
    """Labels, one per sample.

    Parameters
    ----------
    text : str
        A .npy, an .npz with one array, or ``file.npz:name``.
    count : int
        How many are wanted at least.
    option : str

    Raises
    ------
    InvalidInputError
        Not exactly one array, or too few labels.
    """
    found = _load(text, option)
    if len(found) != 1:
        raise InvalidInputError(option, f"{text}: arrays {sorted(found)}", "one, as file.npz:name")
    (labels,) = found.values()
    if labels.ndim == 0 or len(labels) < count:
        raise InvalidInputError(
            option, f"{text}: shape {labels.shape}", f"a label for each of {count} samples"
        )
    return labels[:count]


def _load(text: str, option: str) -> dict[str, NDArray[Any]]:
    file, name = text, ""
    if not Path(text).exists() and ":" in text:
        file, _, name = text.rpartition(":")
    try:
        held = np.load(file, allow_pickle=False)
        if isinstance(held, np.ndarray):
            return {"": held}
        with held:
            if name and name not in held.files:
                raise InvalidInputError(option, f"{file}: no array {name!r}", f"one of {sorted(held.files)}")
            return {each: held[each] for each in held.files if not name or each == name}
    except InvalidInputError:
        raise
    except Exception as error:  # what a broken archive raises is nobody's promise
        raise InvalidInputError(option, f"{file}: {error}", "a .npy or .npz file") from error
