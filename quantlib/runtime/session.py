"""One subgraph with its values: buffers to fill, a plan to run, results to read.

The façade (`quantlib.runtime.interpreter`) has one session per subgraph. Nothing a session hands
out or takes in shares memory with what its kernels see, except through `view`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from quantlib.errors import InvalidInputError, LimitExceededError, Location, UnsupportedError
from quantlib.kernel_sets import KernelSet
from quantlib.model.graph import Model, Tensor
from quantlib.model.limits import Limits
from quantlib.ops._node import Array
from quantlib.runtime.execute import checked_input, initial_variables, is_like
from quantlib.runtime.plan import Binder, Plan, make_plan
from quantlib.runtime.trace import Watch

__all__ = ["MakeEngine", "Session"]

MakeEngine: TypeAlias = Callable[[Plan, Mapping[int, tuple[int, ...]]], Callable[..., tuple[Array, ...]]]
"""A plan and changed shapes to a function of the plan's inputs."""


class Session:
    """The state of one subgraph between calls.

    Parameters
    ----------
    model : Model
    subgraph_index : int
    kernels : str or KernelSet
    custom : mapping of custom code to binder
    limits : Limits
    keep_all : bool
        Keep every intermediate value of the last run.
    engine : callable, optional
        A plan, and the shapes of tensors that were resized, to something that gives the plan's outputs
        for its inputs, faster. It runs where nobody watches or wants intermediates.
    """

    def __init__(
        self,
        model: Model,
        subgraph_index: int,
        *,
        kernels: str | KernelSet,
        custom: Mapping[str, Binder],
        limits: Limits,
        keep_all: bool,
        engine: MakeEngine | None = None,
    ) -> None:
        self.model = model
        self.subgraph_index = subgraph_index
        self._kernels = kernels
        self._custom = custom
        self._limits = limits
        self._keep_all = keep_all
        self._make_engine = engine
        self._engine: Callable[..., tuple[Array, ...]] | None = None
        self._plan: Plan | None = None
        self._allocated = False
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._buffers: dict[int, Array] = {}
        self._variables: dict[int, Array] = {}
        self._results: dict[int, Array] = {}

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The subgraph's tensors, as in the file."""
        return self.model.subgraphs[self.subgraph_index].tensors

    def shape(self, index: int) -> tuple[int, ...]:
        """The present shape of a tensor: as last run or allocated, else as in the file."""
        return self._shapes.get(index, self.tensors[index].shape)

    def resize(self, index: int, shape: tuple[int, ...]) -> None:
        """Give an input another shape; `allocate` must follow.

        Raises
        ------
        InvalidInputError
            Not an input, or not a shape.
        LimitExceededError
            Larger than the limits allow.
        """
        where = self.location(index, "input_index")
        if index not in self.model.subgraphs[self.subgraph_index].inputs:
            raise InvalidInputError(where, "not an input", "one of the subgraph's inputs")
        if any(extent < 0 for extent in shape):
            raise InvalidInputError(self.location(index, "tensor_size"), shape, "no negative dimension")
        self._check_size(index, shape)
        self._shapes[index] = shape
        self._allocated = False

    def allocate(self) -> None:
        """Bind kernels, make room for inputs, and find the shapes that follow from theirs.

        Raises
        ------
        UnsupportedError, InvalidModelError, LimitExceededError
            The subgraph cannot be run.
        """
        if self._allocated:
            return
        if self._plan is None:
            self._plan = make_plan(
                self.model,
                kernels=self._kernels,
                subgraph_index=self.subgraph_index,
                custom=self._custom,
                limits=self._limits,
            )
        subgraph = self.model.subgraphs[self.subgraph_index]
        self._engine = None
        buffers: dict[int, Array] = {}
        for index in subgraph.inputs:
            shape = self.shape(index)
            self._check_size(index, shape)
            kept = self._buffers.get(index)
            fits = kept is not None and kept.shape == shape
            buffers[index] = kept if kept is not None and fits else np.zeros(shape, self._dtype(index))
        if not self._variables:
            self._variables = initial_variables(self.model, self.subgraph_index)
        self._results = {}
        if any(self.shape(index) != self.tensors[index].shape for index in subgraph.inputs):
            # Shapes follow from running the kernels: they are the only ones who know.
            zeros = {index: np.zeros_like(buffer) for index, buffer in buffers.items()}
            held = self._plan.run({**self._variables, **zeros}, keep_all=True)
            self._shapes.update({index: array.shape for index, array in held.items()})
        else:
            self._shapes = {index: self.shape(index) for index in subgraph.inputs}
        self._buffers = buffers
        self._allocated = True

    def set(self, index: int, value: ArrayLike) -> None:
        """Copy a value into an input or a variable.

        Raises
        ------
        InvalidInputError
            Before `allocate`, an unknown index, a constant, or a value that does not fit.
        """
        self._require_allocated("set_tensor")
        target = self._buffers.get(index, self._variables.get(index))
        if target is None:
            raise InvalidInputError(self.location(index), "computed or constant", "an input or a variable")
        if index in self._buffers and is_like(value, target.shape, target.dtype):
            target[...] = value
            return
        tensor = dataclasses.replace(self.tensors[index], shape=target.shape, shape_signature=None)
        array = checked_input(tensor, index, value)
        if index in self._buffers:
            target[...] = array
        else:
            self._variables[index] = np.array(array)

    def get(self, index: int) -> Array:
        """A copy of a tensor's value.

        Raises
        ------
        InvalidInputError
            Before `allocate`, an unknown index, or an intermediate nobody kept.
        """
        return np.array(self.view(index))

    def view(self, index: int) -> Array:
        """A tensor's present value; that of an input may be written to.

        Raises
        ------
        InvalidInputError
            As `get`.
        """
        self._require_allocated("get_tensor")
        assert self._plan is not None
        self.check_index(index)
        for held in (self._buffers, self._results, self._variables, self._plan.constants):
            if index in held:
                return held[index]
        if index in self.model.subgraphs[self.subgraph_index].outputs:
            self._results[index] = np.zeros(self.shape(index), self._dtype(index))
            return self._results[index]
        wanted = "invoke() first" if self._keep_all else "experimental_preserve_all_tensors=True"
        raise InvalidInputError(self.location(index), "an intermediate without a value", wanted)

    def invoke(self, watch: Watch | None = None) -> None:
        """Run every operator once.

        Raises
        ------
        InvalidInputError
            Before `allocate`.
        UnsupportedError, InvalidModelError, LimitExceededError
            Found only when arrays were there.
        """
        self._require_allocated("invoke")
        assert self._plan is not None
        if self._make_engine is not None and watch is None and not (self._keep_all or self._variables):
            self._run_engine(self._make_engine, self._plan)
            return
        # Copies: kernels may return views of what they are given, and callers may write to buffers.
        values = {index: buffer.copy() for index, buffer in self._buffers.items()}
        held = self._plan.run({**self._variables, **values}, watch=watch, keep_all=self._keep_all)
        self._variables = {index: held[index] for index in self._variables}
        known = self._buffers.keys() | self._variables.keys()
        self._results = {index: array for index, array in held.items() if index not in known}
        self._shapes.update({index: array.shape for index, array in held.items()})

    def _run_engine(self, make: MakeEngine, plan: Plan) -> None:
        """The outputs alone, at speed; inputs are copied on their way in, and outputs on their way out."""
        if self._engine is None:
            self._engine = make(plan, self._shapes)
        subgraph = self.model.subgraphs[self.subgraph_index]
        results = self._engine(*(self._buffers[index] for index in subgraph.inputs))
        made = dict(zip(subgraph.outputs, results, strict=True))
        self._results = {index: array for index, array in made.items() if index not in self._buffers}
        self._shapes.update({index: array.shape for index, array in self._results.items()})

    def reset_variables(self) -> None:
        """Give every variable its initial value again."""
        self._variables = initial_variables(self.model, self.subgraph_index)

    def check_index(self, index: object) -> int:
        """The index, if it is one.

        Raises
        ------
        InvalidInputError
        """
        wanted = f"0 .. {len(self.tensors) - 1}"
        if isinstance(index, bool) or not isinstance(index, int | np.integer):
            raise InvalidInputError("tensor_index", repr(index), wanted)
        if not 0 <= index < len(self.tensors):
            raise InvalidInputError("tensor_index", int(index), wanted)
        return int(index)

    def location(self, index: int, argument: str = "tensor_index") -> Location:
        """A tensor, for an error."""
        self.check_index(index)
        return Location(
            argument=argument,
            subgraph=self.subgraph_index,
            tensor=index,
            tensor_name=self.tensors[index].name,
        )

    def _require_allocated(self, call: str) -> None:
        if not self._allocated:
            raise InvalidInputError(call, "tensors are not allocated", "allocate_tensors() first")

    def _dtype(self, index: int) -> np.dtype[Any]:
        dtype = self.tensors[index].type.dtype
        if dtype is None:
            raise UnsupportedError(self.location(index), self.tensors[index].type.name, "a numeric type")
        return dtype

    def _check_size(self, index: int, shape: tuple[int, ...]) -> None:
        size = math.prod(shape) * self._dtype(index).itemsize
        if size > self._limits.tensor_bytes:
            raise LimitExceededError(
                self.location(index, "shape"), f"{size} bytes", f"at most {self._limits.tensor_bytes}"
            )
