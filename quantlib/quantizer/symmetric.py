"""Parameters and constants under int16 activations: symmetric, each with the range it was made from.

The converter leaves these ranges in the file. An activation's is widened to contain 0; a constant's is
its smallest and largest element, in weights for each channel.

Source: LiteRT tflite/tools/optimize/quantization_utils.cc (GetSymmetricQuantizationParams,
FillSingleMinMax, FillPerChannelMinMax, AdjustWeightsForBiasScale).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.affine import constants
from quantlib.errors import InvalidInputError
from quantlib.model.graph import TensorType
from quantlib.quantizer.parameters import Parameters

__all__ = ["activation", "constant", "usable", "weights"]

Float32Array = NDArray[np.float32]
Range = tuple[Float32Array, Float32Array]

SMALLEST_SCALE = np.finfo(np.float32).tiny
"""The smallest float32 number that is not subnormal."""

INT32_LIMIT = 2**31 - 1
"""The largest bias that the weights' scales leave room for, whatever the bias's type."""


def activation(known: tuple[float, float]) -> Parameters:
    """int16 parameters of an activation whose values lie in a range.

    Parameters
    ----------
    known : (low, high)
        float32 numbers; the range is widened to contain 0.

    Examples
    --------
    >>> made = activation((0.5, 32767.0))
    >>> made.scale, made.min, made.max
    ((1.0,), (0.0,), (32767.0,))
    """
    low, high = np.float32(min(known[0], 0.0)), np.float32(max(known[1], 0.0))
    scale = usable(np.asarray(max(abs(low), abs(high)) / np.float32(32767)))
    return Parameters(TensorType.INT16, (float(scale),), min=(float(low),), max=(float(high),))


def constant(values: Float32Array, *, keeps_range: bool) -> Parameters:
    """int16 parameters of a constant that takes the place of an activation.

    Parameters
    ----------
    values : float32 array
    keeps_range : bool
        Whether the file shall have its smallest and largest element.

    Examples
    --------
    >>> constant(np.float32([1.0, -32767.0]), keeps_range=True).min
    (-32767.0,)
    """
    scale = usable(np.asarray(np.abs(values).max(initial=np.float32(0)) / np.float32(32767)))
    made = Parameters(TensorType.INT16, (float(scale),))
    return made if values.size == 0 or not keeps_range else made.with_range(*_extremes(values, None))


def weights(
    values: Float32Array, axis: int | None, bias: Float32Array | None, input_scale: np.float32 | None
) -> tuple[Parameters, NDArray[np.int8]]:
    """int8 parameters of weights, and their integers.

    Parameters
    ----------
    values : float32 array
    axis : int, optional
        Of the channels; None for one scale.
    bias : float32 array, optional
        Where it would not fit the accumulator, the weights' range is made larger.
    input_scale : float32, optional
        Of the data that the weights are multiplied with; without it the bias counts for nothing.

    Examples
    --------
    >>> made, stored = weights(np.float32([[127.0, -1.0], [0.5, 63.5]]), 0, None, None)
    >>> made.scale, made.min, made.max
    ((1.0, 0.5), (-1.0, 0.5), (127.0, 63.5))
    >>> stored.tolist()
    [[127, -1], [1, 127]]
    """
    low, high = _extremes(values, axis)
    if bias is not None and input_scale is not None:
        low, high = _with_room((low, high), bias, input_scale)
    h = _half_width(low, high)
    scale = tuple(usable(h / np.float32(127)).astype(np.float64).tolist())
    made = Parameters(TensorType.INT8, scale, 0, axis, narrow=True)
    return made.with_range(low, high), constants.store_within(values, h, axis)


def usable(scale: Float32Array) -> Float32Array:
    """As TensorFlow, except that 1 stands for 0 and for subnormal numbers, which no kernel takes.

    Parameters
    ----------
    scale : float32 array

    Examples
    --------
    >>> usable(np.float32([0.0, 1e-40, 0.5])).tolist()
    [1.0, 1.0, 0.5]
    """
    return np.where(scale < SMALLEST_SCALE, np.float32(1), scale)


def _extremes(values: Float32Array, axis: int | None) -> Range:
    """Of zeros of both signs the first counts; without channels, as the largest, the last."""
    if values.size == 0:
        raise InvalidInputError("data", f"shape {values.shape}", "at least one element")
    channels = 1 if axis is None else values.shape[axis]
    rows = (values if axis is None else np.moveaxis(values, axis, 0)).reshape(channels, -1)
    every = np.arange(channels)
    largest_of = rows[:, ::-1] if axis is None else rows
    return rows[every, rows.argmin(axis=1)], largest_of[every, largest_of.argmax(axis=1)]


def _half_width(low: Float32Array, high: Float32Array) -> Float32Array:
    return np.maximum(np.abs(low), np.abs(high))


def _with_room(known: Range, bias: Float32Array, input_scale: np.float32) -> Range:
    """Larger weight ranges where the bias would not fit the accumulator."""
    low, high = known
    h = _half_width(low, high)
    scale = h / np.float32(127)
    size = np.abs(bias).reshape(-1)
    if h.size == 1:
        size = size.max(initial=np.float32(0)).reshape(1)
    elif size.size != h.size:
        return known
    room = 0.5 * np.float64(input_scale) * scale.astype(np.float64) * INT32_LIMIT
    with np.errstate(all="ignore"):
        step = (np.float32(127) / input_scale).astype(np.float64)
        raised = (2.0 * size.astype(np.float64) / INT32_LIMIT * step).astype(np.float32)
    is_tight = (size >= room) & np.isfinite(raised)
    return np.where(is_tight, -raised, low), np.where(is_tight, raised, high)
