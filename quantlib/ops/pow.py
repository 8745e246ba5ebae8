"""POW: x to the power of y, element by element.

float32: the C library's powf. int32: the whole number, INT32_MIN where it does not fit. Shapes
broadcast.

(C1) x and y have the type of the output.
(C2) int32: no exponent is negative.

Where shapes differ and y is a single number within 1e-5 of a whole one, 1 or more, the kernel squares
and multiplies instead: int32 wraps, and float32 products are clamped to the largest number, so that
1e30² is finite.

Source: LiteRT tflite/kernels/pow.cc, internal/optimized/optimized_ops.h (BroadcastPow4D).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, libm, rounding
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._broadcast import broadcast_shape, require_operands
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._unquantized import clamp, wrapping

__all__: list[str] = []

_TOLERANCE = np.float32(1e-5)


@kernel("POW", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        shape = broadcast_shape(node, x, y)
        exponent = _whole_exponent(x, y)
        if exponent is not None:
            return _square_and_multiply(x, exponent).reshape(shape)
        return libm.powf(*np.broadcast_arrays(x, y))

    return run


@kernel("POW", [TensorType.INT32])
def int32(node: Node) -> Kernel:
    """Whole numbers."""
    require_operands(node)

    def run(x: Array, y: Array) -> Array:
        shape = broadcast_shape(node, x, y)
        node.require(bool(np.all(y >= 0)), "input 1", "a negative exponent", "none")
        exponent = _whole_exponent(x, y)
        if exponent is not None:
            return _square_and_multiply(x, exponent).reshape(shape)
        return _exact_power(x, y)

    return run


def _whole_exponent(x: Array, y: Array) -> int | None:
    if x.shape == y.shape or y.size != 1:
        return None
    given = y.reshape(())
    nearest = int(rounding.float_to_int32(rounding.round_half_away_from_zero(given.astype(np.float64))))
    distance = abs(np.float32(given) - np.float32(nearest))
    return nearest if distance < _TOLERANCE and nearest >= 1 else None


def _square_and_multiply(x: Array, exponent: int) -> Array:
    multiply = wrapping(np.multiply)
    y = x
    with np.errstate(all="ignore"):
        for bit in f"{exponent:b}"[1:]:
            y = clamp(multiply(y, y), Activation.NONE)
            if bit == "1":
                y = clamp(multiply(x, y), Activation.NONE)
    return y


def _exact_power(x: Array, y: Array) -> Array:
    """x**y in int32, INT32_MIN where it does not fit; the C library's pow is exact where it fits."""
    base, exponent = np.broadcast_arrays(x.astype(np.int64), y.astype(np.int64))
    power, square = np.ones(base.shape, np.int64), base
    for bit in range(31):
        takes = (exponent >> bit) & 1 == 1
        power = np.where(takes, _bounded(power * square), power)
        square = _bounded(square * square)
    fits = (power >= fixed_point.INT32_MIN) & (power <= fixed_point.INT32_MAX)
    return np.where(fits, power, fixed_point.INT32_MIN).astype(np.int32)


def _bounded(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Values whose products fit int64; what is too large for int32 stays too large."""
    return np.clip(values, -(2**31) - 1, 2**31 + 1)
