"""Why one element differs: its accumulator, its multiplier, and every rounding step.

Works on kernels in two halves (`quantlib.ops._accumulate.Accumulating`): the accumulator is exact
and the same for everybody, so a difference is the second half's, and that one can be followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from quantlib.arithmetic import fixed_point, requantize
from quantlib.ops._accumulate import Accumulating
from quantlib.ops._node import Array, Kernel, Node

__all__ = ["Side", "explain_element", "rounding_steps"]

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
    inputs: tuple[Array | None, ...], element: tuple[int, ...], ours: Side, theirs: Side
) -> str:
    """Every step from accumulator to code, on both sides, and the verdict.

    Parameters
    ----------
    inputs : tuple of ndarray or None
        What the operator is given, in its input order.
    element : tuple of int
        Index into the operator's output.
    ours, theirs : Side

    Returns
    -------
    str
        Lines of text.
    """
    assert ours.node is not None
    lines = [f"{ours.node.operator} #{ours.node.position}, element {list(element)}"]
    if not isinstance(ours.kernel, Accumulating):
        lines.append("this operator has no accumulator to follow; its two answers:")
        return "\n".join([*lines, f"  {ours.name}: {ours.value:g}", f"  {theirs.name}: {theirs.value:g}"])
    sums = ours.kernel.accumulate(*inputs)
    acc = int(sums[element])
    lines.append(f"  accumulator {acc}{_bias(inputs, element)}")
    exact = exact_multiplier(ours.node, element)
    units = exact * acc
    zero_point = ours.kernel.to_output.zero_point
    lines.append(f"  real multiplier {float(exact):.17g} = {exact.numerator} / {exact.denominator}")
    lines.append(f"  exact value {_decimal(units)}, zero point {zero_point}: {_decimal(units + zero_point)}")
    for side in (ours, theirs):
        lines.append(f"  {side.name}:")
        if isinstance(side.kernel, Accumulating):
            to_output = side.kernel.to_output
            rule = to_output.requantize
            if isinstance(rule, requantize.ByPosition):
                rule = rule.at(element, sums.shape)
            steps = rounding_steps(rule, acc, element)
            lines += [f"    {step}" for step in steps]
            lines.append(
                f"    + {to_output.zero_point}, clamped to {to_output.low} .. {to_output.high}: {side.value:g}"
            )
        else:
            lines.append(f"    {side.value:g}")
            lines += [f"    {line}" for line in _matching_rules(ours, acc, exact, side.value)]
    lines.append(f"  verdict: {_verdict(units + zero_point, ours, theirs)}")
    return "\n".join(lines)


def exact_multiplier(node: Node, element: tuple[int, ...]) -> Fraction:
    """input scale · weight scale / output scale, from the file's float32 numbers, without rounding.

    Parameters
    ----------
    node : Node
    element : tuple of int
        Its last index is the channel, where weights have several scales.

    Returns
    -------
    Fraction
    """
    weights = [value for value in node.inputs[1:2] if value is not None and value.scales.size]
    scale = Fraction(float(node.input(0).scale))
    for value in weights:
        channel = element[-1] if value.scales.size > 1 else 0
        scale *= Fraction(float(value.scales[channel]))
    return scale / Fraction(float(node.output().scale))


def rounding_steps(rule: Callable[..., Any], acc: int, element: tuple[int, ...]) -> list[str]:
    """The steps of a bound requantizer on one accumulator, in words.

    Parameters
    ----------
    rule : Requantize
        As the rules of `quantlib.arithmetic.requantize` make it.
    acc : int
    element : tuple of int
        Its last index chooses the channel's multiplier.

    Returns
    -------
    list of str

    Examples
    --------
    >>> for line in rounding_steps(requantize.two_roundings(0.3), -1999, (0,)):
    ...     print(line)
    multiplier 1288490189, shift -1
    accumulator * multiplier / 2**31 = -1199.4000002; half up: -1199
    / 2**1 = -599.5 (exactly a tie); half away from zero: -600
    """
    if not isinstance(rule, partial):
        return [
            f"{getattr(rule, '__name__', type(rule).__name__)}: {int(np.asarray(rule(np.array([acc])))[0])}"
        ]
    bound = {name: _pick(value, element) for name, value in rule.keywords.items()}
    if "real" in bound:
        return _real_steps(bound["real"], acc)
    if set(bound) != {"multiplier", "shift"}:
        return [
            f"{getattr(rule.func, '__name__', 'rule').strip('_')}: {int(rule(np.array([acc])).reshape(-1)[0])}"
        ]
    multiplier, shift = int(bound["multiplier"]), int(bound["shift"])
    lines = [f"multiplier {multiplier}, shift {shift}"]
    name = getattr(rule.func, "__name__", "")
    if name == "_multiply_once":
        total = 31 - shift
        return [
            *lines,
            _step(
                f"accumulator * multiplier / 2**{total}", Fraction(acc * multiplier, 1 << total), "half up"
            ),
        ]
    if name == "multiply_int64_by_quantized_multiplier":
        reduced = (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF
        total = 15 - shift
        lines.append(f"16-bit multiplier {reduced}")
        return [
            *lines,
            _step(f"accumulator * multiplier / 2**{total}", Fraction(acc * reduced, 1 << total), "half up"),
        ]
    left = int(fixed_point.shift_left_int32(acc, max(shift, 0)))
    high = int(fixed_point.saturating_rounding_doubling_high_mul(left, multiplier))
    shifted = f" << {shift}" if shift > 0 else ""
    lines.append(
        _step(f"accumulator{shifted} * multiplier / 2**31", Fraction(left * multiplier, 1 << 31), "half up")
    )
    if shift < 0:
        how = "half up" if name == "_multiply_half_up_twice" else "half away from zero"
        lines.append(_step(f"/ 2**{-shift}", Fraction(high, 1 << -shift), how))
    return lines


def _real_steps(real: Any, acc: int) -> list[str]:
    factor = float(real)
    if real.dtype == np.float32:
        narrow = np.float32(acc) * np.float32(real)
        return [
            f"float32({acc}) * {factor!r} = {float(narrow)!r} in float32; half to even: {int(np.rint(narrow))}"
        ]
    product = float(acc) * factor
    rounded = _rounded(Fraction(product), "half away from zero")
    return [f"{acc} * {factor!r} = {product!r} in float64; half away from zero: {rounded}"]


def _step(what: str, value: Fraction, how: str) -> str:
    return f"{what} = {_decimal(value)}; {how}: {_rounded(value, how)}"


def _rounded(value: Fraction, how: str) -> int:
    half = Fraction(1, 2)
    if how == "half up" or value >= 0:
        return (value + half).__floor__()
    return (value - half).__ceil__()


def _decimal(value: Fraction) -> str:
    """Ten significant digits, and the tie named where there is one."""
    text = f"{float(value):.11g}"
    return f"{text} (exactly a tie)" if (2 * value).denominator == 1 and value.denominator == 2 else text


def _pick(value: Any, element: tuple[int, ...]) -> Any:
    array = np.asarray(value)
    return array.reshape(-1)[element[-1] if array.size > 1 else 0]


def _bias(inputs: tuple[Array | None, ...], element: tuple[int, ...]) -> str:
    bias = inputs[2] if len(inputs) > 2 else None
    if bias is None or bias.ndim != 1 or element[-1] >= bias.size:
        return ""
    return f", of which bias {int(bias[element[-1]])}"


def _matching_rules(ours: Side, acc: int, exact: Fraction, value: float) -> list[str]:
    """Which named rules would have given the other side's answer."""
    assert isinstance(ours.kernel, Accumulating)
    to_output = ours.kernel.to_output
    lines = []
    for words, rule in RULES.items():
        code = int(rule(float(exact))(np.array([acc], np.int64)).reshape(-1)[0]) + to_output.zero_point
        code = min(max(code, to_output.low), to_output.high)
        lines.append(f"{'=' if code == value else ' '} {words}: {code}")
    return lines


def _verdict(exact: Fraction, ours: Side, theirs: Side) -> str:
    distance = [abs(Fraction(int(side.value)) - exact) for side in (ours, theirs)]
    if distance[0] == distance[1]:
        return "a tie: each rounds it its own way"
    nearer, farther = (ours, theirs) if distance[0] < distance[1] else (theirs, ours)
    text = f"{nearer.name} gives the nearest code, {nearer.value:g}; {farther.name} gives {farther.value:g}"
    return f"{text}, {float(max(distance)):.6g} away"
