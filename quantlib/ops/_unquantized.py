"""Arithmetic on plain numbers: wrapped integers, single IEEE operations, then an activation's bounds.

These are the kernels for int32, int64, uint32, float32 and float16, and for int16 tensors that have
no quantization parameters. Activations clamp the number itself: RELU6 of an int32 is 0 .. 6.

Source: LiteRT tflite/kernels/kernel_util.h (CalculateActivationRange) and internal/common.h
(ActivationFunctionWithMinMax).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from quantlib.ops._activation import Activation
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._node import Array, Kernel, Node

__all__ = ["arithmetic", "clamp", "wrapping"]

_BOUNDS: dict[Activation, tuple[int, int | None]] = {
    Activation.RELU: (0, None),
    Activation.RELU_N1_TO_1: (-1, 1),
    Activation.RELU6: (0, 6),
}


def arithmetic(node: Node, operation: Callable[[Array, Array], Array], activation: Activation) -> Kernel:
    """A kernel of two operands of one type: the operation, then the activation's bounds.

    Parameters
    ----------
    node : Node
    operation : callable
        Two arrays of one dtype to an array of that dtype; integers wrap (`wrapping`).
    activation : Activation

    Raises
    ------
    InvalidModelError
        Operands of different types.
    """
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        broadcast_shape(node, x, y)
        with np.errstate(all="ignore"):
            return clamp(operation(x, y), activation)

    return run


def wrapping(operation: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """A ring operation (add, subtract, multiply) of integers, modulo 2**bits; floats as they are.

    Parameters
    ----------
    operation : ufunc

    Examples
    --------
    >>> wrapping(np.add)(np.array([2**31 - 1], np.int32), np.array([1], np.int32)).tolist()
    [-2147483648]

    Source: LiteRT tflite/kernels/internal/common.h (WrappingMul)
    """

    def run(x: Array, y: Array) -> Array:
        if x.dtype.kind != "i":
            return np.asarray(operation(x, y))
        # Unsigned arithmetic is modular by definition; its low bits are those of the signed result.
        modular = np.dtype(f"u{x.dtype.itemsize}")
        return np.asarray(operation(x.view(modular), y.view(modular))).view(x.dtype)

    return run


def clamp(y: Array, activation: Activation) -> Array:
    """min(max(y, low), high) with the comparisons of std::max and std::min, which keep NaN.

    Without an activation the bounds are the type's own: infinities become the largest finite float.
    A bound of -1 in an unsigned type is its largest value, as C converts it.

    Parameters
    ----------
    y : array of any real dtype

    Returns
    -------
    array of the same shape and dtype

    Examples
    --------
    >>> clamp(np.array([-3, 3, 9], np.int32), Activation.RELU6).tolist()
    [0, 3, 6]
    >>> clamp(np.array([np.inf, np.nan], np.float32), Activation.NONE).tolist()
    [3.4028234663852886e+38, nan]
    """
    low, high = _bounds(activation, y.dtype)
    raised = np.where(y < low, low, y)
    return np.asarray(np.where(high < raised, high, raised), y.dtype)


def _bounds(activation: Activation, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    low, high = _BOUNDS.get(activation, (info.min, None))
    if dtype.kind == "u" and low < 0:
        low = info.max
    return dtype.type(low), dtype.type(info.max if high is None else high)
