"""Fake quantization: what training sees of quantization, forwards and backwards.

The range is nudged until zero is one of the 2**bits codes, and each number goes to the nearest
code's real number. TensorFlow has three operators, and they differ in the last step:

=============  ==================================================================================
"args"         constant range; distance from the nudged minimum times (steps / (max - min))
"vars"         range in variables; distance divided by the scale
"per_channel"  one range per index of the last axis; times (steps / (max - min))
=============  ==================================================================================

so results differ in last bits, and where a number lies next to a tie by a whole code.

Source: tensorflow/tensorflow tensorflow/core/kernels/fake_quant_ops_functor.h; compared with
TensorFlow 2.21 case by case, see docs/numbers.md.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.affine.denormals import flush, flush_in_place
from quantlib.affine.intake import finite_float32, float32_array, integer, one_of, output_array
from quantlib.affine.tiles import in_tiles, in_tiles_with
from quantlib.arithmetic.rounding import round_half_away_from_zero
from quantlib.errors import InvalidInputError

__all__ = ["FakeQuantGradient", "NudgedRange", "fake_quant", "fake_quant_gradient", "nudged_range"]

VARIANTS = ("args", "vars", "per_channel")
"""TensorFlow's operators fake_quant_with_min_max_args, _vars and _vars_per_channel."""

Float32Array = NDArray[np.float32]


class NudgedRange(NamedTuple):
    """A range moved so that zero is a code.

    Attributes
    ----------
    min, max, scale : float32 arrays of shape () or (channels,)
        The real numbers of the lowest and highest code, and the step between codes.
    """

    min: Float32Array
    max: Float32Array
    scale: Float32Array


class FakeQuantGradient(NamedTuple):
    """Gradients of `fake_quant`.

    Attributes
    ----------
    dx : float32 array of the shape of x
    dmin, dmax : float32 arrays of shape () or (channels,)
    """

    dx: Float32Array
    dmin: Float32Array
    dmax: Float32Array


def nudged_range(
    min: ArrayLike = -6.0, max: ArrayLike = 6.0, num_bits: int = 8, narrow_range: bool = False
) -> NudgedRange:
    """The range that fake quantization really uses.

    Parameters
    ----------
    min, max : array_like of float32, finite; min < max, or both 0
        Numbers, or shape (channels,).
    num_bits : int
        2 .. 16
    narrow_range : bool
        Leave the lowest code unused.

    Returns
    -------
    NudgedRange
        All zeros where min and max are 0.

    Raises
    ------
    InvalidInputError
        Naming the argument. TensorFlow takes reversed and infinite ranges in some operators and
        gives NaN or nonsense; min == max != 0 gives NaN there.

    Examples
    --------
    >>> nudged = nudged_range(-1.0, 3.0, num_bits=4)
    >>> [round(float(value), 4) for value in nudged]
    [-1.0667, 2.9333, 0.2667]

    Source: tensorflow/tensorflow tensorflow/core/kernels/fake_quant_ops_functor.h (Nudge)
    """
    low, high = _checked_range(min, max)
    quant_min, quant_max = _codes(num_bits, narrow_range)
    with np.errstate(all="ignore"):
        scale = flush(np.asarray(flush(high - low) / (quant_max - quant_min)))
        zero = quant_min - flush(np.asarray(low / np.where(scale > 0, scale, np.float32(1))))
        zero = round_half_away_from_zero(np.clip(zero, quant_min, quant_max)).astype(np.float32)
        nudged_min = flush(np.asarray((quant_min - zero) * scale))
        nudged_max = flush(np.asarray((quant_max - zero) * scale))
    empty = (low == 0) & (high == 0)
    nothing = np.float32(0)
    return NudgedRange(
        np.where(empty, nothing, nudged_min),
        np.where(empty, nothing, nudged_max),
        np.where(empty, nothing, scale),
    )


def fake_quant(
    x: ArrayLike,
    min: ArrayLike = -6.0,
    max: ArrayLike = 6.0,
    num_bits: int = 8,
    narrow_range: bool = False,
    variant: str | None = None,
    out: Float32Array | None = None,
) -> Float32Array:
    """Real numbers as if they had been stored in `num_bits` bits.

    Parameters
    ----------
    x : array_like of real numbers, any shape
        Taken in float32; subnormal numbers count as 0.
    min, max : array_like of float32, finite; min < max, or both 0
        Numbers, or shape (channels,): one range per index of the last axis of `x`.
    num_bits : int
        2 .. 16
    narrow_range : bool
        Leave the lowest code unused.
    variant : "args", "vars" or "per_channel", optional
        Whose last bits. By default "args" for one range, and "per_channel" for several.
    out : float32 array, optional
        Where to put the result.

    Returns
    -------
    float32 array of the shape of `x`
        Zeros where the range is (0, 0). Elsewhere NaN stays NaN, and infinities become the ends
        of the range.

    Raises
    ------
    InvalidInputError
        Naming the argument.

    Examples
    --------
    >>> fake_quant([-10.0, 0.0, 2.51, 10.0], min=-1.0, max=3.0, num_bits=2).tolist()
    [-1.3333333730697632, 0.0, 2.6666667461395264, 2.6666667461395264]

    Source: tensorflow/tensorflow tensorflow/core/kernels/fake_quant_ops_functor.h
    """
    array = float32_array(x, "x")
    low, high = _checked_range(min, max)
    variant = _checked_variant(variant, low, array.shape)
    nudged = nudged_range(low, high, num_bits, narrow_range)
    result = output_array(out, array.shape, np.dtype(np.float32))
    quant_min, quant_max = _codes(num_bits, narrow_range)
    quantized: np.ufunc
    with np.errstate(all="ignore"):
        if variant == "vars":
            factor, quantized = nudged.scale, np.divide
        else:
            width = flush(high - low)
            factor = flush(np.asarray((quant_max - quant_min) / np.where(width > 0, width, np.float32(1))))
            quantized = np.multiply
        # The zero point is found by multiplication in every variant; it matters where 1 / scale is
        # subnormal, and so 0.
        inverse = flush(np.asarray(np.float32(1) / nudged.scale)) if variant == "vars" else factor
        zero = np.floor(flush(-nudged.min * inverse) + np.float32(0.5))
        empty = nudged.scale == 0

        def kernel(
            tile: Any, low: Any, high: Any, scale: Any, factor: Any, zero: Any, empty: Any, out: Any
        ) -> None:
            np.clip(flush(tile), low, high, out=out)
            np.subtract(out, low, out=out)
            flush_in_place(out)
            quantized(out, factor, out=out)
            flush_in_place(out)
            np.subtract(out, zero, out=out)
            np.add(out, np.float32(0.5), out=out)
            np.floor(out, out=out)
            np.multiply(out, scale, out=out)
            flush_in_place(out)
            if np.any(empty):
                np.copyto(out, np.float32(0), where=empty)

        numbers = (*nudged, factor, zero, empty)
        if low.ndim == 0:
            return in_tiles(lambda tile, out: kernel(tile, *numbers, out), array, result)
        return in_tiles_with(kernel, array, numbers, result)


def fake_quant_gradient(
    dy: ArrayLike,
    x: ArrayLike,
    min: ArrayLike = -6.0,
    max: ArrayLike = 6.0,
    num_bits: int = 8,
    narrow_range: bool = False,
) -> FakeQuantGradient:
    """Gradients of `fake_quant` with respect to x, min and max (straight-through estimator).

    Parameters
    ----------
    dy : array_like of real numbers, of the shape of `x`
        The gradient that arrives from above.
    x, min, max, num_bits, narrow_range
        As given to `fake_quant`.

    Returns
    -------
    FakeQuantGradient
        dx: dy inside the nudged range (ends included), dy * 0 outside and where x is NaN; dy
        everywhere if min and max are 0. dmin, dmax: sums of dy where x lies below, or above, per
        channel where there are several ranges; 0 if min and max are 0. They are summed in float64
        and rounded once; TensorFlow sums in float32 in an order of its own, so equality of bits is
        promised only where float32 sums are exact (of integers, for example).

    Raises
    ------
    InvalidInputError
        Naming the argument.

    Examples
    --------
    >>> gradient = fake_quant_gradient([1.0, 2.0, 4.0], [-10.0, 0.0, 10.0], min=-1.0, max=3.0)
    >>> gradient.dx.tolist(), float(gradient.dmin), float(gradient.dmax)
    ([0.0, 2.0, 0.0], 1.0, 4.0)

    Source: tensorflow/tensorflow tensorflow/core/kernels/fake_quant_ops_functor.h (gradients)
    """
    array, upstream = float32_array(x, "x"), float32_array(dy, "dy")
    if upstream.shape != array.shape:
        raise InvalidInputError("dy", f"shape {upstream.shape}", f"as x: shape {array.shape}")
    low, high = _checked_range(min, max)
    _checked_variant(None, low, array.shape)
    nudged = nudged_range(low, high, num_bits, narrow_range)
    axes = tuple(range(array.ndim - low.ndim))
    empty = nudged.scale == 0
    with np.errstate(all="ignore"):
        values = flush(array)
        gradient = flush(upstream)
        inside = empty | ((values >= nudged.min) & (values <= nudged.max))
        below, above = ~empty & (values < nudged.min), ~empty & (values > nudged.max)
        dx = gradient * inside.astype(np.float32)
        dmin = np.where(below, gradient, 0).sum(axis=axes, dtype=np.float64)
        dmax = np.where(above, gradient, 0).sum(axis=axes, dtype=np.float64)
        return FakeQuantGradient(dx, np.asarray(dmin).astype(np.float32), np.asarray(dmax).astype(np.float32))


def _codes(num_bits: int, narrow_range: bool) -> tuple[np.float32, np.float32]:
    bits = integer(num_bits, "num_bits", 2, 16)
    return np.float32(1 if narrow_range else 0), np.float32((1 << bits) - 1)


def _checked_range(min: ArrayLike, max: ArrayLike) -> tuple[Float32Array, Float32Array]:
    low, high = flush(finite_float32(min, "min")), flush(finite_float32(max, "max"))
    for ends, argument in ((low, "min"), (high, "max")):
        if ends.ndim > 1:
            raise InvalidInputError(argument, f"shape {ends.shape}", "a number, or shape (channels,)")
    if low.shape != high.shape:
        raise InvalidInputError("max", f"shape {high.shape}", f"as min: shape {low.shape}")
    wrong = (low > high) | ((low == high) & (low != 0))
    if wrong.any():
        wanted = f"above min {low[wrong].flat[0]} (or both 0)"
        raise InvalidInputError("max", high[wrong].flat[0], wanted)
    with np.errstate(over="ignore"):
        if not np.isfinite(high - low).all():
            raise InvalidInputError("max", "a range wider than float32", "max - min < 3.4e38")
    return low, high


def _checked_variant(variant: str | None, low: Float32Array, shape: tuple[int, ...]) -> str:
    if variant is None:
        variant = "per_channel" if low.ndim else "args"
    one_of(variant, "variant", VARIANTS)
    if (variant == "per_channel") != bool(low.ndim):
        wanted = "one range per channel with variant 'per_channel', else one number"
        raise InvalidInputError("min", f"shape {low.shape}", wanted)
    if low.ndim and (not shape or shape[-1] != low.size):
        raise InvalidInputError("x", f"shape {shape}", f"{low.size} channels along the last axis")
    return variant
