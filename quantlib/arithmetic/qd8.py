"""XNNPACK's dynamic quantization: float32 rows to int8, and integer sums back to float32.

Other than the runtime's own (`quantlib.arithmetic.hybrid`) it is the same for every column, rounds
half to even, and has one fused multiply-add at the end.

Source: google/XNNPACK src/xnnpack/quantization.h, src/qd8-f32-qc8w-gemm; measured on
ai-edge-litert 2.3.0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic.fused import fma32

__all__ = ["Rows", "dequantize_sums", "quantize_rows"]


class Rows(NamedTuple):
    """Rows of integers: real = scale * stored.

    Parameters
    ----------
    stored : int64 array (..., n)
        Zero point already subtracted.
    scale : float32 array (...)
    """

    stored: NDArray[np.int64]
    scale: NDArray[np.float32]


def quantize_rows(x: NDArray[np.float32]) -> Rows:
    """Every row from its least to its greatest value and 0, to -128 .. 127.

    Parameters
    ----------
    x : float32 array (..., n), n > 0

    Returns
    -------
    Rows

    Examples
    --------
    >>> stored, scale = quantize_rows(np.array([[-1.0, 0.0, 4.1]], np.float32))
    >>> stored.tolist(), scale.tolist()
    ([[-50, 0, 205]], [0.019999999552965164])

    Source: google/XNNPACK src/xnnpack/quantization.h (xnn_qd8_asymmetric_quantization_params)
    """
    least, greatest = np.float32(-128), np.float32(127)
    low = np.minimum(np.min(x, axis=-1), np.float32(0))
    high = np.maximum(np.max(x, axis=-1), np.float32(0))
    with np.errstate(all="ignore"):
        inverse = np.where(low == high, np.float32(1), (greatest - least) / (high - low))
        low_codes, high_codes = low * inverse, high * inverse
        low_is_exact = (least + low_codes) + (greatest + high_codes) > 0
        zero_point = np.where(low_is_exact, least - low_codes, greatest - high_codes)
        zero_point = np.rint(np.clip(zero_point, least, greatest))[..., np.newaxis]
        codes = np.rint(x * inverse[..., np.newaxis])
        bounded = np.clip(codes, least - zero_point, greatest - zero_point)
        scale = np.asarray(np.float32(1) / inverse, np.float32)
    return Rows(np.where(np.isnan(bounded), 0, bounded).astype(np.int64), scale)


def dequantize_sums(
    acc: NDArray[np.int64], scale: NDArray[np.float32], weight_scale: ArrayLike, bias: ArrayLike, *, fma: bool
) -> NDArray[np.float32]:
    """(f32(acc) · scale) · weight_scale + bias, the last two operations fused or not.

    Parameters
    ----------
    acc : int64 array (..., o), holding int32 values
    scale : float32 array that broadcasts to it
        Of the rows.
    weight_scale, bias : float32 array (o,) or one number
    fma : bool
        Whether the processor fuses them (`Profile.fma`).

    Returns
    -------
    float32 array of the shape of `acc`
    """
    with np.errstate(all="ignore"):
        rows = np.asarray(acc.astype(np.float32) * scale, np.float32)
        factor, addend = np.asarray(weight_scale, np.float32), np.asarray(bias, np.float32)
        return fma32(rows, factor, addend) if fma else np.asarray(rows * factor + addend, np.float32)
