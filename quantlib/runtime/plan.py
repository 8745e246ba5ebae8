"""A subgraph bound to kernels: the order of steps, and nothing of what they compute.

Kernels never see a raw array of the file's making that was not checked: values come from callers
(checked at the door), from constants (checked when resolved) or from other kernels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

import numpy as np

from quantlib.errors import InvalidModelError, LimitExceededError, Location, QuantlibError
from quantlib.kernel_sets import KernelSet, kernel_set
from quantlib.model.graph import OPTIONAL, Model
from quantlib.model.limits import Limits
from quantlib.model.validate import validate
from quantlib.ops import _registry
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._resolve import constant_value, resolve
from quantlib.ops._runs import InBlocks
from quantlib.runtime.trace import Finished, Produced, Started, Watch

__all__ = ["Binder", "Plan", "Step", "make_plan", "run_step"]

Binder = Callable[[Node], Kernel]
"""A custom operator, given per call: a node to a kernel."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One operator, bound; a custom one to a kernel of the caller's."""

    node: Node
    kernel: Kernel
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    last_uses: tuple[int, ...] = ()
    is_custom: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A subgraph ready to run: immutable, and shared between threads if need be.

    Parameters
    ----------
    model : Model
    subgraph_index : int
    kernels : KernelSet
    steps : tuple of Step
    constants : mapping of tensor index to ndarray
    """

    model: Model
    subgraph_index: int
    kernels: KernelSet
    steps: tuple[Step, ...]
    constants: Mapping[int, Array] = field(default_factory=lambda: MappingProxyType({}))

    def run(
        self, values: Mapping[int, Array], *, watch: Watch | None = None, keep_all: bool = False
    ) -> dict[int, Array]:
        """Every value still wanted after all steps ran.

        Parameters
        ----------
        values : mapping of tensor index to ndarray
            The subgraph's inputs and the variables' present values; never written to.
        watch : callable, optional
            Told what happens (`quantlib.runtime.trace`).
        keep_all : bool
            Keep intermediates, too. It changes memory, never a result.

        Returns
        -------
        dict of tensor index to ndarray
            The subgraph's outputs, inputs, variables and constants; with `keep_all` everything.

        Raises
        ------
        InvalidModelError, UnsupportedError, LimitExceededError
            Found only when arrays were there, for instance shapes that do not fit.
        """
        held: dict[int, Array] = {**self.constants, **values}
        for step in self.steps:
            arrays = tuple(None if index == OPTIONAL else held.get(index) for index in step.inputs)
            for index, array in zip(step.inputs, arrays, strict=True):
                if array is None and index != OPTIONAL:
                    raise InvalidModelError(
                        _tensor_location(step.node, self.model, index),
                        "no value",
                        "one produced before its use",
                    )
            if watch is not None:
                watch(Started(step.node, arrays))
            began = time.perf_counter()
            results = run_step(step, arrays)
            seconds = time.perf_counter() - began
            for index, result in zip(step.outputs, results, strict=True):
                held[index] = result
                if watch is not None:
                    watch(Produced(step.node, index, result))
            if watch is not None:
                watch(Finished(step.node, seconds))
            if not keep_all:
                for index in step.last_uses:
                    held.pop(index, None)
        return held


def make_plan(
    model: Model,
    *,
    kernels: str | KernelSet = "reference",
    subgraph_index: int = 0,
    custom: Mapping[str, Binder] | None = None,
    limits: Limits | None = None,
) -> Plan:
    """A subgraph bound to the kernels of a family.

    Parameters
    ----------
    model : Model
        It is validated first.
    kernels : str or KernelSet
    subgraph_index : int
    custom : mapping of custom code to binder, optional
        Kernels for custom operators.
    limits : Limits, optional

    Returns
    -------
    Plan

    Raises
    ------
    UnsupportedError
        An operator, type or option nobody taught us.
    InvalidModelError
        An operator that breaks its own rules.
    """
    chosen = kernel_set(kernels)
    limits = limits or Limits()
    subgraph = validate(model, limits).subgraphs[subgraph_index]
    constants: dict[int, Array] = {}
    steps: list[Step] = []
    for position, operator in enumerate(subgraph.operators):
        node = resolve(model, subgraph_index, position, limits)
        for value in (*node.inputs, *node.outputs):
            if value is not None and value.constant is not None:
                constants[value.index] = value.constant
        is_custom = custom is not None and node.operator in custom
        node, bound = _bind(node, chosen, custom or {})
        steps.append(Step(node, bound, operator.inputs, operator.outputs, is_custom=is_custom))
    for index in subgraph.outputs:
        where = Location(subgraph=subgraph_index, tensor=index, tensor_name=subgraph.tensors[index].name)
        constant = constant_value(model, subgraph.tensors[index], where)
        if constant is not None:
            constants[index] = constant
    variables = (index for index, tensor in enumerate(subgraph.tensors) if tensor.is_variable)
    return Plan(
        model,
        subgraph_index,
        chosen,
        _with_last_uses(steps, keep={*subgraph.outputs, *subgraph.inputs, *constants, *variables}),
        MappingProxyType(constants),
    )


def run_step(step: Step, arrays: tuple[Array | None, ...]) -> tuple[Array, ...]:
    """The outputs of one bound operator; whatever goes wrong in it is the model's fault by now.

    Parameters
    ----------
    step : Step
    arrays : tuple of ndarray or None
        In the operator's input order; None for an absent optional input.

    Returns
    -------
    tuple of ndarray, one per output

    Raises
    ------
    InvalidModelError, UnsupportedError, LimitExceededError
    """
    try:
        with np.errstate(all="ignore"):
            results = step.kernel(*arrays)
    except QuantlibError:
        raise
    except MemoryError as error:
        raise LimitExceededError(step.node.location(), "out of memory", "a smaller model") from error
    except Exception as error:
        raise InvalidModelError(step.node.location(), _spell(error), "arrays that fit together") from error
    outputs = results if isinstance(results, tuple) else (results,)
    if len(outputs) != len(step.outputs):
        raise InvalidModelError(step.node.location(), f"{len(step.outputs)} outputs", len(outputs))
    # Of arrays without dimensions NumPy makes scalars, in a ufunc as in a table look-up.
    return tuple(np.asarray(output) for output in outputs)


def _bind(node: Node, kernels: KernelSet, custom: Mapping[str, Binder]) -> tuple[Node, Kernel]:
    """The node as its kernel set sees it, and the kernel."""
    try:
        node, binder = _choose(node, kernels, custom)
        with np.errstate(all="ignore"):
            return node, binder(node)
    except QuantlibError:
        raise
    except MemoryError as error:
        raise LimitExceededError(node.location(), "out of memory", "a smaller model") from error
    except Exception as error:
        raise InvalidModelError(node.location(), _spell(error), "parameters that fit together") from error


def _choose(node: Node, kernels: KernelSet, custom: Mapping[str, Binder]) -> tuple[Node, Binder]:
    if node.operator in custom:
        return node, custom[node.operator]
    node = replace(node, profile=kernels.profile)
    for candidate in kernels.chain:
        entry = _registry.find(node, candidate.searched)
        if entry is not None:
            data = node.input(entry.data_input).type.name
            weights = node.input_type(1)
            words = (node.operator, data, "" if weights is None else weights.name)
            makers = {value.maker for value in node.inputs if value is not None}
            bound = kernels.bound(*words, makers=makers) or candidate.bound(*words, makers=makers)
            rule = candidate.requantizer(node.operator, data)
            plain = (node.operator, data) in candidate.plain
            binder = partial(_plain, entry.bind) if plain else entry.bind
            return replace(node, requantizer=rule, bound=bound), binder
    raise _registry.nobody_serves(node)


def _plain(bind: Binder, node: Node) -> Kernel:
    """The kernel without its vector blocks: what it does with what they leave over, or the reference one."""
    kernel = bind(node)
    if isinstance(kernel, InBlocks):
        return kernel.leftover
    entry = _registry.find(node, ("reference",))
    return kernel if entry is None else entry.bind(node)


def _spell(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _tensor_location(node: Node, model: Model, index: int) -> Location:
    name = model.subgraphs[node.subgraph].tensors[index].name
    return Location(
        subgraph=node.subgraph,
        operator=node.position,
        operator_name=node.operator,
        tensor=index,
        tensor_name=name,
    )


def _with_last_uses(steps: list[Step], keep: set[int]) -> tuple[Step, ...]:
    """The same steps, each told which values nobody needs after it."""
    seen: set[int] = set(keep)
    finished: list[Step] = []
    for step in reversed(steps):
        mine = dict.fromkeys((*step.inputs, *step.outputs))
        last = tuple(index for index in mine if index not in seen and index != OPTIONAL)
        seen.update(mine)
        finished.append(replace(step, last_uses=last))
    return tuple(reversed(finished))
