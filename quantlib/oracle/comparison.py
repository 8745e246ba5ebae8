"""What a comparison found: tensor by tensor, where it began, and why."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.save import replace_file, save_model
from quantlib.model.graph import OPTIONAL
from quantlib.oracle.cut import open_inputs, single_operator
from quantlib.oracle.explain import Side, explain_element
from quantlib.runtime.plan import Plan, Step, run_step

__all__ = ["Comparison", "Evidence", "TensorComparison"]


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
    claimed : bool
        Whether our kernel set claims the bits of this operator (`KernelSet.unclaimed`).
    bound : str
        How far the family's own result may lie from ours where they are not claimed, in words.
    bound_share : float, optional
        Of a result that is not claimed: the largest difference on their inputs as a share of what the
        bound allows there; None where nothing was there to check.
    beyond_bound : int
        Elements that differ by more.
    follows_unclaimed : bool
        Whether the tensor is computed from one that is not claimed.
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
    claimed: bool = True
    bound: str = ""
    bound_share: float | None = None
    beyond_bound: int = 0
    follows_unclaimed: bool = False

    @property
    def breaks_claim(self) -> bool:
        """Whether the operator itself differs, by more than is said of it.

        Where the other side's inputs are not known, a tensor that follows one that is not claimed gets
        the benefit of the doubt.
        """
        if not self.claimed:
            return self.beyond_bound > 0
        if self.isolated_differing is None:
            return self.differing > 0 and not self.follows_unclaimed
        return self.isolated_differing > 0

    @property
    def _claim(self) -> str:
        if self.claimed:
            return "; follows what is not claimed" if self.follows_unclaimed else ""
        if self.bound_share is None:
            return "; not claimed"
        if self.beyond_bound:
            return f"; not claimed, {self.beyond_bound} beyond the bound of {self.bound}"
        return f"; not claimed, within {self.bound_share:.2g} of the bound of {self.bound}"

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
        counted = (
            f"{self.differing} of {self.elements} differ, max {self.maximum_difference:g}{alone}{self._claim}"
        )
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
    def as_claimed(self) -> bool:
        """Whether nothing differs but what is not claimed, within its bound, and what follows from it."""
        return not any(one.breaks_claim for one in self.tensors)

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
        lines = [f"{heading}, {self.differing} differ", f"first divergence: {self.first_divergence}"]
        broken = [one for one in self.tensors if one.breaks_claim]
        if not broken:
            lines.append("all of it not claimed and within bounds, or computed from that")
        elif broken[0] is not self.first_divergence:
            lines.append(f"first divergence from what is claimed: {broken[0]}")
        return "\n".join(lines)
