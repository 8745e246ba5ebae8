"""Operators in two halves: accumulate integers, then bring them to output units.

The executor runs the halves one after the other; keeping them apart lets a compiler lower the same
object with faster arithmetic that it has proved equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.requantize import Requantize
from quantlib.ops._activation import Activation, quantized_bounds
from quantlib.ops._node import Array, Node

__all__ = ["Accumulating", "ToOutput", "sum_products_float32"]


@dataclass(frozen=True, slots=True, eq=False)
class Accumulating:
    """A kernel that sums integers and then requantizes the sums.

    Parameters
    ----------
    accumulate : callable
        The operator's inputs to an int64 array, bias included, wrapped to the width of the
        kernel's accumulator.
    to_output : ToOutput
    """

    accumulate: Callable[..., NDArray[np.int64]]
    to_output: ToOutput

    def __call__(self, *inputs: Array | None) -> Array:
        return self.to_output(self.accumulate(*inputs))


@dataclass(frozen=True, slots=True, eq=False)
class ToOutput:
    """Accumulators to codes of the output: requantize, add the zero point, clamp.

    Parameters
    ----------
    requantize : Requantize
        Channels along the last axis.
    zero_point : int
    low, high : int
        Bounds of the fused activation, in codes.
    dtype : data type of the output
    """

    requantize: Requantize
    zero_point: int
    low: int
    high: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, node: Node, requantize: Requantize, activation: Activation = Activation.NONE) -> ToOutput:
        """The second half for a node's first output."""
        output = node.output()
        low, high = quantized_bounds(activation, output)
        return cls(requantize, output.zero_point, low, high, output.dtype)

    def __call__(self, acc: NDArray[np.int64]) -> Array:
        y = fixed_point.wrap_int32(self.requantize(acc) + self.zero_point)
        return fixed_point.saturate(y, self.low, self.high).astype(self.dtype)


def sum_products_float32(x: NDArray[np.float32], w: NDArray[np.float32]) -> NDArray[np.float32]:
    """Σ x[p, k] · w[o, k], one product after the other, each step rounded to float32.

    The reference kernels are compiled without fused multiply-add, so the order of k and the two
    roundings per step decide every bit.

    Parameters
    ----------
    x : float32 array (p, k)
    w : float32 array (o, k)

    Returns
    -------
    float32 array (p, o)
    """
    total = np.zeros((x.shape[0], w.shape[0]), np.float32)
    product = np.empty_like(total)
    columns, taps = np.ascontiguousarray(x.T), np.ascontiguousarray(w.T)
    for column, tap in zip(columns, taps, strict=True):
        np.multiply(column[:, None], tap[None, :], out=product)
        np.add(total, product, out=total)
    return total
