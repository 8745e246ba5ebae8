"""tf.quantization.dequantize: from stored integers and their range back to real numbers.

Every line is float32 and flushed unless it says f64; L .. H is the stored type, A = L, or L + 1
with narrow_range, half = (H - L + 1) / 2 for signed types and 0 for unsigned ones.

=============  ==================================================================================
MIN_COMBINED   (q + half) * ((max - min) / (H - L)) + min
MIN_FIRST      s = f64(max - min) / f64(H - L); base = rha(min / s) * s (min if min == max);
               q * s + (base - L * s)
SCALED         q * s; s = max / H for unsigned types, else the larger of min / A and max / H
=============  ==================================================================================

Source: tensorflow/tensorflow tensorflow/core/kernels/dequantize_op.cc; compared with TensorFlow
2.21 (TF_ENABLE_ONEDNN_OPTS=0) case by case, see docs/numbers.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.affine.denormals import flush
from quantlib.affine.intake import one_of, real_array
from quantlib.affine.range_quantize import MODES, checked_range, quantized_dtype, scaled_ends
from quantlib.affine.tiles import in_tiles, in_tiles_with
from quantlib.arithmetic.rounding import round_half_away_from_zero
from quantlib.errors import InvalidInputError

__all__ = ["range_dequantize"]

Float32Array = NDArray[np.float32]
StoredArray = NDArray[np.integer[Any]]


def range_dequantize(
    q: StoredArray,
    min_range: ArrayLike,
    max_range: ArrayLike,
    mode: str = "MIN_COMBINED",
    narrow_range: bool = False,
    axis: int | None = None,
) -> Float32Array:
    """Real numbers for stored integers of a given range, as tf.quantization.dequantize.

    Parameters
    ----------
    q : int8, uint8, int16, uint16 or int32 array, any shape
        The dtype is the stored type.
    min_range, max_range : array_like of float32, finite
        The range that `range_quantize` returned; with `axis` arrays of shape (channels,).
    mode : "MIN_COMBINED", "MIN_FIRST" or "SCALED"
    narrow_range : bool
        Only "SCALED" looks at it.
    axis : int, optional
        The axis that several ranges run along; not with "MIN_FIRST".

    Returns
    -------
    float32 array of the shape of `q`

    Raises
    ------
    InvalidInputError
        Naming the argument: another dtype, a reversed, infinite or NaN range, an axis or lengths
        that do not fit, "MIN_FIRST" with an axis. (TensorFlow takes reversed ranges here.)

    Notes
    -----
    * A result beyond float32 is an infinity, without a warning.
    * The int32 codes that float32 rounds to 2**31 stay positive in "SCALED"; in TensorFlow they
      change their sign.

    Examples
    --------
    >>> range_dequantize(np.uint8([0, 64, 96, 255]), -1.0, 3.0).tolist()
    [-1.0, 0.003921627998352051, 0.5058825016021729, 3.0]
    >>> range_dequantize(np.int8([-127, 0, 127]), -3.0, 3.0, mode="SCALED", narrow_range=True).tolist()
    [-3.0, 0.0, 3.0]

    Source: tensorflow/tensorflow tensorflow/core/kernels/dequantize_op.cc
    """
    array = real_array(q, "q")
    stored = quantized_dtype(array.dtype, "q")
    one_of(mode, "mode", MODES)
    if axis is not None and mode == "MIN_FIRST":
        raise InvalidInputError("axis", axis, "None: MIN_FIRST has one range")
    low, high, trailing = checked_range(min_range, max_range, axis, array.shape)
    result = np.empty(array.shape, np.float32)
    rule: Any
    numbers: tuple[Float32Array, ...]
    with np.errstate(all="ignore"):
        if mode == "SCALED":
            rule, numbers = _scaled, _scaled_numbers(low, high, stored, narrow_range)
        elif mode == "MIN_FIRST":
            rule, numbers = _min_first, _min_first_numbers(low, high, stored)
        else:
            limits = np.iinfo(stored)
            steps = np.float32(limits.max) - np.float32(limits.min)
            rule, numbers = _min_combined, (flush(flush(high - low) / steps), low)
        if axis is None:
            in_tiles(lambda tile, out: rule(tile, *numbers, out), array, result)
        else:
            shaped = tuple(number.reshape(trailing) for number in numbers)
            in_tiles_with(rule, array, shaped, result)
    return result


def _min_combined(q: StoredArray, scale: Float32Array, low: Float32Array, out: Float32Array) -> None:
    half = np.float32(0 if q.dtype.kind == "u" else -np.iinfo(q.dtype).min)
    out[...] = flush(flush((q.astype(np.float32) + half) * scale) + low)


def _min_first_numbers(
    low: Float32Array, high: Float32Array, stored: np.dtype[Any]
) -> tuple[Float32Array, Float32Array]:
    limits = np.iinfo(stored)
    steps = np.float64(limits.max) - np.float64(limits.min)
    scale = flush((flush(high - low).astype(np.float64) / steps).astype(np.float32))
    divisor = np.where(scale > 0, scale, np.float32(1))
    rounded = round_half_away_from_zero(flush(np.asarray(low / divisor))).astype(np.float32)
    nudged = flush(np.asarray(rounded * scale))
    base = np.where(low == high, low, nudged)
    return scale, flush(np.asarray(base - flush(np.float32(limits.min) * scale)))


def _min_first(q: StoredArray, scale: Float32Array, offset: Float32Array, out: Float32Array) -> None:
    out[...] = flush(flush(q.astype(np.float32) * scale) + offset)


def _scaled_numbers(
    low: Float32Array, high: Float32Array, stored: np.dtype[Any], narrow_range: bool
) -> tuple[Float32Array]:
    lowest, highest = scaled_ends(stored, narrow_range)
    from_high = flush(high / highest)
    if stored.kind == "u":
        return (from_high,)
    from_low = flush(low / lowest)
    return (np.asarray(np.where(from_low < from_high, from_high, from_low), np.float32),)


def _scaled(q: StoredArray, scale: Float32Array, out: Float32Array) -> None:
    out[...] = flush(q.astype(np.float32) * scale)
