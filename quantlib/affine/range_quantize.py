"""tf.quantization.quantize: the mapping is fixed by a range of reals and not by a scale.

Write F(.) for the flush of subnormals that follows every float32 operation, L .. H for the stored
type, half = (H - L + 1) / 2 for signed types and 0 for unsigned ones. Every line is float32 unless
it says f64.

The range is widened first: r0 = min(0, min); r1 = max(0, max, r0 + e) with
e = max(1, |min|, |max|) * ensure_minimum_range.

=============  ==================================================================================
MIN_COMBINED   s = f64(H - L) / f64(r1 - r0); d = clip(x, r0, r1) - r0;
               signed: rha(d * s - half), unsigned: trunc(d * s + 0.5)
MIN_FIRST      s = f64(H - L) / f64(r1 - r0); rha(x * s) - (rha(r0 * s) - L), clamped
SCALED         s = the smaller of A / r0 and H / r1 (A = L, or L + 1 with narrow_range), so that
               zero is 0; round(clip(x, A / s, H / s) * s)
=============  ==================================================================================

Source: tensorflow/tensorflow tensorflow/core/kernels/quantize_op.cc; compared with TensorFlow 2.21
(TF_ENABLE_ONEDNN_OPTS=0) case by case, see docs/numbers.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from quantlib.affine.denormals import flush
from quantlib.affine.intake import axis_index, finite_float32, finite_number, float32_array, one_of
from quantlib.affine.tiles import in_tiles, in_tiles_with
from quantlib.arithmetic.rounding import round_half_away_from_zero, round_half_to_even
from quantlib.errors import InvalidInputError

__all__ = ["MODES", "RangeQuantized", "range_quantize"]

MODES = ("MIN_COMBINED", "MIN_FIRST", "SCALED")
"""TensorFlow's names of the three mappings."""

ROUND_MODES = ("HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN")
"""TensorFlow's names of the two roundings."""

Float32Array = NDArray[np.float32]

_FLT_MAX = np.finfo(np.float32).max

_TYPES = {name: np.dtype(name) for name in ("int8", "uint8", "int16", "uint16", "int32")}
"""The stored types, by NumPy's name; TensorFlow's have a q in front."""


class RangeQuantized(NamedTuple):
    """What `range_quantize` gives.

    Attributes
    ----------
    output : array of the stored type, of the shape of the input
    output_min, output_max : float32 arrays of shape () or (channels,)
        The range that the stored integers really span; hand it to `range_dequantize`.
    """

    output: NDArray[np.integer[Any]]
    output_min: Float32Array
    output_max: Float32Array


def range_quantize(
    x: ArrayLike,
    min_range: ArrayLike,
    max_range: ArrayLike,
    dtype: DTypeLike = np.int8,
    mode: str = "MIN_COMBINED",
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    narrow_range: bool = False,
    axis: int | None = None,
    ensure_minimum_range: float = 0.01,
) -> RangeQuantized:
    """Stored integers for real numbers of a given range, as tf.quantization.quantize.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Taken in float32; subnormal numbers count as 0.
    min_range, max_range : array_like of float32, finite
        Numbers, or with `axis` arrays of shape (channels,).
    dtype : dtype or str
        int8, uint8, int16, uint16, int32; TensorFlow's names (``"qint8"``) are understood.
    mode : "MIN_COMBINED", "MIN_FIRST" or "SCALED"
    round_mode : "HALF_AWAY_FROM_ZERO" or "HALF_TO_EVEN"
        The latter with "SCALED" only.
    narrow_range : bool
        Leave the lowest code unused; only "SCALED" looks at it.
    axis : int, optional
        The axis that several ranges run along; not with "MIN_FIRST".
    ensure_minimum_range : float
        The range is made at least so wide, relative to max(1, |min_range|, |max_range|).

    Returns
    -------
    RangeQuantized
        output, output_min, output_max

    Raises
    ------
    InvalidInputError
        Where TensorFlow raises: a reversed range, "HALF_TO_EVEN" without "SCALED", "MIN_FIRST"
        with an axis, an axis out of range, ranges whose length does not fit; and where it computes
        nonsense: ranges that are NaN, infinite, or wider than float32.

    Notes
    -----
    * **NaN is stored as 0.0 would be.** TensorFlow's answer depends on the element's position.
    * Where the rounded value is 2**31 (int32, upper end) the result saturates; TensorFlow's wraps
      to -2**31.
    * ``min_range == max_range == 0`` with ``ensure_minimum_range=0`` leaves no range at all:
      every element gets the code of 0.0, and the output range is (0, 0).

    Examples
    --------
    >>> r = range_quantize([-1.0, 0.0, 0.5, 3.0], -1.0, 3.0, np.uint8)
    >>> r.output.tolist(), float(r.output_min), float(r.output_max)
    ([0, 64, 96, 255], -1.0, 3.0)
    >>> r = range_quantize([-1.0, 0.0, 0.5, 3.0], -1.0, 3.0, np.int8, mode="SCALED")
    >>> r.output.tolist(), float(r.output_max)
    ([-42, 0, 21, 127], 3.0)

    Source: tensorflow/tensorflow tensorflow/core/kernels/quantize_op.cc (QuantizeV2)
    """
    array = float32_array(x, "x")
    stored = quantized_dtype(dtype)
    one_of(mode, "mode", MODES)
    one_of(round_mode, "round_mode", ROUND_MODES)
    if round_mode == "HALF_TO_EVEN" and mode != "SCALED":
        raise InvalidInputError("round_mode", repr(round_mode), "HALF_AWAY_FROM_ZERO unless mode is SCALED")
    if axis is not None and mode == "MIN_FIRST":
        raise InvalidInputError("axis", axis, "None: MIN_FIRST has one range")
    low, high, trailing = checked_range(min_range, max_range, axis, array.shape)
    low, high = _ensured_range(low, high, finite_number(ensure_minimum_range, "ensure_minimum_range"))
    result = np.empty(array.shape, stored)
    with np.errstate(all="ignore"):
        if mode == "SCALED":
            scale, low, high = _scale_through_zero(low, high, stored, narrow_range)
            rule = _scaled_half_even if round_mode == "HALF_TO_EVEN" else _scaled_half_away
        else:
            width = flush(high - low).astype(np.float64)
            limits = np.iinfo(stored)
            steps = np.float64(limits.max) - np.float64(limits.min)
            scale = flush(np.where(width > 0, steps / np.where(width > 0, width, 1), 0).astype(np.float32))
            rule = _min_combined if mode == "MIN_COMBINED" else _min_first
        if axis is None:
            in_tiles(lambda tile, out: rule(tile, low, high, scale, out), array, result)
        else:
            ranges = tuple(values.reshape(trailing) for values in (low, high, scale))
            in_tiles_with(rule, array, ranges, result)
    return RangeQuantized(result, low, high)


def quantized_dtype(dtype: DTypeLike, argument: str = "dtype") -> np.dtype[Any]:
    """The stored type, from NumPy's or TensorFlow's name of it.

    Examples
    --------
    >>> quantized_dtype("quint16")
    dtype('uint16')
    """
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None)
    if isinstance(name, str) and name.removeprefix("q") in _TYPES:
        return _TYPES[name.removeprefix("q")]
    try:
        return _TYPES[np.dtype(dtype).name]
    except (TypeError, KeyError):
        raise InvalidInputError(argument, repr(dtype)[:80], "int8, uint8, int16, uint16 or int32") from None


def checked_range(
    min_range: ArrayLike, max_range: ArrayLike, axis: int | None, shape: tuple[int, ...]
) -> tuple[Float32Array, Float32Array, tuple[int, ...]]:
    """The ends of a range, flushed, and the shape that makes them broadcast along `axis`.

    Examples
    --------
    >>> checked_range([0.0, -1.0], [1.0, 1.0], 0, (2, 5))[2]
    (-1, 1)
    """
    low, high = finite_float32(min_range, "min_range"), finite_float32(max_range, "max_range")
    if axis is None:
        wanted: tuple[int, ...] = ()
        trailing: tuple[int, ...] = ()
    else:
        axis = axis_index(axis, len(shape), "axis")
        wanted, trailing = (shape[axis],), (-1, *(1,) * (len(shape) - 1 - axis))
    for ends, argument in ((low, "min_range"), (high, "max_range")):
        if ends.shape != wanted:
            said = "a number (no axis is given)" if axis is None else f"shape {wanted}"
            raise InvalidInputError(argument, f"shape {ends.shape}", said)
    if (low > high).any():
        raise InvalidInputError("max_range", high[low > high].flat[0], "not below min_range")
    with np.errstate(over="ignore"):
        if not np.isfinite(np.maximum(high, 0) - np.minimum(low, 0)).all():
            raise InvalidInputError("max_range", "a range wider than float32", "max - min < 3.4e38")
    return flush(low), flush(high), trailing


def _ensured_range(low: Float32Array, high: Float32Array, least: float) -> tuple[Float32Array, Float32Array]:
    magnitude = np.maximum(np.float32(1), np.maximum(np.abs(low), np.abs(high)))
    with np.errstate(over="ignore"):
        epsilon = magnitude * np.float32(least)
        r0 = np.where(low < 0, low, np.float32(0))  # never -0.0
        r1 = np.maximum(np.float32(0), np.maximum(high, r0 + epsilon))
    return r0, flush(np.asarray(r1))


def scaled_ends(stored: np.dtype[Any], narrow_range: bool) -> tuple[np.float32, np.float32]:
    """Lowest and highest code in use, as float32.

    Examples
    --------
    >>> scaled_ends(np.dtype(np.int8), narrow_range=True)
    (np.float32(-127.0), np.float32(127.0))
    """
    limits = np.iinfo(stored)
    return np.float32(limits.min + (1 if narrow_range else 0)), np.float32(limits.max)


def _scale_through_zero(
    low: Float32Array, high: Float32Array, stored: np.dtype[Any], narrow_range: bool
) -> tuple[Float32Array, Float32Array, Float32Array]:
    lowest, highest = scaled_ends(stored, narrow_range)
    from_low = np.where(flush(lowest * low) > 0, flush(lowest / low), _FLT_MAX)
    from_high = np.where(flush(highest * high) > 0, flush(highest / high), _FLT_MAX)
    scale = np.asarray(np.minimum(from_low, from_high), np.float32)
    empty = (low == 0) & (high == 0)
    new_low = np.where(empty, np.float32(0), flush(lowest / scale))
    new_high = np.where(empty, np.float32(0), flush(highest / scale))
    return np.where(empty, np.float32(0), scale), new_low, new_high


def _store(rounded: NDArray[np.floating[Any]], out: NDArray[np.integer[Any]]) -> None:
    limits = np.iinfo(out.dtype)
    # float64 holds every code of int32, also 2**31 - 1; float32 those of 16 bits.
    precision = np.float64 if limits.bits == 32 else np.float32
    bounded = np.clip(rounded.astype(precision, copy=False), precision(limits.min), precision(limits.max))
    np.copyto(out, bounded, casting="unsafe")


def _without_nan(x: Float32Array) -> Float32Array:
    return flush(np.where(np.isnan(x), np.float32(0), x) if np.isnan(x.min()) else x)


def _min_combined(
    x: Float32Array, low: Float32Array, high: Float32Array, scale: Float32Array, out: NDArray[np.integer[Any]]
) -> None:
    distance = flush(np.clip(_without_nan(x), low, high) - low)
    scaled = flush(distance * scale)
    if out.dtype.kind == "u":
        _store(np.trunc(scaled + np.float32(0.5)), out)
    else:
        half = -np.float32(np.iinfo(out.dtype).min)
        _store(round_half_away_from_zero(scaled - half), out)


def _min_first(
    x: Float32Array, low: Float32Array, high: Float32Array, scale: Float32Array, out: NDArray[np.integer[Any]]
) -> None:
    del high
    limits = np.iinfo(out.dtype)
    offset = round_half_away_from_zero(flush(low * scale)) - np.float32(limits.min)
    scaled = _without_nan(_without_nan(x) * scale)  # an infinity times an empty range's 0 is NaN
    shifted = round_half_away_from_zero(scaled) - offset
    # The largest float32 number below 2**31.
    _store(np.minimum(shifted, np.float32(min(limits.max, 2147483520))), out)


def _scaled_half_away(
    x: Float32Array, low: Float32Array, high: Float32Array, scale: Float32Array, out: NDArray[np.integer[Any]]
) -> None:
    _store(round_half_away_from_zero(flush(np.clip(_without_nan(x), low, high) * scale)), out)


def _scaled_half_even(
    x: Float32Array, low: Float32Array, high: Float32Array, scale: Float32Array, out: NDArray[np.integer[Any]]
) -> None:
    _store(round_half_to_even(flush(np.clip(_without_nan(x), low, high) * scale)), out)
