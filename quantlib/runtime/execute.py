"""Run a model once: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from quantlib.errors import InvalidInputError, Location
from quantlib.kernel_sets import KernelSet
from quantlib.model.graph import Model, Tensor
from quantlib.model.limits import Limits
from quantlib.ops._node import Array
from quantlib.runtime.plan import Binder, make_plan
from quantlib.runtime.trace import Watch

__all__ = ["by_position", "checked_input", "initial_variables", "input_values", "is_like", "run"]


def run(
    model: Model,
    *inputs: ArrayLike | Mapping[str, ArrayLike],
    kernels: str | KernelSet = "reference",
    custom: Mapping[str, Binder] | None = None,
    watch: Watch | None = None,
    limits: Limits | None = None,
) -> tuple[Array, ...]:
    """The outputs of a model's main subgraph.

    Parameters
    ----------
    model : Model
        From `read_model`.
    *inputs : array_like
        One per input of the model, in its order; or a single mapping of tensor name to array. The
        dtype must be the tensor's; so must the shape, except where the file's `shape_signature`
        leaves a dimension open.
    kernels : str or KernelSet
        The kernel family whose bits are wanted.
    custom : mapping of custom code to binder, optional
        Kernels for custom operators.
    watch : callable, optional
        Told of every tensor (`quantlib.runtime.trace`).
    limits : Limits, optional

    Returns
    -------
    tuple of ndarray
        One per output, in the model's order. Variable tensors start at their initial value; use
        `Interpreter` to keep state between runs.

    Raises
    ------
    InvalidInputError
        An input of the wrong number, shape or dtype.
    UnsupportedError, InvalidModelError, LimitExceededError
        The model cannot be run.
    """
    plan = make_plan(model, kernels=kernels, custom=custom, limits=limits)
    values = input_values(model, inputs)
    held = plan.run({**initial_variables(model, 0), **values}, watch=watch)
    return tuple(_own(held[index], values) for index in model.subgraphs[0].outputs)


def _own(output: Array, values: Mapping[int, Array]) -> Array:
    """The output, the caller's to keep: kernels may return views of inputs and of constants."""
    given = any(output is value for value in values.values())
    return output if output.flags.owndata and output.flags.writeable and not given else output.copy()


def input_values(model: Model, given: Sequence[ArrayLike | Mapping[str, ArrayLike]]) -> dict[int, Array]:
    """A caller's inputs by tensor index, checked.

    Parameters
    ----------
    model : Model
    given : sequence
        One array per input of the main subgraph, or a single mapping of tensor name to array.

    Raises
    ------
    InvalidInputError
        An input of the wrong number, name, shape or dtype.
    """
    subgraph = model.subgraphs[0]
    arrays = by_position(subgraph.tensors, subgraph.inputs, given)
    return {
        index: checked_input(subgraph.tensors[index], index, array)
        for index, array in zip(subgraph.inputs, arrays, strict=True)
    }


def initial_variables(model: Model, subgraph_index: int) -> dict[int, Array]:
    """The value every variable tensor starts from: its zero point, which means 0.0.

    Source: LiteRT tflite/core/subgraph.cc (ResetVariableTensors)
    """
    start: dict[int, Array] = {}
    for index, tensor in enumerate(model.subgraphs[subgraph_index].tensors):
        if not tensor.is_variable or tensor.type.dtype is None:
            continue
        zero = 0
        if tensor.type.name == "INT8" and tensor.quantization is not None:
            points = tensor.quantization.zero_point
            zero = int(points[0]) if points.size else 0
        start[index] = np.full(tensor.shape, zero, tensor.type.dtype)
    return start


def checked_input(tensor: Tensor, index: int, given: ArrayLike) -> Array:
    """A caller's array, refused unless it fits the tensor; native byte order, never written to.

    Parameters
    ----------
    tensor : Tensor
    index : int
        For error texts.
    given : array_like

    Returns
    -------
    ndarray
        The caller's own array where it can be used as it is.

    Raises
    ------
    InvalidInputError
        Wrong dtype or shape.
    """
    where = Location(argument="inputs", tensor=index, tensor_name=tensor.name)
    array = np.asarray(given)
    if tensor.type.dtype is None or array.dtype.newbyteorder("<") != tensor.type.dtype:
        raise InvalidInputError(where, f"dtype {array.dtype}", str(tensor.type.dtype or tensor.type.name))
    signature = tensor.shape_signature or tensor.shape
    fits = len(signature) == array.ndim and all(
        extent in (-1, have) for extent, have in zip(signature, array.shape, strict=True)
    )
    if not fits:
        raise InvalidInputError(where, f"shape {array.shape}", str(tuple(signature)))
    return array.astype(tensor.type.dtype, copy=False)


def is_like(value: object, shape: tuple[int, ...], dtype: np.dtype[Any] | None) -> TypeGuard[Array]:
    """Whether `checked_input` could find nothing to change or to refuse.

    Parameters
    ----------
    value : object
    shape : tuple of int
    dtype : data type, or None for elements without a fixed size
    """
    return type(value) is np.ndarray and dtype is not None and value.dtype == dtype and value.shape == shape


def by_position(
    tensors: Sequence[Tensor], wanted: Sequence[int], given: Sequence[ArrayLike | Mapping[str, ArrayLike]]
) -> list[ArrayLike]:
    """A caller's arrays in the order of the inputs, not yet checked.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of the subgraph.
    wanted : sequence of int
        Its inputs.
    given : sequence
        One array per input, or a single mapping of tensor name to array.

    Raises
    ------
    InvalidInputError
        A wrong number of arrays, or a wrong name.
    """
    if len(given) == 1 and isinstance(given[0], Mapping):
        named: Mapping[Any, ArrayLike] = given[0]
        names = [tensors[index].name for index in wanted]
        if set(named) != set(names):
            raise InvalidInputError("inputs", sorted(map(str, named)), sorted(map(str, names)))
        return [named[name] for name in names]
    if any(isinstance(array, Mapping) for array in given):
        raise InvalidInputError("inputs", "a mapping among others", "arrays, or one mapping alone")
    if len(given) != len(wanted):
        raise InvalidInputError("inputs", f"{len(given)} arrays", f"{len(wanted)}")
    return [array for array in given if not isinstance(array, Mapping)]
