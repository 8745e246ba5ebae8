"""How a program keeps a tensor of 8-bit codes: whole numbers in float32, less an offset.

Codes less an offset fit float32 exactly, and so do their sums of products up to 2**24. The offset is
chosen when the program is made: the zero point, which makes padding 0 and additions short, or the
middle of the codes that can occur, which wins a bit where the zero point lies at their end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from quantlib.model.graph import Tensor

__all__ = ["NO_BORDER", "Border", "Codes", "are_codes"]

_FARTHEST_ZERO_POINT = 160
"""From the ends of the codes that can occur; beyond, storing less the middle wins a bit of the sums."""


@dataclass(frozen=True, slots=True)
class Border:
    """Padding that a tensor's readers want around its images, filled once and never written.

    Parameters
    ----------
    top, bottom, left, right : int
    """

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    def around(self, other: Border) -> Border:
        """The smallest border that holds both."""
        return Border(
            max(self.top, other.top),
            max(self.bottom, other.bottom),
            max(self.left, other.left),
            max(self.right, other.right),
        )


NO_BORDER = Border()
"""No padding."""


@dataclass(frozen=True, slots=True)
class Codes:
    """What stands in a tensor's place.

    Parameters
    ----------
    offset : int
        Stored is the code less this.
    low, high : int
        The smallest and largest code that its producer makes.
    zero_point : int
        The code of padding.
    """

    offset: int
    low: int
    high: int
    zero_point: int

    @classmethod
    def between(cls, low: int, high: int, zero_point: int, *, centred: bool = True) -> Codes:
        """Codes of a range, with the offset that suits it.

        Parameters
        ----------
        low, high, zero_point : int
        centred : bool
            Whether the middle of the range may be taken.

        Examples
        --------
        >>> Codes.between(-128, 127, 5).offset, Codes.between(-128, 127, -128).offset
        (5, 0)
        """
        offset = zero_point
        if centred and max(abs(low - zero_point), abs(high - zero_point)) > _FARTHEST_ZERO_POINT:
            offset = (low + high + 1) // 2
        return cls(offset, low, high, zero_point)

    @property
    def fill(self) -> int:
        """What padding is stored as."""
        return self.zero_point - self.offset

    @property
    def stored_bounds(self) -> tuple[int, int]:
        """The smallest and largest number stored, padding included."""
        return min(self.low, self.zero_point) - self.offset, max(self.high, self.zero_point) - self.offset


def are_codes(tensor: Tensor) -> bool:
    """Whether a tensor holds 8-bit codes.

    Parameters
    ----------
    tensor : Tensor
    """
    dtype: np.dtype[Any] | None = tensor.type.dtype
    return dtype is not None and dtype.itemsize == 1 and tensor.type.name in ("INT8", "UINT8")
