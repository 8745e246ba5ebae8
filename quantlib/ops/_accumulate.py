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

from quantlib.arithmetic import eigen_product, fixed_point
from quantlib.arithmetic.fused import fma32
from quantlib.arithmetic.ordered import add_products_float32
from quantlib.arithmetic.profile import Profile
from quantlib.arithmetic.requantize import Requantize
from quantlib.ops._activation import Activation, quantized_bounds
from quantlib.ops._node import Array, Node

__all__ = [
    "Accumulating",
    "Products",
    "ToOutput",
    "add_fused_products_float32",
    "chain_of",
    "chain_products_float32",
    "multiply_as_eigen",
    "sum_products_int64",
]


@dataclass(frozen=True, slots=True, eq=False)
class Accumulating:
    """A kernel that sums integers and then requantizes the sums.

    Parameters
    ----------
    accumulate : callable
        The operator's inputs to an int64 array, bias included, wrapped to the width of the
        kernel's accumulator.
    to_output : ToOutput
    products : Products, optional
        What `accumulate` sums, as data.
    """

    accumulate: Callable[..., NDArray[np.int64]]
    to_output: ToOutput
    products: Products | None = None

    def __call__(self, *inputs: Array | None) -> Array:
        return self.to_output(self.accumulate(*inputs))

    def ending(self, to_output: ToOutput) -> Accumulating:
        """The same sums, brought to output units by another family's rule."""
        return Accumulating(self.accumulate, to_output, self.products)


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """The sums of a layer as data, for whoever would form them in another order.

        acc = bias + Σ (x − x_zero_point) · (w − w_zero_point), modulo 2**bits

    Parameters
    ----------
    x_zero_point, w_zero_point : int
    geometry : callable
        Shapes of x and of w to the operator's own account of which x meets which w; refuses what the
        operator refuses.
    bias : callable
        The bias as the file has it, or None, to an int64 array that broadcasts to (channels,).
    bits : int
        Width of the register that holds the sums.
    """

    x_zero_point: int
    w_zero_point: int
    geometry: Callable[[tuple[int, ...], tuple[int, ...]], Any]
    bias: Callable[[Array | None], NDArray[np.int64]]
    bits: int = 32


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


def add_fused_products_float32(
    total: NDArray[np.float32], x: NDArray[np.float32], w: NDArray[np.float32]
) -> None:
    """As `add_products_float32`, product and sum rounded once: XNNPACK's chain of fused multiply-adds."""
    columns = np.ascontiguousarray(np.moveaxis(x, -1, 0))
    places = np.ascontiguousarray(np.moveaxis(w, -1, 0))
    for column, place in zip(columns, places, strict=True):
        total[...] = fma32(column, place, total)


def chain_of(
    profile: Profile,
) -> Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]], None]:
    """How XNNPACK adds products on that processor."""
    return add_fused_products_float32 if profile.fma else add_products_float32


def multiply_as_eigen(
    profile: Profile, x: NDArray[np.float32], w: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Σ x[p, k] · w[o, k], as the optimized kernels of that build and processor add.

    Parameters
    ----------
    profile : Profile
    x : float32 array (p, k)
    w : float32 array (o, k)

    Returns
    -------
    float32 array (p, o)
    """
    return eigen_product.product(x, w, packet=profile.float_packet, l1_bytes=profile.l1_bytes)


def chain_products_float32(
    node: Node,
    x: NDArray[np.float32],
    w: NDArray[np.float32],
    bias: NDArray[np.float32] | np.float32,
) -> NDArray[np.float32]:
    """bias[o] + Σ x[p, k] · w[o, k] as XNNPACK adds them: the bias first, then k ascending.

    Parameters
    ----------
    node : Node
        Its profile says whether multiply and add are fused.
    x : float32 array (..., p, k)
    w : float32 array (..., o, k), leading axes broadcast against those of `x`
    bias : float32 array (o,) or one number

    Returns
    -------
    float32 array (..., p, o)
    """
    leading = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
    total = np.broadcast_to(bias, (*leading, x.shape[-2], w.shape[-2])).astype(np.float32)
    chain_of(node.profile)(total, x[..., :, None, :], w[..., None, :, :])
    return total


def sum_products_int64(x: NDArray[np.integer[Any]], w: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Σ x[p, k] · w[o, k], modulo 2**64.

    Parameters
    ----------
    x : integer array (..., p, k), values of at most 17 bits with their sign
    w : integer array (..., o, k), values of at most 17 bits with their sign

    Returns
    -------
    int64 array (..., p, o)

    Examples
    --------
    >>> sum_products_int64(np.array([[1, 2], [3, 4]]), np.array([[10, 1]])).tolist()
    [[12], [34]]
    """
    transposed = np.swapaxes(w, -1, -2)
    # float64 holds integers up to 2**53, and 2**16 * 2**16 summed 2**21 times is that.
    if x.shape[-1] <= 1 << 21:
        return np.asarray(np.matmul(x.astype(np.float64), transposed.astype(np.float64)), np.int64)
    return np.asarray(np.matmul(x.astype(np.int64), transposed.astype(np.int64)), np.int64)
