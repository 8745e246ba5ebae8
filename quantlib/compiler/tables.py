"""Operators that map each 8-bit code to another, or to a real number: the kernel on every code there is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.bench import Bench
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.look_up import look_up
from quantlib.compiler.lowering import Lowering, lowers
from quantlib.compiler.part import Part, Unfit, keeps_samples
from quantlib.compiler.storage import Codes
from quantlib.ops._node import Array
from quantlib.runtime.plan import Step, run_step

__all__ = ["MovedPart", "TablePart"]

_ELEMENTWISE = (
    "ABS",
    "ELU",
    "EXP",
    "GELU",
    "HARD_SWISH",
    "LEAKY_RELU",
    "LOG",
    "LOGISTIC",
    "NEG",
    "QUANTIZE",
    "RELU",
    "RELU6",
    "RELU_0_TO_1",
    "RELU_N1_TO_1",
    "RSQRT",
    "SQRT",
    "TANH",
)

_LENGTHS = (1, 7, 16, 33, 255, 256)
"""Arrays on which a kernel must do the same to a code wherever it stands."""


@dataclass(frozen=True, slots=True, eq=False)
class TablePart(Part):
    """Codes looked up.

    Parameters
    ----------
    table : array
        Stored codes, or elements as the file has them, by stored code less the smallest.
    smallest : int
    makes_codes : bool
    """

    table: NDArray[np.float32]
    smallest: int
    makes_codes: bool

    def bind(self, bench: Bench) -> None:
        """Stored codes to places in the table, and what stands there."""
        x, index = bench.stored(self.step.inputs[0]), self.step.outputs[0]
        if x.shape != bench.shape(index):
            raise Unfit("another shape")
        y = bench.new_codes(index) if self.makes_codes else bench.new_raw(index)
        places = bench.borrow(x.shape, np.intp)
        bench.lay(look_up, self.table, x, np.float32(self.smallest), places, y)


@dataclass(frozen=True, slots=True, eq=False)
class MovedPart(Part):
    """Codes that all move by one amount: another offset, and nothing to compute."""

    def bind(self, bench: Bench) -> None:
        """The same memory."""
        source, index = self.step.inputs[0], self.step.outputs[0]
        if bench.shape(source) != bench.shape(index):
            raise Unfit("another shape")
        bench.reshape(index, source)


@lowers(*_ELEMENTWISE)
def table(lowering: Lowering, step: Step) -> Part | None:
    """The part for codes to codes; None for any other, or where a code's place matters."""
    node = step.node
    if len(step.inputs) != 1 or not all(map(lowering.has_codes, (*step.inputs, *step.outputs))):
        return None
    x, y = node.input(0), node.output()
    codes = lowering.codes(x.index)
    all_codes = np.arange(codes.low, codes.high + 1)
    made = _everywhere(step, all_codes.astype(x.dtype))
    if made is None:
        return None
    found = made.astype(np.int64)
    low, high = int(found.min()), int(found.max())
    moved = found - all_codes
    if np.ptp(moved) == 0:
        lowering.set(y.index, Codes(codes.offset + int(moved[0]), low, high, y.zero_point))
        certificate = Certificate.of(node, "view", "every code moves by the same", all_codes.size)
        return MovedPart(step, certificate, keeps_samples(step))
    stored = lowering.set(y.index, Codes.between(low, high, y.zero_point))
    values = (found - stored.offset).astype(np.float32)
    return _part(step, values, codes, makes_codes=True)


@lowers("DEQUANTIZE")
def reals(lowering: Lowering, step: Step) -> Part | None:
    """The part for codes to real numbers; None for any other, or where a code's place matters."""
    node = step.node
    if len(step.inputs) != 1 or not lowering.has_codes(step.inputs[0]):
        return None
    x, y = node.input(0), node.output()
    codes = lowering.codes(x.index)
    all_codes = np.arange(codes.low, codes.high + 1)
    found = _everywhere(step, all_codes.astype(x.dtype))
    if found is None or found.dtype != y.dtype:
        return None
    return _part(step, found, codes, makes_codes=False)


def _part(step: Step, table: NDArray[np.float32], codes: Codes, *, makes_codes: bool) -> TablePart:
    certificate = Certificate.of(step.node, "table", f"all {table.size} codes", table.size)
    return TablePart(step, certificate, keeps_samples(step), table, codes.low - codes.offset, makes_codes)


def _everywhere(step: Step, codes: Array) -> Array | None:
    """What the kernel makes of each code, if that is the same in every place that was tried."""
    (found,) = run_step(step, (codes,))
    if found.shape != codes.shape:
        return None
    order = np.argsort(np.arange(codes.size, dtype=np.uint32) * np.uint32(0x9E3779B1))  # well mixed
    for length in _LENGTHS:
        for begin in range(0, codes.size, max(length, 32)):
            chosen = order[begin : begin + length]
            (again,) = run_step(step, (codes[chosen],))
            if again.tobytes() != found[chosen].tobytes():
                return None
    return found
