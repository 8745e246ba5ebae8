"""Operators without a faster form: the executor's own kernel inside a program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.compiler.bench import Bench
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.part import Part, Unfit
from quantlib.model.graph import OPTIONAL
from quantlib.ops._node import Array
from quantlib.runtime.plan import Step, run_step

__all__ = ["KernelPart", "kernel_part"]


@dataclass(frozen=True, slots=True, eq=False)
class KernelPart(Part):
    """The kernel, and copies of what it gives."""

    def bind(self, bench: Bench) -> None:
        """Read and write elements as the file has them."""
        arrays = tuple(None if index == OPTIONAL else bench.raw(index) for index in self.step.inputs)
        results = tuple(bench.new_raw(index) for index in self.step.outputs)
        bench.lay(_run, self.step, arrays, results)


def _run(step: Step, arrays: tuple[Array | None, ...], results: tuple[Array, ...]) -> None:
    for place, result in zip(results, run_step(step, arrays), strict=True):
        if place.shape != result.shape or place.dtype != result.dtype:
            raise Unfit(f"{step.node.operator} gives {result.shape}, not {place.shape}")
        np.copyto(place, result)


def kernel_part(step: Step) -> KernelPart:
    """The part of any step.

    Parameters
    ----------
    step : Step
    """
    node = step.node
    name = (node.outputs[0].tensor.name if node.outputs else None) or ""
    certificate = Certificate(node.position, node.operator, name, "kernel", "the executor's own")
    return KernelPart(step, certificate, is_per_sample=False)
