"""A representative dataset's samples, as the arrays that a subgraph's inputs take.

The conventions are those of TensorFlow's converter, and two more that people try: a tuple of arrays
is taken as a list, and a lone array as the only input.

Source: tensorflow lite/python/optimize/calibrator.py (Calibrator)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidInputError, QuantlibError
from quantlib.model.graph import Model, Signature
from quantlib.runtime.execute import checked_input

__all__ = ["Dataset", "Sample", "input_arrays", "samples_of"]

Sample: TypeAlias = Any
"""A list or tuple of arrays in the order of the inputs; a mapping of input or signature name to
array; a signature's key with such a mapping; or one array."""

Dataset: TypeAlias = Callable[[], Iterable[Sample]] | Iterable[Sample]
"""A generator function, as TensorFlow's converter takes it, or anything that gives samples."""


def samples_of(dataset: Dataset) -> Iterator[Sample]:
    """The samples, one after the other.

    Parameters
    ----------
    dataset : generator function or iterable

    Raises
    ------
    InvalidInputError
        Neither.

    Examples
    --------
    >>> list(samples_of(lambda: iter([[1], [2]])))
    [[1], [2]]
    """
    given = dataset() if callable(dataset) else dataset
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        found = type(given).__name__
        raise InvalidInputError("representative_dataset", found, "a generator function or an iterable")
    return iter(given)


def input_arrays(model: Model, sample: Sample, number: int) -> tuple[int, dict[int, NDArray[Any]]]:
    """The subgraph that a sample is for, and its inputs by tensor index.

    Parameters
    ----------
    model : Model
    sample : list, tuple, mapping or array
    number : int
        Which sample it is, for errors.

    Raises
    ------
    InvalidInputError
        An input missing, too many, unknown, or of the wrong shape or dtype.

    Examples
    --------
    >>> from quantlib.model.graph import Subgraph, Tensor, TensorType
    >>> tensors = (Tensor((2,), TensorType.FLOAT32, name="x"),)
    >>> model = Model(3, (), (Subgraph(tensors, (0,), (0,), ()),), ())
    >>> input_arrays(model, {"x": np.zeros(2, np.float32)}, 0)
    (0, {0: array([0., 0.], dtype=float32)})
    """
    argument = f"representative_dataset, sample {number}"
    signature = None
    if isinstance(sample, tuple) and len(sample) == 2 and isinstance(sample[1], Mapping):
        signature = _signature(model, sample[0], argument)
        sample = sample[1]
    subgraph_index = 0 if signature is None else signature.subgraph_index
    subgraph = model.subgraphs[subgraph_index]
    if isinstance(sample, Mapping):
        given = _by_name(model, sample, signature, argument)
    else:
        arrays: Sequence[Any] = [sample] if isinstance(sample, np.ndarray) else _sequence(sample, argument)
        if len(arrays) != len(subgraph.inputs):
            raise InvalidInputError(argument, f"{len(arrays)} arrays", f"{len(subgraph.inputs)}")
        given = dict(zip(subgraph.inputs, arrays, strict=True))
    try:
        return subgraph_index, {
            index: checked_input(subgraph.tensors[index], index, array) for index, array in given.items()
        }
    except QuantlibError as error:
        raise InvalidInputError(f"{argument}, {error.where}", error.found, error.wanted) from error


def _sequence(sample: Sample, argument: str) -> Sequence[Any]:
    if isinstance(sample, list | tuple):
        return sample
    raise InvalidInputError(argument, type(sample).__name__, "a list, tuple, mapping or array")


def _signature(model: Model, key: object, argument: str) -> Signature:
    for signature in model.signatures or ():
        if signature.key == key:
            return signature
    known = [signature.key for signature in model.signatures or ()]
    raise InvalidInputError(argument, f"signature {key!r}", f"one of {known}")


def _by_name(
    model: Model, sample: Mapping[str, Any], signature: Signature | None, argument: str
) -> dict[int, Any]:
    """Arrays by tensor index: names of the signature first, then of the tensors."""
    subgraph = model.subgraphs[0 if signature is None else signature.subgraph_index]
    known = {subgraph.tensors[index].name: index for index in subgraph.inputs}
    candidates = (model.signatures or ()) if signature is None else (signature,)
    spellings = [
        dict(one.inputs)
        for one in candidates
        if signature is not None or model.subgraphs[one.subgraph_index] is subgraph
    ]
    for names in (*spellings, known):
        if set(names) == set(sample):
            return {names[name]: array for name, array in sample.items()}
    wanted = " or ".join(str(sorted(map(str, names))) for names in (*spellings, known))
    raise InvalidInputError(argument, f"inputs {sorted(map(str, sample))}", wanted)
