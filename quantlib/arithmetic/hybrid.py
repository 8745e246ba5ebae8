"""Float activations quantized at run time, row by row, and their products with int8 weights.

A row is what one scale serves: one vector of a dense layer, one whole image of a convolution.

The runtime's x86 helpers work on blocks and treat the columns that fill no block differently: they
round differently, and in blocks an int8 weight of -128 and long rows give results that are not the
mathematical ones. Converters emit weights in -127 .. 127, so the first is only seen in other files.

Source: LiteRT tflite/kernels/internal/optimized/neon_tensor_utils.cc (through NEON_2_SSE) and
sse_tensor_utils.cc; measured on ai-edge-litert 2.3.0
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, rounding

__all__ = [
    "QuantizedRows",
    "quantize_rows_asymmetric",
    "quantize_rows_symmetric",
    "row_sums_in_int16_lanes",
    "signed_dot_product",
]


class QuantizedRows(NamedTuple):
    """Rows of int8 with one scale and one zero point each: real = scale * (stored - zero_point).

    Parameters
    ----------
    stored : int8 array, shape (..., n)
    scale : float32 array, shape (...)
    zero_point : int64 array, shape (...)
        All 0 where the quantizer is symmetric.
    """

    stored: NDArray[np.int8]
    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]


def quantize_rows_symmetric(x: NDArray[np.float32], *, blocks_of: int = 8) -> QuantizedRows:
    """Every row by its largest absolute value, to -127 .. 127.

    Parameters
    ----------
    x : float32 array, shape (..., n), n > 0
        Finite.
    blocks_of : int
        Columns of a vector block; more than there are make every column round as the leftovers do.

    Returns
    -------
    QuantizedRows
        A row of zeros has scale 1.

    Examples
    --------
    >>> stored, scale, _ = quantize_rows_symmetric(np.array([[0.5, -1.0, 0.25]], np.float32))
    >>> stored.tolist(), scale.tolist()
    ([[64, -127, 32]], [0.007874015718698502])

    Source: LiteRT tflite/kernels/internal/optimized/neon_tensor_utils.cc (SymmetricQuantizeFloats)
    """
    largest = np.max(np.abs(x), axis=-1)
    zero = largest == 0
    with np.errstate(all="ignore"):
        scale = np.where(zero, np.float32(1), largest / np.float32(127))
        inverse = np.where(zero, np.float32(0), np.float32(127) / largest)
        scaled = x * inverse[..., np.newaxis]  # (..., n)
    zero_point = np.zeros(scale.shape, np.int64)
    blocks = x.shape[-1] // blocks_of * blocks_of
    stored = rounding.float_to_int32(rounding.round_half_away_from_zero(scaled))
    stored[..., :blocks] = _store_block(scaled[..., :blocks], zero_point[..., np.newaxis])
    return QuantizedRows(fixed_point.saturate(stored, -127, 127).astype(np.int8), scale, zero_point)


def quantize_rows_asymmetric(x: NDArray[np.float32]) -> QuantizedRows:
    """Every row from its least to its greatest value and 0, to -128 .. 127.

    Of the two zero points that would make one end exact, the one with the smaller error term is
    taken and rounded half away from zero.

    Parameters
    ----------
    x : float32 array, shape (..., n), n > 0
        Finite.

    Returns
    -------
    QuantizedRows
        A row of zeros has scale 1 and zero point 0.

    Examples
    --------
    >>> stored, scale, zero_point = quantize_rows_asymmetric(np.array([[0.0, 1.0, 2.55]], np.float32))
    >>> stored.tolist(), scale.tolist(), zero_point.tolist()
    ([[-128, -28, 127]], [0.009999999776482582], [-128])

    Source: LiteRT tflite/kernels/internal/optimized/neon_tensor_utils.cc (AsymmetricQuantizeFloats)
    """
    low = np.minimum(np.min(x, axis=-1), np.float32(0))
    high = np.maximum(np.max(x, axis=-1), np.float32(0))
    zero = low == high
    with np.errstate(all="ignore"):
        scale64 = np.where(zero, 1.0, (high - low).astype(np.float64) / 255.0)
        low_codes, high_codes = low.astype(np.float64) / scale64, high.astype(np.float64) / scale64
        low_is_exact = 128.0 + np.abs(low_codes) < 127.0 + np.abs(high_codes)
        real_zero_point = np.where(low_is_exact, -128.0 - low_codes, 127.0 - high_codes)
        rounded = rounding.round_half_away_from_zero(np.clip(real_zero_point, -128.0, 127.0))
        zero_point = np.where(zero, 0.0, rounded).astype(np.int64)
        scale = scale64.astype(np.float32)
        inverse = np.where(zero | (scale == 0), np.float32(0), np.float32(1) / scale)
        scaled = x * inverse[..., np.newaxis]  # (..., n)
        shifted = rounding.round_half_away_from_zero(scaled) + zero_point[..., np.newaxis]
    blocks = x.shape[-1] // 8 * 8
    stored = np.clip(np.where(np.isnan(shifted), 0, shifted), -128, 127).astype(np.int64)
    stored[..., :blocks] = _store_block(scaled[..., :blocks], zero_point[..., np.newaxis])
    return QuantizedRows(fixed_point.saturate(stored, -128, 127).astype(np.int8), scale, zero_point)


def signed_dot_product(weights: NDArray[np.int8], x: NDArray[np.int8]) -> NDArray[np.int64]:
    """Products of int8 rows as the byte multiplier of x86 sums them.

    It multiplies |x| by the weight with x's sign transferred, in bytes, so that -(-128) stays -128:
    a weight of -128 against a negative x counts with the wrong sign, in the columns that fill blocks
    of 16. Everything else is exact.

    Parameters
    ----------
    weights : int8 array, shape (rows, n)
    x : int8 array, shape (batches, n)

    Returns
    -------
    int64 array, shape (batches, rows), holding int32 values

    Examples
    --------
    >>> weights, x = np.full((1, 17), -128, np.int8), np.full((1, 17), -1, np.int8)
    >>> int(signed_dot_product(weights, x)[0, 0])  # 16 times -128, once the right 128
    -1920

    Source: LiteRT tflite/kernels/internal/optimized/sse_tensor_utils.cc (DotProdInt8x4x4); measured
    """
    blocks = x.shape[-1] // 16 * 16
    # Sums of byte products are exact in float64, which multiplies matrices fast.
    acc = x.astype(np.float64) @ weights.T.astype(np.float64)
    lowest = weights[:, :blocks] == -128
    if np.any(lowest):
        negative = np.minimum(x[:, :blocks], 0).astype(np.float64)
        acc += 256.0 * (negative @ lowest.T.astype(np.float64))  # 128 |x| became -128 |x|
    return fixed_point.wrap_int32(acc.astype(np.int64))


def row_sums_in_int16_lanes(weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """Sums of int8 rows, collected in eight int16 lanes that wrap.

    Lane j takes columns 2j and 2j + 1 of every block of 16, and one column of a last block of 8; the
    columns after that are added exactly. Rows up to 2048 columns cannot wrap.

    Parameters
    ----------
    weights : int8 array, shape (..., n)

    Returns
    -------
    int64 array, shape (...)

    Examples
    --------
    >>> row_sums_in_int16_lanes(np.full((1, 2080), 127, np.int8)).tolist()  # 264160 without wrapping
    [-260128]

    Source: LiteRT tflite/kernels/internal/optimized/sse_tensor_utils.cc (SseReductionSumVector)
    """
    n = weights.shape[-1]
    blocks, halves = n // 16 * 16, n // 8 * 8
    wide = weights.astype(np.int64)
    lanes = wide[..., :blocks].reshape(*weights.shape[:-1], n // 16, 8, 2).sum(axis=(-3, -1))  # (..., 8)
    if halves > blocks:
        lanes = lanes + wide[..., blocks:halves]
    total = fixed_point.wrap_int16(lanes).sum(axis=-1) + wide[..., halves:].sum(axis=-1)
    return np.asarray(total, np.int64)


def _store_block(x: NDArray[np.float32], zero_point: NDArray[np.int64]) -> NDArray[np.int64]:
    """Blocks of 8: a half is added away from zero, which rounds up just below a half, too."""
    with np.errstate(invalid="ignore"):
        moved = x + np.where(x < 0, np.float32(-0.5), np.float32(0.5))
    # Infinite where a scale underflowed. The register saturates upwards alone, then wraps.
    rounded = np.where(moved >= 2.0**31, fixed_point.INT32_MAX, rounding.float_to_int32(moved))
    return fixed_point.wrap_int32(rounded + zero_point)
