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

from quantlib.errors import InvalidInputError, QuantlibError
from quantlib.flatbuffer.save import replace_file, save_model
from quantlib.kernel_sets import names
from quantlib.model.graph import OPTIONAL
from quantlib.oracle.cut import open_inputs, single_operator
from quantlib.oracle.explain import Side, explain_element
from quantlib.oracle.tensor_comparison import TensorComparison
from quantlib.runtime.plan import Plan, Step, make_plan, run_step

__all__ = ["Comparison", "Evidence"]


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
            {} if their_kernel is not None else self._families(row, inputs, element),
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

    def _families(
        self, row: TensorComparison, inputs: tuple[NDArray[Any] | None, ...], element: tuple[int, ...]
    ) -> dict[str, float]:
        """What each kernel set that can run the operator gives at an element."""
        alone = single_operator(self.plan.model, row.operator)
        position = self.plan.steps[row.operator].outputs.index(row.tensor)
        answers = {}
        for name in names():
            try:
                (step,) = make_plan(alone, kernels=name).steps
                answers[name] = float(run_step(step, inputs)[position][element])
            except QuantlibError:
                continue
        return answers

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
