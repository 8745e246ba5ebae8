"""How each kernel family turns one real number into a stored integer and back, element by element.

These are the specifications: short, in the order of the kernels' own operations, with every
rounding visible. `quantize` and `dequantize` run faster twins of some of them, which tests hold
against these.

All take `x` (float32) or `q` (integers) and parameters that broadcast against it: `scale` float32,
`zero_point` int64. What leaves the range of the stored type is clamped by the caller.

Source: LiteRT tflite/kernels/internal/reference/quantize.h and dequantize.h,
tflite/kernels/internal/optimized/optimized_ops.h; XNNPACK f32-qs8-vcvt; facts measured on LiteRT
2.3.0 (x86-64 with AVX2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic.rounding import round_half_away_from_zero, round_half_to_even

__all__ = [
    "RoundedQuotient",
    "dequantized_blocks",
    "dequantized_float32",
    "dequantized_float64",
    "quotient_half_away",
    "quotient_half_away_float64",
    "quotient_half_even",
    "reciprocal_half_even",
    "reciprocal_half_even_xnnpack",
]

Float32Array = NDArray[np.float32]
Int64Array = NDArray[np.int64]

RoundedQuotient: TypeAlias = Callable[[Float32Array, Float32Array], NDArray[np.floating[Any]]]
"""A rule: (x, scale) to integers still held in floating point, the zero point not yet added."""


def quotient_half_away(x: Float32Array, scale: Float32Array) -> Float32Array:
    """rha(f32(x / scale)): the reference kernels, for all types.

    Examples
    --------
    >>> quotient_half_away(np.float32([1.25, -1.25]), np.float32(0.5)).tolist()
    [3.0, -3.0]
    """
    return round_half_away_from_zero(x / scale).astype(np.float32, copy=False)


def quotient_half_even(x: Float32Array, scale: Float32Array) -> Float32Array:
    """rne(f32(x / scale)): ai-edge-quantizer, ONNX QuantizeLinear and PyTorch round this way.

    Examples
    --------
    >>> quotient_half_even(np.float32([1.25, -1.25]), np.float32(0.5)).tolist()
    [2.0, -2.0]
    """
    return round_half_to_even(x / scale).astype(np.float32, copy=False)


def quotient_half_away_float64(x: Float32Array, scale: Float32Array) -> NDArray[np.float64]:
    """rha(x / scale) in float64: the optimized kernels, for what is left of a vector block.

    Examples
    --------
    >>> quotient_half_away_float64(np.float32([1.25]), np.float32(0.5)).tolist()
    [3.0]
    """
    quotient = x.astype(np.float64) / scale.astype(np.float64)
    return round_half_away_from_zero(quotient).astype(np.float64, copy=False)


def reciprocal_half_even(x: Float32Array, scale: Float32Array) -> Float32Array:
    """rne(f32(x * f32(1 / scale))): the optimized kernels, in vector blocks.

    Examples
    --------
    >>> reciprocal_half_even(np.float32([1.25]), np.float32(0.5)).tolist()
    [2.0]
    """
    return round_half_to_even(x * (np.float32(1) / scale)).astype(np.float32, copy=False)


def reciprocal_half_even_xnnpack(x: Float32Array, scale: Float32Array) -> Float32Array:
    """rne(min(f32(x * f32(1 / scale)), 32767)): XNNPACK. A NaN loses against the bound.

    Examples
    --------
    >>> reciprocal_half_even_xnnpack(np.float32([1.25, np.inf, np.nan]), np.float32(0.5)).tolist()
    [2.0, 32767.0, 32767.0]
    """
    product = x * (np.float32(1) / scale)
    bounded = np.where(product < 32767, product, np.float32(32767))
    return round_half_to_even(bounded).astype(np.float32, copy=False)


def dequantized_float64(q: Int64Array, scale: Float32Array, zero_point: Int64Array) -> Float32Array:
    """f32(f64(scale) * (q - zero_point)): reference kernels, one scale per tensor.

    For 8 and 16 bits the product is exact in float64, so this is one rounding and equals
    `dequantized_float32`.

    Examples
    --------
    >>> dequantized_float64(np.int64([7]), np.float32(0.5), np.int64(-3)).tolist()
    [5.0]
    """
    return (scale.astype(np.float64) * (q - zero_point)).astype(np.float32)


def dequantized_float32(q: Int64Array, scale: Float32Array, zero_point: Int64Array) -> Float32Array:
    """f32(scale * f32(q - zero_point)): reference kernels with several scales, and XNNPACK.

    Examples
    --------
    >>> dequantized_float32(np.int64([7]), np.float32(0.5), np.int64(-3)).tolist()
    [5.0]
    """
    return scale * (q - zero_point).astype(np.float32)


def dequantized_blocks(q: Int64Array, scale: Float32Array, zero_point: Int64Array) -> Float32Array:
    """f32(f32(q * scale) + f32(-zero_point * scale)): the optimized kernels, in vector blocks.

    Both products round alike, so the zero point still gives exactly 0; other integers may miss
    the nearest float32 number by far more than half an ulp where the products cancel.

    Examples
    --------
    >>> dequantized_blocks(np.int64([7]), np.float32(0.5), np.int64(-3)).tolist()
    [5.0]
    """
    zero_times_scale = (-zero_point * scale.astype(np.float64)).astype(np.float32)
    return q.astype(np.float32) * scale + zero_times_scale
