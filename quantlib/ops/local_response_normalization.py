"""LOCAL_RESPONSE_NORMALIZATION: every element divided by a power of its neighbours' energy; float32.

    y[…, c] = x[…, c] · (bias + alpha · Σ x[…, k]²) ** −beta,  c − radius <= k < c + radius

The last neighbour is left out, and channels beyond the border do not count. The optimized kernel does
not leave it out: k <= c + radius.

(C1) x has four dimensions.
(C2) y has the type of x.

Squares are summed in float32 from the lowest channel up; the bracket and its power are float64.

Optimized: squares times alpha enter and leave one running sum, everything in float32. Where beta is 1 or
1/2 the result is a product with a reciprocal; other powers are Eigen's own and not claimed (what is
computed for them is the nearest float32). XNNPACK does not take the operator.

Source: LiteRT tflite/kernels/local_response_norm.cc, internal/reference/reference_ops.h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._table import require_same_type

__all__ = ["LocalResponseNormalizationOptions"]


@dataclass(frozen=True, slots=True)
class LocalResponseNormalizationOptions:
    """Which neighbours, and how they weigh."""

    radius: int = 0
    bias: float = 0.0
    alpha: float = 0.0
    beta: float = 0.0


@kernel("LOCAL_RESPONSE_NORMALIZATION", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Sums in order, powers one by one."""
    require_same_type(node)
    options = node.read_options(LocalResponseNormalizationOptions)
    bias, alpha, beta = (float(np.float32(one)) for one in (options.bias, options.alpha, options.beta))

    def run(x: Array) -> Array:
        node.require(x.ndim == 4, "input 0", f"{x.ndim} dimensions", "4")
        energy = _energy(node, x, options.radius)
        with np.errstate(over="ignore", invalid="ignore"):
            base = bias + alpha * energy.astype(np.float64)
            # NumPy's own power differs between processors.
            powers = [_power(one, -beta) for one in base.ravel().tolist()]
            return np.asarray(x * np.array(powers, np.float64).astype(np.float32).reshape(x.shape))

    return run


@kernel("LOCAL_RESPONSE_NORMALIZATION", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """A running sum that squares enter and leave, and reciprocals."""
    require_same_type(node)
    options = node.read_options(LocalResponseNormalizationOptions)
    radius, beta = options.radius, np.float32(options.beta)
    if radius < 0:
        raise node.unsupported(
            "radius", f"{radius}, with which the kernel writes outside its memory", "0 or more"
        )
    bias, alpha = np.float32(options.bias), np.float32(options.alpha)

    def run(x: Array) -> Array:
        node.require(x.ndim == 4, "input 0", f"{x.ndim} dimensions", "4")
        channels = x.shape[3]
        node.check_work(x.size // max(channels, 1) * (channels + 2 * radius))
        with np.errstate(all="ignore"):
            base = bias + _running_sums(x * x * alpha, radius)
            if beta == 1:
                return np.asarray(x * (np.float32(1) / base))
            if beta == np.float32(0.5):
                return np.asarray(x * (np.float32(1) / np.sqrt(base)))
            powers = [_power(one, -float(beta)) for one in base.ravel().tolist()]
            return np.asarray(x * np.array(powers, np.float64).astype(np.float32).reshape(x.shape))

    return run


def _running_sums(terms: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Terms c - radius .. c + radius of the last axis, each sum made from the one before."""
    channels = terms.shape[-1]
    edge = np.zeros((*terms.shape[:-1], radius), np.float32)
    padded = np.concatenate((edge, terms, edge), axis=-1)
    sums = np.empty(terms.shape, np.float32)
    total = np.zeros(terms.shape[:-1], np.float32)
    for index in range(2 * radius):
        total = total + padded[..., index]
    for index in range(channels):
        total = total + padded[..., index + 2 * radius]
        sums[..., index] = total
        total = total - padded[..., index]
    return sums


def _energy(node: Node, x: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """Squares summed over channels c - radius .. c + radius - 1, as far as they exist."""
    channels = x.shape[3]
    first, last = max(-radius, 1 - channels), min(radius, channels)
    node.check_work(x.size * max(last - first, 0))
    total = np.zeros(x.shape, np.float32)
    with np.errstate(over="ignore", under="ignore"):
        squares = x * x
        for away in range(first, last):
            here = slice(max(-away, 0), channels - max(away, 0))
            there = slice(max(away, 0), channels - max(-away, 0))
            total[..., here] += squares[..., there]
    return total


def _power(base: float, exponent: float) -> float:
    """The C library's pow, without Python's exceptions."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf if base > 0 or exponent % 2 != 1 else -math.inf
    except ValueError:
        return math.inf if base == 0 else math.nan
