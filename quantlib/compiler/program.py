"""A compiled model: run it like a function, on any number of samples, from any number of threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from quantlib.compiler.bench import Bench, Call
from quantlib.compiler.certificate import Certificates
from quantlib.compiler.kernels import kernel_part
from quantlib.compiler.lowering import lower
from quantlib.compiler.part import Unfit
from quantlib.errors import InvalidInputError, InvalidModelError, LimitExceededError, QuantlibError
from quantlib.kernel_sets import KernelSet
from quantlib.model.graph import Model
from quantlib.model.limits import Limits
from quantlib.ops._node import Array
from quantlib.runtime.execute import by_position, checked_input, initial_variables, is_like
from quantlib.runtime.plan import Binder, Plan, make_plan

__all__ = ["Program", "compile_model"]

_CACHE = 5 << 18
"""Bytes that the tensors of one part may have before samples go through in turns."""

_WIDER = 4
"""Times as many samples go through at once in threads: longer calls hand Python's lock on less often."""

_MOST_SAMPLES = 256
"""Samples at a time, at most."""

_MOST_SIZES = 8
"""Numbers of samples whose workspaces are kept for the next call."""


class Program:
    """A model's main subgraph, compiled.

    It never changes once made; threads may share it, for each call takes a workspace of its own. It can
    be pickled: what is kept is the model, and compiling again gives the same program.

    Parameters
    ----------
    plan : Plan
    arguments : tuple
        What `compile_model` was given, for pickling.

    Examples
    --------
    >>> from quantlib.testing.choices import SeededChoices
    >>> from quantlib.testing.single_operator import generators
    >>> case = generators()["CONV_2D", "int8 per tensor"].make(SeededChoices(3))
    >>> program = compile_model(case.model)
    >>> (y,) = program(*case.inputs)
    >>> (many,) = program(*(np.repeat(x, 3, axis=0) for x in case.inputs))
    >>> bool(np.array_equal(many[: len(y)], y)), len(many) // len(y)
    (True, 3)
    >>> [certificate.sums for certificate in program.certificates()]
    ['sgemm']
    """

    def __init__(self, plan: Plan, arguments: tuple[Any, ...]) -> None:
        self._plan = plan
        self._arguments = arguments
        with np.errstate(all="ignore"):
            self._parts, self._codes = lower(plan, kernel_part)
        subgraph = plan.model.subgraphs[plan.subgraph_index]
        self._tensors = subgraph.tensors
        self._inputs, self._outputs = subgraph.inputs, subgraph.outputs
        self._is_fixed = not any(tensor.is_variable for tensor in subgraph.tensors)
        self._moving = self._tensors_that_move()
        self._entries = tuple(
            (self._tensors[one].shape, self._tensors[one].type.dtype) for one in self._inputs
        )
        self._unit = self._samples_of_file()
        self._tile = self._batches_at_once()
        self._is_executors = self._is_open() and (
            self._unit is None or any(part.counts_elements for part in self._parts)
        )
        self._idle: dict[int, list[_Workspace]] = {}
        self._unfit: set[int] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return _compile_again, self._arguments

    def __call__(self, *inputs: ArrayLike | Mapping[str, ArrayLike], threads: int = 1) -> tuple[Array, ...]:
        """The outputs of the model, for one batch as the file has it or for any number of them.

        Parameters
        ----------
        *inputs : array_like
            As for `quantlib.run`. The first axis of all of them may be any multiple of what the file
            says. Where the file leaves it open, results are the executor's; where it does not, samples
            are computed as if each had been given alone.
        threads : int
            Among how many threads samples are divided. NumPy's matrix library has threads of its own:
            give it one (``OPENBLAS_NUM_THREADS=1``) where these are used.

        Returns
        -------
        tuple of ndarray
            One per output, in the model's order; of samples computed alone, one after the other along
            the first axis.

        Raises
        ------
        InvalidInputError
            An input of the wrong number, shape or dtype, or threads below one.
        UnsupportedError, InvalidModelError, LimitExceededError
            Found only when arrays were there.
        """
        if threads < 1:
            raise InvalidInputError("threads", threads, "1 or more")
        if self._are_one_batch(inputs):
            return self._run(inputs, 1)
        arrays, times = self._accept(by_position(self._tensors, self._inputs, inputs))
        if times is None:
            return self._by_executor(arrays)
        if times != 1 and self._is_executors:
            try:
                return self._by_executor(arrays)
            except (InvalidModelError, LimitExceededError):
                pass  # constants of one batch, or too much at once: each sample alone, then
        if times == 0:
            return self._of_nothing()
        threads = min(threads, times)
        at_once = self.tile if threads == 1 or self._unit is None else _WIDER * self.tile
        # Turns of one length, as many for each thread, so that none waits long for another.
        turns = threads * math.ceil(times / (threads * at_once))
        tile = math.ceil(times / turns)
        starts = range(0, times, tile)

        def run(starts: Sequence[int]) -> list[tuple[Array, ...]]:
            sizes = (min(tile, times - start) for start in starts)
            return [
                self._run(_slices(arrays, start, size, times), size)
                for start, size in zip(starts, sizes, strict=True)
            ]

        if len(starts) == 1:
            return self._run(arrays, times)
        if threads == 1:
            return _joined(run(starts))
        share = math.ceil(len(starts) / threads)
        first, *others = (starts[begin : begin + share] for begin in range(0, len(starts), share))
        from concurrent.futures import ThreadPoolExecutor  # which brings logging with it

        with ThreadPoolExecutor(max(len(others), 1)) as pool:
            running = [pool.submit(run, other) for other in others]
            results = run(first)  # by this thread
            for one in running:
                results += one.result()
        return _joined(results)

    def certificates(self) -> Certificates:
        """Why every step is exact; prints as a table."""
        return Certificates([part.certificate for part in self._parts])

    @property
    def tile(self) -> int:
        """Batches of the file's size that go through at once."""
        return self._tile

    @property
    def bytes(self) -> int:
        """Memory of the workspaces that wait for the next call."""
        return sum(workspace.bytes for idle in self._idle.values() for workspace in idle)

    def _tensors_that_move(self) -> frozenset[int]:
        """Tensors that change from run to run."""
        steps = self._plan.steps
        computed = {index for step in steps for index in step.outputs}
        return frozenset({*computed, *self._inputs} - self._plan.constants.keys())

    def _batches_at_once(self) -> int:
        """As many as keep the tensors of every part in cache."""
        if self._unit is None:
            return 1
        most = 1
        for part in self._parts:
            step = part.step
            moving = [one for one in (*step.inputs, *step.outputs) if one in self._moving]
            most = max(most, 4 * sum(math.prod(self._tensors[one].shape) for one in moving))
        return max(1, min(_CACHE // most, _MOST_SAMPLES))

    def _are_one_batch(self, inputs: Sequence[object]) -> TypeGuard[Sequence[Array]]:
        """Whether inputs can be taken as they are: arrays of the file's own shapes and dtypes."""
        return len(inputs) == len(self._entries) and all(
            is_like(array, shape, dtype) for array, (shape, dtype) in zip(inputs, self._entries, strict=True)
        )

    def _samples_of_file(self) -> int | None:
        """The extent of every tensor's first axis, if they have one in common and steps do not mix it."""
        if not self._is_fixed or not self._moving.issuperset(self._outputs):
            return None
        shapes = [self._tensors[index].shape for index in self._moving]
        firsts = {shape[0] if shape else 0 for shape in shapes}
        if len(firsts) != 1 or not all(part.is_per_sample for part in self._parts):
            return None
        return firsts.pop() or None

    def _accept(self, given: Sequence[ArrayLike]) -> tuple[list[Array], int | None]:
        """Inputs, checked, and how many times the file's batch they are; None where only shapes fit."""
        arrays = [np.asarray(array) for array in given]
        times: set[int | None] = set()
        for index, array in zip(self._inputs, arrays, strict=True):
            shape = self._tensors[index].shape
            whole = array.ndim == len(shape) > 0 and array.shape[1:] == shape[1:] and shape[0] > 0
            many = whole and array.shape[0] % shape[0] == 0
            times.add(array.shape[0] // shape[0] if many else 1 if array.shape == shape else None)
        if len(times) == 1 and None not in times:
            found = times.pop()
            checked = [
                checked_input(
                    replace(self._tensors[index], shape=array.shape, shape_signature=None), index, array
                )
                for index, array in zip(self._inputs, arrays, strict=True)
            ]
            return checked, found
        return [
            checked_input(self._tensors[index], index, array)
            for index, array in zip(self._inputs, arrays, strict=True)
        ], None if times else 1

    def _is_open(self) -> bool:
        """Whether the file leaves the first axis of all inputs open."""
        signatures = [self._tensors[index].shape_signature or () for index in self._inputs]
        return bool(signatures) and all(signature[:1] == (-1,) for signature in signatures)

    def _of_nothing(self) -> tuple[Array, ...]:
        """The outputs of no samples: their shapes and dtypes."""
        zeros = [np.zeros(shape, dtype) for shape, dtype in self._entries]
        return tuple(np.atleast_1d(output)[:0] for output in self._run(zeros, 1))

    def _run(self, arrays: Sequence[Array], times: int) -> tuple[Array, ...]:
        """One workspace's worth."""
        if not self._is_fixed or times in self._unfit:
            return self._each_by_executor(arrays, times)
        try:
            workspace = self._take(times)
            results = workspace.run(arrays)
        except (Unfit, MemoryError):
            self._unfit.add(times)
            return self._each_by_executor(arrays, times)
        if times in self._idle or len(self._idle) < _MOST_SIZES:
            self._idle.setdefault(times, []).append(workspace)
        return results

    def _take(self, times: int) -> _Workspace:
        """A workspace that nobody uses."""
        try:
            return self._idle[times].pop()
        except LookupError:
            pass
        try:
            return self._workspace(times)
        except QuantlibError as error:  # of shapes that the file states and that may be stale
            raise Unfit(str(error)) from error

    def _each_by_executor(self, arrays: Sequence[Array], times: int) -> tuple[Array, ...]:
        if times == 1:
            return self._by_executor(arrays)
        return _joined([self._by_executor(_slices(arrays, place, 1, times)) for place in range(times)])

    def _by_executor(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        values = dict(zip(self._inputs, arrays, strict=True))
        held = self._plan.run({**initial_variables(self._plan.model, self._plan.subgraph_index), **values})
        return tuple(np.array(held[index]) for index in self._outputs)

    def _workspace(self, times: int) -> _Workspace:
        shapes, dtypes = {}, {}
        for index in self._moving:
            tensor = self._tensors[index]
            if tensor.type.dtype is None:
                raise Unfit(f"tensor {index} has no numbers")
            dtypes[index] = tensor.type.dtype
            shapes[index] = tensor.shape if times == 1 else (tensor.shape[0] * times, *tensor.shape[1:])
        kept = frozenset({*self._inputs, *self._outputs})
        bench = Bench(self._codes, shapes, dtypes, self._plan.constants, self._parts, kept)
        entries = tuple(bench.new_raw(index) for index in self._inputs)
        for part in self._parts:
            bench.bind(part)
        exits = tuple(bench.leave(index) for index in self._outputs)
        return _Workspace(tuple(bench.calls), entries, exits, bench.bytes)


@dataclass(frozen=True, slots=True, eq=False)
class _Workspace:
    """Calls on buffers of their own: what one thread runs at a time."""

    calls: tuple[Call, ...]
    entries: tuple[Array, ...]
    exits: tuple[Callable[[], Array], ...]
    bytes: int

    def run(self, arrays: Sequence[Array]) -> tuple[Array, ...]:
        """Fill the entries, make the calls, and copy out what came of it."""
        for entry, array in zip(self.entries, arrays, strict=True):
            np.copyto(entry, array)
        with np.errstate(all="ignore"):
            for call in self.calls:
                call()
        return tuple(leave() for leave in self.exits)


def _joined(results: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
    """Outputs of several runs, one after the other along the first axis."""
    joined = []
    for one in zip(*results, strict=True):
        arrays = [np.atleast_1d(array) for array in one]
        if len({array.shape[1:] for array in arrays}) != 1:
            raise InvalidInputError("inputs", "samples whose outputs differ in shape", "one at a time")
        joined.append(np.concatenate(arrays))
    return tuple(joined)


def _slices(arrays: Sequence[Array], start: int, count: int, times: int) -> list[Array]:
    """Some of the batches."""
    found = []
    for array in arrays:
        size = array.shape[0] // times
        found.append(array[start * size : (start + count) * size])
    return found


def compile_model(
    model: Model,
    *,
    kernels: str | KernelSet = "reference",
    custom: Mapping[str, Binder] | None = None,
    limits: Limits | None = None,
) -> Program:
    """A program that gives the executor's bits.

    Parameters
    ----------
    model : Model
        From `read_model`.
    kernels : str or KernelSet
        The kernel family whose bits are wanted.
    custom : mapping of custom code to binder, optional
        Kernels for custom operators.
    limits : Limits, optional

    Returns
    -------
    Program

    Raises
    ------
    UnsupportedError, InvalidModelError, LimitExceededError
        As `quantlib.run`.
    """
    plan = make_plan(model, kernels=kernels, custom=custom, limits=limits)
    return Program(plan, (model, kernels, custom, limits))


def _compile_again(
    model: Model,
    kernels: str | KernelSet,
    custom: Mapping[str, Binder] | None,
    limits: Limits | None,
) -> Program:
    return compile_model(model, kernels=kernels, custom=custom, limits=limits)
