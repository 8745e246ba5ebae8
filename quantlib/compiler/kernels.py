"""Operators without a faster form: the executor's own kernel inside a program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.compiler.bench import Bench
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.part import Part, Unfit
from quantlib.compiler.storage import are_codes
from quantlib.model.graph import OPTIONAL
from quantlib.ops._node import Array
from quantlib.ops._runs import InBlocks
from quantlib.runtime.plan import Step, run_step

__all__ = ["KernelPart", "kernel_part"]


_SAMPLE_BY_SAMPLE = (
    "AVERAGE_POOL_2D",
    "DEPTH_TO_SPACE",
    "DEQUANTIZE",
    "MAX_POOL_2D",
    "MEAN",
    "QUANTIZE",
    "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR",
    "SPACE_TO_DEPTH",
)
"""Operators on codes that make the same of samples together as of each alone, if they keep them apart."""


@dataclass(frozen=True, slots=True, eq=False)
class KernelPart(Part):
    """The kernel on one batch of the file's size after the other, and copies of what it gives.

    Parameters
    ----------
    mixes : bool
        Whether it might make something else of several at once.
    """

    mixes: bool

    @property
    def counts_elements(self) -> bool:
        """Whether it makes something else of several samples at once than of each alone."""
        return self.mixes

    def bind(self, bench: Bench) -> None:
        """Read and write elements as the file has them."""
        step = self.step
        arrays = tuple(None if index == OPTIONAL else bench.raw(index) for index in step.inputs)
        results = tuple(bench.new_raw(index) for index in step.outputs)
        batches = _batches(step, bench)
        if batches == 1:
            bench.lay(_run, step, arrays, results)
            return
        moving = [index != OPTIONAL and not bench.is_constant(index) for index in step.inputs]
        for batch in range(batches):
            given = tuple(
                _part_of(array, batch, batches) if moves and array is not None else array
                for array, moves in zip(arrays, moving, strict=True)
            )
            bench.lay(_run, step, given, tuple(_part_of(result, batch, batches) for result in results))


def _batches(step: Step, bench: Bench) -> int:
    """How many of the file's batches are in the arrays."""
    for value in step.node.outputs:
        if value.shape and value.shape[0]:
            return bench.shape(value.index)[0] // value.shape[0]
    return 1


def _part_of(array: Array, batch: int, batches: int) -> Array:
    size = array.shape[0] // batches
    return array[batch * size : (batch + 1) * size]


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
    certificate = Certificate.of(step.node, "kernel", "the executor's own")
    return KernelPart(step, certificate, is_per_sample=True, mixes=_might_mix(step))


def _might_mix(step: Step) -> bool:
    """Whether samples together might come out otherwise than alone."""
    node = step.node
    if step.is_custom or node.operator not in _SAMPLE_BY_SAMPLE or isinstance(step.kernel, InBlocks):
        return True
    x, y = node.inputs[0], node.outputs[0]
    if x is None or any(other is not None and other.constant is None for other in node.inputs[1:]):
        return True
    has_codes = are_codes(y.tensor) or node.operator == "DEQUANTIZE"
    if not (has_codes and (are_codes(x.tensor) or node.operator == "QUANTIZE")):
        return True
    if any(one.is_per_axis and one.quantized_dimension == 0 for one in (x, y)):
        return True
    if node.operator == "MEAN":
        axis = node.input(1).constant
        return axis is None or bool(np.any(axis % max(len(x.shape), 1) == 0))
    return False
