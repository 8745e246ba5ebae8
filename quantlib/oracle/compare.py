"""Where two engines part: every tensor of a model, ours against somebody else's.

Two questions are answered for every operator. *Accumulated*: does its output equal theirs, when
each engine works on its own values? *Isolated*: does it, when ours is given their inputs? The first
divergent operator is the first in the model's order whose output differs; if it also differs alone,
the difference is its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic.bounds import Unknown
from quantlib.errors import InvalidInputError, OracleError
from quantlib.flatbuffer.write import write_model
from quantlib.kernel_sets import KernelSet, kernel_set
from quantlib.model.graph import OPTIONAL, Model
from quantlib.model.limits import Limits
from quantlib.oracle.comparison import Comparison, Evidence
from quantlib.oracle.cut import exposed, is_unpacking
from quantlib.oracle.litert import LiteRT
from quantlib.oracle.tensor_comparison import TensorComparison
from quantlib.runtime.claims import bound_shares
from quantlib.runtime.execute import initial_variables, input_values
from quantlib.runtime.plan import Binder, Plan, Step, make_plan, run_step

__all__ = ["compare", "count_differing"]


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
    unpacked = _unpacked(plan, ours)
    known = {**plan.constants, **unpacked, **initial_variables(model, 0), **values, **theirs}
    rows: list[TensorComparison] = []
    unavailable: list[str] = []
    doubtful: set[int] = set()  # not claimed, or computed from what is not
    for number, step in enumerate(plan.steps):
        alone = _isolated(step, known)
        follows = not doubtful.isdisjoint(step.inputs)
        claimed = step.node.claimed and (their_plan is None or their_plan.steps[number].node.claimed)
        if follows or not claimed:
            doubtful.update(step.outputs)
        for position, index in enumerate(step.outputs):
            if index not in theirs:
                unavailable.append(model.subgraphs[0].tensors[index].name or str(index))
                continue
            result = None if alone is None else alone[position]
            row = _row(plan, step, index, ours[index], theirs[index], result)
            row = replace(row, claimed=claimed, follows_unclaimed=follows)
            bounded = not claimed and not isinstance(step.node.bound, Unknown)
            if result is not None and bounded and their_plan is None:
                row = _held_against_bound(row, step, known, result, theirs[index])
            rows.append(row)
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
    if family != "xnnpack":
        return dict(litert.run(write_model(model), arrays, kernels=family).tensors)
    # A delegate hides what it computes on the way; as an output of the model everything is shown.
    # The model's own outputs stay those of the model as it is: asking for more changes what is fused.
    own = litert.run(write_model(model), arrays, kernels=family, preserve_all_tensors=False)
    shown = litert.run(write_model(exposed(model)), arrays, kernels=family, preserve_all_tensors=False)
    tensors = {**shown.tensors, **own.tensors}
    for position, operator in enumerate(model.subgraphs[0].operators):
        for index in operator.outputs if is_unpacking(model, position) else ():
            tensors.pop(index, None)  # memory that nobody wrote, also where it is the model's output
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


def _unpacked(plan: Plan, ours: Mapping[int, NDArray[Any]]) -> dict[int, NDArray[Any]]:
    """What DEQUANTIZE makes of constants, which the other side may not show."""
    made = (step.outputs for step in plan.steps if is_unpacking(plan.model, step.node.position))
    return {index: ours[index] for outputs in made for index in outputs}


def _held_against_bound(
    row: TensorComparison,
    step: Step,
    known: Mapping[int, NDArray[Any]],
    alone: NDArray[Any],
    theirs: NDArray[Any],
) -> TensorComparison:
    """The row, with how much of its bound a result that is not claimed needs."""
    if alone.shape != theirs.shape or alone.dtype != theirs.dtype:
        return replace(row, bound=str(step.node.bound), bound_share=np.inf, beyond_bound=alone.size)
    inputs = tuple(None if index == OPTIONAL else known[index] for index in step.inputs)
    shares = bound_shares(step, inputs, alone, theirs)
    return replace(
        row,
        bound=str(step.node.bound),
        bound_share=float(shares.max(initial=0.0)),
        beyond_bound=int(np.count_nonzero(shares > 1)),
    )


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
