"""ADD, SUB and MUL of two tensors of 8-bit codes: one float32 expression, tried on all pairs of codes.

There are at most 65 536 pairs. Where the expression gives the kernel's code for each of them, it is the
kernel; where it does not, their results stand in a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.bench import Bench
from quantlib.compiler.certificate import Certificate
from quantlib.compiler.lowering import Lowering, lowers
from quantlib.compiler.part import Part, Unfit, keeps_samples
from quantlib.compiler.requantizer import CLIP
from quantlib.compiler.storage import Codes
from quantlib.ops._accumulate import Accumulating
from quantlib.ops._node import Array, Kernel, Value
from quantlib.ops._runs import InBlocks
from quantlib.runtime.plan import Step

__all__ = ["PairPart", "WeightedProduct", "WeightedSum"]


@dataclass(frozen=True, slots=True, eq=False)
class WeightedSum:
    """rint(x · a + y · b + c), of stored codes, in float32.

    Parameters
    ----------
    a, b, c : float32
    """

    a: np.float32
    b: np.float32
    c: np.float32

    def and_near_by(self) -> Iterator[WeightedSum]:
        """The expression, and others that might round where it does not."""
        a, b = _near(self.a, _ULPS), _near(self.b, _ULPS)
        yield from (WeightedSum(one, other, self.c) for one in a for other in b)
        moved = [np.float32(self.c + step) for step in _STEPS]
        yield from (WeightedSum(one, other, c) for c in moved for one in a[:3] for other in b[:3])

    def calls(
        self, x: Array, y: Array, first: Array, second: Array
    ) -> list[tuple[Callable[..., object], tuple[object, ...]]]:
        """The passes but for clamping and rounding; the result is in `first`."""
        passes: list[tuple[Callable[..., object], tuple[object, ...]]] = [
            (np.multiply, (x, np.asarray(self.a), first)),
            (np.multiply, (y, np.asarray(self.b), second)),
            (np.add, (first, second, first)),
        ]
        if self.c:
            passes.append((np.add, (first, np.asarray(self.c), first)))
        return passes


@dataclass(frozen=True, slots=True, eq=False)
class WeightedProduct:
    """rint((x + a) · (y + b) · s + c), of stored codes, in float32.

    Parameters
    ----------
    a, b, s, c : float32
    """

    a: np.float32
    b: np.float32
    s: np.float32
    c: np.float32

    def and_near_by(self) -> Iterator[WeightedProduct]:
        """The expression, and others that might round where it does not."""
        factors = _near(self.s, _ULPS)
        yield from (WeightedProduct(self.a, self.b, s, self.c) for s in factors)
        moved = [np.float32(self.c + step) for step in _STEPS]
        yield from (WeightedProduct(self.a, self.b, s, c) for c in moved for s in factors)

    def calls(
        self, x: Array, y: Array, first: Array, second: Array
    ) -> list[tuple[Callable[..., object], tuple[object, ...]]]:
        """The passes but for clamping and rounding; the result is in `first`."""
        passes: list[tuple[Callable[..., object], tuple[object, ...]]] = [
            (np.add, (x, np.asarray(self.a), first)),
            (np.add, (y, np.asarray(self.b), second)),
            (np.multiply, (first, second, first)),
            (np.multiply, (first, np.asarray(self.s), first)),
        ]
        if self.c:
            passes.append((np.add, (first, np.asarray(self.c), first)))
        return passes


@dataclass(frozen=True, slots=True, eq=False)
class PairPart(Part):
    """One rule for the elements in full vector blocks, one for the rest; mostly they are one.

    Parameters
    ----------
    codes : tuple of Codes
        Of x, y and the output.
    block : int
        Elements of a vector block; 0 where there are none.
    in_block, leftover : WeightedSum, WeightedProduct or float32 array (65536,)
        An expression, or a table.
    """

    codes: tuple[Codes, Codes, Codes]
    block: int
    in_block: WeightedSum | WeightedProduct | NDArray[np.float32]
    leftover: WeightedSum | WeightedProduct | NDArray[np.float32]

    @property
    def counts_elements(self) -> bool:
        """Blocks run on from one sample into the next."""
        size = math.prod(self.step.node.output().shape)
        return self.block > 0 and self.in_block is not self.leftover and size % self.block > 0

    def bind(self, bench: Bench) -> None:
        """Every element, or a sample's blocks and what is left over of it."""
        first, second = self.step.inputs[:2]
        x, y = bench.stored(first), bench.stored(second)
        index = self.step.outputs[0]
        if not x.shape == y.shape == bench.shape(index):
            raise Unfit("shapes that broadcast")
        out = bench.new_codes(index)
        if self.block == 0 or self.in_block is self.leftover:
            self._lay(bench, self.leftover, x, y, out)
            return
        if not all(one.flags.c_contiguous for one in (x, y, out)):
            x, y = bench.flat(first), bench.flat(second)
        samples = x.shape[0] // self.step.node.input(0).shape[0] if self.is_per_sample else 1
        rows = [one.reshape(samples, -1) for one in (x, y)]
        whole = out if out.flags.c_contiguous else bench.borrow(out.shape)
        places = whole.reshape(samples, -1)
        border = places.shape[1] // self.block * self.block
        for rule, part in (
            (self.in_block, np.s_[:, :border]),
            (self.leftover, np.s_[:, border:]),
        ):
            if places[part].size:
                self._lay(bench, rule, rows[0][part], rows[1][part], places[part])
        if whole is not out:
            bench.lay(np.copyto, out, whole)

    def _lay(
        self,
        bench: Bench,
        rule: WeightedSum | WeightedProduct | NDArray[np.float32],
        x: Array,
        y: Array,
        out: Array,
    ) -> None:
        if isinstance(rule, np.ndarray):
            bench.lay(_look_up, rule, x, y, out, self.codes)
            return
        work, other = bench.borrow(x.shape), bench.borrow(x.shape)
        for function, arguments in rule.calls(x, y, work, other):
            bench.lay(function, *arguments)
        low, high = (np.array(bound, np.float32) for bound in _bounds(self.codes[2]))
        bench.lay(CLIP, work, low, high, work)
        bench.lay(np.rint, work, out)


def _near(number: np.float32, ulps: tuple[int, ...]) -> list[np.float32]:
    """The number moved by so many units of its last place."""
    unit = np.spacing(np.abs(number))
    return [np.float32(number + np.float32(steps) * unit) for steps in ulps]


_ULPS = (0, 1, -1, 2, -2)
"""By how much factors are moved where an expression misses a pair."""

_STEPS = (2.0**-12, -(2.0**-12), 2.0**-9, -(2.0**-9))
"""And constants, in codes; it costs one more pass."""


def _look_up(
    table: NDArray[np.float32], x: Array, y: Array, out: Array, codes: tuple[Codes, Codes, Codes]
) -> None:
    index = (x - np.float32(_bounds(codes[0])[0])) * np.float32(256) + (y - np.float32(_bounds(codes[1])[0]))
    out[...] = table[index.astype(np.intp)]


def _bounds(codes: Codes) -> tuple[int, int]:
    return codes.low - codes.offset, codes.high - codes.offset


@lowers("ADD", "SUB", "MUL")
def pair(lowering: Lowering, step: Step) -> Part | None:
    """The part for two tensors of codes that are of one shape; None for any other."""
    node, kernel = step.node, step.kernel
    if len(step.inputs) != 2 or not isinstance(kernel, Accumulating | InBlocks):
        return None
    if not all(lowering.has_codes(index) for index in (*step.inputs, *step.outputs)):
        return None
    x, y, out = node.input(0), node.input(1), node.output()
    if x.shape != y.shape:
        return None
    bounds = _code_bounds(kernel)
    codes = (
        lowering.codes(x.index),
        lowering.codes(y.index),
        lowering.set(out.index, Codes.between(*bounds, out.zero_point)),
    )
    expression = _expression(node.operator, codes, (x, y, out))
    if isinstance(kernel, InBlocks):
        block = kernel.blocks.elementwise
        leftover = _proved(kernel.leftover, expression, codes, out.dtype)
        in_block = _proved(kernel.elementwise, expression, codes, out.dtype)
        if _are_one(in_block, leftover):
            in_block = leftover
    else:
        block = 0
        leftover = in_block = _proved(kernel, expression, codes, out.dtype)
    is_table = isinstance(leftover, np.ndarray) or isinstance(in_block, np.ndarray)
    pairs = (codes[0].high - codes[0].low + 1) * (codes[1].high - codes[1].low + 1)
    rung = "table" if is_table else "float32"
    certificate = Certificate.of(node, rung, f"all {pairs} pairs of codes", pairs)
    per_sample = keeps_samples(step) and x.shape[0] > 0
    return PairPart(step, certificate, per_sample, codes, block, in_block, leftover)


def _are_one(
    in_block: WeightedSum | WeightedProduct | NDArray[np.float32],
    leftover: WeightedSum | WeightedProduct | NDArray[np.float32],
) -> bool:
    """Whether two rules are the same table, or expressions that are right for the same kernel."""
    if isinstance(in_block, np.ndarray):
        return isinstance(leftover, np.ndarray) and np.array_equal(in_block, leftover)
    return not isinstance(leftover, np.ndarray) and in_block == leftover


def _code_bounds(kernel: Accumulating | InBlocks) -> tuple[int, int]:
    last = kernel if isinstance(kernel, Accumulating) else kernel.leftover
    assert isinstance(last, Accumulating)
    return last.to_output.low, last.to_output.high


def _expression(
    operator: str, codes: tuple[Codes, Codes, Codes], values: tuple[Value, Value, Value]
) -> WeightedSum | WeightedProduct:
    """What the operator means, in stored codes."""
    moved = [float(one.offset - value.zero_point) for one, value in zip(codes, values, strict=True)]
    scale = float(values[2].scale)
    if operator == "MUL":
        s = float(values[0].scale) * float(values[1].scale) / scale
        return WeightedProduct(*map(np.float32, (moved[0], moved[1], s, -moved[2])))
    a, b = float(values[0].scale) / scale, float(values[1].scale) / scale
    b = -b if operator == "SUB" else b
    return WeightedSum(*map(np.float32, (a, b, moved[0] * a + moved[1] * b - moved[2])))


def _proved(
    kernel: Kernel,
    expression: WeightedSum | WeightedProduct,
    codes: tuple[Codes, Codes, Codes],
    dtype: np.dtype[np.generic],
) -> WeightedSum | WeightedProduct | NDArray[np.float32]:
    """The expression if it is right for all pairs, else the table of what is right."""
    x, y, out = codes
    first, second = np.arange(x.low, x.high + 1)[:, None], np.arange(y.low, y.high + 1)[None, :]
    wanted = np.asarray(kernel(first.astype(dtype), second.astype(dtype)))
    stored = wanted.astype(np.float32) - np.float32(out.offset)
    given = [
        np.broadcast_to(one.astype(np.float32) - np.float32(offset), stored.shape)
        for one, offset in ((first, x.offset), (second, y.offset))
    ]
    work, other = np.empty_like(stored), np.empty_like(stored)
    low, high = (np.float32(bound) for bound in _bounds(out))
    for candidate in expression.and_near_by():
        for function, arguments in candidate.calls(given[0], given[1], work, other):
            function(*arguments)
        CLIP(work, low, high, work)
        np.rint(work, out=work)
        if np.array_equal(work, stored):
            return candidate
    table = np.zeros((first.size, 256), np.float32)
    table[:, : second.size] = stored
    return table.reshape(-1)
