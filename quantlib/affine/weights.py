"""Constants as TensorFlow's converter stores them: int8 weights, int32 and int64 biases.

The scales come from `quantlib.affine.ranges`; here is the other half, from scale to integers, which
differs between the quantizers too (and not always as one would guess):

=========================  ======================================================================
"converter", per channel   f32(w * f32(1 / f64(scale))), rounded, within -127 .. 127
"converter", per tensor    f32(w * f32(127 / max |w|)), rounded; where that scale and the stored
                           one are more than 1e-3 apart, as dynamic_range
"dynamic_range", "qat"     f64(w) / scale + zero point with the scale *before* it is rounded to
                           float32
"int16x8"                  f32(w * f32(127 / max |w|))
=========================  ======================================================================

All round halves away from zero.

Source: LiteRT tflite/converter/quantization and tflite/tools/optimize/quantization_utils.cc;
compared with TensorFlow 2.21 on its own conversions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.affine.extrema import min_max
from quantlib.affine.intake import axis_index, finite_float32, float32_array, one_of, real_array
from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.ranges import PROFILES, parameters_from_data
from quantlib.arithmetic.rounding import round_half_away_from_zero
from quantlib.errors import InvalidInputError

__all__ = ["QuantizedConstant", "quantize_bias", "quantize_weights"]

INT32_LIMIT = 2**31 - 1
"""Biases are kept within plus and minus this."""


class QuantizedConstant(NamedTuple):
    """A constant in integers.

    Attributes
    ----------
    stored : integer array of the shape of the constant
    parameters : QuantizationParameters
    """

    stored: NDArray[np.integer[Any]]
    parameters: QuantizationParameters


def quantize_weights(
    w: ArrayLike, quantized_dimension: int | None = None, *, profile: str = "converter"
) -> QuantizedConstant:
    """int8 weights within -127 .. 127 with zero point 0, and their scales.

    Parameters
    ----------
    w : array_like of finite real numbers, not empty
        Taken in float32.
    quantized_dimension : int, optional
        The axis of output channels: 0 for CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED, 3 for
        DEPTHWISE_CONV_2D. None: one scale for all.
    profile : "converter", "qat", "dynamic_range" or "int16x8"

    Returns
    -------
    QuantizedConstant

    Raises
    ------
    InvalidInputError
        Naming the argument. (TensorFlow leaves a constant in float if its first element is NaN or
        infinite.)

    Examples
    --------
    >>> stored, parameters = quantize_weights([[0.5, -1.0], [0.1, 0.05]], quantized_dimension=0)
    >>> stored.tolist(), (parameters.scale * 127).round(6).tolist()
    ([[64, -127], [127, 64]], [1.0, 0.10000000149011612])
    """
    array = finite_float32(w, "w")
    one_of(profile, "profile", PROFILES)
    parameters = parameters_from_data(
        array, symmetric=True, narrow_range=True, quantized_dimension=quantized_dimension, profile=profile
    )
    low, high = min_max(array, quantized_dimension)
    h = np.maximum(np.abs(low), np.abs(high))
    axes: tuple[int, ...] = ()
    if quantized_dimension is not None:
        axis = axis_index(quantized_dimension, array.ndim, "quantized_dimension")
        axes = (-1, *(1,) * (array.ndim - 1 - axis))
    scale, h = parameters.scale.reshape(axes), h.reshape(axes)
    real: NDArray[Any]
    with np.errstate(all="ignore"):
        if profile == "int16x8" or (profile == "converter" and _near(h, scale, quantized_dimension)):
            inverse = np.where(h > 0, np.float32(127) / h, np.float32(0)).astype(np.float32)
            real = array * np.where(np.isfinite(inverse), inverse, np.float32(0))
        elif profile == "converter" and quantized_dimension is not None:
            real = array * (1 / scale.astype(np.float64)).astype(np.float32)
        else:
            h64 = h.astype(np.float64)
            unrounded = 2 * np.where(2 * h64 <= 1e-6, 5e-7, h64) / 254
            step = scale.astype(np.float64) if profile == "converter" else unrounded
            real = array.astype(np.float64) / step
    stored = np.clip(round_half_away_from_zero(real), -127, 127).astype(np.int8)
    return QuantizedConstant(stored, parameters)


def _near(h: NDArray[np.float32], scale: NDArray[np.float32], quantized_dimension: int | None) -> bool:
    """Whether the per-tensor shortcut of the converter is taken."""
    if quantized_dimension is not None:
        return False
    from_data = h.astype(np.float64) / 127
    return bool((np.abs(from_data - scale) <= 1e-3).all())


def quantize_bias(
    b: ArrayLike, input_scale: ArrayLike, weight_scale: ArrayLike, *, profile: str = "converter"
) -> QuantizedConstant:
    """Integer biases in units of input scale times weight scale.

    Parameters
    ----------
    b : array_like of real numbers, shape (channels,)
        Taken in float32.
    input_scale : float
        For "qat" the float64 scale before it was rounded; else as stored, float32.
    weight_scale : float or array_like of shape (channels,)
    profile : "converter", "qat" or "int16x8"
        "int16x8" stores int64, the others int32. "dynamic_range" keeps biases in float.

    Returns
    -------
    QuantizedConstant
        For "int16x8" the parameters say int32, NumPy's int64 being no stored type of its own.

    Raises
    ------
    InvalidInputError
        Naming the argument.

    Notes
    -----
    NaN gives 0, infinities and what does not fit saturate. The converter first raises the scale
    of weights whose bias would not fit; that changes weights, hence is the quantizer's business.

    Examples
    --------
    >>> stored, parameters = quantize_bias([1.0, -0.25], 0.5, [0.25, 0.125])
    >>> stored.tolist(), parameters.scale.tolist()
    ([8, -4], [0.125, 0.0625])
    """
    array = float32_array(b, "b")
    one_of(profile, "profile", ("converter", "qat", "int16x8"))
    scales: list[NDArray[np.float64]] = []
    for value, argument in ((input_scale, "input_scale"), (weight_scale, "weight_scale")):
        given = real_array(value, argument) if profile == "qat" else finite_float32(value, argument)
        if given.ndim > 1 or not (np.isfinite(given) & (given > 0)).all():
            raise InvalidInputError(argument, str(value)[:80], "finite and positive, one or one per channel")
        scales.append((given.reshape(()) if given.size == 1 else given).astype(np.float64))
    real: NDArray[Any]
    with np.errstate(all="ignore"):
        product = np.asarray(scales[0] * scales[1])
        stored_scale = product.astype(np.float32)
        if profile == "qat":
            real = array.astype(np.float64) / product
        else:
            real = array * (np.float32(1) / stored_scale)
    parameters = QuantizationParameters(stored_scale, 0, np.int32, 0)
    parameters.check_shape(array.shape, "b")
    rounded = np.where(np.isnan(real), 0, round_half_away_from_zero(real)).astype(np.float64)
    if profile == "int16x8":
        # The largest float64 number below 2**63.
        return QuantizedConstant(np.clip(rounded, -(2.0**63), 2.0**63 - 1024).astype(np.int64), parameters)
    return QuantizedConstant(np.clip(rounded, -INT32_LIMIT, INT32_LIMIT).astype(np.int32), parameters)
