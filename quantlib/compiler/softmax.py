"""SOFTMAX of 8-bit codes: quotients in float64, and the kernel itself for rows that come near a tie.

The kernels' exponentials and the terms of their sums stand in tables; what they compute beyond that,
a reciprocal in fixed point or sums in float32, errs by a known share. A quotient that is farther from
every half than that cannot round to another code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.bench import Bench
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.lowering import Lowering, lowers
from quantlib.compiler.part import Part, Unfit, keeps_samples
from quantlib.compiler.requantizer import CLIP
from quantlib.compiler.storage import Codes
from quantlib.ops._node import Array
from quantlib.ops.softmax import Shares
from quantlib.runtime.plan import Step, run_step

__all__ = ["SoftmaxPart"]

_GUARD = 2.0**-10
"""Codes around a tie; the reciprocal in fixed point errs by less than 2**-24 of a share."""

_LARGEST_SUM = 2.0**27
"""256 in Q12 of 32 bits; the kernel refuses sums of 512, and float32 sums never come near."""

_WIDEST_GUARD = 0.25
"""Beyond it most rows would go through the kernel."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftmaxPart(Part):
    """Rows along the last axis.

    Parameters
    ----------
    shares : Shares
        The kernel, and its tables.
    codes, made : Codes
        Of the input and the output.
    guard : float
        Codes around a tie that the kernel decides.
    watches_sums : bool
        Whether rows are so long that the kernel might refuse their sum.
    """

    shares: Shares
    codes: Codes
    made: Codes
    guard: float
    watches_sums: bool

    def bind(self, bench: Bench) -> None:
        """Everything at once: rows are short and calls are dear."""
        source, index = self.step.inputs[0], self.step.outputs[0]
        shape = bench.shape(source)
        if shape != bench.shape(index) or 0 in shape:
            raise Unfit("another shape")
        x = bench.flat(source).reshape(-1, shape[-1])
        y = bench.new_codes(index)
        if not y.flags.c_contiguous:
            raise Unfit("a border")
        rows = _Rows(
            self,
            x,
            y.reshape(x.shape),
            bench.borrow((x.shape[0], 1)),
            bench.borrow(x.shape, np.intp),
            bench.borrow(x.shape, np.float64),
            bench.borrow(x.shape, np.float64),
            bench.borrow((x.shape[0], 1), np.float64),
        )
        bench.lay(rows.run)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The part with its buffers."""

    part: SoftmaxPart
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    largest: NDArray[np.float32]
    below: NDArray[np.intp]
    quotients: NDArray[np.float64]
    work: NDArray[np.float64]
    sums: NDArray[np.float64]

    def run(self) -> None:
        """Quotients rounded; rows with one near a tie from the kernel."""
        part, shares = self.part, self.part.shares
        np.maximum.reduce(self.x, axis=1, keepdims=True, out=self.largest)
        np.subtract(self.largest, self.x, out=self.below, casting="unsafe")
        shares.terms.take(self.below, out=self.work, mode="clip")
        np.add.reduce(self.work, axis=1, keepdims=True, out=self.sums)
        if part.watches_sums and np.maximum.reduce(self.sums, axis=None) >= _LARGEST_SUM:
            self._by_kernel(np.arange(self.x.shape[0]))
            return
        np.divide(shares.units, self.sums, out=self.sums)
        shares.powers.take(self.below, out=self.quotients, mode="clip")
        np.multiply(self.quotients, self.sums, out=self.quotients)
        np.rint(self.quotients, out=self.work)
        np.subtract(self.quotients, self.work, out=self.quotients)
        np.absolute(self.quotients, out=self.quotients)
        low, high = part.made.low - part.made.offset, part.made.high - part.made.offset
        np.add(self.work, low, out=self.work)
        CLIP(self.work, low, high, self.work)
        np.copyto(self.y, self.work, casting="same_kind")
        if np.maximum.reduce(self.quotients, axis=None) > 0.5 - part.guard:
            self._by_kernel(np.flatnonzero((self.quotients > 0.5 - part.guard).any(axis=1)))

    def _by_kernel(self, rows: NDArray[np.intp]) -> None:
        part = self.part
        dtype = part.step.node.input(0).dtype
        codes: Array = (self.x[rows] + np.float32(part.codes.offset)).astype(dtype)
        (made,) = run_step(part.step, (codes,))
        self.y[rows] = made.astype(np.float32) - np.float32(part.made.offset)


@lowers("SOFTMAX")
def softmax(lowering: Lowering, step: Step) -> Part | None:
    """The part for 8-bit codes to 8-bit codes; None for any other."""
    kernel = step.kernel
    if (
        not isinstance(kernel, Shares)
        or len(step.inputs) != 1
        or not all(map(lowering.has_codes, (*step.inputs, *step.outputs)))
    ):
        return None
    x, y = step.node.input(0), step.node.output()
    if not x.shape or not np.isfinite(kernel.units) or not np.isfinite(kernel.terms).all():
        return None
    if kernel.terms[0] <= 0:
        return None
    guard = _GUARD
    if kernel.sums_in_float32:
        guard += kernel.units * (x.shape[-1] + 8) * 2.0**-23
    if guard > _WIDEST_GUARD:
        return None
    codes = lowering.codes(x.index)
    made = lowering.set(y.index, Codes.between(*y.limits, y.zero_point, centred=False))
    argument = f"quotients farther than {guard:.2g} from a tie, else the kernel"
    certificate = Certificate.of(step.node, "float64", argument)
    per_sample = len(x.shape) > 1 and keeps_samples(step)
    watches = bool(kernel.terms.max() * x.shape[-1] >= _LARGEST_SUM)
    return SoftmaxPart(step, certificate, per_sample, kernel, codes, made, guard, watches)
