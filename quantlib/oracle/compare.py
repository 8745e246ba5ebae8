"""Where two engines part: every tensor of a model, ours against somebody else's.

Two questions are answered for every operator. *Accumulated*: does its output equal theirs, when
each engine works on its own values? *Isolated*: does it, when ours is given their inputs? The first
divergent operator is the first in the model's order whose output differs; if it also differs alone,
the difference is its own.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.errors import InvalidInputError, OracleError
from quantlib.flatbuffer.save import replace_file, save_model
from quantlib.flatbuffer.write import write_model
from quantlib.kernel_sets import KernelSet, kernel_set
from quantlib.model.graph import OPTIONAL, Model
from quantlib.model.limits import Limits
from quantlib.oracle.cut import exposed, open_inputs, single_operator
from quantlib.oracle.explain import Side, explain_element
from quantlib.oracle.litert import LiteRT
from quantlib.runtime.execute import initial_variables, input_values
from quantlib.runtime.plan import Binder, Plan, Step, make_plan, run_step

__all__ = ["Comparison", "Evidence", "TensorComparison", "compare", "count_differing"]


@dataclass(frozen=True, slots=True)
class TensorComparison:
    """One tensor, ours and theirs.

    Parameters
    ----------
    operator : int
        Position of the operator that produced it.
    operator_name : str
    tensor : int
    tensor_name : str or None
    dtype : str
    elements : int
        Compared.
    differing : int
        Of these, not the same bits.
    maximum_difference : float
        Largest absolute difference, in the tensor's own units.
    first_index : tuple of int, optional
        Where the first difference is.
    ours, theirs : float, optional
        The two values there.
    isolated_differing : int, optional
        As `differing`, when our operator is given their inputs; None where one of these is unknown.
    """

    operator: int
    operator_name: str
    tensor: int
    tensor_name: str | None
    dtype: str
    elements: int
    differing: int
    maximum_difference: float = 0.0
    first_index: tuple[int, ...] | None = None
    ours: float | None = None
    theirs: float | None = None
    isolated_differing: int | None = None

    def __str__(self) -> str:
        where = f"{self.operator_name} #{self.operator} {self.tensor_name!r}"
        if not self.differing:
            return f"{where}: {self.elements} elements equal"
        at = (
            ""
            if self.first_index is None
            else f" {list(self.first_index)}: ours {self.ours}, theirs {self.theirs}"
        )
        alone = {None: "", 0: "; agrees on their inputs"}.get(
            self.isolated_differing, "; differs on their inputs"
        )
        counted = f"{self.differing} of {self.elements} differ, max {self.maximum_difference:g}{alone}"
        return f"{where}{at} ({counted})"


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a comparison was made from.

    Parameters
    ----------
    plan : Plan
        Ours.
    their_plan : Plan, optional
        Theirs, where the other side is a kernel set of ours.
    against : str
        The other side's name.
    ours, known : mapping of tensor index to ndarray
        Our values; and theirs, with constants and inputs.
    """

    plan: Plan
    their_plan: Plan | None
    against: str
    ours: Mapping[int, NDArray[Any]]
    known: Mapping[int, NDArray[Any]]

    def explain(self, row: TensorComparison, element: tuple[int, ...]) -> str:
        """`Comparison.explain` for a row and an element of it."""
        step = self.plan.steps[row.operator]
        value = self.ours[row.tensor]
        if len(element) != value.ndim or not all(
            0 <= i < n for i, n in zip(element, value.shape, strict=True)
        ):
            raise InvalidInputError("element", element, f"an index into shape {value.shape}")
        inputs, alone = self._inputs(step)
        mine = run_step(step, inputs)[step.outputs.index(row.tensor)]
        theirs = self.known[row.tensor]
        their_kernel = None if self.their_plan is None else self.their_plan.steps[row.operator].kernel
        text = explain_element(
            inputs,
            element,
            Side(self.plan.kernels.name, step.node, step.kernel, float(mine[element])),
            Side(self.against, None, their_kernel, float(theirs[element])),
        )
        return text if alone else f"{text}\n  (on our inputs: theirs are not all known)"

    def write_reproducer(self, row: TensorComparison, directory: Path) -> Path:
        """`Comparison.reproducer` for a row."""
        step = self.plan.steps[row.operator]
        model = single_operator(self.plan.model, row.operator)
        inputs, _ = self._inputs(step)
        tensors = model.subgraphs[0].tensors
        given = dict(zip(step.inputs, inputs, strict=True))
        arrays = {
            tensors[index].name or f"tensor_{index}": given[original]
            for index, original in zip(
                model.subgraphs[0].inputs, open_inputs(self.plan.model, row.operator), strict=True
            )
        }
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{row.operator:03}_{row.operator_name.lower()}.tflite"
        save_model(model, path)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        replace_file(path.with_suffix(".npz"), buffer.getvalue())
        return path

    def _inputs(self, step: Step) -> tuple[tuple[NDArray[Any] | None, ...], bool]:
        """Their inputs of an operator where known, else ours; and which it was."""
        alone = all(index == OPTIONAL or index in self.known for index in step.inputs)
        source = self.known if alone else self.ours
        return tuple(None if index == OPTIONAL else source[index] for index in step.inputs), alone


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole model, ours against theirs.

    Parameters
    ----------
    kernels, against : str
        Who was compared.
    tensors : tuple of TensorComparison
        In the order of the operators.
    unavailable : tuple of str
        Tensors the other side does not show, by name or index.
    evidence : Evidence, optional
        What `explain` and `reproducer` work from.
    """

    kernels: str
    against: str
    tensors: tuple[TensorComparison, ...]
    unavailable: tuple[str, ...] = ()
    evidence: Evidence | None = field(default=None, repr=False, compare=False)

    @property
    def equal(self) -> bool:
        """Whether every compared element is the same, bit for bit."""
        return not any(one.differing for one in self.tensors)

    @property
    def elements(self) -> int:
        """Elements compared."""
        return sum(one.elements for one in self.tensors)

    @property
    def differing(self) -> int:
        """Elements that differ."""
        return sum(one.differing for one in self.tensors)

    @property
    def first_divergence(self) -> TensorComparison | None:
        """The first tensor, in the operators' order, that differs."""
        return next((one for one in self.tensors if one.differing), None)

    def explain(self, tensor: int | None = None, element: Sequence[int] | None = None) -> str:
        """Why an element differs: accumulator, multiplier, every rounding step on both sides.

        Parameters
        ----------
        tensor : int, optional
            Index of a compared tensor; the first divergence's if None.
        element : sequence of int, optional
            Index into it; its first difference if None.

        Returns
        -------
        str
            Lines of text.

        Raises
        ------
        InvalidInputError
            No such tensor was compared, or an element outside of it.
        """
        row = self._row(tensor)
        if row is None or self.evidence is None:
            return f"{self.kernels} and {self.against} agree on all {self.elements} elements"
        return self.evidence.explain(row, tuple((row.first_index or ()) if element is None else element))

    def reproducer(self, directory: str | os.PathLike[str], tensor: int | None = None) -> Path:
        """Write a model of one operator, and inputs for it, that still show a difference.

        Parameters
        ----------
        directory : str or os.PathLike
            Made if it is not there. Holds ``<operator>.tflite`` and ``<operator>.npz`` afterwards.
        tensor : int, optional
            As for `explain`.

        Returns
        -------
        Path
            Of the .tflite file.

        Raises
        ------
        InvalidInputError
            Nothing differs, or no such tensor was compared.
        """
        row = self._row(tensor)
        if row is None or self.evidence is None:
            raise InvalidInputError("tensor", "no difference", "a comparison that differs")
        return self.evidence.write_reproducer(row, Path(directory))

    def _row(self, tensor: int | None) -> TensorComparison | None:
        if tensor is None:
            alone = (row for row in self.tensors if row.isolated_differing)
            return next(alone, None) or self.first_divergence
        for row in self.tensors:
            if row.tensor == tensor:
                return row
        raise InvalidInputError("tensor", tensor, "a tensor that was compared")

    def __str__(self) -> str:
        heading = (
            f"{self.kernels} against {self.against}: {len(self.tensors)} tensors, {self.elements} elements"
        )
        if self.equal:
            return f"{heading}, all equal"
        return f"{heading}, {self.differing} differ\nfirst divergence: {self.first_divergence}"


def compare(
    model: Model,
    *inputs: ArrayLike | Mapping[str, ArrayLike],
    kernels: str | KernelSet = "reference",
    against: str | KernelSet | Mapping[Any, ArrayLike] = "litert",
    litert: LiteRT | None = None,
    custom: Mapping[str, Binder] | None = None,
    limits: Limits | None = None,
) -> Comparison:
    """Every tensor of a model, ours against theirs.

    Parameters
    ----------
    model : Model
    *inputs : array_like
        As for `quantlib.run`.
    kernels : str or KernelSet
        Our side.
    against : {"litert"}, str, KernelSet or mapping
        LiteRT's kernels of the same family (needs the extra ``litert``), another kernel set of
        ours, or values from elsewhere by tensor name or index (a board's dump, an opened .npz).
    litert : LiteRT, optional
        A running child process to use; else one is started and ended.
    custom : mapping of custom code to binder, optional
    limits : Limits, optional

    Returns
    -------
    Comparison

    Raises
    ------
    OracleError
        LiteRT refused the model, died, or is not installed.
    InvalidInputError, UnsupportedError, InvalidModelError, LimitExceededError
        As `quantlib.run`.
    """
    chosen = kernel_set(kernels)
    plan = make_plan(model, kernels=chosen, custom=custom, limits=limits)
    values = input_values(model, inputs)
    ours = plan.run({**initial_variables(model, 0), **values}, keep_all=True)
    other = None if against == "litert" or isinstance(against, Mapping) else kernel_set(against)
    their_plan = None if other is None else make_plan(model, kernels=other, custom=custom, limits=limits)
    if their_plan is not None:
        name = their_plan.kernels.name
        theirs = their_plan.run({**initial_variables(model, 0), **values}, keep_all=True)
    else:
        theirs, name = _their_values(model, values, chosen, against, litert)
    known = {**plan.constants, **initial_variables(model, 0), **values, **theirs}
    rows: list[TensorComparison] = []
    unavailable: list[str] = []
    for step in plan.steps:
        alone = _isolated(step, known)
        for position, index in enumerate(step.outputs):
            if index not in theirs:
                unavailable.append(model.subgraphs[0].tensors[index].name or str(index))
                continue
            result = None if alone is None else alone[position]
            rows.append(_row(plan, step, index, ours[index], theirs[index], result))
    evidence = Evidence(plan, their_plan, name, MappingProxyType(ours), MappingProxyType(known))
    return Comparison(chosen.name, name, tuple(rows), tuple(unavailable), evidence)


def count_differing(ours: NDArray[Any], theirs: NDArray[Any]) -> int:
    """Number of elements that are not the same bits; any NaN equals any NaN.

    Arrays of different shape or dtype differ in every element.

    Examples
    --------
    >>> count_differing(np.array([0.0, np.nan], np.float32), np.array([-0.0, np.nan], np.float32))
    1
    >>> count_differing(np.array([complex(1, np.nan), 1]), np.array([complex(1, np.nan), complex(1, -0.0)]))
    1
    """
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return max(ours.size, theirs.size, 1)
    return int(np.count_nonzero(_different(ours, theirs)))


def _different(ours: NDArray[Any], theirs: NDArray[Any]) -> NDArray[np.bool_]:
    if ours.dtype.kind == "c":
        return _different(ours.real, theirs.real) | _different(ours.imag, theirs.imag)
    same = ours == theirs
    if ours.dtype.kind == "f":
        same = (same & (np.signbit(ours) == np.signbit(theirs))) | (np.isnan(ours) & np.isnan(theirs))
    return np.asarray(~same, np.bool_)


def _their_values(
    model: Model,
    values: Mapping[int, NDArray[Any]],
    chosen: KernelSet,
    against: object,
    litert: LiteRT | None,
) -> tuple[dict[int, NDArray[Any]], str]:
    if isinstance(against, Mapping):
        return _named_values(model, against), "given values"
    arrays = [values[index] for index in model.subgraphs[0].inputs]
    if litert is not None:
        return _from_litert(model, arrays, chosen.family, litert), "litert"
    with LiteRT() as started:
        return _from_litert(model, arrays, chosen.family, started), "litert"


def _from_litert(
    model: Model, arrays: Sequence[NDArray[Any]], family: str, litert: LiteRT
) -> dict[int, NDArray[Any]]:
    try:
        return _run_litert(model, arrays, family, litert)
    except OracleError as error:
        if "quantized_dimension" not in str(error):
            raise
        return _run_litert(_with_small_axes(model), arrays, family, litert)


def _run_litert(
    model: Model, arrays: Sequence[NDArray[Any]], family: str, litert: LiteRT
) -> dict[int, NDArray[Any]]:
    tensors = dict(litert.run(write_model(model), arrays, kernels=family).tensors)
    if family == "xnnpack":
        # A delegate hides what it computes on the way; as an output of the model everything is shown.
        # The model's own outputs stay those of the model as it is.
        outputs = {index: tensors[index] for index in model.subgraphs[0].outputs}
        shown = litert.run(write_model(exposed(model)), arrays, kernels=family, preserve_all_tensors=False)
        tensors = {**shown.tensors, **outputs}
    return tensors


def _with_small_axes(model: Model) -> Model:
    """The model with every quantized_dimension that its tensor does not have replaced by 0.

    LiteRT refuses such files (the published person_detect is one); TFLM and we run them.
    """
    subgraphs = []
    for subgraph in model.subgraphs:
        tensors = tuple(
            replace(tensor, quantization=replace(tensor.quantization, quantized_dimension=0))
            if tensor.quantization is not None
            and tensor.quantization.quantized_dimension >= len(tensor.shape)
            else tensor
            for tensor in subgraph.tensors
        )
        subgraphs.append(replace(subgraph, tensors=tensors))
    return replace(model, subgraphs=tuple(subgraphs))


def _named_values(model: Model, given: Mapping[Any, ArrayLike]) -> dict[int, NDArray[Any]]:
    tensors = model.subgraphs[0].tensors
    by_name = {tensor.name: index for index, tensor in enumerate(tensors) if tensor.name is not None}
    found: dict[int, NDArray[Any]] = {}
    for key, value in given.items():
        index = by_name.get(key, key)
        if isinstance(index, str) and index.isdigit():
            index = int(index)
        if not isinstance(index, int) or not 0 <= index < len(tensors):
            raise InvalidInputError("against", repr(key), "names or indices of the model's tensors")
        found[index] = np.asarray(value)
    return found


def _isolated(step: Step, known: Mapping[int, NDArray[Any]]) -> tuple[NDArray[Any], ...] | None:
    """Our operator on their inputs, or None where one of these is not known."""
    if any(index != OPTIONAL and index not in known for index in step.inputs):
        return None
    return run_step(step, tuple(None if index == OPTIONAL else known[index] for index in step.inputs))


def _row(
    plan: Plan,
    step: Step,
    index: int,
    ours: NDArray[Any],
    theirs: NDArray[Any],
    alone: NDArray[Any] | None,
) -> TensorComparison:
    row = TensorComparison(
        operator=step.node.position,
        operator_name=step.node.operator,
        tensor=index,
        tensor_name=plan.model.subgraphs[0].tensors[index].name,
        dtype=str(ours.dtype),
        elements=int(ours.size),
        differing=count_differing(ours, theirs),
        isolated_differing=None if alone is None else count_differing(alone, theirs),
    )
    if not row.differing or ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return row
    where = tuple(int(i) for i in np.argwhere(_different(ours, theirs))[0])
    with np.errstate(all="ignore"):
        distance = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    largest = distance[~np.isnan(distance)].max(initial=0.0)
    return replace(
        row,
        maximum_difference=float(largest),
        first_index=where,
        ours=float(ours[where]),
        theirs=float(theirs[where]),
    )
