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

The optimized kernel has its own arithmetic for images: 8-bit codes of four dimensions whose height and
width are reduced and kept. Sums keep their zero points, the multiplier is sx / (n sy) in float32, and
channels beyond the last 16 of a thread's share round by another rule, so results depend on the number
of threads. Means of reals along the last axes alone are summed by
Eigen (`quantlib.arithmetic.eigen_sum`).

XNNPACK: `quantlib.ops._reduce_float32`. The order in which it adds real numbers of the last axis
depends on the processor's vectors and is reproduced for AVX-512.

Source: LiteRT tflite/kernels/reduce.cc, internal/reference/reduce.h (Mean, QuantizedMeanOrSum).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import eigen_sum, fixed_point, requantize, rounding
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import takes_float32_reduction, takes_reduction
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import ReducerOptions, Reduction, fold_float32, require_reducible, resolve_axes
from quantlib.ops._reduce_float32 import xnnpack_real_sum, xnnpack_sum
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["ImageMean", "QuantizedMean", "ReducerOptions", "multiplier_of_mean"]

rule("MEAN", int16="own scale", versions=Versions(int8=2, int16=2))


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


@dataclass(frozen=True, slots=True, eq=False)
class ImageMean:
    """The optimized kernel of images, (n, h, w, c) to (n, 1, 1, c), in its two halves.

    Parameters
    ----------
    node : Node
    options : ReducerOptions
    """

    node: Node
    options: ReducerOptions

    def accumulate(self, reduction: Reduction) -> NDArray[np.int64]:
        """Sums with their zero points, (n, c), int32 values."""
        sums = reduction.rows.sum(axis=0, dtype=np.int64)
        return fixed_point.wrap_int32(sums).reshape(reduction.shape[0], reduction.shape[3])

    def to_output(self, sums: NDArray[np.int64], count: int) -> Array:
        """Sums of `count` pixels to codes of the output, (n, c)."""
        x, y = self.node.input(0), self.node.output()
        moved = np.float32(x.zero_point) * x.scale / y.scale
        half = np.float32(0.5) if moved > 0 else np.float32(-0.5)
        bias = y.zero_point - int(rounding.float_to_int32(np.asarray(moved + half)))
        real = float(x.scale / (np.float32(count) * y.scale))
        in_block = _in_blocks(sums.shape[1], self.node.profile.num_threads)
        means = np.where(
            in_block, requantize.two_roundings_half_up(real)(sums), requantize.two_roundings(real)(sums)
        )
        return fixed_point.saturate(fixed_point.wrap_int32(means + bias), *y.limits).astype(y.dtype)

    def __call__(self, x: Array, axis: Array) -> Array:
        """Both halves."""
        reduction = Reduction.of(self.node, self.options, x, axis)
        if reduction.count == 0:
            return np.zeros(reduction.shape, x.dtype)
        return reduction.output(self.to_output(self.accumulate(reduction), reduction.count))


def _in_blocks(channels: int, num_threads: int) -> NDArray[np.bool_]:
    """Which channels a vector of 16 takes, once threads have divided them.

    Examples
    --------
    >>> int(_in_blocks(48, 1).sum()), int(_in_blocks(48, 2).sum())
    (48, 32)
    """
    threads = min(max(1, channels // 8), num_threads)
    taken = np.zeros(channels, np.bool_)
    start = 0
    for left in range(threads, 0, -1):
        size = (channels - start) // left
        taken[start : start + size // 16 * 16] = True
        start += size
    return taken


@kernel("MEAN", [TensorType.INT8, TensorType.UINT8], family="xnnpack", when=takes_reduction)
def xnnpack(node: Node) -> Kernel:
    """A float32 scale that holds 1 / n."""
    return xnnpack_sum(node, mean=True)


@kernel("MEAN", [TensorType.INT8, TensorType.UINT8], family="optimized")
def optimized(node: Node) -> Kernel:
    """Images by `ImageMean`, everything else as in the reference kernel."""
    require_reducible(node)
    options = node.read_options(ReducerOptions)
    image_mean, any_mean = ImageMean(node, options), QuantizedMean(node, options)

    def run(x: Array, axis: Array) -> Array:
        of_images = x.ndim == 4 and options.keep_dims and resolve_axes(node, axis, 4) == (1, 2)
        return image_mean(x, axis) if of_images else any_mean(x, axis)

    return run


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


@kernel("MEAN", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """As the reference kernel; means along the last axes alone are summed by Eigen."""
    require_reducible(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        if reduction.count == 0:
            return np.full(reduction.shape, np.nan, np.float32)
        axes = resolve_axes(node, axis, x.ndim)
        extents = [(one in axes, extent) for one, extent in enumerate(x.shape) if extent != 1]
        reduced = [is_reduced for is_reduced, _ in extents]
        rows = reduction.rows
        if reduced == sorted(reduced) and len(set(reduced)) == 2:
            total = eigen_sum.sum_rows(np.ascontiguousarray(rows.T), packet=node.profile.float_packet)
        else:
            total = fold_float32(np.add, rows, None)
        return reduction.output(total / np.float32(reduction.count))

    return run


@kernel("MEAN", [TensorType.FLOAT32], family="xnnpack", when=takes_float32_reduction)
def xnnpack_float32(node: Node) -> Kernel:
    """Inner sums scaled by 1 / n and added up."""
    return xnnpack_real_sum(node, optimized_float32(node), mean=True)


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
