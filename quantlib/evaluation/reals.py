"""The same sample for every variant of a model: reals where it takes reals, codes where codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.quantize import dequantize, quantize
from quantlib.errors import InvalidInputError
from quantlib.model.graph import Model, Tensor, TensorType
from quantlib.runtime.execute import checked_input

__all__ = ["Samples", "as_reals", "as_stored", "input_values", "sample_arrays"]

Samples: TypeAlias = Iterable[Any]
"""Stacked arrays (samples, ...) for a model with one input; else, per sample, a list or tuple of arrays
in the order of the inputs, or a mapping of input name to array."""

_CODES = {TensorType.INT8: np.int8, TensorType.UINT8: np.uint8, TensorType.INT16: np.int16}


def as_reals(tensor: Tensor, value: NDArray[Any]) -> NDArray[np.float64]:
    """The real numbers that a tensor's value stands for; of integers without a scale, themselves.

    Parameters
    ----------
    tensor : Tensor
    value : ndarray of the tensor's type

    Examples
    --------
    >>> from quantlib.model.graph import Quantization
    >>> tensor = Tensor((2,), TensorType.INT8, quantization=Quantization([0.5], [-3]))
    >>> as_reals(tensor, np.int8([-3, 1])).tolist()
    [0.0, 2.0]
    """
    parameters = _parameters(tensor)
    if parameters is None:
        return value.astype(np.float64)
    return dequantize(value, parameters).astype(np.float64)


def as_stored(tensor: Tensor, real: NDArray[Any]) -> NDArray[Any]:
    """Real numbers as a tensor stores them; what is no float32 or has the type already, as it is.

    Parameters
    ----------
    tensor : Tensor
    real : ndarray
    """
    parameters = _parameters(tensor)
    if parameters is None or real.dtype.kind != "f":
        return real
    return quantize(real.astype(np.float32, copy=False), parameters)


def sample_arrays(samples: Samples) -> Iterator[tuple[Any, ...] | Mapping[str, Any]]:
    """Sample after sample.

    Parameters
    ----------
    samples : array or iterable

    Raises
    ------
    InvalidInputError
        Nothing that gives samples.
    """
    if isinstance(samples, str | bytes | Mapping) or not isinstance(samples, Iterable):
        raise InvalidInputError("samples", type(samples).__name__, "an array or an iterable of samples")
    for sample in samples:
        if isinstance(sample, Mapping):
            yield sample
        else:
            yield tuple(sample) if isinstance(sample, list | tuple) else (sample,)


def input_values(
    model: Model, sample: tuple[Any, ...] | Mapping[str, Any], number: int
) -> dict[int, NDArray[Any]]:
    """A sample as a model's inputs, by tensor index.

    Parameters
    ----------
    model : Model
        Real samples are quantized where it takes codes.
    sample : tuple of arrays, or mapping of name to array
        A batch of 1 that is missing is added.
    number : int
        For errors.

    Raises
    ------
    InvalidInputError
        Arrays that do not fit.
    """
    subgraph = model.subgraphs[0]
    if isinstance(sample, Mapping):
        names = [subgraph.tensors[index].name for index in subgraph.inputs]
        if set(names) != set(sample):
            found = sorted(map(str, sample))
            raise InvalidInputError(f"samples, sample {number}", found, sorted(map(str, names)))
        sample = tuple(sample[str(name)] for name in names)
    if len(sample) != len(subgraph.inputs):
        raise InvalidInputError(
            f"samples, sample {number}", f"{len(sample)} arrays", f"{len(subgraph.inputs)}"
        )
    values = {}
    for index, given in zip(subgraph.inputs, sample, strict=True):
        tensor = subgraph.tensors[index]
        array = np.asarray(given)
        if array.ndim == len(tensor.shape) - 1:
            array = array[None]
        try:
            values[index] = checked_input(tensor, index, as_stored(tensor, array))
        except InvalidInputError as error:
            where = f"samples, sample {number}, {error.where}"
            raise InvalidInputError(where, error.found, error.wanted) from error
    return values


def _parameters(tensor: Tensor) -> QuantizationParameters | None:
    """Parameters of a tensor that holds codes; None for any other."""
    given = tensor.quantization
    dtype = _CODES.get(tensor.type)
    if given is None or given.scale.size == 0 or dtype is None:
        return None
    if given.scale.size == 1:
        return QuantizationParameters(given.scale[0], int(given.zero_point[0]), dtype)
    return QuantizationParameters(given.scale, given.zero_point, dtype, given.quantized_dimension)
