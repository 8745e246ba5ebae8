"""Why one element differs: its accumulator, its multiplier, and every rounding step.

Works on kernels in two halves (`quantlib.ops._accumulate.Accumulating`). The accumulator of a layer is
exact and the same for everybody, so a difference is the second half's, and that one can be followed.
Where families form different accumulators (ADD, SUB), each has its own followed; where a kernel has
one arithmetic for vector blocks and another for what is left over, it is the element's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from quantlib.arithmetic import requantize
from quantlib.ops._accumulate import Accumulating
from quantlib.ops._common_scale import SumOfTerms
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._runs import InBlocks
from quantlib.oracle.exact import PRODUCTS, Exact, exact_value
from quantlib.oracle.rounding_steps import decimal, rounding_steps

__all__ = ["Side", "explain_element"]

RULES: Mapping[str, requantize.Requantizer] = {
    "two roundings, half up then half away from zero (reference)": requantize.two_roundings,
    "two roundings, half up (optimized, x86 with AVX)": requantize.two_roundings_half_up,
    "one rounding, half up (optimized, ARM)": requantize.one_rounding,
    "float64 product, half away from zero (reference dense layer)": requantize.float64_half_away,
    "float32 product, half to even (XNNPACK)": requantize.float32_half_to_even,
}
"""Every rule that some runtime uses, in words."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One engine's operator.

    Parameters
    ----------
    name : str
    node : Node, optional
        None where the engine only gave values.
    kernel : Kernel, optional
    value : float
        What it computed at the element in question.
    """

    name: str
    node: Node | None
    kernel: Kernel | None
    value: float


def explain_element(
    inputs: tuple[Array | None, ...],
    element: tuple[int, ...],
    ours: Side,
    theirs: Side,
    families: Mapping[str, float] | None = None,
) -> str:
    """Every step from accumulator to code, on both sides, and the verdict.

    Parameters
    ----------
    inputs : tuple of ndarray or None
        What the operator is given, in its input order.
    element : tuple of int
        Index into the operator's output.
    ours, theirs : Side
    families : mapping of kernel set to number, optional
        What each of ours would have given: shown where theirs has no kernel to follow.

    Returns
    -------
    str
        Lines of text.
    """
    assert ours.node is not None
    lines = [f"{ours.node.operator} #{ours.node.position}, element {list(element)}"]
    if ours.node.bound is not None:
        lines.append(f"  not claimed: {ours.node.bound.reason}; within {ours.node.bound}")
    followed = [_follow(side.kernel, inputs, element) for side in (ours, theirs)]
    known = [one for one in followed if one is not None]
    shared = known[0] if known and all(one.acc == known[0].acc for one in known) else None
    if shared is not None:
        lines.append(f"  accumulator {shared}{_bias(inputs, element)}")
    exact = exact_value(ours.node, inputs, element, None if shared is None else shared.acc)
    zero_point = ours.node.output().zero_point
    if exact is not None:
        lines += [f"  {line}" for line in exact.lines]
        whole = decimal(exact.units + zero_point)
        lines.append(f"  exact value {decimal(exact.units)}, zero point {zero_point}: {whole}")
    elif not known:
        lines.append("  this operator has no accumulator to follow; its two answers:")
    for side, one in zip((ours, theirs), followed, strict=True):
        lines.append(f"  {side.name}:" if one is not None else f"  {side.name}: {side.value:.9g}")
        if one is not None:
            lines += [f"    {line}" for line in one.lines(element, side.value, own=shared is None)]
        elif side.kernel is None:
            lines += [f"    {line}" for line in _matching(followed[0], exact, families or {}, ours, side)]
    if exact is not None:
        lines.append(f"  verdict: {_verdict(exact.units + zero_point, ours, theirs)}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """A kernel in two halves, stopped between them at one element."""

    kernel: Accumulating
    acc: int
    terms: tuple[int, ...]
    shape: tuple[int, ...]
    in_block: bool | None = None

    def __str__(self) -> str:
        return f"{self.acc}" + (f" = {' + '.join(map(str, self.terms))}" if self.terms else "")

    def lines(self, element: tuple[int, ...], value: float, *, own: bool) -> list[str]:
        """The second half's steps; before them the accumulator, if it is this side's `own`."""
        rule, last = self.kernel.to_output.requantize, self.kernel.to_output
        in_block = self.in_block
        if isinstance(rule, requantize.ByPosition):
            chosen = rule.at(element, self.shape)
            in_block, rule = chosen is rule.block, chosen
        lines = (
            [] if in_block is None else [f"in {'a full vector block' if in_block else 'what is left over'}"]
        )
        lines += [f"accumulator {self}"] if own else []
        lines += rounding_steps(rule, self.acc, element)
        return [*lines, f"+ {last.zero_point}, clamped to {last.low} .. {last.high}: {value:g}"]


def _follow(
    kernel: Kernel | None, inputs: tuple[Array | None, ...], element: tuple[int, ...]
) -> _Followed | None:
    in_block = None
    if isinstance(kernel, InBlocks):
        shapes = [x.shape for x in inputs if x is not None]
        chosen = kernel.at(element, *shapes)
        in_block, kernel = chosen is not kernel.leftover, chosen
    if not isinstance(kernel, Accumulating):
        return None
    sums = kernel.accumulate(*inputs)
    terms: tuple[int, ...] = ()
    if isinstance(kernel.accumulate, SumOfTerms):
        x, y = inputs
        assert x is not None
        assert y is not None
        parts = kernel.accumulate.terms(x, y)
        terms = tuple(int(part[element]) for part in np.broadcast_arrays(*parts))
    return _Followed(kernel, int(sums[element]), terms, sums.shape, in_block)


def _bias(inputs: tuple[Array | None, ...], element: tuple[int, ...]) -> str:
    bias = inputs[-1] if len(inputs) > 2 else None
    if bias is None or bias.ndim != 1 or element[-1] >= bias.size:
        return ""
    return f", of which bias {int(bias[element[-1]])}"


def _matching(
    followed: _Followed | None, exact: Exact | None, families: Mapping[str, float], ours: Side, theirs: Side
) -> list[str]:
    """Which named rules, or else which of our families, would have given the other side's answer."""
    assert ours.node is not None
    if followed is None or exact is None or ours.node.operator not in PRODUCTS or not followed.acc:
        return [
            f"{'=' if value == theirs.value else ' '} {name}: {value:.9g}" for name, value in families.items()
        ]
    to_output = followed.kernel.to_output
    real = float(exact.units / followed.acc)
    lines = []
    for words, rule in RULES.items():
        code = int(rule(real)(np.array([followed.acc], np.int64)).reshape(-1)[0]) + to_output.zero_point
        code = min(max(code, to_output.low), to_output.high)
        lines.append(f"{'=' if code == theirs.value else ' '} {words}: {code}")
    return lines


def _verdict(exact: Fraction, ours: Side, theirs: Side) -> str:
    if not np.isfinite([ours.value, theirs.value]).all():
        return "one of the two is not a number"
    distance = [abs(Fraction(side.value) - exact) for side in (ours, theirs)]
    if distance[0] == distance[1]:
        return "a tie: each rounds it its own way"
    nearer, farther = (ours, theirs) if distance[0] < distance[1] else (theirs, ours)
    text = f"{nearer.name} gives the nearest code, {nearer.value:g}; {farther.name} gives {farther.value:g}"
    return f"{text}, {float(max(distance)):.6g} away"
