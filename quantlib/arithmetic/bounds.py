"""How far a result that is not reproduced may lie from ours: bounds as data.

A float32 sum has as many results as there are orders to add in, and a function as many as there are
polynomials. Where a kernel family's own choice is not reproduced, one of these says what its result
may be nevertheless; anything beyond is a difference like any other.

Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, sections 3.1, 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["AnyOrder", "Bound", "Unknown", "WithinUlp", "gamma"]

UNIT_ROUNDOFF = 2.0**-24
"""Largest relative error of one float32 operation."""

_SMALLEST_NORMAL = 2.0**-126
"""What one operation may lose at most where subnormal results become zero."""


def gamma(roundings: int) -> float:
    """Largest relative error of a float32 result that was rounded so many times; infinite from 2**24 on.

    Parameters
    ----------
    roundings : int

    Examples
    --------
    >>> round(gamma(1000) / UNIT_ROUNDOFF, 3)
    1000.06
    """
    error = roundings * UNIT_ROUNDOFF
    return error / (1 - error) if error < 1 else float("inf")


@dataclass(frozen=True, slots=True)
class AnyOrder:
    """A float32 sum of products whose order is not known, nor whether multiply and add are fused.

    With k terms nothing is rounded more than k + 2 times: a product, k additions of which one is the
    bias, a division by the count. So both results lie within gamma(k + 2) · Σ|terms| of the exact sum,
    and within twice that of each other. Activations that bound bring them no farther apart.

    Parameters
    ----------
    reason : str
        Why the order is not known.
    """

    reason: str

    def allowed(self, magnitudes: NDArray[Any], terms: int) -> NDArray[np.float64]:
        """How far apart two results may lie.

        Parameters
        ----------
        magnitudes : float32 array
            Σ|terms|, itself summed in float32 in any order.
        terms : int
            In each sum, the bias not counted.

        Returns
        -------
        float64 array, infinite where the magnitudes are not finite

        Examples
        --------
        >>> bool(AnyOrder("").allowed(np.float32([3.0]), 2)[0] > 2 * 4 * UNIT_ROUNDOFF * 3.0)
        True
        """
        error = gamma(terms + 2)
        if error >= 1:
            return np.full(magnitudes.shape, np.inf)
        # The magnitudes were rounded, too: they are at least (1 - error) of what they should be.
        exact = magnitudes.astype(np.float64) / (1 - error)
        underflow = 4 * (terms + 1) * _SMALLEST_NORMAL
        return np.where(np.isfinite(exact), 2 * error * exact + underflow, np.inf)

    def __str__(self) -> str:
        return "2 γ Σ|x·w|"


@dataclass(frozen=True, slots=True)
class WithinUlp:
    """A function whose own result lies within some units in the last place of ours, by measurement.

    Results below the smallest normal number may be zero instead.

    Parameters
    ----------
    ulp : float
        In units of our result.
    reason : str
        What the family computes instead.
    measured : str
        On what the number was found.
    domain : (float, float)
        Finite inputs of which that is said; nothing is known of others.
    """

    ulp: float
    reason: str
    measured: str
    domain: tuple[float, float] = (-math.inf, math.inf)

    def allowed(self, ours: NDArray[Any], x: NDArray[Any]) -> NDArray[np.float64]:
        """How far another result may lie from ours.

        Parameters
        ----------
        ours : float array
        x : float array
            What it was computed from.

        Returns
        -------
        float64 array, 0 where ours is not finite, infinite where x lies outside of the domain

        Examples
        --------
        >>> one = WithinUlp(2, "", "", domain=(0, 10))
        >>> (one.allowed(np.float32([1.0, 0.75, 1.0]), np.float32([1, 1, 11])) * 2.0**23).tolist()
        [2.0, 1.0, inf]
        """
        info = np.finfo(ours.dtype)
        finite = np.isfinite(ours)
        size = np.where(finite, np.maximum(np.abs(ours), info.tiny), info.tiny)
        allowed = np.where(finite, self.ulp * np.spacing(size).astype(np.float64) + float(info.tiny), 0.0)
        if x.shape == ours.shape:
            inside = np.isfinite(x) & (x >= self.domain[0]) & (x <= self.domain[1])
            allowed[~inside] = np.inf
        return allowed

    def __str__(self) -> str:
        return f"{self.ulp:g} ulp"


@dataclass(frozen=True, slots=True)
class Unknown:
    """An arithmetic that is not reproduced, of which no bound is known.

    Parameters
    ----------
    reason : str
        What the family is seen to do differently.
    """

    reason: str

    def __str__(self) -> str:
        return "no bound known"


Bound: TypeAlias = AnyOrder | WithinUlp | Unknown
"""Any kind."""
