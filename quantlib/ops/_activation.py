"""Fused activations: the bounds they put on an operator's output.

Source: LiteRT tflite/kernels/kernel_util.cc (CalculateActivationRangeQuantized),
kernel_util.h (CalculateActivationRange).
"""

from __future__ import annotations

import enum

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import eigen, fixed_point, rounding
from quantlib.errors import InvalidModelError, Location
from quantlib.ops._node import Value

__all__ = [
    "Activation",
    "activate_vector",
    "clamp_float",
    "quantized_bounds",
    "real_bounds",
    "xnnpack_bounds",
]


class Activation(enum.IntEnum):
    """What is applied to an operator's output before it is stored."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5


_REAL_BOUNDS: dict[Activation, tuple[float, float]] = {
    Activation.RELU: (0.0, np.inf),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}


def real_bounds(activation: Activation) -> tuple[np.float32, np.float32]:
    """Bounds in real numbers; none are ±the largest float32, as the kernels have it.

    Examples
    --------
    >>> [float(bound) for bound in real_bounds(Activation.RELU6)]
    [0.0, 6.0]
    """
    largest = float(np.finfo(np.float32).max)
    low, high = _REAL_BOUNDS.get(activation, (-np.inf, np.inf))
    return np.float32(max(low, -largest)), np.float32(min(high, largest))


def quantized_bounds(activation: Activation, output: Value) -> tuple[int, int]:
    """Bounds in codes of the output's type.

    A bound v stands at zero_point + round(v / scale), division in float32, ties away from zero.
    TANH and SIGN_BIT put no bounds: the kernels accept and ignore them.

    Parameters
    ----------
    activation : Activation
    output : Value
        Its type, scale and zero point.

    Returns
    -------
    (low, high) : tuple of int

    Raises
    ------
    InvalidModelError
        The scale is so small, zero or not a number that a bound does not fit int32.

    Examples
    --------
    >>> from quantlib.model.graph import Quantization, Tensor, TensorType
    >>> parameters = Quantization(np.array([0.05], np.float32), np.array([-100]))
    >>> output = Value(Tensor((1,), TensorType.INT8, quantization=parameters), index=0)
    >>> quantized_bounds(Activation.RELU6, output)
    (-100, 20)
    """
    low, high = output.limits
    bounds = _REAL_BOUNDS.get(activation)
    if bounds is None:
        return low, high
    low = max(low, _quantize_bound(bounds[0], output))
    return low, min(high, _quantize_bound(bounds[1], output)) if np.isfinite(bounds[1]) else high


def xnnpack_bounds(activation: Activation, output: Value) -> tuple[int, int]:
    """Bounds in codes of an 8-bit output, as XNNPACK sets them.

    A bound v stands at v / scale + zero_point in float32, clamped to the type, ties to even.

    Parameters
    ----------
    activation : Activation
    output : Value
        Its type, scale and zero point.

    Returns
    -------
    (low, high) : tuple of int

    Examples
    --------
    >>> from quantlib.model.graph import Quantization, Tensor, TensorType
    >>> parameters = Quantization(np.array([2.0], np.float32), np.array([0]))
    >>> output = Value(Tensor((1,), TensorType.INT8, quantization=parameters), index=0)
    >>> xnnpack_bounds(Activation.RELU_N1_TO_1, output), quantized_bounds(Activation.RELU_N1_TO_1, output)
    ((0, 0), (-1, 1))

    Source: google/XNNPACK src/xnnpack/math.h (xnn_qs8_quantize)
    """
    bounds = np.array(_REAL_BOUNDS.get(activation, (-np.inf, np.inf)), np.float32)
    with np.errstate(over="ignore"):
        codes = bounds / output.scale + np.float32(output.zero_point)
    lowest, highest = output.limits
    low, high = rounding.round_half_to_even(np.clip(codes, np.float32(lowest), np.float32(highest)))
    return int(low), int(high)


def _quantize_bound(bound: float, output: Value) -> int:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        units = rounding.round_half_away_from_zero(np.float32(bound) / np.asarray(output.scale))
    if not np.abs(units) <= 2.0**31:
        where = Location(tensor=output.index, tensor_name=output.tensor.name, field="quantization.scale")
        raise InvalidModelError(where, float(output.scale), f"one that lets {bound} fit int32")
    return int(fixed_point.wrap_int32(rounding.float_to_int32(units) + output.zero_point))


def clamp_float(y: NDArray[np.float32], activation: Activation) -> NDArray[np.float32]:
    """min(max(y, low), high) with the comparisons of std::max and std::min (NaN kept as they do).

    Parameters
    ----------
    y : float32 array

    Returns
    -------
    float32 array
    """
    low, high = real_bounds(activation)
    raised = np.where(y < low, low, y)
    return np.asarray(np.where(high < raised, high, raised), np.float32)


def activate_vector(y: NDArray[np.float32], activation: Activation) -> NDArray[np.float32]:
    """The activation as the hybrid and recurrent layers apply it, bounds or not.

    Unlike `clamp_float` it turns NaN and -0.0 into a bound, because the comparisons are written the
    other way round, and it knows SIGN_BIT (1 for negative numbers, else 0) and TANH.

    Parameters
    ----------
    y : float32 array
    activation : Activation

    Returns
    -------
    float32 array

    Examples
    --------
    >>> activate_vector(np.array([-0.0, np.nan, 7.0], np.float32), Activation.RELU6).tolist()
    [0.0, 0.0, 6.0]

    Source: LiteRT tflite/kernels/internal/tensor_utils.h (ApplyActivationToVector)
    """
    if activation is Activation.NONE:
        return y
    if activation is Activation.SIGN_BIT:
        return np.signbit(y).astype(np.float32)
    if activation is Activation.TANH:
        return eigen.tanh(y)
    low, high = (np.float32(bound) for bound in _REAL_BOUNDS[activation])
    lowered = np.where(high < y, high, y)
    return np.asarray(np.where(low < lowered, lowered, low), np.float32)
