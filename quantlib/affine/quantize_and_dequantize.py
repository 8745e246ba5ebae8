"""tf.quantization.quantize_and_dequantize_v2: what quantization does to numbers that stay real.

With integer ends A .. B (signed: -2**(bits-1) .. 2**(bits-1) - 1, unsigned: 0 .. 2**bits - 1;
signed, narrow_range: A + 1) and the range lo .. hi given, or taken from the data, the scale s is the
smaller of A / lo and B / hi where these are positive; the end with the smaller scale stays, the
other becomes B * inverse or A * inverse, with inverse = that end / its integer. Then

    round(clip(x, lo, hi) * s) * inverse        (clipped only if the range was given)

in the type of the input, float32 or float64, subnormals flushed after every operation.

Source: tensorflow/tensorflow tensorflow/core/kernels/quantize_and_dequantize_op.h; compared with
TensorFlow 2.21 case by case, see docs/numbers.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.affine.denormals import flush
from quantlib.affine.extrema import min_max
from quantlib.affine.intake import axis_index, integer, one_of, real_array
from quantlib.affine.tiles import in_tiles, in_tiles_with
from quantlib.arithmetic.rounding import round_half_to_even, round_half_up
from quantlib.errors import InvalidInputError

__all__ = ["quantize_and_dequantize"]

FloatArray = NDArray[np.floating[Any]]


def quantize_and_dequantize(
    x: ArrayLike,
    input_min: ArrayLike | None = None,
    input_max: ArrayLike | None = None,
    signed_input: bool = True,
    num_bits: int = 8,
    round_mode: str = "HALF_TO_EVEN",
    narrow_range: bool = False,
    axis: int | None = None,
) -> FloatArray:
    """The nearest real numbers that stored integers can express, as TensorFlow's operator.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        A float64 array is computed in float64, everything else in float32.
    input_min, input_max : array_like, finite, optional
        The range (both or neither): numbers, or with `axis` arrays of shape (channels,). Neither:
        the smallest and largest element (TensorFlow's ``range_given=False``).
    signed_input : bool
        Whether the integers are signed. It says nothing about `x`.
    num_bits : int
        1 .. 63; signed integers need 2.
    round_mode : "HALF_TO_EVEN" or "HALF_UP"
        The latter is floor(v + 0.5).
    narrow_range : bool
        Leave the lowest code of signed integers unused.
    axis : int, optional
        The axis that several ranges run along.

    Returns
    -------
    float32 (or float64) array of the shape of `x`

    Raises
    ------
    InvalidInputError
        Naming the argument: a reversed, infinite or NaN range, bits out of range, only one end.

    Notes
    -----
    * NaN stays NaN; a given range clips infinities. Without a range, data that hold a NaN or an
      infinity have no range, and are refused.
    * With a range *and* an axis TensorFlow 2.21 raises whatever the range is ("input_min must be
      a scalar"); this computes each channel as if it came alone.
    * A range without any number of the integers' sign (unsigned integers, all-negative range)
      gives zeros.

    Examples
    --------
    >>> quantize_and_dequantize([0.1, -1.0, 0.5], -1.0, 1.0).tolist()
    [0.10236220061779022, -1.0, 0.5039370059967041]
    >>> quantize_and_dequantize([0.0, 0.3, 1.0], num_bits=2, signed_input=False).tolist()
    [0.0, 0.3333333432674408, 1.0]

    Source: tensorflow/tensorflow tensorflow/core/kernels/quantize_and_dequantize_op.h
    """
    array = real_array(x, "x")
    dtype = np.dtype(np.float64 if isinstance(x, np.ndarray) and array.dtype == np.float64 else np.float32)
    with np.errstate(over="ignore"):
        array = array.astype(dtype, copy=False)
    one_of(round_mode, "round_mode", ("HALF_TO_EVEN", "HALF_UP"))
    num_bits = integer(num_bits, "num_bits", 2 if signed_input else 1, 63)
    if axis is not None:
        axis = axis_index(axis, array.ndim, "axis")
    given = input_min is not None or input_max is not None
    result = np.empty(array.shape, dtype)
    if array.size == 0 and not given:
        return result
    low, high = _range(array, input_min, input_max, axis)
    with np.errstate(all="ignore"):
        numbers = _numbers(low, high, signed_input, num_bits, narrow_range)
        rounded = round_half_to_even if round_mode == "HALF_TO_EVEN" else round_half_up

        def kernel(tile: Any, low: Any, high: Any, scale: Any, inverse: Any, out: Any) -> None:
            v = flush(tile)
            if given:
                # An adjusted range may be reversed; zeros keep their sign, NaN stays.
                v = np.where(v > high, high, v)
                v = np.where(v < low, low, v)
            out[...] = flush(rounded(flush(v * scale)) * inverse)

        if axis is None:
            in_tiles(lambda tile, out: kernel(tile, *numbers, out), array, result)
        else:
            trailing = (-1, *(1,) * (array.ndim - 1 - axis))
            in_tiles_with(kernel, array, tuple(number.reshape(trailing) for number in numbers), result)
    return result


def _range(
    array: FloatArray, input_min: ArrayLike | None, input_max: ArrayLike | None, axis: int | None
) -> tuple[FloatArray, FloatArray]:
    if (input_min is None) != (input_max is None):
        missing = "input_min" if input_min is None else "input_max"
        raise InvalidInputError(missing, None, "both ends of the range, or neither")
    if input_min is None or input_max is None:
        low, high = min_max(array, axis)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise InvalidInputError("x", "NaN or an infinity", "finite numbers where no range is given")
        return flush(low), flush(high)
    ends = []
    shape = () if axis is None else (array.shape[axis],)
    for value, argument in ((input_min, "input_min"), (input_max, "input_max")):
        end = real_array(value, argument)
        with np.errstate(over="ignore"):
            end = end.astype(array.dtype)
        if end.shape != shape:
            raise InvalidInputError(argument, f"shape {end.shape}", f"shape {shape}")
        if not np.isfinite(end).all():
            raise InvalidInputError(argument, end[~np.isfinite(end)].flat[0], "finite")
        ends.append(flush(end))
    if (ends[0] > ends[1]).any():
        raise InvalidInputError("input_max", ends[1][ends[0] > ends[1]].flat[0], "not below input_min")
    return ends[0], ends[1]


def _numbers(
    low: FloatArray, high: FloatArray, signed: bool, bits: int, narrow_range: bool
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The adjusted range, the scale and its inverse."""
    dtype = low.dtype.type
    lowest = -(1 << (bits - 1)) + bool(narrow_range) if signed else 0
    a, b = dtype(lowest), dtype((1 << (bits - 1)) - 1 if signed else (1 << bits) - 1)
    largest = np.finfo(dtype).max
    from_low = np.where(flush(a * low) > 0, flush(a / low), largest)
    from_high = np.where(flush(b * high) > 0, flush(b / high), largest)
    low_wins = from_low < from_high
    scale = np.where(low_wins, from_low, from_high).astype(dtype)
    inverse = np.where(low_wins, flush(low / a), flush(high / b)).astype(dtype)
    new_low = np.where(low_wins, low, flush(a * inverse))
    new_high = np.where(low_wins, flush(b * inverse), high)
    return new_low, new_high, scale, inverse
