"""From a range of real numbers to scale and zero point, in each arithmetic TensorFlow uses.

TensorFlow has four quantizers under one name, and the last bits of their scales differ:

===============  ================================================================================
profile          where TensorFlow uses it; precision
===============  ================================================================================
"converter"      post-training int8: the scale is formed in float32
"qat"            graphs with fake-quantization nodes: float64, rounded to float32 when stored
"dynamic_range"  int8 weights under float activations: float64; and the run-time activations
"int16x8"        int16 activations and their int8 weights: float32, no smallest range
===============  ================================================================================

Every profile first widens the range until it contains zero, because zero (padding, ReLU) must be
stored without error; hence an all-positive range starts, and an all-negative range ends, at 0.

Source: LiteRT tflite/converter/quantization/ (fake-quant to uniform type conversion),
tflite/tools/optimize/quantization_utils.cc; formulas compared with TensorFlow 2.21 case by case.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from quantlib.affine.extrema import block_min_max, min_max
from quantlib.affine.intake import axis_index, finite_float32, float32_array, one_of
from quantlib.affine.parameters import QuantizationParameters
from quantlib.arithmetic.rounding import round_half_away_from_zero
from quantlib.errors import InvalidInputError

__all__ = ["PROFILES", "parameters_from_data", "parameters_from_range"]

PROFILES = ("converter", "qat", "dynamic_range", "int16x8")
"""The arithmetics of TensorFlow's quantizers."""

Float64Array = NDArray[np.float64]


def parameters_from_range(
    min: ArrayLike,
    max: ArrayLike,
    dtype: DTypeLike = np.int8,
    *,
    symmetric: bool = False,
    narrow_range: bool = False,
    quantized_dimension: int = 0,
    profile: str = "converter",
) -> QuantizationParameters:
    """Parameters for real numbers between `min` and `max`, as TensorFlow would choose them.

    Parameters
    ----------
    min, max : array_like of float32, finite
        Ends of the range: numbers, or shape (channels,) for one range per channel. min <= max.
    dtype : str or dtype
        int4, int8, uint8 or int16; int32 is for biases, see `quantlib.affine.weights`.
    symmetric : bool
        Zero point in the middle (0; 128 for uint8), and scale = max(abs(min), abs(max)) / qmax,
        whether or not the lowest code is used.
    narrow_range : bool
        Asymmetric parameters leave the lowest code unused, so one step fewer covers the range.
        Symmetric parameters do not change; `quantize_weights` is what keeps the code unused.
    quantized_dimension : int
        Where there are several ranges: the axis they run along.
    profile : "converter", "qat", "dynamic_range" or "int16x8"
        Whose arithmetic. int16 under "converter" is "int16x8": TensorFlow has no other.

    Returns
    -------
    QuantizationParameters

    Raises
    ------
    InvalidInputError
        Naming the argument: NaN or infinite ends, reversed ends, ends so far apart that their
        distance overflows float32 (TensorFlow stores an infinite scale), different lengths.

    Notes
    -----
    With (a, b) the range widened to contain 0, f32 rounding to float32 and rha to the nearest
    integer, halves away from zero:

    * converter: if b - a < 1e-6, a -= 1e-6 and b += 1e-6; scale = f32(f32(b - a) / f32(steps));
      zero point = rha(f32(qmin - a / scale)) within the type. Symmetric: h = max(-a, b),
      at least 5e-7; scale = f32(f32(2 h) / f32(2 qmax)).
    * qat: the same in float64, and a range narrower than 1e-6 becomes 1e-6 wide.
    * dynamic_range, symmetric: as converter, in float64. Asymmetric (what the runtime does to
      activations): scale = f32(b - a) / 255 in float64, zero point from the end of the range
      that has the smaller error.
    * int16x8: scale = f32(h / f32(qmax)), zero point 0 whatever `symmetric` says. A range (0, 0),
      for which TensorFlow stores the unusable scale 0, gets scale 1 here.

    uint8 has the scale of int8, and its zero point plus 128, as the converter's input and output
    types have.

    Examples
    --------
    >>> parameters_from_range(0.0, 6.0)
    QuantizationParameters(scale=0.023529412, zero_point=-128, dtype='int8')
    >>> parameters_from_range(-2.0, 1.0, symmetric=True).zero_point.item()
    0
    >>> parameters_from_range(-1.0, 3.0, np.int16)
    QuantizationParameters(scale=9.155553e-05, zero_point=0, dtype='int16')
    """
    low, high = _checked_ends(min, max)
    target, signed = _targets(dtype)
    one_of(profile, "profile", PROFILES)
    if target.type_name == "int16" and profile == "converter":
        profile = "int16x8"
    a, b = np.minimum(low, 0), np.maximum(high, 0)
    qmin = signed.qmin + (1 if narrow_range else 0)
    if profile == "int16x8":
        scale, zero_point = _int16x8(a, b, signed.qmax)
    elif symmetric:
        scale, zero_point = _symmetric(a, b, signed.qmax, profile)
    elif profile == "converter":
        scale, zero_point = _converter(a, b, qmin, signed.qmax)
    elif profile == "qat":
        scale, zero_point = _qat(a, b, qmin, signed.qmax)
    else:
        scale, zero_point = _run_time(a, b, qmin, signed.qmax)
    offset = target.qmin - signed.qmin  # 128 for uint8
    return QuantizationParameters(
        scale,
        zero_point.astype(np.int64) + offset,
        target.dtype,
        quantized_dimension if np.ndim(scale) else 0,
        target.bits,
    )


def parameters_from_data(
    data: ArrayLike,
    dtype: DTypeLike = np.int8,
    *,
    symmetric: bool = False,
    narrow_range: bool = False,
    quantized_dimension: int | None = None,
    block_size: int | None = None,
    profile: str = "converter",
) -> QuantizationParameters:
    """Parameters for the smallest and largest element of `data`.

    Parameters
    ----------
    data : array_like of real numbers, not empty, finite
    dtype, symmetric, narrow_range, profile
        As for `parameters_from_range`.
    quantized_dimension : int, optional
        One scale per index of this axis; negative counts from the end. None: one for all.
    block_size : int, optional
        One scale per block of so many elements along `quantized_dimension`, which then is the
        axis that is summed over (the last one of dense weights). Block scales are rounded to float16,
        the type in which a file stores them (and held in float32).

    Returns
    -------
    QuantizationParameters

    Raises
    ------
    InvalidInputError
        Naming the argument: empty data, NaN or infinities, an axis the data do not have.

    Examples
    --------
    >>> parameters_from_data([-1.0, 0.0, 2.0], symmetric=True)
    QuantizationParameters(scale=0.015748031, zero_point=0, dtype='int8')
    >>> w = np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 64)
    >>> parameters_from_data(w, "int4", symmetric=True, quantized_dimension=1, block_size=32).scale.shape
    (2, 2)
    """
    array = float32_array(data, "data")
    if block_size is None:
        low, high = min_max(array, quantized_dimension)
        axis = (
            0
            if quantized_dimension is None
            else axis_index(quantized_dimension, array.ndim, "quantized_dimension")
        )
    else:
        if quantized_dimension is None:
            raise InvalidInputError("quantized_dimension", None, "the axis that the blocks lie along")
        axis = axis_index(quantized_dimension, array.ndim, "quantized_dimension")
        low, high = block_min_max(array, axis, block_size)
    low, high = finite_float32(low, "data"), finite_float32(high, "data")
    parameters = parameters_from_range(
        low.reshape(-1) if low.ndim else low,
        high.reshape(-1) if high.ndim else high,
        dtype,
        symmetric=symmetric,
        narrow_range=narrow_range,
        quantized_dimension=axis,
        profile=profile,
    )
    if block_size is None:
        return parameters
    return QuantizationParameters(
        _nearest_float16(parameters.scale).reshape(low.shape),
        parameters.zero_point.reshape(low.shape),
        parameters.dtype,
        axis,
        parameters.bits,
        block_size,
    )


def _checked_ends(min: ArrayLike, max: ArrayLike) -> tuple[Float64Array, Float64Array]:
    low = finite_float32(min, "min").astype(np.float64)
    high = finite_float32(max, "max").astype(np.float64)
    for ends, argument in ((low, "min"), (high, "max")):
        if ends.ndim > 1 or ends.size == 0:
            raise InvalidInputError(argument, f"shape {ends.shape}", "a number, or shape (channels,)")
    if low.ndim and high.ndim and low.shape != high.shape:
        raise InvalidInputError("max", f"shape {high.shape}", f"as min: shape {low.shape}")
    low, high = np.broadcast_arrays(low, high)
    if (low > high).any():
        wanted = f"not below min {low[low > high].flat[0]}"
        raise InvalidInputError("max", high[low > high].flat[0], wanted)
    if (np.maximum(high, 0) - np.minimum(low, 0) > np.finfo(np.float32).max).any():
        raise InvalidInputError("max", "a range wider than float32 can express", "max - min < 3.4e38")
    return low, high


def _targets(dtype: DTypeLike) -> tuple[QuantizationParameters, QuantizationParameters]:
    """The wanted stored type, and the signed one in which the zero point is computed."""
    target = QuantizationParameters(1.0, 0, dtype)
    if target.type_name == "int32":
        raise InvalidInputError("dtype", "int32", "int4, int8, uint8 or int16: int32 is for biases")
    return target, QuantizationParameters(1.0, 0, "int8") if target.type_name == "uint8" else target


def _converter(a: Float64Array, b: Float64Array, qmin: int, qmax: int) -> tuple[Any, Any]:
    tiny = b - a < 1e-6
    a, b = np.where(tiny, a - 1e-6, a), np.where(tiny, b + 1e-6, b)
    width = b.astype(np.float32) - a.astype(np.float32)
    scale = width / np.float32(qmax - qmin)
    zero = (qmin - a / scale.astype(np.float64)).astype(np.float32)
    return scale, round_half_away_from_zero(np.clip(zero, qmin, qmax))


def _qat(a: Float64Array, b: Float64Array, qmin: int, qmax: int) -> tuple[Any, Any]:
    tiny = b - a < 1e-6
    a, b = np.where(tiny, -5e-7, a), np.where(tiny, 5e-7, b)
    scale = (b - a) / (qmax - qmin)
    return scale, round_half_away_from_zero(np.clip(qmin - a / scale, qmin, qmax))


def _symmetric(a: Float64Array, b: Float64Array, qmax: int, profile: str) -> tuple[Any, Any]:
    h = np.maximum(-a, b)
    h = np.where(2 * h <= 1e-6, 5e-7, h)
    zero = np.zeros(h.shape)
    if profile == "converter":
        with np.errstate(over="ignore"):
            scale = (h.astype(np.float32) - (-h).astype(np.float32)) / np.float32(2 * qmax)
        return scale, zero
    return (2 * h) / (2 * qmax), zero


def _int16x8(a: Float64Array, b: Float64Array, qmax: int) -> tuple[Any, Any]:
    h = np.maximum(-a, b).astype(np.float32)
    scale = h / np.float32(qmax)
    return np.where(scale > 0, scale, np.float32(1)), np.zeros(h.shape)


def _run_time(a: Float64Array, b: Float64Array, qmin: int, qmax: int) -> tuple[Any, Any]:
    width = b.astype(np.float32) - a.astype(np.float32)
    scale = width.astype(np.float64) / (qmax - qmin)
    scale = np.where(scale > 0, scale, 1.0)
    from_low, from_high = qmin - a / scale, qmax - b / scale
    error_low, error_high = abs(qmin) + abs(a / scale), abs(qmax) + abs(b / scale)
    zero = np.where(error_low < error_high, from_low, from_high)
    return scale, round_half_away_from_zero(np.clip(zero, qmin, qmax))


def _nearest_float16(scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """`scale` rounded to float16, as float32; never zero."""
    if (scale > np.float32(65504)).any():
        raise InvalidInputError("data", f"a block scale of {scale.max()}", "at most 65504 (float16)")
    return np.maximum(scale.astype(np.float16), np.float16(2.0**-24)).astype(np.float32)
