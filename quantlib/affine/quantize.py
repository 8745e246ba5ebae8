"""Real numbers to stored integers, back, and from one set of parameters to another.

Source: LiteRT tflite/kernels/quantize.cc and dequantize.cc; measured on ai-edge-litert 2.3.0.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.affine import fast_quantize, rules
from quantlib.affine.intake import float32_array, one_of, output_array, stored_array
from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.tiles import in_tiles, in_tiles_with
from quantlib.arithmetic.fixed_point import saturate, wrap_int32
from quantlib.arithmetic.rounding import float_to_int32
from quantlib.errors import InvalidInputError

__all__ = ["dequantize", "quantize"]

KERNELS = ("reference", "optimized", "xnnpack")
"""The kernel families of LiteRT."""

StoredArray = NDArray[np.integer[Any]]


def quantize(
    x: ArrayLike,
    parameters: QuantizationParameters,
    *,
    kernels: str = "reference",
    rounding: str | None = None,
    overflow: str = "saturate",
    out: StoredArray | None = None,
) -> StoredArray:
    """Stored integers for real numbers: round(x / scale) + zero_point, saturated.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Taken in float32 (see `quantlib.affine.intake`).
    parameters : QuantizationParameters
    kernels : "reference", "optimized" or "xnnpack"
        Which family of LiteRT kernels to equal. They differ near ties: "reference" divides and
        rounds halves away from zero; "optimized" multiplies by the reciprocal and rounds halves
        to even, but divides in float64 for the last ``x.size % 8`` elements; "xnnpack" multiplies
        and rounds halves to even. Where a family has no kernel of its own (several scales, int4,
        int32; int16 in XNNPACK) LiteRT falls back, and so does this.
    rounding : "half_away" or "half_even", optional
        Divide, then round as said, whatever the family does; only with ``kernels="reference"``.
    overflow : "saturate" or "litert-x86"
        What happens to what no int32 can hold. LiteRT converts before it clamps, so on x86
        processors +inf becomes INT_MIN and then, for int8, -128; "litert-x86" reproduces that.
        "saturate" stores the nearest end of the type.
    out : array, optional
        Where to put the result: shape of `x`, dtype ``parameters.dtype``.

    Returns
    -------
    array of the shape of `x`, dtype ``parameters.dtype``

    Raises
    ------
    InvalidInputError
        Naming the argument: not real numbers, a shape the scales do not fit, an `out` that does
        not fit, an unknown word.

    Notes
    -----
    * Ties go where the family sends them; -0.0 and subnormal numbers are stored as 0 would be,
      unless the scale is subnormal too.
    * Infinities, and quotients beyond the type, saturate. **NaN is stored as 0.0 would be**, that
      is as the zero point. With "litert-x86" both follow the processor.
    * Empty arrays give empty arrays, 0-d arrays 0-d arrays. No warning is raised.

    Examples
    --------
    >>> p = QuantizationParameters(scale=0.5, zero_point=-3)
    >>> quantize([0.25, -0.25, 1.0, 1e9, np.inf, np.nan], p)
    array([ -2,  -4,  -1, 127, 127,  -3], dtype=int8)
    >>> quantize([0.25, -0.25, 0.75], p, rounding="half_even")
    array([-3, -3, -1], dtype=int8)
    >>> quantize([np.inf, np.nan], p, overflow="litert-x86")
    array([127, 127], dtype=int8)

    Source: LiteRT tflite/kernels/internal/reference/quantize.h (AffineQuantize)
    """
    array = float32_array(x, "x")
    _check_parameters(parameters, "parameters")
    parameters.check_shape(array.shape, "x")
    one_of(kernels, "kernels", KERNELS)
    one_of(overflow, "overflow", ("saturate", "litert-x86"))
    if rounding is not None:
        one_of(rounding, "rounding", ("half_away", "half_even"))
        if kernels != "reference":
            raise InvalidInputError("rounding", repr(rounding), f"None: kernels={kernels!r} says it")
    result = output_array(out, array.shape, parameters.dtype)
    family = _family_with_a_kernel(kernels, parameters)
    with np.errstate(all="ignore"):
        if family == "optimized":
            _quantize_optimized(array, parameters, overflow, result)
        elif family == "xnnpack":
            _quantize_by(rules.reciprocal_half_even_xnnpack, array, parameters, overflow, result)
        elif overflow == "saturate" and fast_quantize.applies(parameters):
            fast_quantize.quantize(array, parameters, rounding or "half_away", result)
        else:
            rule = rules.quotient_half_even if rounding == "half_even" else rules.quotient_half_away
            _quantize_by(rule, array, parameters, overflow, result)
    return result


def dequantize(
    q: ArrayLike,
    parameters: QuantizationParameters,
    *,
    kernels: str = "reference",
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The real numbers that stored integers stand for: scale * (q - zero_point).

    Parameters
    ----------
    q : array of dtype ``parameters.dtype``, or (nested) list of Python integers
        int4 lies one per int8 element; see `quantlib.arithmetic.packing` for nibbles.
    parameters : QuantizationParameters
    kernels : "reference", "optimized" or "xnnpack"
        "optimized" adds two rounded products in vector blocks, which moves last bits; the last
        ``q.size % 8`` elements, several scales, and the other families are rounded once.
    out : float32 array, optional
        Where to put the result.

    Returns
    -------
    float32 array of the shape of `q`
        A product beyond float32 is an infinity (LiteRT does the same); no warning is raised.

    Raises
    ------
    InvalidInputError
        Naming the argument: another dtype (reading uint8 as int8 would be silently wrong), a list
        entry or an int4 outside the type, a shape the scales do not fit.

    Examples
    --------
    >>> p = QuantizationParameters(scale=0.5, zero_point=-3)
    >>> dequantize([-128, -3, 127], p)
    array([-62.5,   0. ,  65. ], dtype=float32)

    Source: LiteRT tflite/kernels/internal/reference/dequantize.h (Dequantize, PerChannelDequantize)
    """
    _check_parameters(parameters, "parameters")
    array = stored_array(q, "q", parameters.dtype, parameters.qmin, parameters.qmax)
    parameters.check_shape(array.shape, "q")
    one_of(kernels, "kernels", KERNELS)
    result = output_array(out, array.shape, np.dtype(np.float32))
    with np.errstate(all="ignore"):
        if kernels == "optimized" and parameters.scale.size == 1 and parameters.bits != 32:
            _dequantize_optimized(array, parameters, result)
        elif parameters.bits != 32:
            fast_quantize.dequantize(array, parameters, result)
        else:
            rule = rules.dequantized_float64
            if parameters.scale.size > 1:
                rule = rules.dequantized_float32
            _dequantize_by(rule, array, parameters, result)
    return result


def _check_parameters(parameters: object, argument: str) -> None:
    if not isinstance(parameters, QuantizationParameters):
        raise InvalidInputError(argument, type(parameters).__name__, "QuantizationParameters")


def _family_with_a_kernel(kernels: str, parameters: QuantizationParameters) -> str:
    """The family whose QUANTIZE kernel LiteRT runs for these parameters."""
    if parameters.scale.size > 1 or parameters.bits not in (8, 16):
        return "reference"
    return "optimized" if kernels == "xnnpack" and parameters.bits == 16 else kernels


def _along_axis(
    parameters: QuantizationParameters, shape: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scale and zero point in a shape that broadcasts against a tensor of `shape`."""
    scale, zero_point = parameters.scale, parameters.zero_point
    axis = parameters.quantized_dimension
    if parameters.block_size is not None:
        size = parameters.block_size
        return np.repeat(scale, size, axis), np.repeat(zero_point, size, axis)
    if scale.ndim:
        trailing = (1,) * (len(shape) - 1 - axis)
        return scale.reshape(-1, *trailing), zero_point.reshape(-1, *trailing)
    return scale, zero_point


def _quantize_by(
    rule: rules.RoundedQuotient,
    x: NDArray[np.float32],
    parameters: QuantizationParameters,
    overflow: str,
    out: StoredArray,
) -> None:
    """Fill `out` by a rule, tile by tile; scales broadcast along their axis."""
    bounds = (parameters.qmin, parameters.qmax)
    store = partial(_store, rule=rule, bounds=bounds, overflow=overflow)
    scale, zero_point = _along_axis(parameters, x.shape)
    if scale.size == 1:
        scale, zero_point = scale.reshape(()), zero_point.reshape(())
        in_tiles(lambda tile, out_tile: store(tile, scale, zero_point, out_tile), x, out)
    else:
        in_tiles_with(store, x, (scale, zero_point), out)


def _store(
    x: NDArray[np.float32],
    scale: NDArray[np.float32],
    zero_point: NDArray[np.int64],
    out: StoredArray,
    *,
    rule: rules.RoundedQuotient,
    bounds: tuple[int, int],
    overflow: str,
) -> None:
    rounded = rule(x, scale)
    if overflow == "litert-x86":
        if rule is rules.reciprocal_half_even_xnnpack:  # its narrowing instructions saturate
            stored = saturate(float_to_int32(rounded), -(2**15), 2**15 - 1) + zero_point
        else:
            stored = wrap_int32(float_to_int32(rounded) + zero_point)
    else:
        if rule is rules.reciprocal_half_even_xnnpack:
            rounded = np.where(np.isnan(x), np.float32(0), rounded)
        # 2**33 is beyond any code plus zero point, and exact in either precision.
        bounded = np.clip(np.where(np.isnan(rounded), 0, rounded), -(2.0**33), 2.0**33)
        stored = bounded.astype(np.int64) + zero_point
    out[...] = saturate(stored, *bounds)


def _quantize_optimized(
    x: NDArray[np.float32], parameters: QuantizationParameters, overflow: str, out: StoredArray
) -> None:
    body = x.size // 8 * 8
    flat = np.ascontiguousarray(x).reshape(-1)
    stored = np.empty(x.size, out.dtype)
    single = QuantizationParameters(
        parameters.scale.reshape(()), parameters.zero_point.reshape(()), parameters.dtype
    )
    _quantize_by(rules.reciprocal_half_even, flat[:body], single, overflow, stored[:body])
    _quantize_by(rules.quotient_half_away_float64, flat[body:], single, overflow, stored[body:])
    out[...] = stored.reshape(x.shape)


def _dequantize_by(
    rule: Any, q: StoredArray, parameters: QuantizationParameters, out: NDArray[np.float32]
) -> None:
    def store(tile: Any, scale: Any, zero_point: Any, out_tile: Any) -> None:
        out_tile[...] = rule(tile.astype(np.int64), scale, zero_point)

    scale, zero_point = _along_axis(parameters, q.shape)
    in_tiles_with(store, q, (scale, zero_point), out)


def _dequantize_optimized(
    q: StoredArray, parameters: QuantizationParameters, out: NDArray[np.float32]
) -> None:
    body = q.size // 8 * 8
    flat = np.ascontiguousarray(q).reshape(-1).astype(np.int64)
    scale, zero_point = parameters.scale.reshape(()), parameters.zero_point.reshape(())
    real = np.empty(q.size, np.float32)
    real[:body] = rules.dequantized_blocks(flat[:body], scale, zero_point)
    real[body:] = rules.dequantized_float64(flat[body:], scale, zero_point)
    out[...] = real.reshape(q.shape)
