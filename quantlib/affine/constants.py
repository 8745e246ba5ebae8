"""Constants in integers for parameters that are given, as each of TensorFlow's quantizers stores them.

`quantlib.affine.weights` chooses scales and stores; a quantizer that has chosen scales otherwise
(raised so that a bias fits, shared with an activation) stores with these. All round halves away
from zero. What is not finite or does not fit saturates, NaN becomes 0.

Source: LiteRT tflite/converter/quantization/common/quantization_lib/quantization_utils.cc,
tflite/tools/optimize/quantization_utils.cc; compared with TensorFlow 2.21 on its own conversions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic.rounding import round_half_away_from_zero

__all__ = [
    "asymmetric_parameters",
    "store_asymmetric",
    "store_bias",
    "store_by_scale",
    "store_int16",
    "store_per_channel",
    "store_per_tensor",
    "store_within",
]

Float32Array = NDArray[np.float32]

INT32_LIMIT = 2**31 - 1
"""int32 biases are kept within plus and minus this."""

SMALLEST_RANGE = 1e-6
"""Constants whose values lie closer together are given a range of this width."""


def asymmetric_parameters(low: float, high: float) -> tuple[float, int]:
    """Scale and int8 zero point of a constant that is no weight.

    Parameters
    ----------
    low, high : float
        Its smallest and largest element; zero is taken in.

    Returns
    -------
    (scale, zero point)

    Examples
    --------
    >>> scale, zero_point = asymmetric_parameters(0.0, 2.55)
    >>> round(scale, 6), zero_point
    (0.01, -128)
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= SMALLEST_RANGE:
        low, high = min(low, -SMALLEST_RANGE / 2), max(high, SMALLEST_RANGE / 2)
    scale = (np.float32(high) - np.float32(low)) / np.float32(255)
    zero = np.array(-128 - low / float(scale)).astype(np.float32)
    return float(scale), int(round_half_away_from_zero(np.clip(zero, -128, 127)))


def store_bias(
    b: Float32Array, scale: Float32Array, dtype: type[np.int32 | np.int64] = np.int32
) -> NDArray[Any]:
    """f32(b * f32(1 / scale)), rounded and saturated.

    Parameters
    ----------
    b : float32 array
    scale : float32 array that broadcasts against it
    dtype : int32 or int64

    Examples
    --------
    >>> store_bias(np.float32([1.0, -0.25]), np.float32([0.125, 0.0625])).tolist()
    [8, -4]
    """
    with np.errstate(all="ignore"):
        rounded = _rounded(b * (np.float32(1) / scale))
    # The largest float64 number below 2**63.
    limit = INT32_LIMIT if dtype is np.int32 else 2.0**63 - 1024
    return np.clip(rounded, -limit, limit).astype(dtype)


def store_per_channel(w: Float32Array, scale: Float32Array, axis: int) -> NDArray[np.int8]:
    """f32(w * f32(1 / f64(scale))), rounded, within -127 .. 127.

    Parameters
    ----------
    w : float32 array
    scale : float32 array (channels,)
    axis : int
        Of the channels.

    Examples
    --------
    >>> store_per_channel(np.float32([[0.5, -1.0]]), np.float32([1 / 127]), 0).tolist()
    [[64, -127]]
    """
    axes = [1] * w.ndim
    axes[axis] = -1
    with np.errstate(all="ignore"):
        inverse = (1 / scale.astype(np.float64)).astype(np.float32).reshape(axes)
        near = round_half_away_from_zero(w * inverse)
        if _fits(near):
            return near.astype(np.int8)
        rounded = np.clip(_rounded(near), -(2.0**31), 2.0**31 - 1)
    # The converter wraps an int32 to int8 before it clamps; that shows only beyond -128 .. 127.
    return np.maximum(rounded.astype(np.int64).astype(np.int8), np.int8(-127))


def store_per_tensor(w: Float32Array, scale: float) -> NDArray[np.int8]:
    """f32(w * f32(127 / max abs(w))), rounded; by the scale itself where that is another one.

    Parameters
    ----------
    w : float32 array
    scale : float

    Examples
    --------
    >>> store_per_tensor(np.float32([0.5, -1.0]), 1 / 127).tolist()
    [64, -127]
    """
    largest = np.abs(w).max(initial=np.float32(0))
    with np.errstate(all="ignore"):
        if abs(float(largest / np.float32(127)) - scale) > 1e-3:
            return store_asymmetric(w, scale, 0, -127)
        return store_within(w, np.asarray(largest), None)


def store_within(w: Float32Array, largest: Float32Array, axis: int | None) -> NDArray[np.int8]:
    """f32(w * f32(127 / largest)), rounded, within -127 .. 127: weights under int16 activations.

    Parameters
    ----------
    w : float32 array
    largest : float32 array (channels,) or of one element
        The magnitude that becomes 127.
    axis : int, optional
        Of the channels.

    Examples
    --------
    >>> store_within(np.float32([[0.5, -1.0]]), np.float32([2.0]), 0).tolist()
    [[32, -64]]
    """
    axes = [1] * w.ndim
    if axis is not None:
        axes[axis] = -1
    with np.errstate(all="ignore"):
        inverse = np.where(largest == 0, np.float32(0), np.float32(127) / largest).astype(np.float32)
        near = round_half_away_from_zero(w * (inverse.reshape(axes) if w.ndim else inverse.reshape(())))
    return near.astype(np.int8) if _fits(near) else np.clip(_rounded(near), -127, 127).astype(np.int8)


def store_asymmetric(
    values: Float32Array, scale: float, zero_point: int, low: int = -128
) -> NDArray[np.int8]:
    """f64(value) / scale + zero point, rounded, within `low` .. 127.

    Parameters
    ----------
    values : float32 array
    scale : float
    zero_point : int
    low : int

    Examples
    --------
    >>> store_asymmetric(np.float32([0.0, 0.25, 9.0]), 0.5, 3).tolist()
    [3, 4, 21]
    """
    with np.errstate(all="ignore"):
        rounded = _rounded(values.astype(np.float64) / scale + zero_point)
    return np.clip(rounded, low, 127).astype(np.int8)


def store_by_scale(
    values: Float32Array,
    scale: NDArray[np.float64],
    zero_point: int,
    dtype: type[np.int8 | np.int32],
    *,
    narrow: bool = False,
) -> NDArray[Any]:
    """f64(value) / scale + zero point, rounded, within the type: as after training that quantizes.

    Parameters
    ----------
    values : float32 array
    scale : float64 array that broadcasts against it
    zero_point : int
    dtype : int8 or int32
    narrow : bool
        Whether the lowest code is unused.

    Examples
    --------
    >>> store_by_scale(np.float32([0.25, -70.0]), np.array([0.5]), 0, np.int8, narrow=True).tolist()
    [1, -127]
    """
    with np.errstate(all="ignore"):
        rounded = _rounded(values.astype(np.float64) / scale + zero_point)
    limits = np.iinfo(dtype)
    return np.clip(rounded, limits.min + narrow, limits.max).astype(dtype)


def store_int16(values: Float32Array, scale: float) -> NDArray[np.int16]:
    """f32(value * f32(1 / scale)), rounded, within -32767 .. 32767.

    Parameters
    ----------
    values : float32 array
    scale : float

    Examples
    --------
    >>> store_int16(np.float32([1.0, -3.0]), 1 / 32767).tolist()
    [32767, -32767]
    """
    with np.errstate(all="ignore"):
        rounded = _rounded(values * (np.float32(1) / np.float32(scale)))
    return np.clip(rounded, -32767, 32767).astype(np.int16)


def _fits(rounded: Float32Array) -> bool:
    """Whether every number is within -127 .. 127; NaN is not."""
    return rounded.size > 0 and bool(rounded.min() >= -127) and bool(rounded.max() <= 127)


def _rounded(real: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(np.isnan(real), 0, round_half_away_from_zero(np.asarray(real))).astype(np.float64)
