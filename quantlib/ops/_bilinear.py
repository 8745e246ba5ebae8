"""Which two pixels of an axis an output pixel lies between, and what they weigh: every family's rule.

Source: LiteRT tflite/kernels/internal/reference/resize_bilinear.h; XNNPACK src/indirection.c
(xnn_indirection_init_resize_bilinear2d_hwc_...)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantlib.ops._node import Array

__all__ = [
    "ResizeBilinearOptions",
    "Taps",
    "TapsOf",
    "clamped_taps",
    "integer_taps",
    "real_taps",
]


@dataclass(frozen=True, slots=True)
class ResizeBilinearOptions:
    """How pixels of the two images correspond."""

    align_corners: bool = False
    half_pixel_centers: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """The two input pixels of every output pixel along an axis, and what they weigh.

    Parameters
    ----------
    lower, upper : int64 arrays (size,)
    lower_weight, upper_weight : arrays (size,)
        float32, or int64 in a unit that the rule states.
    """

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    lower_weight: Array
    upper_weight: Array


TapsOf: TypeAlias = Callable[[ResizeBilinearOptions, int, int], Taps]
"""A rule: options, extent of the input, extent of the output."""


def _real_scale(options: ResizeBilinearOptions, extent: int, size: int) -> np.float32:
    """Input pixels for an output pixel."""
    if options.align_corners and size > 1:
        return np.float32(extent - 1) / np.float32(size - 1)
    return np.float32(extent) / np.float32(size)


def real_taps(options: ResizeBilinearOptions, extent: int, size: int) -> Taps:
    """Taps with float32 weights, as the reference has them.

    Parameters
    ----------
    options : ResizeBilinearOptions
    extent, size : int
        Pixels of the input, and of the output.

    Examples
    --------
    >>> taps = real_taps(ResizeBilinearOptions(), 2, 4)
    >>> taps.lower.tolist(), taps.upper_weight.tolist()
    ([0, 0, 1, 1], [0.0, 0.5, 0.0, 0.5])
    """
    scale = _real_scale(options, extent, size)
    index = np.arange(size, dtype=np.int64).astype(np.float32)
    half = np.float32(0.5)
    position = (index + half) * scale - half if options.half_pixel_centers else index * scale
    lower = np.maximum(np.floor(position).astype(np.int64), 0)
    upper = np.minimum(np.ceil(position).astype(np.int64), extent - 1)
    beyond = position - lower.astype(np.float32)
    return Taps(lower, upper, np.float32(1) - beyond, beyond)


def integer_taps(options: ResizeBilinearOptions, extent: int, size: int) -> Taps:
    """Taps with weights in 1/1024; the scale is rounded to these.

    Parameters
    ----------
    options : ResizeBilinearOptions
    extent, size : int

    Examples
    --------
    >>> integer_taps(ResizeBilinearOptions(), 3, 7).upper_weight.tolist()
    [0, 439, 878, 293, 732, 147, 586]
    """
    scale = (1024 * extent + size // 2) // size
    if options.align_corners and size > 1:
        scale = (1024 * (extent - 1) + (size - 1) // 2) // (size - 1)
    position = np.arange(size, dtype=np.int64) * scale
    if options.half_pixel_centers:
        position = position + scale // 2 - 512
    # A position below 0 is above -512: dividing down or towards zero gives the same.
    lower = np.maximum(position // 1024, 0)
    upper = np.minimum((position + 1023) // 1024, extent - 1)
    beyond = position - 1024 * lower
    return Taps(lower, upper, 1024 - beyond, beyond)


def clamped_taps(options: ResizeBilinearOptions, extent: int, size: int) -> Taps:
    """Taps with float32 weights, as XNNPACK has them: positions stay in the image.

    Parameters
    ----------
    options : ResizeBilinearOptions
    extent, size : int

    Examples
    --------
    >>> taps = clamped_taps(ResizeBilinearOptions(half_pixel_centers=True), 2, 4)
    >>> taps.lower.tolist(), taps.upper_weight.tolist()
    ([0, 0, 0, 1], [0.0, 0.25, 0.75, 0.0])
    """
    scale = _real_scale(options, extent, size)
    position = np.arange(size, dtype=np.int64).astype(np.float32) * scale
    if options.half_pixel_centers and not options.align_corners:
        position = position + (np.float32(0.5) * scale - np.float32(0.5))
    position = np.minimum(np.maximum(position, np.float32(0)), np.float32(extent - 1))
    lower = position.astype(np.int64)
    upper = np.minimum(lower + 1, extent - 1)
    beyond = position - lower.astype(np.float32)
    return Taps(lower, upper, np.float32(1) - beyond, beyond)
