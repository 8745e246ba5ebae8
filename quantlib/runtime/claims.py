"""What a kernel set does not claim of a model, and how far the family's own bits may lie from ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic.bounds import AnyOrder, Bound, Unknown
from quantlib.kernel_sets import KernelSet
from quantlib.model.graph import Model, Record
from quantlib.model.limits import Limits
from quantlib.ops import _registry
from quantlib.ops._node import Array
from quantlib.runtime.plan import Binder, Plan, Step, make_plan, run_step

__all__ = ["Unclaimed", "bound_shares", "unclaimed", "unclaimed_of"]


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """An operator whose bits a kernel set does not claim.

    Parameters
    ----------
    operator : int
        Its position in the main subgraph.
    operator_name : str
    outputs : tuple of int
        Tensors that it computes.
    tensor_name : str or None
        Of the first of them.
    bound : Bound
        Why, and how far the family's own result may lie from ours.
    """

    operator: int
    operator_name: str
    outputs: tuple[int, ...]
    tensor_name: str | None
    bound: Bound

    def __str__(self) -> str:
        where = f"{self.operator_name} #{self.operator} {self.tensor_name!r}"
        known = str(self.bound) if isinstance(self.bound, Unknown) else f"within {self.bound}"
        return f"{where}: not claimed, {self.bound.reason}; {known}"


def unclaimed(
    model: Model,
    *,
    kernels: str | KernelSet = "reference",
    custom: Mapping[str, Binder] | None = None,
    limits: Limits | None = None,
) -> tuple[Unclaimed, ...]:
    """Operators of a model whose bits a kernel family does not claim to be LiteRT's.

    They run nevertheless, with arithmetic as near as we know it. Whatever is computed from them is
    not claimed either.

    Parameters
    ----------
    model : Model
    kernels : str or KernelSet
    custom : mapping of custom code to binder, optional
    limits : Limits, optional

    Returns
    -------
    tuple of Unclaimed
        In the operators' order; empty where every bit is claimed.

    Raises
    ------
    UnsupportedError, InvalidModelError, LimitExceededError
        The model cannot be run.

    Examples
    --------
    >>> from quantlib.cli import digits
    >>> from quantlib.flatbuffer.read import read_model
    >>> unclaimed(read_model(digits.int8_model_path()), kernels="optimized")
    ()
    >>> for one in unclaimed(read_model(digits.float_model_path()), kernels="tflite-2.14/optimized"):
    ...     print(one.operator, one.operator_name, one.bound)
    1 CONV_2D 2 γ Σ|x·w|
    4 FULLY_CONNECTED 2 γ Σ|x·w|
    """
    return unclaimed_of(make_plan(model, kernels=kernels, custom=custom, limits=limits))


def unclaimed_of(plan: Plan) -> tuple[Unclaimed, ...]:
    """As `unclaimed`, of a plan that is made already."""
    tensors = plan.model.subgraphs[plan.subgraph_index].tensors
    return tuple(
        Unclaimed(
            step.node.position,
            step.node.operator,
            step.outputs,
            tensors[step.outputs[0]].name if step.outputs else None,
            step.node.bound,
        )
        for step in plan.steps
        if step.node.bound is not None
    )


def bound_shares(
    step: Step, inputs: tuple[Array | None, ...], ours: NDArray[Any], theirs: NDArray[Any]
) -> NDArray[np.float64]:
    """How much of what its bound allows a family's own result needs, element by element.

    Parameters
    ----------
    step : Step
        Whose bits are not claimed.
    inputs : tuple of ndarray or None
        What both results were computed from.
    ours, theirs : float arrays of one shape and dtype
        The step's first output.

    Returns
    -------
    float64 array
        Above 1 where the bound is broken: there they differ by more, or only one of them is a number.
        0 where the bits are equal and where the bound says nothing.
    """
    allowed = _allowed_difference(step, inputs, ours)
    with np.errstate(all="ignore"):
        distance = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        shares = np.where(distance > 0, distance / allowed, 0.0)
        one_nan = np.isnan(ours) != np.isnan(theirs)
    return np.where(np.isinf(allowed), 0.0, np.where(one_nan, np.inf, np.nan_to_num(shares, posinf=np.inf)))


def _allowed_difference(
    step: Step, inputs: tuple[Array | None, ...], ours: NDArray[Any]
) -> NDArray[np.float64]:
    bound = step.node.bound
    assert bound is not None
    if isinstance(bound, Unknown):
        return np.full(ours.shape, np.inf)
    if isinstance(bound, AnyOrder):
        magnitudes = _sum_of_magnitudes(step, inputs)
        return bound.allowed(magnitudes, _terms(inputs, magnitudes))
    x = inputs[0]
    assert x is not None
    return bound.allowed(ours, x)


def _sum_of_magnitudes(step: Step, inputs: tuple[Array | None, ...]) -> NDArray[np.float32]:
    """The reference kernel's sums for inputs without signs, before any activation."""
    options = step.node.options
    if options is not None:
        bare = (entry for entry in options.entries if entry[0] != "fused_activation_function")
        options = Record(options.table, tuple(bare))
    node = replace(step.node, options=options)
    entry = _registry.find(node, ("reference",))
    assert entry is not None
    positive = (abs(x) if x is not None and x.dtype.kind == "f" else x for x in inputs)
    (sums,) = run_step(replace(step, node=node, kernel=entry.bind(node)), tuple(positive))
    return sums


def _terms(inputs: tuple[Array | None, ...], sums: Array) -> int:
    """Terms of every sum: elements of one filter, or as many inputs as make one output."""
    x, second = inputs[0], inputs[1]
    assert x is not None
    if second is not None and second.dtype.kind == "f":
        return int(second[:1].size)
    return x.size // max(sums.size, 1)
