"""AVERAGE_POOL_2D: the mean of every window.

    y[n, i, j, c] = clamp(round(Σ x[n, i·s + a, j·s + b, c] / number of pixels summed))

x is (n, h, w, c), y is (n, i, j, c). Integers round half away from zero.

(C1) x has four dimensions.
(C2) The window and its strides are 1 or more, and the window fits the image.
(C3) y has the type of x.

Stored values are averaged as they are: no zero point, no rescaling, even where the scales of x and y
differ. Sums of integers are int32 and wrap. Sums of floats run over the window's rows, each step
rounded to float32.

All families agree on integers, which XNNPACK does not take, and optimized kernels on float32, too.
XNNPACK adds the pixels of a window nine at a time and multiplies by the reciprocal of their number. It
averages the wrong pixels where so many windows hang over the upper or the lower border that some count
as both (refused). Denormals count as 0.

Source: LiteRT tflite/kernels/pooling.cc, internal/reference/pooling.h,
internal/reference/integer_ops/pooling.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.flush import flush_denormals, multiply_flushed
from quantlib.model.graph import TensorType
from quantlib.ops._activation import clamp_float, quantized_bounds
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._pool import Pool2DOptions, Pooling, is_delegated_pool
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._window import Window

__all__ = ["AveragePool", "Pool2DOptions", "divide_rounding_half_away"]

rule("AVERAGE_POOL_2D", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


def divide_rounding_half_away(total: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """total / count, rounded to nearest, halves away from zero; the sum with half the count wraps.

    Parameters
    ----------
    total : int64 array holding int32 values
    count : int64 array, 1 or more

    Returns
    -------
    int64 array of the broadcast shape

    Examples
    --------
    >>> divide_rounding_half_away(np.array([5, -5, 7]), np.array([2, 2, 3])).tolist()
    [3, -3, 2]

    Source: LiteRT tflite/kernels/internal/reference/integer_ops/pooling.h (AveragePool)
    """
    raised = fixed_point.wrap_int32(total + np.where(total > 0, count // 2, -(count // 2)))
    return np.sign(raised) * (np.abs(raised) // count)


@dataclass(frozen=True, slots=True, eq=False)
class AveragePool:
    """The integer kernel in its two halves, `accumulate` and `to_output`.

    Parameters
    ----------
    node : Node
    options : Pool2DOptions
    low, high : int
        Bounds of the fused activation, in codes.
    """

    node: Node
    options: Pool2DOptions
    low: int
    high: int

    def accumulate(self, x: Array) -> NDArray[np.int64]:
        """The sum of every window, (n, i, j, c), int32 values."""
        windows = Pooling.of(self.node, self.options, x.shape).windows(x, 0)
        return fixed_point.wrap_int32(windows.sum(axis=(3, 4), dtype=np.int64))

    def to_output(self, sums: NDArray[np.int64], counts: NDArray[np.int64]) -> Array:
        """Sums and the number of pixels in each to codes of the output."""
        y = fixed_point.saturate(divide_rounding_half_away(sums, counts), self.low, self.high)
        return y.astype(self.node.output().dtype)

    def __call__(self, x: Array) -> Array:
        """Both halves."""
        return self.to_output(self.accumulate(x), Pooling.of(self.node, self.options, x.shape).counts())


@kernel("AVERAGE_POOL_2D", [TensorType.INT8, TensorType.UINT8, TensorType.INT16])
def integer(node: Node) -> Kernel:
    """Integer sums divided by their counts."""
    options = _options(node)
    return AveragePool(node, options, *quantized_bounds(options.fused_activation_function, node.output()))


@kernel("AVERAGE_POOL_2D", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real sums divided by their counts."""
    options = _options(node)

    def run(x: Array) -> Array:
        pooling = Pooling.of(node, options, x.shape)
        counts = pooling.counts().astype(np.float32)
        total = np.zeros((x.shape[0], pooling.rows.output, pooling.columns.output, x.shape[3]), np.float32)
        for tap in pooling.taps(x, 0.0):  # adding 0 to a sum that began with +0 changes no bit
            total += tap
        return clamp_float(total / counts, options.fused_activation_function)

    return run


@kernel("AVERAGE_POOL_2D", [TensorType.FLOAT32], family="xnnpack", when=is_delegated_pool)
def xnnpack_float32(node: Node) -> Kernel:
    """Nine pixels at a time, down the columns of a window, times the reciprocal of their number."""
    options = _options(node)

    def run(x: Array) -> Array:
        pooling = Pooling.of(node, options, x.shape)
        if _mixes_up_rows(pooling.rows, pooling.height):
            found = f"windows of {pooling.rows.size} rows, which XNNPACK mixes up at both borders"
            raise node.unsupported("options", found, "windows that hang over one border at a time")
        windows = pooling.windows(flush_denormals(x), 0.0)
        size = pooling.rows.size * pooling.columns.size
        if size == 1:
            return clamp_float(windows[..., 0, 0, :], options.fused_activation_function)
        places = [divmod(place, pooling.rows.size) for place in range(size)]
        pixels = [windows[:, :, :, a, b] for b, a in places]
        total = np.zeros(pixels[0].shape, np.float32)
        for begin in range(0, size, 9):
            total = total + _sum_of_nine(pixels[begin : begin + 9])
        shares = np.float32(1) / pooling.counts().astype(np.float32)
        return clamp_float(
            multiply_flushed(flush_denormals(total), shares), options.fused_activation_function
        )

    return run


def _mixes_up_rows(rows: Window, height: int) -> bool:
    """Whether XNNPACK's table of window rows, top and bottom ones apart, has more than there are.

    Source: google/XNNPACK src/operators/average-pooling-nhwc.c (indirect_top_height,
    indirect_bot_height), src/operator-run.c (xnn_compute_average_pooling)
    """
    after = max((rows.output - 1) * rows.stride + rows.size - height - rows.before, 0)
    top, bottom = -(-rows.before // rows.stride), -(-after // rows.stride)
    return rows.output > 1 and top + bottom > rows.output


def _sum_of_nine(x: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Up to nine arrays added in pairs; missing ones are 0."""
    x = x + [np.zeros_like(x[0])] * (9 - len(x))
    outer = ((x[0] + x[1]) + x[8]) + (x[6] + x[7])
    return ((x[2] + x[3]) + (x[4] + x[5])) + outer


def _options(node: Node) -> Pool2DOptions:
    node.require(
        node.output().type is node.input_type(), "output", node.output().type.name, "the input's type"
    )
    return node.read_options(Pool2DOptions)
