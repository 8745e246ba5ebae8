"""A right shift by a negative count: what kernels do where a multiplier is not below 1.

C leaves such shifts undefined. On x86 a scalar shift takes the count modulo 32, and a vector shift
takes it for a very large one, so that results depend on which elements of an array the compiler's
vector loop reaches. Where both agree, which is where little but the sign is left, that is the answer;
where they do not, there is none.

Source: google/gemmlowp fixedpoint/fixedpoint.h (RoundingDivideByPOT); measured on LiteRT 2.3.0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point
from quantlib.ops._node import Node

__all__ = ["multiply_without_left_shift"]


def multiply_without_left_shift(
    node: Node, role: str, x: ArrayLike, multiplier: int, shift: int
) -> NDArray[np.int64]:
    """x times a quantized multiplier, by a kernel that only shifts right.

    Parameters
    ----------
    node : Node
        For the error's text.
    role : str
        What the multiplier belongs to.
    x : int64 array holding int32 values
    multiplier, shift : int
        As `fixed_point.quantize_multiplier` gives them.

    Returns
    -------
    int64 array holding int32 values

    Raises
    ------
    UnsupportedError
        A positive shift, and values that scalar and vector shifts treat differently.

    Source: LiteRT tflite/kernels/internal/common.h (MultiplyByQuantizedMultiplierSmallerThanOneExp)
    """
    high = fixed_point.saturating_rounding_doubling_high_mul(x, multiplier)
    if shift > 0 and bool(np.any((high >> (-shift & 31)) != (high >> 31))):
        raise node.unsupported(
            role,
            f"a multiplier of {multiplier * 2.0 ** (shift - 31):.9g}, for which LiteRT shifts by a negative count",
            "one below 1",
        )
    return fixed_point.rounding_divide_by_power_of_two(high, -shift)
