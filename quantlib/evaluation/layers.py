"""Where a quantized model loses precision, layer by layer.

Operators of the two models are paired in order, conversions (QUANTIZE, DEQUANTIZE) left out, so that
names need not agree. Each layer's error is told twice: *isolated*, when it is fed the float model's
own values, and *accumulated*, as it comes out of a whole run. A layer that is bad by itself shows in
the first; one that only passes on what came in, in the second alone.
"""

from __future__ import annotations

import glob
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidInputError
from quantlib.evaluation.distance import Distance, DistanceSums
from quantlib.evaluation.reals import Samples, as_reals, as_stored, input_values, sample_arrays
from quantlib.evaluation.tables import as_csv, as_json, as_text
from quantlib.kernel_sets import KernelSet
from quantlib.model.graph import OPTIONAL, Model, TensorType
from quantlib.runtime.execute import initial_variables
from quantlib.runtime.plan import Binder, Plan, Step, make_plan, run_step

__all__ = ["LayerError", "LayerErrors", "layer_errors"]

CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE"})
"""Operators that only change how numbers are stored."""

CONSPICUOUS_DB = 6.0
"""A layer this far below the median, a factor of 2 in the error, is worth a look,"""

GOOD_DB = 40.0
"""unless it is above this: an error of 1 % of the signal."""

POOR_DB = 20.0
"""Below this, an error of 10 %, a layer is worth a look whatever the others are like."""


@dataclass(frozen=True, slots=True)
class LayerError:
    """One output of one operator.

    Parameters
    ----------
    position : int
        Of the operator in the quantized model.
    operator : str
    tensor : str
        Name of the output in the float model, or its index where it has none.
    isolated, accumulated : Distance
    """

    position: int
    operator: str
    tensor: str
    isolated: Distance
    accumulated: Distance


@dataclass(frozen=True, slots=True)
class LayerErrors:
    """Every layer, the worst by itself first; prints as a table.

    Parameters
    ----------
    samples : int
    rows : tuple of LayerError
    """

    samples: int
    rows: tuple[LayerError, ...]

    def suggestions(self, count: int = 3) -> tuple[str, ...]:
        """Layers to try in float first, as patterns for `quantize_model(..., keep_float=...)`.

        Those whose isolated error is above 10 % of the signal, or above 1 % and at least twice that
        of the median layer.

        Parameters
        ----------
        count : int
            At most so many.
        """
        known = [row.isolated.sqnr_db for row in self.rows if not math.isnan(row.isolated.sqnr_db)]
        if not known:
            return ()
        limit = max(min(statistics.median(known) - CONSPICUOUS_DB, GOOD_DB), POOR_DB)
        bad = [row.tensor for row in self.rows if row.isolated.sqnr_db <= limit]
        return tuple(glob.escape(tensor) for tensor in bad[:count])

    def __str__(self) -> str:
        formats = {
            "position": "d",
            "operator": "",
            "isolated_db": ".1f",
            "accumulated_db": ".1f",
            "isolated_largest": ".4g",
            "accumulated_largest": ".4g",
            "tensor": "",
        }
        rows = [
            {
                "position": row.position,
                "operator": row.operator,
                "isolated_db": row.isolated.sqnr_db,
                "accumulated_db": row.accumulated.sqnr_db,
                "isolated_largest": row.isolated.largest_difference,
                "accumulated_largest": row.accumulated.largest_difference,
                "tensor": row.tensor,
            }
            for row in self.rows
        ]
        tried = ", ".join(map(repr, self.suggestions()))
        advice = f"to keep in float first: {tried}" if tried else "no layer stands out"
        return f"{as_text(rows, formats)}\n{self.samples} samples; {advice}"

    def to_json(self) -> str:
        """The layers and the suggestions as JSON."""
        rows = [asdict(row) for row in self.rows]
        return as_json({"samples": self.samples, "layers": rows, "suggestions": self.suggestions()})

    def to_csv(self) -> str:
        """A head line, and a line per layer."""
        return as_csv([asdict(row) for row in self.rows])


def layer_errors(
    reference: Model,
    model: Model,
    samples: Samples,
    *,
    kernels: str | KernelSet = "reference",
    custom: Mapping[str, Binder] | None = None,
    progress: Callable[[int], None] | None = None,
) -> LayerErrors:
    """The error of every layer of a quantized model, by itself and accumulated.

    Parameters
    ----------
    reference : Model
        In float.
    model : Model
        Made of it, by our quantizer or TensorFlow's.
    samples : array (samples, ...) or iterable of samples
        As `evaluate` takes them.
    kernels : str or KernelSet
    custom : mapping of custom code to binder, optional
    progress : callable, optional
        Called with the number of samples done so far.

    Returns
    -------
    LayerErrors
        Of every operator whose output is float32 in the reference.

    Raises
    ------
    InvalidInputError
        No samples, samples that do not fit, or models whose operators do not correspond.
    """
    wanted_plan, plan = (make_plan(each, kernels=kernels, custom=custom) for each in (reference, model))
    pairs = _pairs(wanted_plan, plan)
    partner = _partners(wanted_plan, plan, pairs)
    sums: dict[tuple[int, int], tuple[DistanceSums, DistanceSums]] = {}
    done = 0
    for number, sample in enumerate(sample_arrays(samples)):
        wanted, found = (_values(each, sample, number) for each in (wanted_plan, plan))
        for theirs, step in pairs:
            fed = _fed(plan, step, partner, wanted, found)
            results = run_step(step, fed)
            for place, (at, index) in enumerate(zip(theirs.outputs, step.outputs, strict=True)):
                if reference.subgraphs[0].tensors[at].type is not TensorType.FLOAT32:
                    continue
                tensor = model.subgraphs[0].tensors[index]
                real = wanted[at].astype(np.float64)
                both = sums.setdefault((step.node.position, place), (DistanceSums(), DistanceSums()))
                for each, value in zip(both, (results[place], found[index]), strict=True):
                    each.add(real, as_reals(tensor, value))
        done += 1
        if progress is not None:
            progress(done)
    if not done:
        raise InvalidInputError("samples", "no samples", "at least one")
    rows = [
        LayerError(
            step.node.position,
            step.node.operator,
            reference.subgraphs[0].tensors[at].name or str(at),
            *(each.distance() for each in sums[step.node.position, place]),
        )
        for theirs, step in pairs
        for place, at in enumerate(theirs.outputs)
        if (step.node.position, place) in sums
    ]
    return LayerErrors(done, tuple(sorted(rows, key=lambda row: row.isolated.sqnr_db)))


def _pairs(reference: Plan, plan: Plan) -> list[tuple[Step, Step]]:
    """Operators that correspond, in order."""
    ours, theirs = (
        [step for step in each.steps if step.node.operator not in CONVERSIONS] for each in (plan, reference)
    )
    for place in range(max(len(ours), len(theirs))):
        found, wanted = (
            each[place].node.operator if place < len(each) else "no operator" for each in (ours, theirs)
        )
        if found != wanted:
            raise InvalidInputError("model", f"{found} as operator {place}", f"{wanted}, as in the reference")
    return list(zip(theirs, ours, strict=True))


def _partners(reference: Plan, plan: Plan, pairs: list[tuple[Step, Step]]) -> dict[int, int]:
    """The reference's tensor for each of the model's that stands for the same numbers."""
    ends = (each.model.subgraphs[0].inputs for each in (plan, reference))
    partner = dict(zip(*ends, strict=True))
    by_step = {step.node.position: theirs for theirs, step in pairs}
    for step in plan.steps:
        theirs = by_step.get(step.node.position)
        if theirs is not None:
            partner.update(zip(step.outputs, theirs.outputs, strict=True))
        elif step.inputs[0] in partner:
            partner[step.outputs[0]] = partner[step.inputs[0]]
    return partner


def _values(plan: Plan, sample: Any, number: int) -> dict[int, NDArray[Any]]:
    """Every tensor of one run."""
    given = input_values(plan.model, sample, number)
    return plan.run({**initial_variables(plan.model, 0), **given}, keep_all=True)


def _fed(
    plan: Plan,
    step: Step,
    partner: Mapping[int, int],
    wanted: Mapping[int, NDArray[Any]],
    found: Mapping[int, NDArray[Any]],
) -> tuple[NDArray[Any] | None, ...]:
    """A layer's inputs: the reference's values, stored as the layer takes them."""
    tensors = plan.model.subgraphs[0].tensors
    fed: list[NDArray[Any] | None] = []
    for index in step.inputs:
        if index == OPTIONAL:
            fed.append(None)
        elif index in partner and index not in plan.constants:
            fed.append(as_stored(tensors[index], wanted[partner[index]]))
        else:
            fed.append(found[index])
    return tuple(fed)
