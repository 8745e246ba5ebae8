"""Scales that integer kernels take, as conditions for the quantizer.

Some kernels end LiteRT's process where a scale is odd, or shift by a negative count, which C leaves
undefined: the difference of equal tensors, whose output scale is next to nothing, or a comparison of
numbers whose scale is exactly 1. TensorFlow's converter
writes such files. Kernels check what they are given; a rule says it beforehand.

Source: LiteRT tflite/kernels/internal/quantization_util.cc (QuantizeMultiplierSmallerThanOneExp,
PreprocessSoftmaxScaling) and the kernels' Prepare functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from quantlib.ops._rule import ScalesFit

__all__ = ["bias_scale", "common_scale", "comparable_scales", "exponential_scale", "hard_swish_scale"]

_FLOAT32_MAX = 2.0**128
"""Kernels form units of the output in float32; beyond it they are infinite."""

_ALMOST_ONE = 1 - 2.0**-20
"""Multipliers are float32 products of float32 scales; what rounds to 1 is refused, too."""


def common_scale(int8: int, int16: int | None = None, *, power: int = 1) -> ScalesFit:
    """The condition of kernels that bring both inputs to one scale: no output finer than that.

    Parameters
    ----------
    int8, int16 : int
        By how many bits codes are shifted to the left; None where any scale will do.
    power : int
        How often the common scale is in the result.

    Examples
    --------
    >>> fit = common_scale(20)
    >>> fit((0.5, 0.25), 0.5, False), fit((0.5, 0.5), 7.8e-9, False), fit((1e36, 1e36), 1e36, False)
    (True, False, False)
    """

    def fit(inputs: Sequence[float], output: float, in_int16: bool) -> bool:
        left_shift = int16 if in_int16 else int8
        if left_shift is None:
            return True
        unit = 2.0 ** (left_shift * power) * output
        return unit < _FLOAT32_MAX and 0 < (2 * max(inputs)) ** power / unit < _ALMOST_ONE

    return fit


def comparable_scales(inputs: Sequence[float], output: float, in_int16: bool) -> bool:
    """The condition of comparisons: no scale is exactly 1.

    Examples
    --------
    >>> comparable_scales((0.5, 2.0), 0.0, False), comparable_scales((0.5, 1.0), 0.0, False)
    (True, False)
    """
    del output, in_int16
    return all(scale != 1 for scale in inputs)


def bias_scale(inputs: Sequence[float], output: float, in_int16: bool) -> bool:
    """The condition of dense layers: the bias's rounded scale is off by 2 % of the output's at most.

    Examples
    --------
    >>> bias_scale((0.5, 0.25, 0.125), 0.1, False), bias_scale((0.5, 0.25, 0.12500001), 7.8e-9, False)
    (True, False)
    """
    if in_int16 or len(inputs) < 3:
        return True
    return abs(inputs[0] * inputs[1] - inputs[2]) <= 0.02 * output


def hard_swish_scale(inputs: Sequence[float], output: float, in_int16: bool) -> bool:
    """The condition of HARD_SWISH: the output is not finer than a 128th of the input.

    Examples
    --------
    >>> hard_swish_scale((0.1,), 0.1, False), hard_swish_scale((0.1,), 7.8e-9, False)
    (True, False)
    """
    del in_int16
    return output > inputs[0] / 128 / _ALMOST_ONE


def exponential_scale(inputs: Sequence[float], output: float, in_int16: bool) -> bool:
    """The condition of exponentials in fixed point: the input's scale exceeds 2**-26.

    Examples
    --------
    >>> exponential_scale((0.1,), 1 / 256, False), exponential_scale((7.8e-9,), 1 / 256, False)
    (True, False)
    """
    del output
    return in_int16 or inputs[0] > 2.0**-26
