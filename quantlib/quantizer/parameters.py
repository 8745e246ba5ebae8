"""The parameters of one value while a model is being quantized, and constants stored by them.

Scales are float64 here: the converter keeps some of them (biases that were given room, dynamic
range) unrounded until the file is written.

Source: LiteRT tflite/converter/quantization/common/quantization_lib/quantization_utils.cc,
tflite/tools/optimize/quantization_utils.cc.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.affine import constants
from quantlib.affine.extrema import min_max
from quantlib.affine.parameters import QuantizationParameters
from quantlib.model.graph import Quantization, TensorType

__all__ = [
    "Parameters",
    "activation",
    "bias_parameters",
    "constant",
    "fixed_output",
    "from_fake_quant",
    "stored",
    "weight",
    "with_room",
]

Float32Array = NDArray[np.float32]

BIAS_ROOM = (2**31 - 1) // 2
"""Biases beyond this raise the scales, so that the accumulator has room."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Scale, zero point and stored type of a value.

    Parameters
    ----------
    type : TensorType
    scale : tuple of float
        One, or one per channel.
    zero_point : int
    axis : int, optional
        The axis that several scales run along; None for one scale.
    narrow : bool
        Whether the lowest code is unused.
    is_given : bool
        Whether a mark in the model says so, and not a range: then constants are stored by this scale
        in float64, as after quantization-aware training.
    min, max : tuple of float
        The ranges that the file shall keep beside the scales; mostly none.
    """

    type: TensorType
    scale: tuple[float, ...]
    zero_point: int = 0
    axis: int | None = None
    narrow: bool = False
    is_given: bool = field(default=False, compare=False)
    min: tuple[float, ...] = field(default=(), compare=False)
    max: tuple[float, ...] = field(default=(), compare=False)

    def quantization(self) -> Quantization:
        """As a file spells them."""
        zero_points = np.full(len(self.scale), self.zero_point, np.int64)
        with np.errstate(under="ignore"):
            scale = np.array(self.scale, np.float64).astype(np.float32)
        low, high = np.array(self.min, np.float32), np.array(self.max, np.float32)
        return Quantization(scale, zero_points, self.axis or 0, low, high)

    def with_range(self, low: Float32Array, high: Float32Array) -> Parameters:
        """The same with ranges for the file: float32 arrays (channels,), or empty for none.

        Examples
        --------
        >>> made = Parameters(TensorType.INT16, (0.5,)).with_range(np.float32([-1.0]), np.float32([2.0]))
        >>> made.min, made.max, made == Parameters(TensorType.INT16, (0.5,))
        ((-1.0,), (2.0,), True)
        """
        return dataclasses.replace(self, min=tuple(low.tolist()), max=tuple(high.tolist()))

    def without_range(self) -> Parameters:
        """The same with no ranges for the file."""
        return dataclasses.replace(self, min=(), max=())

    def range(self) -> tuple[float, float]:
        """What the lowest and highest of one scale's int8 codes stand for.

        Examples
        --------
        >>> Parameters(TensorType.INT8, (0.5,), -128).range()
        (0.0, 127.5)
        """
        return (-128 - self.zero_point) * self.scale[0], (127 - self.zero_point) * self.scale[0]

    def as_type(self, type: TensorType) -> Parameters:
        """The same real numbers in int8 or uint8.

        Examples
        --------
        >>> Parameters(TensorType.INT8, (0.5,), -3).as_type(TensorType.UINT8).zero_point
        125
        """
        if type is self.type:
            return self
        shift = 128 if type is TensorType.UINT8 else -128
        return dataclasses.replace(self, type=type, zero_point=self.zero_point + shift)


def activation(low: float, high: float) -> Parameters:
    """int8 parameters of an activation whose values lie between `low` and `high`.

    Parameters
    ----------
    low, high : float
        As a calibrated file stores them, in float32; the range is widened to contain 0.

    Examples
    --------
    >>> activation(0.0, 6.0).zero_point
    -128
    """
    given = QuantizationParameters.from_range(low, high, np.int8)
    return _from_affine(given, TensorType.INT8)


def from_fake_quant(low: float, high: float, *, narrow: bool) -> Parameters:
    """int8 parameters of a value that training quantized between `low` and `high`.

    Parameters
    ----------
    low, high : float
    narrow : bool
        Whether the lowest code is unused: weights.

    Examples
    --------
    >>> from_fake_quant(0.0, 2.55, narrow=False).zero_point, from_fake_quant(-1.27, 1.27, narrow=True).zero_point
    (-128, 0)
    """
    given = QuantizationParameters.from_range(low, high, np.int8, narrow_range=narrow, profile="qat")
    a, b = min(low, 0.0), max(high, 0.0)
    unrounded = (b - a) / (254 if narrow else 255)
    found = _from_affine(given, TensorType.INT8, narrow=narrow)
    is_same = np.float32(unrounded) == np.float32(found.scale[0])  # else the range was widened
    return dataclasses.replace(found, scale=(unrounded,) if is_same else found.scale, is_given=True)


def fixed_output(scale: float, zero_point: int, type: TensorType) -> Parameters:
    """Parameters that do not depend on data."""
    return Parameters(type, (scale,), zero_point)


def weight(w: Float32Array, axis: int | None) -> Parameters:
    """int8 parameters of symmetric weights, along an axis or for all."""
    given = QuantizationParameters.from_data(
        w, np.int8, symmetric=True, narrow_range=True, quantized_dimension=axis
    )
    return _from_affine(given, TensorType.INT8, axis, narrow=True)


def constant(values: Float32Array) -> Parameters:
    """int8 parameters of any other constant: asymmetric, with zero inside."""
    low, high = min_max(values, None)
    scale, zero_point = constants.asymmetric_parameters(float(low), float(high))
    return Parameters(TensorType.INT8, (scale,), zero_point)


def bias_parameters(data: Parameters, weights: Parameters, rank: int) -> Parameters:
    """int32 parameters of a bias: the product of both scales, rounded to float32."""
    product = np.float64(data.scale[0]) * np.array(weights.scale, np.float64)
    if data.is_given and weights.is_given:
        return Parameters(
            TensorType.INT32, tuple(product.tolist()), 0, _bias_axis(weights, rank), is_given=True
        )
    with np.errstate(under="ignore"):
        scale = product.astype(np.float32).astype(np.float64)
    return Parameters(TensorType.INT32, tuple(scale.tolist()), 0, _bias_axis(weights, rank))


def _bias_axis(weights: Parameters, rank: int) -> int | None:
    return None if weights.axis is None else max(rank - 1, 0)


def with_room(
    bias: Float32Array, data: Parameters, weights: Parameters, product: Parameters
) -> tuple[Parameters, Parameters] | None:
    """Larger scales for a bias that would not leave the accumulator room.

    Parameters
    ----------
    bias : float32 array
    data, weights : Parameters
    product : Parameters
        Of the bias, as `bias_parameters` made them.

    Returns
    -------
    (bias parameters, weight parameters), or None where the bias fits
    """
    size = np.abs(bias.astype(np.float64)).reshape(-1)
    scale, filters = np.array(product.scale), np.array(weights.scale)
    if weights.axis is None:
        largest = float(size.max(initial=0.0))
        if largest / scale[0] < BIAS_ROOM:
            return None
        scale = np.array([largest / BIAS_ROOM])
        filters = scale / data.scale[0]
    else:
        if size.size != scale.size:
            return None
        tight = size / scale > BIAS_ROOM
        if not tight.any():
            return None
        scale = np.where(tight, size / BIAS_ROOM, scale)
        filters = np.where(tight, scale / data.scale[0], filters)
    return (
        dataclasses.replace(product, scale=tuple(scale.tolist())),
        dataclasses.replace(weights, scale=tuple(filters.tolist())),
    )


def stored(values: Float32Array, parameters: Parameters) -> NDArray[Any]:
    """A constant in integers, each kind in its own arithmetic.

    Parameters
    ----------
    values : float32 array
    parameters : Parameters

    Returns
    -------
    int8, int16 or int32 array of the shape of `values`
    """
    if parameters.is_given:
        return _stored_by_scale(values, parameters)
    with np.errstate(under="ignore"):
        scale = np.array(parameters.scale, np.float64).astype(np.float32)
    if parameters.type is TensorType.INT32:
        return constants.store_bias(values, scale if parameters.axis is not None else scale[0])
    if not parameters.narrow:
        return constants.store_asymmetric(values, parameters.scale[0], parameters.zero_point)
    if parameters.axis is None:
        return constants.store_per_tensor(values, parameters.scale[0])
    return constants.store_per_channel(values, scale, parameters.axis)


def _stored_by_scale(values: Float32Array, parameters: Parameters) -> NDArray[Any]:
    shape = [1] * values.ndim
    if parameters.axis is not None:
        shape[parameters.axis] = -1
    scale = np.array(parameters.scale, np.float64).reshape(shape)
    dtype = np.int8 if parameters.type is TensorType.INT8 else np.int32
    return constants.store_by_scale(values, scale, parameters.zero_point, dtype, narrow=parameters.narrow)


def _from_affine(
    given: QuantizationParameters, type: TensorType, axis: int | None = None, *, narrow: bool = False
) -> Parameters:
    scale = tuple(given.scale.astype(np.float64).reshape(-1).tolist())
    zero_point = int(given.zero_point.reshape(-1)[0])
    return Parameters(type, scale, zero_point, axis, narrow)
