"""Stored integers of one scale as stored integers of another, as TFLite's QUANTIZE does it.

Source: LiteRT tflite/kernels/quantize.cc (Prepare, Requantize) and
tflite/kernels/internal/reference/requantize.h; measured on ai-edge-litert 2.3.0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.affine.intake import one_of, output_array, stored_array
from quantlib.affine.parameters import QuantizationParameters
from quantlib.arithmetic.fixed_point import saturate, wrap_int32
from quantlib.arithmetic.requantize import Requantizer, two_roundings, two_roundings_half_up
from quantlib.arithmetic.rounding import round_half_to_even
from quantlib.errors import InvalidInputError

__all__ = ["requantize"]

StoredArray = NDArray[np.integer[Any]]
Int64Array = NDArray[np.int64]


def requantize(
    q: ArrayLike,
    parameters: QuantizationParameters,
    new_parameters: QuantizationParameters,
    *,
    kernels: str = "reference",
    out: StoredArray | None = None,
) -> StoredArray:
    """Stored integers under new parameters, by fixed-point arithmetic and not through floats.

    Parameters
    ----------
    q : array of dtype ``parameters.dtype``, or (nested) list of Python integers
    parameters, new_parameters : QuantizationParameters
        Of the input and of the result. Several scales are allowed on either side (LiteRT has no
        such kernel; each channel is computed as its one-scale kernel would), blocks are not.
    kernels : "reference", "optimized" or "xnnpack"
        Between 8-bit types with one scale the families differ near ties: "reference" rounds half
        up and then half away from zero; "optimized" half up twice, but as reference for the last
        ``q.size % 16`` elements; "xnnpack", between equal types and for scale ratios within
        1/256 .. 128, multiplies by an 8-bit fraction. Elsewhere LiteRT falls back, and so does
        this.
    out : array, optional
        Where to put the result: shape of `q`, dtype ``new_parameters.dtype``.

    Returns
    -------
    array of the shape of `q`, dtype ``new_parameters.dtype``

    Raises
    ------
    InvalidInputError
        Naming the argument.

    Notes
    -----
    The multiplier is f64(scale) / f64(new scale) as 31 bits and a shift. A ratio of 2**31 or more
    shifts bits out of an int32 register, which wraps as the kernels' does; a ratio below 2**-32
    is flushed to 0. int32 inputs are taken modulo 2**32 after subtraction of the zero point.

    Examples
    --------
    >>> p = QuantizationParameters(scale=0.5, zero_point=-3)
    >>> requantize([-3, -2, 127], p, QuantizationParameters(scale=0.25, zero_point=0, dtype=np.uint8))
    array([  0,   2, 255], dtype=uint8)

    Source: LiteRT tflite/kernels/internal/reference/requantize.h (Requantize)
    """
    for given, argument in ((parameters, "parameters"), (new_parameters, "new_parameters")):
        if not isinstance(given, QuantizationParameters):
            raise InvalidInputError(argument, type(given).__name__, "QuantizationParameters")
        if given.block_size is not None:
            raise InvalidInputError(argument, f"block_size {given.block_size}", "no blocks")
    one_of(kernels, "kernels", ("reference", "optimized", "xnnpack"))
    array = stored_array(q, "q", parameters.dtype, parameters.qmin, parameters.qmax)
    parameters.check_shape(array.shape, "q")
    new_parameters.check_shape(array.shape, "q")
    result = output_array(out, array.shape, new_parameters.dtype)
    if parameters.scale.size > 1 or new_parameters.scale.size > 1:
        _requantize_channels(array, parameters, new_parameters, result)
        return result
    family = _family_with_a_kernel(kernels, parameters, new_parameters)
    if family == "xnnpack":
        _apply(_eight_bit_fraction, array, parameters, new_parameters, result)
    elif family == "optimized":
        body = array.size // 16 * 16
        flat = np.ascontiguousarray(array).reshape(-1)
        stored = np.empty(array.size, result.dtype)
        for rule, part in ((two_roundings_half_up, slice(body)), (two_roundings, slice(body, None))):
            _apply(_fixed_point(rule), flat[part], parameters, new_parameters, stored[part])
        result[...] = stored.reshape(array.shape)
    else:
        _apply(_fixed_point(two_roundings), array, parameters, new_parameters, result)
    return result


def _family_with_a_kernel(kernels: str, old: QuantizationParameters, new: QuantizationParameters) -> str:
    """The family whose requantizing kernel LiteRT runs for these parameters."""
    if old.bits != 8 or new.bits != 8 or kernels == "reference":
        return "reference"
    ratio = np.float32(old.scale.reshape(())[()]) / np.float32(new.scale.reshape(())[()])
    if kernels == "xnnpack" and old.dtype == new.dtype and 2.0**-8 <= ratio <= 2.0**7:
        return "xnnpack"
    return "optimized"


def _fixed_point(rule: Requantizer) -> Any:
    def requantized(q: Int64Array, old: QuantizationParameters, new: QuantizationParameters) -> Int64Array:
        ratio = old.scale.reshape(()).astype(np.float64) / new.scale.reshape(()).astype(np.float64)
        scaled = rule(ratio)(wrap_int32(q - old.zero_point.reshape(())))
        return wrap_int32(scaled + new.zero_point.reshape(()))

    return requantized


def _eight_bit_fraction(
    q: Int64Array, old: QuantizationParameters, new: QuantizationParameters
) -> Int64Array:
    ratio = old.scale.reshape(()) / new.scale.reshape(())  # float32
    multiplier = round_half_to_even(np.float32(256) * ratio).astype(np.int64)
    zero = new.zero_point.reshape(())
    return np.asarray(((zero << 8) + 128 + (q - old.zero_point.reshape(())) * multiplier) >> 8, np.int64)


def _apply(
    rule: Any, q: StoredArray, old: QuantizationParameters, new: QuantizationParameters, out: StoredArray
) -> None:
    """Fill `out`; long arrays of short integers by a table of all of them."""
    if old.bits <= 16 and q.size > 1 << old.bits:
        codes = np.arange(old.qmin, old.qmax + 1)
        table = saturate(rule(codes, old, new), new.qmin, new.qmax).astype(new.dtype)
        # Two's complement codes index the table modulo its length.
        order = np.roll(table, old.qmin)
        unsigned = np.dtype(f"u{q.dtype.itemsize}")
        indices = q.view(unsigned) if old.bits == 8 * q.dtype.itemsize else q & (len(table) - 1)
        out[...] = order[indices]
    else:
        out[...] = saturate(rule(q.astype(np.int64), old, new), new.qmin, new.qmax)


def _requantize_channels(
    q: StoredArray, old: QuantizationParameters, new: QuantizationParameters, out: StoredArray
) -> None:
    scales, zeros = [], []
    for given in (old, new):
        trailing = (1,) * (q.ndim - 1 - given.quantized_dimension) if given.scale.ndim else ()
        axes = (-1, *trailing) if given.scale.ndim else ()
        scales.append(given.scale.astype(np.float64).reshape(axes))
        zeros.append(given.zero_point.reshape(axes))
    scaled = two_roundings(scales[0] / scales[1])(wrap_int32(q.astype(np.int64) - zeros[0]))
    out[...] = saturate(wrap_int32(scaled + zeros[1]), new.qmin, new.qmax)
