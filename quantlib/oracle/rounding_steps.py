"""The steps from an accumulator to output units, in words and with every intermediate number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from quantlib.arithmetic import fixed_point

__all__ = ["decimal", "rounding_steps"]

_INT16: Mapping[str, str] = {
    "wrap": "wrapped to int16",
    "saturate": "saturated to int16",
}


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
    >>> from quantlib.arithmetic import requantize
    >>> for line in rounding_steps(requantize.two_roundings(0.3), -1999, (0,)):
    ...     print(line)
    multiplier 1288490189, shift -1
    accumulator * multiplier / 2**31 = -1199.4000002; half up: -1199
    / 2**1 = -599.5 (exactly a tie); half away from zero: -600
    """
    function = rule.func if isinstance(rule, partial) else rule
    name = getattr(function, "__name__", type(function).__name__)
    keywords = rule.keywords if isinstance(rule, partial) else {}
    result = int(np.asarray(rule(np.array([acc]))).reshape(-1)[0])
    if name == "_through_int16":
        inner = rounding_steps(keywords["units"], acc, element)
        return [*inner, f"{_INT16[keywords['how']]}, zero point added there: {result}"]
    bound = {name: _pick(value, element) for name, value in keywords.items()}
    if "real" in bound:
        return _real_steps(bound["real"], acc)
    if name == "_multiply_by_256ths":
        return [
            _step(
                f"accumulator * {bound['factor']} / 2**8",
                Fraction(acc * int(bound["factor"]), 256),
                "half up",
            )
        ]
    if name == "_shift_right_half_up":
        return [
            _step(f"accumulator / 2**{bound['shift']}", Fraction(acc, 1 << int(bound["shift"])), "half up")
        ]
    if set(bound) != {"multiplier", "shift"}:
        return [f"{name.strip('_')}: {result}"]
    multiplier, shift = int(bound["multiplier"]), int(bound["shift"])
    lines = [f"multiplier {multiplier}, shift {shift}"]
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


def decimal(value: Fraction) -> str:
    """Eleven significant digits, and the tie named where there is one.

    Examples
    --------
    >>> decimal(Fraction(5, 2)), decimal(Fraction(1, 3))
    ('2.5 (exactly a tie)', '0.33333333333')
    """
    text = f"{float(value):.11g}"
    return f"{text} (exactly a tie)" if (2 * value).denominator == 1 and value.denominator == 2 else text


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
    return f"{what} = {decimal(value)}; {how}: {_rounded(value, how)}"


def _rounded(value: Fraction, how: str) -> int:
    half = Fraction(1, 2)
    if how == "half up" or value >= 0:
        return (value + half).__floor__()
    return (value - half).__ceil__()


def _pick(value: Any, element: tuple[int, ...]) -> Any:
    array = np.asarray(value)
    return array.reshape(-1)[element[-1] if array.size > 1 else 0]
