"""Whether a scale is meant to be a power of two.

Source: LiteRT tflite/kernels/internal/quantization_util.cc (CheckedLog2)
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import libm, rounding

__all__ = ["checked_log2"]


def checked_log2(x: float) -> tuple[int, bool]:
    """The nearest integer to log2(x), and whether log2(x) lies within 0.001 of it.

    Parameters
    ----------
    x : float
        A scale; taken as float32, positive.

    Returns
    -------
    exponent : int
    is_power_of_two : bool
        0.07 % beside a power of two is near enough.

    Examples
    --------
    >>> checked_log2(1 / 4096), checked_log2(0.00025)
    ((-12, True), (-12, False))

    Source: LiteRT tflite/kernels/internal/quantization_util.cc (CheckedLog2), every step in float32
    """
    one_over_log_2 = np.float32(1) / libm.logf(2.0)
    log2 = libm.logf(x) * one_over_log_2
    rounded = rounding.round_half_away_from_zero(log2)
    return int(rounded), bool(np.abs(log2 - rounded) < np.float32(1e-3))
