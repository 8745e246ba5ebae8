"""Operators that move codes without looking at them: RESHAPE and its kind, PAD, CONCATENATION."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from quantlib.compiler.bench import Bench
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.lowering import Lowering, lowers
from quantlib.compiler.part import Part, Unfit, keeps_samples
from quantlib.errors import QuantlibError
from quantlib.model.graph import OPTIONAL
from quantlib.ops._node import Array
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.ops.pad import padding_element
from quantlib.runtime.plan import Step, run_step

__all__ = ["JoinPart", "PadPart", "ViewPart"]


@dataclass(frozen=True, slots=True, eq=False)
class ViewPart(Part):
    """The same codes in the same order, in another shape.

    Parameters
    ----------
    regroups : bool
        Whether the operator would not keep two samples apart along the first axis.
    """

    regroups: bool

    @property
    def counts_elements(self) -> bool:
        """Samples may end up along another axis."""
        return self.regroups

    def bind(self, bench: Bench) -> None:
        """The same memory."""
        source, index = self.step.inputs[0], self.step.outputs[0]
        if np.prod(bench.shape(source)) != np.prod(bench.shape(index)):
            raise Unfit("another number of elements")
        bench.reshape(index, source)


@dataclass(frozen=True, slots=True, eq=False)
class PadPart(Part):
    """Codes with one code around them.

    Parameters
    ----------
    around : tuple of (int, int)
        Elements before the first and after the last, along every axis.
    fill : int
        The stored code around.
    """

    around: tuple[tuple[int, int], ...]
    fill: int

    def bind(self, bench: Bench) -> None:
        """Fill, then copy."""
        x, index = bench.stored(self.step.inputs[0]), self.step.outputs[0]
        shape = bench.shape(index)
        inside = tuple(
            slice(before, before + extent) for (before, _), extent in zip(self.around, x.shape, strict=True)
        )
        ends = tuple(place.stop + after for place, (_, after) in zip(inside, self.around, strict=True))
        if ends != shape:
            raise Unfit("another shape")
        y = bench.new_codes(index)
        bench.lay(y.fill, np.float32(self.fill))
        bench.lay(np.copyto, y[inside], x)


@dataclass(frozen=True, slots=True, eq=False)
class JoinPart(Part):
    """Codes of several tensors side by side.

    Parameters
    ----------
    axis : int
    moved : tuple of int
        What is added to each input's stored codes.
    """

    axis: int
    moved: tuple[int, ...]

    def bind(self, bench: Bench) -> None:
        """Copy each to its place."""
        index = self.step.outputs[0]
        sources = [bench.stored(one) for one in self.step.inputs]
        shape = bench.shape(index)
        around = {(*one.shape[: self.axis], *one.shape[self.axis + 1 :]) for one in sources}
        if around != {(*shape[: self.axis], *shape[self.axis + 1 :])} or shape[self.axis] != sum(
            one.shape[self.axis] for one in sources
        ):
            raise Unfit("another shape")
        y = bench.new_codes(index)
        begin = 0
        for source, moved in zip(sources, self.moved, strict=True):
            end = begin + source.shape[self.axis]
            place = y[(slice(None),) * self.axis + (slice(begin, end),)]
            begin = end
            if moved:
                bench.lay(np.add, source, np.array(moved, np.float32), place)
            else:
                bench.lay(np.copyto, place, source)


@lowers("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def view(lowering: Lowering, step: Step) -> Part | None:
    """The part for a shape that does not depend on what is computed."""
    x, y = step.inputs[0], step.outputs[0]
    others = [value for value in step.node.inputs[1:] if value is not None]
    if not (lowering.has_codes(x) and lowering.has_codes(y)) or any(one.constant is None for one in others):
        return None
    given, made = step.node.input(0), step.node.output()
    constants = tuple(None if one is None else one.constant for one in step.node.inputs[1:])
    (result,) = run_step(step, (np.zeros(given.shape, given.dtype), *constants))
    if result.shape != made.shape:
        return None
    codes = lowering.codes(x)
    lowering.set(y, replace(codes, zero_point=made.zero_point))
    per_sample = keeps_samples(step)
    regroups = per_sample and _regroups(step, constants, given.shape, made.shape)
    return ViewPart(step, Certificate.of(step.node, "view", "the same memory"), per_sample, regroups)


def _regroups(
    step: Step, constants: tuple[Array | None, ...], given: tuple[int, ...], made: tuple[int, ...]
) -> bool:
    """Whether two samples come out in another shape than one after the other; not if they are refused."""
    two = np.zeros((2 * given[0], *given[1:]), step.node.input(0).dtype)
    try:
        (result,) = run_step(step, (two, *constants))
    except QuantlibError:
        return False
    return result.shape != (2 * made[0], *made[1:])


@lowers("PAD", "PADV2")
def pad(lowering: Lowering, step: Step) -> Part | None:
    """The part for constant paddings."""
    node = step.node
    x, y = step.inputs[0], step.outputs[0]
    if not (lowering.has_codes(x) and lowering.has_codes(y)) or len(step.inputs) not in (2, 3):
        return None
    rows = node.input(1).constant
    constant = node.inputs[2] if len(node.inputs) > 2 else None
    if rows is None or (constant is not None and constant.constant is None):
        return None
    given, made = node.input(0), node.output()
    if rows.shape != (len(given.shape), 2) or np.any(rows < 0) or not 0 < len(given.shape) <= 5:
        return None
    around = padding_element(node) if constant is None or constant.constant is None else constant.constant
    codes = lowering.codes(x)
    code = int(around.reshape(()))
    low, high = min(codes.low, code), max(codes.high, code)
    stored = lowering.set(y, replace(codes, low=low, high=high, zero_point=made.zero_point))
    per_sample = not rows[0].any() and given.shape[0] == made.shape[0]
    certificate = Certificate.of(step.node, "view", "codes are copied")
    margins = tuple((int(before), int(after)) for before, after in rows)
    return PadPart(step, certificate, per_sample, margins, code - stored.offset)


@lowers("CONCATENATION")
def join(lowering: Lowering, step: Step) -> Part | None:
    """The part for tensors of one scale and zero point."""
    node = step.node
    if OPTIONAL in step.inputs or not all(map(lowering.has_codes, (*step.inputs, *step.outputs))):
        return None
    y = node.output()
    values = [node.input(position) for position in range(len(node.inputs))]
    if any((one.scale, one.zero_point) != (y.scale, y.zero_point) for one in values) or not y.shape:
        return None
    axis = node.read_options(ConcatenationOptions).axis
    rank = len(y.shape)
    if not -rank <= axis < rank or any(len(one.shape) != rank for one in values):
        return None
    axis %= rank
    codes = [lowering.codes(one.index) for one in values]
    low, high = min(one.low for one in codes), max(one.high for one in codes)
    stored = lowering.set(y.index, replace(codes[0], low=low, high=high, zero_point=y.zero_point))
    moved = tuple(one.offset - stored.offset for one in codes)
    per_sample = axis > 0 and all(one.shape[0] == y.shape[0] for one in values)
    return JoinPart(step, Certificate.of(step.node, "view", "codes are copied"), per_sample, axis, moved)
