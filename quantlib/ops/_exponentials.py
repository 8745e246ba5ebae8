"""Exponentials of codes below their row's largest, in fixed point: what SOFTMAX and LOG_SOFTMAX share.

The distance d <= 0 from the row's maximum, times scale and beta, is a number in Q5 of 32 bits;
distances beyond the range of Q5 count as exp = 0. Sums are kept in Q12. Codes of 8 bits have only 256
distances, so everything is tabulated when the node is bound.

Source: LiteRT tflite/kernels/internal/quantization_util.cc (PreprocessSoftmaxScaling,
CalculateInputRadius), internal/reference/softmax.h, internal/reference/log_softmax.h
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, gemmlowp, libm
from quantlib.ops._node import Array, Node

__all__ = [
    "ACCUMULATION_INTEGER_BITS",
    "SCALED_DIFF_INTEGER_BITS",
    "Exponentials",
    "below_largest",
    "float32_powers",
]

SCALED_DIFF_INTEGER_BITS = 5
"""Integer bits of scaled distances."""

ACCUMULATION_INTEGER_BITS = 12
"""Integer bits of sums."""


@dataclass(frozen=True, slots=True, eq=False)
class Exponentials:
    """The 256 distances 0, -1, … -255 of 8-bit codes, scaled and exponentiated.

    Parameters
    ----------
    multiplier, left_shift : int
        Distances to Q5.
    diff_min : int
        The farthest distance that Q5 holds; not positive.
    scaled : int64 array (256,)
        Distances in Q5; 0 where Q5 does not hold them.
    powers : int64 array (256,)
        Their exponentials in Q0; 0 where Q5 does not hold the distance.
    """

    multiplier: int
    left_shift: int
    diff_min: int
    scaled: NDArray[np.int64]
    powers: NDArray[np.int64]

    @classmethod
    def of(cls, node: Node, beta: float) -> Self:
        """For the scale of a node's input.

        Parameters
        ----------
        node : Node
        beta : float

        Raises
        ------
        UnsupportedError
            A factor that LiteRT does not survive.
        """
        scale = float(node.input(0).scale)
        real = min(beta * scale * 2.0 ** (31 - SCALED_DIFF_INTEGER_BITS), 2.0**31 - 1)
        if not real > 1:
            found = f"beta * scale is {beta * scale:.9g}, on which LiteRT ends the process"
            raise node.unsupported("input 0", found, "more than 2**-26")
        multiplier, left_shift = fixed_point.quantize_multiplier(real)
        radius = ((1 << SCALED_DIFF_INTEGER_BITS) - 1) * 2.0**26 / 2.0**left_shift
        diff_min = -math.floor(radius)
        distances = -np.arange(256)
        within = distances >= diff_min
        scaled = fixed_point.multiply_by_quantized_multiplier(
            np.where(within, distances, 0), multiplier, left_shift
        )
        powers = gemmlowp.exp_on_negative_values(scaled, SCALED_DIFF_INTEGER_BITS)
        return cls(multiplier, left_shift, diff_min, scaled, np.where(within, powers, 0))

    def sums(self, below: NDArray[np.int64]) -> NDArray[np.int64]:
        """Exponentials summed along the last axis, which stays with extent 1, in Q12.

        Parameters
        ----------
        below : int64 array (..., k), 0 .. 255
            As `below_largest` gives it.

        Returns
        -------
        int64 array (..., 1); exact, so possibly beyond int32
        """
        return np.asarray(self.terms[below].sum(axis=-1, keepdims=True), np.int64)

    @property
    def terms(self) -> NDArray[np.int64]:
        """The powers in Q12, as they are summed."""
        return fixed_point.rounding_divide_by_power_of_two(self.powers, ACCUMULATION_INTEGER_BITS)


def below_largest(node: Node, x: Array) -> NDArray[np.int64]:
    """How far codes lie below the largest of their row; rows run along the last axis.

    Parameters
    ----------
    node : Node
        For error texts.
    x : integer array (..., k)

    Raises
    ------
    InvalidModelError
        A scalar has no rows.
    """
    node.require(x.ndim >= 1, "input 0", "a scalar", "1 dimension or more")
    codes = x.astype(np.int64)
    return np.asarray(codes.max(axis=-1, keepdims=True, initial=np.iinfo(x.dtype).min) - codes)


def float32_powers(scale: np.float32, beta: np.float32) -> NDArray[np.float32]:
    """exp(-scale * beta * d) for the distances d = 0 .. 255, as the optimized kernels tabulate it.

    Parameters
    ----------
    scale, beta : float32

    Returns
    -------
    float32 array (256,)

    Source: LiteRT tflite/kernels/internal/optimized/optimized_ops.h (PopulateSoftmaxLookupTable)
    """
    steepness = -scale * beta
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return libm.expf(np.asarray(steepness * np.arange(256, dtype=np.float32)))
