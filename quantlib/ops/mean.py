"""MEAN: the mean along axes.

    y[…] = clamp(zy + MBQM(Σ x[…] − n · zx, (m << s) / n, shift − s))

n is the number of elements in each sum, (m, shift) the quantized multiplier of sx / sy, and s the
largest shift that keeps the divided multiplier's bits: min(floor(log2 n), 32, 31 + shift).

(C1) The axes are int32 and the input has them.
(C2) y has the type of x.
(C3) 16-bit codes have zero point 0.

Sums of 8- and 16-bit codes are int32 and wrap; those of int32 and int64 are int64, and their
quotient truncates. Real sums run in row-major order, each step rounded to float32. Where there is
nothing to sum, reals give NaN and integers 0 (not the zero point).

Source: LiteRT tflite/kernels/reduce.cc, internal/reference/reduce.h (Mean, QuantizedMeanOrSum).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import ReducerOptions, Reduction, fold_float32, require_reducible
from quantlib.ops._registry import kernel

__all__ = ["QuantizedMean", "ReducerOptions", "multiplier_of_mean"]


def multiplier_of_mean(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """A quantized multiplier divided by the number of elements, keeping as many bits as fit.

    Parameters
    ----------
    multiplier, shift : int
        As `fixed_point.quantize_multiplier` gives them.
    count : int
        1 or more.

    Returns
    -------
    multiplier, shift : int

    Examples
    --------
    >>> multiplier_of_mean(1 << 30, 1, 6)  # 1 / 6
    (715827882, -1)

    Source: LiteRT tflite/kernels/internal/reference/reduce.h (QuantizedMeanOrSum)
    """
    gained = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << gained) // count, shift - gained


@dataclass(frozen=True, slots=True, eq=False)
class QuantizedMean:
    """The kernel of 8- and 16-bit codes in its two halves, `accumulate` and `to_output`.

    Parameters
    ----------
    node : Node
    options : ReducerOptions
    """

    node: Node
    options: ReducerOptions

    def accumulate(self, reduction: Reduction) -> NDArray[np.int64]:
        """Sums without their zero points, (o,), int32 values."""
        sums = reduction.rows.sum(axis=0, dtype=np.int64)
        return fixed_point.wrap_int32(sums - reduction.count * self.node.input(0).zero_point)

    def to_output(self, sums: NDArray[np.int64], count: int) -> Array:
        """Sums of `count` elements to codes of the output."""
        x, y = self.node.input(0), self.node.output()
        real = np.float64(x.scale) / np.float64(y.scale)
        multiplier, shift = multiplier_of_mean(*fixed_point.quantize_multiplier(real), count)
        codes = fixed_point.multiply_by_quantized_multiplier(sums, multiplier, shift) + y.zero_point
        return fixed_point.saturate(fixed_point.wrap_int32(codes), *y.limits).astype(y.dtype)

    def __call__(self, x: Array, axis: Array) -> Array:
        """Both halves."""
        reduction = Reduction.of(self.node, self.options, x, axis)
        if reduction.count == 0:
            return np.zeros(reduction.shape, x.dtype)
        return reduction.output(self.to_output(self.accumulate(reduction), reduction.count))


@kernel("MEAN", [TensorType.INT8, TensorType.UINT8, TensorType.INT16])
def quantized(node: Node) -> Kernel:
    """Integer sums, requantized by a multiplier that holds 1 / n."""
    require_reducible(node)
    return QuantizedMean(node, node.read_options(ReducerOptions))


@kernel("MEAN", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real sums divided by float32 n."""
    require_reducible(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        zeros = np.zeros(reduction.rows.shape[1], np.float32)
        total = fold_float32(np.add, reduction.rows, zeros)  # 0 / 0 where there is nothing to sum
        return reduction.output(total / np.float32(reduction.count))

    return run


@kernel("MEAN", [TensorType.INT32, TensorType.INT64])
def plain_integer(node: Node) -> Kernel:
    """int64 sums, quotients truncated."""
    require_reducible(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        if reduction.count == 0:
            return np.zeros(reduction.shape, x.dtype)
        sums = reduction.rows.sum(axis=0, dtype=np.int64)
        floor, remainder = np.divmod(sums, np.int64(reduction.count))
        truncated = floor + ((sums < 0) & (remainder != 0))
        return reduction.output(truncated.astype(x.dtype))

    return run
