"""Parameters of a tensor with several scales, shaped to meet its elements.

Source: LiteRT tflite/kernels/internal/reference/quantize.h (PerChannelQuantize).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.ops._node import Node, Value

__all__ = ["along_axis"]


def along_axis(
    node: Node, role: str, value: Value, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scales and zero points of a value, broadcastable against an array of the given shape.

    Parameters
    ----------
    node : Node
        For error texts.
    role : str
        What the value is to the node.
    value : Value
        Several scales along `quantized_dimension`; fewer zero points mean the first one throughout.
    shape : tuple of int
        Of the array that is there now.

    Returns
    -------
    scales : float32 array of as many dimensions as `shape`
    zero_points : int64 array of the same shape

    Raises
    ------
    InvalidModelError
        The axis does not exist, or has another extent than there are scales.
    """
    axis, scales, zero_points = value.quantized_dimension, value.scales, value.zero_points
    node.require(
        0 <= axis < len(shape), f"{role} quantized_dimension", axis, f"an axis of {len(shape)} dimensions"
    )
    node.require(scales.size == shape[axis], f"{role} scales", scales.size, f"one for each of {shape[axis]}")
    if zero_points.size != scales.size:
        zero_points = np.full(scales.size, zero_points[0] if zero_points.size else 0, np.int64)
    aligned = tuple(-1 if position == axis else 1 for position in range(len(shape)))
    return scales.reshape(aligned), zero_points.reshape(aligned)
