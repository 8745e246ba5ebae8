"""float32 to float16, saturating as TensorFlow's converter does or overflowing as IEEE 754 does.

Source: LiteRT tflite/converter (float16 post-training quantization); compared with TensorFlow 2.21.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.affine.intake import float32_array, one_of, output_array
from quantlib.affine.tiles import in_tiles

__all__ = ["FLOAT16_MAX", "to_float16"]

FLOAT16_MAX = np.float32(65504)
"""Largest finite float16 number."""

_NAN = np.uint16(0x7E00)
"""The NaN that every NaN becomes: quiet, positive, no payload."""


def to_float16(
    x: ArrayLike, *, overflow: str = "saturate", out: NDArray[np.float16] | None = None
) -> NDArray[np.float16]:
    """The nearest float16 numbers, ties to even; subnormals are kept.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Taken in float32: float64 input is rounded twice, as TensorFlow would.
    overflow : "saturate" or "inf"
        Magnitudes that float16 cannot hold, infinities included, become +-65504 ("saturate",
        TensorFlow's converter), or +-inf from 65520 on ("inf", IEEE 754).
    out : float16 array, optional
        Where to put the result.

    Returns
    -------
    float16 array of the shape of `x`
        NaN stays NaN: always the positive quiet one (TensorFlow and processors disagree about
        sign and payload). -0.0 stays, and magnitudes up to 2**-25 become a zero of their sign.

    Raises
    ------
    InvalidInputError
        Naming the argument.

    Examples
    --------
    >>> to_float16([1e6, -np.inf, 65519.0, 2.0**-24, 1e-9]).tolist()
    [65504.0, -65504.0, 65504.0, 5.960464477539063e-08, 0.0]
    >>> to_float16([65519.0, 65520.0], overflow="inf").tolist()
    [65504.0, inf]
    """
    array = float32_array(x, "x")
    one_of(overflow, "overflow", ("saturate", "inf"))
    result = output_array(out, array.shape, np.dtype(np.float16))
    kernel = _saturated if overflow == "saturate" else _ieee
    with np.errstate(all="ignore"):
        return in_tiles(kernel, array, result)


def _saturated(x: NDArray[np.float32], out: NDArray[np.float16]) -> None:
    _ieee(np.clip(x, -FLOAT16_MAX, FLOAT16_MAX), out)


def _ieee(x: NDArray[np.float32], out: NDArray[np.float16]) -> None:
    np.copyto(out, x, casting="same_kind")
    if np.isnan(x.min()):
        out.view(np.uint16)[np.isnan(x)] = _NAN
