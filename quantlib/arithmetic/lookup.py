"""Tables that stand for functions: 256 entries for 8-bit codes, 513 with interpolation for int16.

The kernels evaluate a real function at Prepare time, in float32, and only look up afterwards. So the
float32 function decides the codes: use `quantlib.arithmetic.libm`.

Source: LiteRT tflite/kernels/internal/common.h (LUTPopulate, LUTLookup)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from quantlib.arithmetic import fixed_point, rounding
from quantlib.errors import InvalidInputError

__all__ = [
    "RealFunction",
    "look_up",
    "look_up_int16",
    "softmax_exp_table",
    "softmax_one_over_one_plus_x_table",
    "table_8bit",
    "table_8bit_xnnpack",
    "table_int16",
]

RealFunction: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
"""A function of a float array, element by element, that keeps the dtype."""

INT16_STEPS = 512
"""Segments of an int16 table; the upper 9 bits of a code select one, the lower 7 interpolate."""


def table_8bit(
    function: RealFunction,
    input_scale: float,
    input_zero_point: int,
    output_scale: float,
    output_zero_point: int,
    dtype: DTypeLike = np.int8,
) -> NDArray[Any]:
    """The output codes of a real function for all 256 input codes.

    Every step is rounded to float32: dequantize, apply, multiply by the float32 inverse of the
    output scale, round half away from zero, add the zero point, truncate.

    Parameters
    ----------
    function : callable
        float32 array to float32 array. Where the result leaves int32, int8 codes saturate and
        uint8 codes become 0; NaN becomes code 0 in both, whatever the zero point.
    input_scale, output_scale : float
        Taken as float32.
    input_zero_point, output_zero_point : int
    dtype : int8 or uint8
        Of input and output.

    Returns
    -------
    array of shape (256,) of that dtype; entry 0 belongs to the smallest code

    Raises
    ------
    InvalidInputError
        Another dtype.

    Examples
    --------
    >>> from quantlib.arithmetic import libm
    >>> table = table_8bit(libm.tanhf, 1 / 16, 0, 1 / 128, 0)
    >>> table[[0, 128, 128 + 8, 255]].tolist()  # codes -128, 0, 8 and 127
    [-128, 0, 59, 127]

    Source: LiteRT tflite/kernels/internal/common.h (LUTPopulateInt8); saturation measured on 2.3.0
    """
    dtype = np.dtype(dtype)
    if dtype not in (np.int8, np.uint8):
        raise InvalidInputError("dtype", dtype, "int8 or uint8")
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    codes = np.arange(low, high + 1)
    with np.errstate(all="ignore"):
        inverse_scale = np.float32(1) / np.float32(output_scale)
        real = np.float32(input_scale) * (codes - input_zero_point).astype(np.float32)
        scaled = np.asarray(function(real), np.float32) * inverse_scale
        stored = rounding.round_half_away_from_zero(scaled) + np.float32(output_zero_point)
    # The compiler casts to int32 as the processor does for uint8, and with saturation for int8.
    if dtype == np.uint8:
        return fixed_point.saturate(rounding.float_to_int32(stored), low, high).astype(np.uint8)
    return np.asarray(np.clip(np.where(np.isnan(stored), 0, stored), low, high).astype(np.int8))


def table_8bit_xnnpack(
    function: RealFunction,
    input_scale: float,
    input_zero_point: int,
    output_scale: float,
    output_zero_point: int,
    dtype: DTypeLike = np.int8,
    *,
    half_to_even: bool = True,
) -> NDArray[Any]:
    """As `table_8bit`, but halves are rounded after the zero point is added, and NaN becomes 0.

    Parameters
    ----------
    function, input_scale, input_zero_point, output_scale, output_zero_point, dtype
        As in `table_8bit`. Results beyond the codes saturate in both types.
    half_to_even : bool
        Else away from zero, as before LiteRT 2.1.6.

    Returns
    -------
    array of shape (256,) of that dtype; entry 0 belongs to the smallest code

    Examples
    --------
    >>> table_8bit_xnnpack(np.copy, 1.0, 0, 2.0, 0)[[127, 129, 131]].tolist()  # halves of -1, 1, 3
    [0, 0, 2]
    >>> table_8bit_xnnpack(np.copy, 1.0, 0, 2.0, 1)[[127, 129, 131]].tolist()  # one more
    [0, 2, 2]

    Source: google/XNNPACK src/reference/unary-elementwise.cc (unary_ukernel_quantized)
    """
    dtype = np.dtype(dtype)
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    codes = np.arange(low, high + 1)
    with np.errstate(all="ignore"):
        real = (codes - input_zero_point).astype(np.float32) * np.float32(input_scale)
        inverse_scale = np.float32(1) / np.float32(output_scale)
        scaled = np.asarray(function(real), np.float32) * inverse_scale + np.float32(output_zero_point)
    whole = rounding.round_half_to_even if half_to_even else rounding.round_half_away_from_zero
    return np.asarray(
        np.clip(whole(np.where(np.isnan(scaled), np.float32(0), scaled)), low, high).astype(dtype)
    )


def look_up(x: NDArray[Any], table: NDArray[Any]) -> NDArray[Any]:
    """The table's entry for every 8-bit code.

    Parameters
    ----------
    x : int8 or uint8 array
    table : array of shape (256,), entry 0 for the smallest code of x's dtype

    Returns
    -------
    array of x's shape and the table's dtype

    Examples
    --------
    >>> negated = np.arange(128, -128, -1).clip(-128, 127).astype(np.int8)
    >>> look_up(np.array([[-128, 5]], np.int8), negated).tolist()
    [[127, -5]]

    Source: LiteRT tflite/kernels/internal/common.h (LUTLookup)
    """
    return np.take(table, x.astype(np.intp) - np.iinfo(x.dtype).min)


def table_int16(
    function: RealFunction,
    input_scale: float,
    input_zero_point: int,
    output_scale: float,
    output_zero_point: int,
    real_dtype: DTypeLike = np.float32,
) -> NDArray[np.int16]:
    """Samples of a real function at every 128th int16 code, each set off to halve the chord's error.

    A chord misses the function most in its middle; moving its left end by half of that error
    spreads it evenly.

    Parameters
    ----------
    function : callable
        `real_dtype` array to `real_dtype` array.
    input_scale, output_scale : float
        Taken as `real_dtype`.
    input_zero_point, output_zero_point : int
    real_dtype : float32 or float64
        In which everything is computed; float64 for the tables of SOFTMAX alone.

    Returns
    -------
    int16 array of shape (513,); the last entry only ends the last chord. The 512 chords cover the
    65535 code distances, not 65536: results lie up to half a code beside the function.

    Raises
    ------
    InvalidInputError
        Another `real_dtype`.

    Examples
    --------
    >>> identity = table_int16(lambda real: real, 0.5, 0, 0.5, 0)
    >>> identity[[0, 1, 256, 512]].tolist()
    [-32768, -32641, -1, 32767]

    Source: LiteRT tflite/kernels/internal/common.h (LUTPopulateInt16)
    """
    if np.dtype(real_dtype) not in (np.float32, np.float64):
        raise InvalidInputError("real_dtype", np.dtype(real_dtype), "float32 or float64")
    kind: type[np.floating[Any]] = np.float32 if np.dtype(real_dtype) == np.float32 else np.float64
    half_away = rounding.round_half_away_from_zero
    with np.errstate(all="ignore"):
        low, high = (kind(input_scale) * kind(code - input_zero_point) for code in (-32768, 32767))
        out_low, out_high = (kind(output_scale) * kind(code - output_zero_point) for code in (-32768, 32767))
        step = (high - low) / kind(INT16_STEPS)
        steps_per_unit = kind(65536) / (out_high - out_low)

        left = low + np.arange(INT16_STEPS + 1).astype(kind) * step
        middle = left[:-1] + step / kind(2)
        at_left = np.asarray(function(left), kind) * steps_per_unit
        at_middle = half_away(np.asarray(function(middle), kind) * steps_per_unit)
        sample = half_away(at_left[:-1])
        chord_at_middle = half_away((at_left[1:] + sample) / kind(2))
        offset = half_away((chord_at_middle - at_middle) / kind(2))
        last = half_away(np.asarray(function(np.array([high], kind)), kind) * steps_per_unit)
        table = np.concatenate([sample - offset, last])
    return np.clip(np.where(np.isnan(table), 0, table), -32768, 32767).astype(np.int16)


def look_up_int16(x: ArrayLike, table: NDArray[np.int16]) -> NDArray[np.int64]:
    """Interpolation in a table of 513 entries, rounded half up.

    Parameters
    ----------
    x : array of int16 values
    table : int16 array of shape (513,)

    Returns
    -------
    int64 array holding int16 values; slope and result wrap to int16, as the registers do

    Examples
    --------
    >>> squares = np.minimum(np.arange(-256, 257) ** 2, 32767).astype(np.int16)
    >>> look_up_int16([0, 64, 128, -192], squares).tolist()  # half a step lies midway
    [0, 1, 1, 3]

    Source: LiteRT tflite/kernels/internal/common.h (LUTLookup, int16)
    """
    x = np.asarray(x, np.int64)
    entries = table.astype(np.int64)
    index = 256 + (x >> 7)
    slope = fixed_point.wrap_int16(entries[index + 1] - entries[index])
    return fixed_point.wrap_int16(entries[index] + ((slope * (x & 127) + 64) >> 7))


@cache
def softmax_exp_table() -> NDArray[np.int16]:
    """exp on [-10, 0] as int16 SOFTMAX holds it: code 32767 is 0, results in units of 2**-15.

    Returns
    -------
    read-only int16 array of shape (513,), for `look_up_int16`

    Examples
    --------
    >>> softmax_exp_table()[[0, 512]].tolist()
    [2, 32767]

    Source: LiteRT tflite/kernels/activations.cc (SoftmaxPrepare)
    """
    return _frozen(table_int16(_exp, 10.0 / 65535, 32767, 2.0 / 65535, 0, np.float64))


@cache
def softmax_one_over_one_plus_x_table() -> NDArray[np.int16]:
    """1 / (1 + x) on [0, 1] as int16 SOFTMAX holds it: code -32768 is 0, results in units of 2**-15.

    Returns
    -------
    read-only int16 array of shape (513,), for `look_up_int16`

    Examples
    --------
    >>> softmax_one_over_one_plus_x_table()[[0, 512]].tolist()
    [32767, 16384]

    Source: LiteRT tflite/kernels/activations.cc (SoftmaxPrepare)
    """
    return _frozen(table_int16(_one_over_one_plus_x, 1.0 / 65535, -32768, 2.0 / 65535, 0, np.float64))


def _exp(x: NDArray[Any]) -> NDArray[Any]:
    # No sample of this table lies so near a tie that a libm's last bits could move it (tested).
    return np.array([math.exp(one) for one in x.tolist()])


def _one_over_one_plus_x(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1.0 / (1.0 + x))


def _frozen(table: NDArray[np.int16]) -> NDArray[np.int16]:
    table.flags.writeable = False
    return table
