"""From an int32 accumulator to output units: every rule a kernel family uses, by name.

A requantizer is made from the real multiplier (input scale times weight scale over output scale,
one per tensor or one per channel) and then maps accumulators to integers, zero point not yet added.
The rules disagree only near ties, and every one of them is some family's truth:

>>> rules = (two_roundings, two_roundings_half_up, float64_half_away, float32_half_to_even)
>>> [int(rule(0.3)(np.array([-1999]))[0]) for rule in rules]  # exactly -599.7
[-600, -599, -600, -600]
>>> [int(rule(0.0125)(np.array([-1960]))[0]) for rule in rules]  # exactly -24.5
[-25, -24, -25, -24]

The real multiplier itself is formed in three precisions, which moves its last bits and therefore
results; these have names too.

Source: LiteRT tflite/kernels/internal/common.h, kernels/kernel_util.cc, and
reference/fully_connected.h; measured on ai-edge-litert 2.3.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point, rounding

__all__ = [
    "ByPosition",
    "Requantize",
    "Requantizer",
    "channels_in_blocks",
    "elements_in_blocks",
    "float32_half_to_even",
    "float32_half_to_even_below",
    "float64_half_away",
    "half_up_in_blocks_of_8_channels",
    "half_up_in_blocks_of_16_elements",
    "int64_one_rounding",
    "multiplier_float32",
    "multiplier_float32_product",
    "multiplier_float64",
    "one_rounding",
    "two_roundings",
    "two_roundings_half_up",
]

Requantize: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""Accumulators to output units, zero point not added. Channels run along the last axis."""

Requantizer: TypeAlias = Callable[[ArrayLike], Requantize]
"""A rule: real multipliers, shape () or (channels,), to a `Requantize`."""


@dataclass(frozen=True, slots=True, eq=False)
class ByPosition:
    """A `Requantize` that has one rule for full vector blocks and another for what is left over.

    Parameters
    ----------
    block, leftover : Requantize
    in_block : callable
        The shape of the accumulators to a bool array that broadcasts to it.
    """

    block: Requantize
    leftover: Requantize
    in_block: Callable[[tuple[int, ...]], NDArray[np.bool_]]

    def __call__(self, acc: NDArray[np.int64]) -> NDArray[np.int64]:
        """Accumulators to output units."""
        return np.where(self.in_block(np.shape(acc)), self.block(acc), self.leftover(acc))

    def at(self, element: tuple[int, ...], shape: tuple[int, ...]) -> Requantize:
        """The rule that serves one element of an output of that shape."""
        return self.block if np.broadcast_to(self.in_block(shape), shape)[element] else self.leftover


def channels_in_blocks(size: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which channels, along the last axis, fill blocks of that size.

    Examples
    --------
    >>> channels_in_blocks(2, (3, 5)).tolist()
    [True, True, True, True, False]
    """
    return np.arange(shape[-1]) < shape[-1] // size * size


def elements_in_blocks(size: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which elements, counted through the whole array, fill blocks of that size.

    Examples
    --------
    >>> elements_in_blocks(4, (2, 3)).tolist()
    [[True, True, True], [True, False, False]]
    """
    count = math.prod(shape)
    return (np.arange(count) < count // size * size).reshape(shape)


def multiplier_float64(
    input_scale: ArrayLike, weight_scale: ArrayLike, output_scale: ArrayLike
) -> NDArray[np.float64]:
    """input_scale * weight_scale / output_scale, every step in float64.

    Used by int8 and int16 convolutions (also with one weight scale) and per-channel dense layers.

    Source: LiteRT tflite/kernels/kernel_util.cc (PopulateConvolutionQuantizationParams)
    """
    product = np.asarray(input_scale, np.float64) * np.asarray(weight_scale, np.float64)
    return np.asarray(product / np.asarray(output_scale, np.float64))


def multiplier_float32_product(
    input_scale: ArrayLike, weight_scale: ArrayLike, output_scale: ArrayLike
) -> NDArray[np.float64]:
    """As `multiplier_float64`, but the product of the two scales is rounded to float32.

    Used by uint8 convolutions and dense layers and by BATCH_MATMUL.

    Source: LiteRT tflite/kernels/kernel_util.cc (GetQuantizedConvolutionMultipler)
    """
    with np.errstate(over="ignore", under="ignore"):
        product = np.asarray(input_scale, np.float32) * np.asarray(weight_scale, np.float32)
    return np.asarray(product.astype(np.float64) / np.asarray(output_scale, np.float64))


def multiplier_float32(
    input_scale: ArrayLike, weight_scale: ArrayLike, output_scale: ArrayLike
) -> NDArray[np.float32]:
    """input_scale * weight_scale / output_scale, every step in float32.

    Used by MUL and by everything that XNNPACK requantizes.

    Source: LiteRT tflite/kernels/mul.cc (Prepare)
    """
    with np.errstate(over="ignore", under="ignore"):
        product = np.asarray(input_scale, np.float32) * np.asarray(weight_scale, np.float32)
        return np.asarray(product / np.asarray(output_scale, np.float32))


def two_roundings(real: ArrayLike) -> Requantize:
    """Fixed point, rounded half up and then half away from zero.

    The reference kernels' rule for everything but dense layers.

    Source: LiteRT tflite/kernels/internal/common.h (MultiplyByQuantizedMultiplier)
    """
    multiplier, shift = fixed_point.quantize_multipliers(real)
    return partial(fixed_point.multiply_by_quantized_multiplier, multiplier=multiplier, shift=shift)


def two_roundings_half_up(real: ArrayLike) -> Requantize:
    """Fixed point, rounded half up both times.

    The optimized matrix kernels' rule on x86 with AVX.

    Source: google/ruy ruy/kernel_avx2_fma.cc; measured.
    """
    multiplier, shift = fixed_point.quantize_multipliers(real)
    return partial(_multiply_half_up_twice, multiplier=multiplier, shift=shift)


def half_up_in_blocks_of_8_channels(real: ArrayLike) -> Requantize:
    """`two_roundings_half_up` for the channels that fill blocks of 8, `two_roundings` for the rest.

    The optimized depthwise and transpose convolutions' rule for int8.

    Source: LiteRT tflite/kernels/internal/optimized/integer_ops/depthwise_conv.h and
    optimized/neon_check.h (NEON code translated to SSE); measured.
    """
    in_block = partial(channels_in_blocks, 8)
    return ByPosition(two_roundings_half_up(real), two_roundings(real), in_block)


def half_up_in_blocks_of_16_elements(real: ArrayLike) -> Requantize:
    """`two_roundings_half_up` for the elements that fill blocks of 16, `two_roundings` for the rest.

    The optimized transpose convolution's rule for uint8, over the whole output.

    Source: LiteRT tflite/kernels/internal/optimized/optimized_ops.h (Quantize); measured.
    """
    in_block = partial(elements_in_blocks, 16)
    return ByPosition(two_roundings_half_up(real), two_roundings(real), in_block)


def one_rounding(real: ArrayLike) -> Requantize:
    """Fixed point with the full 62-bit product, rounded once, half up.

    The optimized matrix kernels' rule on ARM, and TFLite built with single rounding.

    Source: LiteRT tflite/kernels/internal/common.h (TFLITE_SINGLE_ROUNDING)
    """
    multiplier, shift = fixed_point.quantize_multipliers(real)
    return partial(_multiply_once, multiplier=multiplier, shift=shift)


def int64_one_rounding(real: ArrayLike) -> Requantize:
    """A 64-bit accumulator times a 16-bit multiplier, rounded once, half up.

    The rule of the 16x8 kernels with 64-bit biases.

    Source: LiteRT tflite/kernels/internal/common.cc (MultiplyByQuantizedMultiplier, int64_t)
    """
    multiplier, shift = fixed_point.quantize_multipliers(real)
    return partial(fixed_point.multiply_int64_by_quantized_multiplier, multiplier=multiplier, shift=shift)


def float64_half_away(real: ArrayLike) -> Requantize:
    """The product in float64, rounded half away from zero; what misses int32 becomes INT32_MIN.

    The reference dense layer's rule since LiteRT 1.3.

    Source: LiteRT tflite/kernels/internal/reference/integer_ops/fully_connected.h
    """
    return partial(_multiply_float64, real=np.asarray(real, np.float64))


def float32_half_to_even(real: ArrayLike) -> Requantize:
    """The accumulator and the product in float32, rounded half to even; saturating at 2**30.

    XNNPACK's rule. It clamps to the bounds of the output before it rounds, which no 8-bit output
    distinguishes from clamping afterwards.

    Source: google/XNNPACK src/qs8-dwconv (fp32 requantization); measured.
    """
    return partial(_multiply_float32, real=np.asarray(real, np.float32), top=2**30, bottom=-(2**30))


def float32_half_to_even_below(real: ArrayLike, top: int) -> Requantize:
    """As `float32_half_to_even`, but clamped at the top alone.

    The rule of XNNPACK's matrix kernels, which clamp at the bottom at the very end: a product below
    -2**31 becomes INT32_MIN, and a negative zero point then makes it large. XNNPACK's own defect,
    seen with AVX-512.

    Parameters
    ----------
    real : float or float array
    top : int
        The upper bound of the output, zero point subtracted.

    Source: google/XNNPACK src/qs8-gemm (fp32 requantization); measured.
    """
    return partial(_multiply_float32, real=np.asarray(real, np.float32), top=top, bottom=None)


def _multiply_half_up_twice(
    acc: NDArray[np.int64], *, multiplier: NDArray[np.int64], shift: NDArray[np.int64]
) -> NDArray[np.int64]:
    left = fixed_point.shift_left_int32(acc, np.maximum(shift, 0))
    high = fixed_point.saturating_rounding_doubling_high_mul(left, multiplier)
    right = np.maximum(-shift, 0)
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return np.asarray((high + half) >> right, np.int64)


def _multiply_once(
    acc: NDArray[np.int64], *, multiplier: NDArray[np.int64], shift: NDArray[np.int64]
) -> NDArray[np.int64]:
    total_shift = 31 - shift
    rounding_term = np.int64(1) << (total_shift - 1)
    return fixed_point.wrap_int32((np.asarray(acc, np.int64) * multiplier + rounding_term) >> total_shift)


def _multiply_float64(acc: NDArray[np.int64], *, real: NDArray[np.float64]) -> NDArray[np.int64]:
    scaled = np.asarray(acc).astype(np.float64) * real
    return rounding.float_to_int32(rounding.round_half_away_from_zero(scaled))


def _multiply_float32(
    acc: NDArray[np.int64], *, real: NDArray[np.float32], top: int, bottom: int | None
) -> NDArray[np.int64]:
    scaled = np.minimum(np.asarray(acc).astype(np.float32) * real, np.float32(top))
    if bottom is not None:
        scaled = np.maximum(scaled, np.float32(bottom))
    return rounding.float_to_int32(rounding.round_half_to_even(scaled))
