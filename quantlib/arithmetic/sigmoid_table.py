"""LOGISTIC and TANH of int16 by one table of 256 samples of the logistic function.

tanh(x) is 2 logistic(2x) - 1, and both are symmetric, so samples at i / 24, i in 0 .. 255, serve both.
A code is first brought to units of 1 / 12288 (a third of 2**-12), with 15 bits of precision unless
the scale is a power of two.

Source: LiteRT tflite/kernels/internal/reference/integer_ops/logistic.h and tanh.h,
tflite/kernels/activations.cc (SigmoidPrepare, TanhPrepare)
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.power_of_two import checked_log2

__all__ = ["input_multiplier", "logistic_int16", "sigmoid_table", "tanh_int16"]


@cache
def sigmoid_table() -> NDArray[np.int64]:
    """The logistic function at i / 24 in units of 2**-16, raised to halve the error of the chords.

    Returns
    -------
    read-only int64 array of shape (256,); the last entry is the largest uint16

    Examples
    --------
    >>> sigmoid_table()[[0, 1, 24, 255]].tolist()
    [32768, 33451, 47911, 65535]

    Source: LiteRT tflite/kernels/internal/common.h (sigmoid_table_uint16), where its numbers stand
    """

    def logistic(i: float) -> float:
        return 65536.0 / (1.0 + math.exp(-i / 24.0))

    samples = []
    for i in range(255):
        chord_error = (logistic(i) + logistic(i + 1)) / 2 - logistic(i + 0.5)
        # No value lies within 0.004 of a tie, so any libm's exp gives the same integers.
        samples.append(math.floor(logistic(i) - chord_error / 2 + 0.5))
    table = np.array([*samples, 65535], np.int64)
    table.flags.writeable = False
    return table


def input_multiplier(input_scale: float, *, power_of_two_shifts: tuple[int, ...]) -> tuple[int, int]:
    """What brings codes to units of 1 / 12288: times the multiplier, then right by the shift.

    Parameters
    ----------
    input_scale : float
        Taken as float32, positive.
    power_of_two_shifts : tuple of int
        Scales 2**(shift - 12) with one of these shifts are handled exactly: (0,) for LOGISTIC,
        (0, 1) for TANH. All others get a multiplier of 15 bits, truncated.

    Returns
    -------
    multiplier, shift : int
        Both nonnegative.

    Examples
    --------
    >>> input_multiplier(2**-12, power_of_two_shifts=(0,)), input_multiplier(0.001, power_of_two_shifts=(0,))
    ((3, 0), (25165, 11))

    Source: LiteRT tflite/kernels/activations.cc (SigmoidPrepare, TanhPrepare)
    """
    exponent, is_power_of_two = checked_log2(input_scale)
    if is_power_of_two and exponent + 12 in power_of_two_shifts:
        return 3 << (exponent + 12), 0
    multiplier, shift = float(np.float32(input_scale)) * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and shift <= 30:
        multiplier, shift = multiplier * 2.0, shift + 1
    return int(multiplier) if multiplier < 2.0**31 else fixed_point.INT32_MIN, shift


def logistic_int16(x: ArrayLike, multiplier: int, shift: int) -> NDArray[np.int64]:
    """1 / (1 + exp(-x)) in units of 2**-15.

    Parameters
    ----------
    x : array of int16 values
    multiplier, shift : int
        As `input_multiplier` gives them for the shifts (0,).

    Returns
    -------
    int64 array, 0 .. 32767

    Examples
    --------
    >>> logistic_int16([-32768, -4096, 0, 4096, 32767], 3, 0).tolist()  # -8, -1, 0, 1, 8
    [11, 8812, 16384, 23956, 32757]

    Source: LiteRT tflite/kernels/internal/reference/integer_ops/logistic.h (Logistic, int16)
    """
    scaled = _in_table_units(x, multiplier, shift)
    result = _interpolate(np.abs(scaled), bits=9, saturated=0x7FFF << 10)
    mirrored = np.where(scaled >= 0, result + (1 << 9), (1 << 25) - result + (1 << 9) - 1)
    return np.asarray(mirrored >> 10, np.int64)


def tanh_int16(x: ArrayLike, multiplier: int, shift: int) -> NDArray[np.int64]:
    """Hyperbolic tangent of x in units of 2**-15.

    Parameters
    ----------
    x : array of int16 values
    multiplier, shift : int
        As `input_multiplier` gives them for the shifts (0, 1).

    Returns
    -------
    int64 array holding int16 values

    Examples
    --------
    >>> tanh_int16([-32768, -4096, 0, 4096, 32767], 3, 0).tolist()  # -8, -1, 0, 1, 8
    [-32767, -24956, 0, 24956, 32767]

    Source: LiteRT tflite/kernels/internal/reference/integer_ops/tanh.h (Tanh, int16)
    """
    scaled = _in_table_units(x, multiplier, shift)
    result = _interpolate(np.abs(scaled), bits=8, saturated=0xFFFF << 8)
    mirrored = np.where(scaled >= 0, result - (1 << 23) + (1 << 7), -result + (1 << 23) + (1 << 7) - 1)
    return np.asarray(mirrored >> 8, np.int64)


def _in_table_units(x: ArrayLike, multiplier: int, shift: int) -> NDArray[np.int64]:
    half = 1 << (shift - 1) if shift > 0 else 0
    return (
        fixed_point.wrap_int32(fixed_point.wrap_int32(np.asarray(x, np.int64) * multiplier) + half) >> shift
    )


def _interpolate(size: NDArray[np.int64], *, bits: int, saturated: int) -> NDArray[np.int64]:
    """The table at size / 2**bits, times 2**bits."""
    table = sigmoid_table()
    index = np.minimum(size >> bits, 254)
    chord = (table[index] << bits) + (size & ((1 << bits) - 1)) * (table[index + 1] - table[index])
    return np.where(size >> bits >= 255, saturated, chord)
