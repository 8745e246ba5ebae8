"""Two quantized operands brought to one scale, before they are added or subtracted.

Codes are shifted left by `left_shift` bits and multiplied by scale / (2 · larger scale), so that one
unit is worth 2 · larger scale / 2**left_shift for both. ADD, SUB and SQUARED_DIFFERENCE begin so. The
optimized ADD rounds the product in other ways, which have names here.

int16 tensors whose three scales are powers of two may take a shorter way instead: only shifts.

Source: LiteRT tflite/kernels/add.cc, sub.cc, squared_difference.cc (Prepare);
internal/quantization_util.cc (QuantizeMultiplierSmallerThanOneExp, CheckedLog2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point, power_of_two
from quantlib.ops._node import Array, Node, Value

__all__ = [
    "LEFT_SHIFT",
    "CommonScale",
    "Scaling",
    "SumOfTerms",
    "multiplier_smaller_than_one",
    "power_of_two_shifts",
    "round_once_shift_first",
    "round_once_shift_last",
    "round_twice",
    "rounding_shift_int16",
]

Scaling: TypeAlias = Callable[[NDArray[np.int64], int, int, int], NDArray[np.int64]]
"""Values, left shift, multiplier and its shift (0 or less) to values in common units."""

LEFT_SHIFT = {1: 20, 2: 15}
"""Bits of headroom that ADD and SUB use, by element size in bytes: 255 << 20 and 65535 << 15 fit int32."""


def round_twice(x: NDArray[np.int64], left_shift: int, multiplier: int, shift: int) -> NDArray[np.int64]:
    """(x << left_shift) · multiplier · 2**(shift − 31): half up, then half away from zero.

    The reference kernels' rule, and that of everything outside of vector blocks.

    Examples
    --------
    >>> multiplier, shift = fixed_point.quantize_multiplier(1 / 8)
    >>> rules = (round_twice, round_once_shift_first, round_once_shift_last)
    >>> [rule(np.array([-12, 12]), 0, multiplier, shift).tolist() for rule in rules]  # -1.5, 1.5
    [[-2, 2], [-1, 2], [-2, 1]]
    """
    shifted = fixed_point.shift_left_int32(x, left_shift)
    return fixed_point.multiply_by_quantized_multiplier(shifted, multiplier, shift)


def round_once_shift_first(
    x: NDArray[np.int64], left_shift: int, multiplier: int, shift: int
) -> NDArray[np.int64]:
    """Both shifts in one, before the product: what a right shift drops is lost, the product half up.

    Element by element in the optimized ADD of int8 and int16.

    Source: LiteRT tflite/kernels/internal/optimized/integer_ops/add.h (AddElementwiseInt8)
    """
    total = left_shift + shift
    shifted = fixed_point.shift_left_int32(x, total) if total >= 0 else x >> min(-total, 31)
    return fixed_point.saturating_rounding_doubling_high_mul(shifted, multiplier)


def round_once_shift_last(
    x: NDArray[np.int64], left_shift: int, multiplier: int, shift: int
) -> NDArray[np.int64]:
    """The product half up, then a shift that rounds down.

    The optimized ADD of uint8, and of int8 with one operand standing still.

    Source: LiteRT tflite/kernels/internal/optimized/optimized_ops.h (AddElementwise)
    """
    shifted = fixed_point.shift_left_int32(x, left_shift)
    return fixed_point.saturating_rounding_doubling_high_mul(shifted, multiplier) >> min(-shift, 31)


@dataclass(frozen=True, slots=True, eq=False)
class CommonScale:
    """How the codes of two inputs become numbers that may be added.

    Parameters
    ----------
    left_shift : int
    zero_points : tuple of int
        One for each input.
    multipliers : tuple of (multiplier, shift)
        One for each input.
    twice_max_input_scale : float
        The scale of the result, times 2**left_shift.
    scaling : Scaling
        How the products are rounded.
    """

    left_shift: int
    zero_points: tuple[int, int]
    multipliers: tuple[tuple[int, int], tuple[int, int]]
    twice_max_input_scale: float
    scaling: Scaling = round_twice

    @classmethod
    def of(cls, node: Node, left_shift: int, scaling: Scaling = round_twice) -> CommonScale:
        """For the first two inputs of a node.

        Raises
        ------
        UnsupportedError
            A scale is missing or not positive; LiteRT ends the process then.
        """
        x, y = node.input(0), node.input(1)
        # The doubling is a float32 operation, exact unless it overflows; the rest is float64.
        with np.errstate(over="ignore"):
            twice = float(np.float32(2) * np.maximum(x.scale, y.scale))
        return cls(
            left_shift,
            (x.zero_point, y.zero_point),
            (_input_multiplier(node, 0, twice), _input_multiplier(node, 1, twice)),
            twice,
            scaling,
        )

    def first(self, x: Array) -> NDArray[np.int64]:
        """Codes of the first input in common units, int64 array holding int32 values."""
        return self._scaled(x, 0)

    def second(self, y: Array) -> NDArray[np.int64]:
        """Codes of the second input in common units, int64 array holding int32 values."""
        return self._scaled(y, 1)

    def output_multiplier(self, output: Value) -> float:
        """Common units to units of the output.

        Parameters
        ----------
        output : Value
            Its scale; a missing one gives infinity.
        """
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            unit = np.float32(1 << self.left_shift) * output.scale  # float32, as the kernel has it
            return float(np.float64(self.twice_max_input_scale) / np.float64(unit))

    def _scaled(self, codes: Array, which: int) -> NDArray[np.int64]:
        multiplier, shift = self.multipliers[which]
        values = fixed_point.wrap_int32(codes.astype(np.int64) - self.zero_points[which])
        return self.scaling(values, self.left_shift, multiplier, shift)


@dataclass(frozen=True, slots=True, eq=False)
class SumOfTerms:
    """An accumulation of two operands whose terms can be looked at: their sum, wrapped to int32.

    Parameters
    ----------
    terms : callable
        Operands to an int64 array for each, holding int32 values.
    """

    terms: Callable[[Array, Array], tuple[NDArray[np.int64], NDArray[np.int64]]]

    def __call__(self, x: Array, y: Array) -> NDArray[np.int64]:
        first, second = self.terms(x, y)
        return fixed_point.wrap_int32(first + second)


def multiplier_smaller_than_one(node: Node, role: str, real: float) -> tuple[int, int]:
    """A factor between 0 and 1 as (multiplier, shift), with no positive shift.

    Parameters
    ----------
    node : Node
        For the error's text.
    role : str
        What the factor belongs to.
    real : float

    Raises
    ------
    UnsupportedError
        Any other factor, on which LiteRT ends the process.

    Source: LiteRT tflite/kernels/internal/quantization_util.cc (QuantizeMultiplierSmallerThanOneExp)
    """
    multiplier, shift = fixed_point.quantize_multiplier(real) if 0.0 < real < 1.0 else (0, 1)
    if shift > 0:
        raise node.unsupported(
            role, f"a multiplier of {real:.9g}, on which LiteRT ends the process", "0 .. 1"
        )
    return multiplier, shift


def power_of_two_shifts(node: Node) -> tuple[int, int] | None:
    """Right shifts that bring two int16 inputs to the output's scale, all scales being powers of two.

    Parameters
    ----------
    node : Node
        Of two inputs.

    Returns
    -------
    (int, int), one of them 0 and none negative; or None if a scale is not a power of two

    Raises
    ------
    InvalidModelError
        The output's scale is not that of one input, or an input's scale is the larger one.
    UnsupportedError
        A shift beyond 31, which C leaves undefined.

    Source: LiteRT tflite/kernels/sub.cc (PrepareInt16SubOpPOT)
    """
    scales = [float(value.scale) for value in (node.input(0), node.input(1), node.output())]
    if not all(scale > 0 for scale in scales):
        return None
    (first, second, target), exact = zip(*map(power_of_two.checked_log2, scales), strict=True)
    if not all(exact):
        return None
    shifts = (target - first, target - second)
    node.require(
        min(shifts) == 0 and max(shifts) >= 0,
        "output quantization.scale",
        f"2**{target} for inputs of 2**{first} and 2**{second}",
        "the larger scale of the two",
    )
    if max(shifts) > 31:
        raise node.unsupported("inputs", f"scales 2**{max(shifts)} apart", "at most 2**31")
    return shifts


def rounding_shift_int16(x: ArrayLike, exponent: int) -> NDArray[np.int64]:
    """x / 2**exponent in int16 registers, rounded to nearest, halves away from zero.

    From an exponent of 16 on, the mask does not fit the register and becomes -1: what is not
    negative gives 1, the rest -1.

    Parameters
    ----------
    x : array holding int16 values
    exponent : int, 0 .. 31

    Examples
    --------
    >>> rounding_shift_int16([-6, 0, 5, 6], 2).tolist(), rounding_shift_int16([-6, 0], 16).tolist()
    ([-2, 0, 1, 2], [-1, 1])

    Source: google/gemmlowp fixedpoint/fixedpoint.h (RoundingDivideByPOT, int16)
    """
    x = np.asarray(x, np.int64)
    mask = fixed_point.wrap_int16((1 << exponent) - 1)
    threshold = (mask >> 1) + (x < 0)
    return np.asarray((x >> exponent) + ((x & mask) > threshold), np.int64)


def _input_multiplier(node: Node, position: int, twice_max_input_scale: float) -> tuple[int, int]:
    scale = float(node.input(position).scale)
    real = scale / twice_max_input_scale if twice_max_input_scale else math.nan
    return multiplier_smaller_than_one(node, f"input {position} quantization.scale {scale:.9g}", real)
