"""A model run over samples, and the range of every tensor.

The work is a fold: each sample gives one small state per tensor, and states merge in any order. So
samples can be shared out to any `concurrent.futures.Executor`, a batch at a time, and only a few
batches are ever in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.calibration.dataset import Dataset, Sample, input_arrays, samples_of
from quantlib.calibration.observers import MinMax, Observer
from quantlib.calibration.ranges import Ranges, tensor_keys
from quantlib.calibration.shared_memory import overwritten_inputs
from quantlib.errors import InvalidInputError, Location
from quantlib.kernel_sets import KernelSet
from quantlib.model.graph import Model, TensorType
from quantlib.model.limits import Limits
from quantlib.runtime.execute import initial_variables
from quantlib.runtime.plan import Binder, Plan, make_plan
from quantlib.runtime.trace import Event, Produced

__all__ = ["calibrate"]

States = dict[tuple[int, int], Any]
"""An observer's state by subgraph and tensor index."""

SMALLEST_MAX = np.float32(np.finfo(np.float32).tiny)
"""Where TensorFlow's calibrator starts its maximum: below it no maximum falls."""

BATCHES_IN_FLIGHT = 16
"""How many batches an executor is given at once."""


def calibrate(
    model: Model,
    representative_dataset: Dataset,
    *,
    observer: Observer | None = None,
    observers: Mapping[str, Observer | None] | None = None,
    executor: Executor | None = None,
    samples_per_task: int = 16,
    kernels: str | KernelSet | None = None,
    tf_compat: bool = False,
    reset_state_between_samples: bool | None = None,
    custom: Mapping[str, Binder] | None = None,
    limits: Limits | None = None,
    progress: Callable[[int], None] | None = None,
) -> Ranges:
    """The ranges of a float model's tensors over a representative dataset.

    Parameters
    ----------
    model : Model
    representative_dataset : generator function or iterable
        As for TensorFlow's converter: every sample is a list of arrays in the order of the inputs, a
        mapping of input or signature name to array, or a signature's key with such a mapping. A
        tuple of arrays and a lone array are understood, too.
    observer : Observer, optional
        `MinMax()` if nothing is said.
    observers : mapping of name pattern to Observer or None, optional
        Observers for tensors whose key matches (`fnmatch`, case counts; the first match wins); None:
        do not look.
    executor : concurrent.futures.Executor, optional
        Who runs the samples; here and now if nothing is said. The ranges are the same.
    samples_per_task : int
        How many samples an executor is given at a time.
    kernels : str or KernelSet, optional
        The kernel family that runs the model: ``"reference"`` if nothing is said, with `tf_compat`
        ``"tensorflow-2.21/optimized"``, whose float sums are TensorFlow's to the bit.
    tf_compat : bool
        Repeat what TensorFlow's calibrator does: inputs that an operator overwrites also count its
        output, NaN is skipped, a maximum is never below the smallest normal float32, and variables
        keep their state from sample to sample.
    reset_state_between_samples : bool, optional
        Whether variables start anew for every sample; if nothing is said, unless `tf_compat`.
    custom : mapping of custom code to binder, optional
    limits : Limits, optional
    progress : callable, optional
        Called with the number of samples done so far.

    Returns
    -------
    Ranges
        Of every float32 tensor that is an input or is computed, and has elements.

    Raises
    ------
    InvalidInputError
        No samples, samples that do not fit the model, a NaN or an infinity in a tensor, a pattern
        that fits no tensor, or state kept between samples that an executor runs.
    UnsupportedError, InvalidModelError, LimitExceededError
        The model cannot be run.

    Examples
    --------
    >>> from quantlib.model.graph import Buffer, Operator, OperatorCode, Subgraph, Tensor
    >>> tensors = tuple(Tensor((2,), TensorType.FLOAT32, name=name) for name in ("x", "y"))
    >>> graph = Subgraph(tensors, (0,), (1,), (Operator(0, (0,), (1,)),))
    >>> model = Model(3, (OperatorCode(19, "RELU"),), (graph,), (Buffer(),))
    >>> calibrate(model, lambda: ([np.float32([i - 1, i])] for i in range(3)))
    Ranges({'x': (-1.0, 2.0), 'y': (0.0, 2.0)})

    Source: LiteRT tflite/tools/optimize/calibration/calibrator.cc; tensorflow
    lite/python/optimize/calibrator.py
    """
    if samples_per_task < 1:
        raise InvalidInputError("samples_per_task", samples_per_task, "at least 1")
    resets = (not tf_compat) if reset_state_between_samples is None else reset_state_between_samples
    has_state = any(tensor.is_variable for graph in model.subgraphs for tensor in graph.tensors)
    if executor is not None and has_state and not resets:
        found = "an executor for a model whose state is kept between samples"
        raise InvalidInputError("executor", found, "reset_state_between_samples=True, or no executor")
    chosen = _chosen_observers(model, MinMax() if observer is None else observer, observers or {})
    family = kernels or ("tensorflow-2.21/optimized" if tf_compat else "reference")
    job = _Job(model, chosen, family, tf_compat, resets, dict(custom or {}), limits or Limits())
    done = 0
    states: States = {}
    for number, batch_states in _batches(job, representative_dataset, executor, samples_per_task):
        _merge(job, states, batch_states)
        done += number
        if progress is not None:
            progress(done)
    if not done:
        raise InvalidInputError("representative_dataset", "no samples", "at least one")
    return _ranges(job, states)


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker has to know."""

    model: Model
    observers: Mapping[tuple[int, int], Observer]
    kernels: str | KernelSet
    tf_compat: bool
    resets: bool
    custom: Mapping[str, Binder]
    limits: Limits


class _Runner:
    """Plans and variables of one worker."""

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._plans: dict[int, tuple[Plan, dict[int, int]]] = {}
        self._variables: dict[int, dict[int, NDArray[Any]]] = {}

    def states(self, sample: Sample, number: int) -> States:
        """One state per tensor after one sample."""
        job = self._job
        subgraph_index, inputs = input_arrays(job.model, sample, number)
        plan, overwritten = self._plan(subgraph_index)
        if job.resets or subgraph_index not in self._variables:
            self._variables[subgraph_index] = initial_variables(job.model, subgraph_index)
        variables = self._variables[subgraph_index]
        states: States = {}

        def see(tensor: int, value: NDArray[Any]) -> None:
            observer = job.observers.get((subgraph_index, tensor))
            if observer is None or value.size == 0:
                return
            value = self._finite(value, subgraph_index, tensor, number)
            if value.size:
                state = observer.observe(value, number)
                _merge(job, states, {(subgraph_index, tensor): state})

        def watch(event: Event) -> None:
            if isinstance(event, Produced):
                see(event.tensor, event.value)
                if event.tensor in overwritten:
                    see(overwritten[event.tensor], event.value)

        for tensor, value in (*inputs.items(), *variables.items()):
            see(tensor, value)
        held = plan.run({**variables, **inputs}, watch=watch)
        self._variables[subgraph_index] = {tensor: held[tensor] for tensor in variables}
        return states

    def _plan(self, subgraph_index: int) -> tuple[Plan, dict[int, int]]:
        if subgraph_index not in self._plans:
            job = self._job
            plan = make_plan(
                job.model,
                kernels=job.kernels,
                subgraph_index=subgraph_index,
                custom=job.custom,
                limits=job.limits,
            )
            overwritten = overwritten_inputs(job.model, subgraph_index) if job.tf_compat else {}
            self._plans[subgraph_index] = plan, overwritten
        return self._plans[subgraph_index]

    def _finite(
        self, value: NDArray[Any], subgraph_index: int, tensor: int, number: int
    ) -> NDArray[np.float32]:
        if np.isfinite(value).all():
            return value
        if self._job.tf_compat:
            value = value[~np.isnan(value)]
            if np.isfinite(value).all():
                return value
        where = Location(
            argument=f"representative_dataset, sample {number}",
            subgraph=subgraph_index,
            tensor=tensor,
            tensor_name=self._job.model.subgraphs[subgraph_index].tensors[tensor].name,
        )
        found = "NaN" if np.isnan(value).any() else "an infinity"
        raise InvalidInputError(where, found, "finite values, or observers={'its name': None}")


def _chosen_observers(
    model: Model, default: Observer, by_pattern: Mapping[str, Observer | None]
) -> dict[tuple[int, int], Observer]:
    """The observer of every float32 tensor that has one."""
    chosen: dict[tuple[int, int], Observer] = {}
    unused = dict.fromkeys(by_pattern)
    for number, subgraph in enumerate(model.subgraphs):
        keys = tensor_keys(model, number)
        for index, tensor in enumerate(subgraph.tensors):
            matching = [pattern for pattern in by_pattern if fnmatchcase(keys[index], pattern)]
            for pattern in matching:
                unused.pop(pattern, None)
            observer = by_pattern[matching[0]] if matching else default
            if tensor.type is TensorType.FLOAT32 and observer is not None:
                chosen[number, index] = observer
    if unused:
        raise InvalidInputError(
            "observers", f"pattern {next(iter(unused))!r}", "one that fits a tensor's key"
        )
    return chosen


def _merge(job: _Job, states: States, more: States) -> None:
    for tensor, state in more.items():
        states[tensor] = job.observers[tensor].merge(states[tensor], state) if tensor in states else state


def _observe_batch(job: _Job, first: int, samples: list[Sample]) -> States:
    """One state per tensor after several samples; runs wherever the executor likes."""
    runner = _Runner(job)
    states: States = {}
    for number, sample in enumerate(samples, first):
        _merge(job, states, runner.states(sample, number))
    return states


def _batches(
    job: _Job, dataset: Dataset, executor: Executor | None, samples_per_task: int
) -> Iterator[tuple[int, States]]:
    """How many samples, and their states; from an executor in the order they are done."""
    samples = samples_of(dataset)
    if executor is None:
        runner = _Runner(job)
        for number, sample in enumerate(samples):
            yield 1, runner.states(sample, number)
        return
    first = 0
    pending: dict[Future[States], int] = {}
    try:
        while True:
            while len(pending) < BATCHES_IN_FLIGHT and (batch := list(islice(samples, samples_per_task))):
                pending[executor.submit(_observe_batch, job, first, batch)] = len(batch)
                first += len(batch)
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), future.result()
    finally:
        for future in pending:
            future.cancel()


def _ranges(job: _Job, states: States) -> Ranges:
    keys = [tensor_keys(job.model, number) for number in range(len(job.model.subgraphs))]
    found: dict[str, tuple[Any, Any]] = {}
    for subgraph_index, tensor in sorted(states):
        observer = job.observers[subgraph_index, tensor]
        low, high = observer.range(states[subgraph_index, tensor])
        found[keys[subgraph_index][tensor]] = (low, max(high, SMALLEST_MAX) if job.tf_compat else high)
    return Ranges(found)
