"""The reference kernels' quantize and dequantize, as fast as NumPy goes; twins of `rules`.

*Half away from zero.* Let m = trunc(x / (scale / 2)). Halving a normal scale is exact, so m is
trunc(2 x / scale) with the very quotient the kernels round, and the rounded quotient is
(m + [m >= 0]) >> 1 in integers: four operations on int16 in place of five on float32.

*Half to even.* Adding 1.5 * 2**23 to a small float32 number rounds it to an integer, halves to
even, and leaves that integer in the low bits of the sum.

Both want the quotient clamped first; clamping commutes with rounding because the bounds are
integers. A NaN shows in the minimum of its tile, and such a tile is cleaned (NaN stored as 0.0).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.tiles import TILE, in_tiles

__all__ = ["applies", "dequantize", "quantize"]

StoredArray = NDArray[np.integer[Any]]

_PERIOD = 1 << 14
"""Row length that short rows of channels are widened to, so that loops are long."""

_BROADCAST = 256
"""Elements per scale from which NumPy's broadcasting loops are long enough."""

_MAGIC = np.float32(1.5 * 2**23)
"""The float32 numbers around it are consecutive integers."""


def applies(parameters: QuantizationParameters) -> bool:
    """Whether `quantize` may be used: at most 16 bits, and scales whose halves are exact.

    Examples
    --------
    >>> applies(QuantizationParameters(0.1)), applies(QuantizationParameters(1e-40))
    (True, False)
    """
    return parameters.bits <= 16 and bool((parameters.scale >= np.float32(2.0**-125)).all())


def quantize(
    x: NDArray[np.float32], parameters: QuantizationParameters, rounding: str, out: StoredArray
) -> None:
    """Fill `out` with round(x / scale) + zero_point, saturated; NaN as 0.0.

    Parameters
    ----------
    x : float32 array
    parameters : QuantizationParameters for which `applies` holds, fitting the shape of `x`
    rounding : "half_away" or "half_even"
    out : array of the shape of `x`, dtype ``parameters.dtype``

    Examples
    --------
    >>> out = np.empty(3, np.int8)
    >>> quantize(np.float32([0.25, -0.25, 9]), QuantizationParameters(0.5), "half_away", out)
    >>> out
    array([ 1, -1, 18], dtype=int8)
    """
    make = partial(_half_away if rounding == "half_away" else _half_even, _Scratch(parameters, x.size))
    if parameters.scale.size == 1:
        scale, zero_point = parameters.scale.reshape(()), parameters.zero_point.reshape(())
        in_tiles(make(scale, zero_point, parameters), x, out)
    else:
        _by_channel(make, x, parameters, out)


def dequantize(q: StoredArray, parameters: QuantizationParameters, out: NDArray[np.float32]) -> None:
    """Fill `out` with f32(scale * (q - zero_point)), for at most 16 bits.

    Parameters
    ----------
    q : array of dtype ``parameters.dtype``
    parameters : QuantizationParameters fitting the shape of `q`
    out : float32 array of the shape of `q`

    Examples
    --------
    >>> out = np.empty(2, np.float32)
    >>> dequantize(np.int8([4, 2]), QuantizationParameters(0.5, 2), out)
    >>> out
    array([1., 0.], dtype=float32)
    """
    if parameters.scale.size == 1:
        scale, zero_point = parameters.scale.reshape(()), parameters.zero_point.reshape(())
        in_tiles(_product(scale, zero_point, parameters), q, out)
    else:
        _by_channel(_product, q, parameters, out)


def _by_channel(make: Any, x: NDArray[Any], parameters: QuantizationParameters, out: NDArray[Any]) -> None:
    """See the tensor as (outer, channels, inner), where each channel's scale serves `inner` elements."""
    axis = parameters.quantized_dimension
    scale, zero_point = parameters.scale, parameters.zero_point
    if parameters.block_size is not None:
        inner = parameters.block_size  # blocks lie along the last axis, or are moved there
        x, given = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
        scale, zero_point = np.moveaxis(scale, axis, -1), np.moveaxis(zero_point, axis, -1)
    else:
        inner, given = int(np.prod(x.shape[axis + 1 :], dtype=np.int64)), out
    if x.size == 0:
        return
    source = np.ascontiguousarray(x)
    usable = given.flags.c_contiguous and not np.may_share_memory(source, given)
    filled = given if usable else np.empty(given.shape, given.dtype)
    view = (-1, scale.size * inner)
    _rows(
        make,
        source.reshape(view),
        scale.reshape(-1),
        zero_point.reshape(-1),
        parameters,
        filled.reshape(view),
    )
    if not usable:
        given[...] = filled


def _rows(
    make: Any,
    x: NDArray[Any],
    scale: NDArray[np.float32],
    zero_point: NDArray[np.int64],
    parameters: QuantizationParameters,
    out: NDArray[Any],
) -> None:  # x, out: (rows, channels * inner); scale, zero_point: (channels,)
    rows, period = x.shape
    inner = period // scale.size
    side_by_side = min(_PERIOD // period, rows)
    if side_by_side > 1:  # short rows: several of them make one long row
        whole = rows // side_by_side * side_by_side
        wide = (-1, side_by_side * period)
        scales, zero_points = np.tile(scale, side_by_side), np.tile(zero_point, side_by_side)
        _rows(make, x[:whole].reshape(wide), scales, zero_points, parameters, out[:whole].reshape(wide))
        x, out, rows = x[whole:], out[whole:], rows - whole
        if rows == 0:
            return
    if inner >= _PERIOD:
        _long_runs(
            make, x.reshape(rows, -1, inner), scale, zero_point, parameters, out.reshape(rows, -1, inner)
        )
        return
    together = max(1, TILE // inner)  # channels per tile
    for first in range(0, scale.size, together):
        scales, zero_points = scale[first : first + together], zero_point[first : first + together]
        columns = slice(first * inner, (first + together) * inner)
        part, out_part = x[:, columns], out[:, columns]
        if inner >= _BROADCAST:
            split = (rows, -1, inner)
            part, out_part = part.reshape(split), out_part.reshape(split)
            scales, zero_points = scales[:, np.newaxis], zero_points[:, np.newaxis]
        elif inner > 1:
            scales, zero_points = np.repeat(scales, inner), np.repeat(zero_points, inner)
        count = max(1, TILE * rows // part.size)
        kernel = make(scales, zero_points, parameters)
        for top in range(0, rows, count):
            kernel(part[top : top + count], out_part[top : top + count])


def _long_runs(
    make: Any,
    x: NDArray[Any],
    scale: NDArray[np.float32],
    zero_point: NDArray[np.int64],
    parameters: QuantizationParameters,
    out: NDArray[Any],
) -> None:  # x, out: (outer, channels, inner)
    for channel in range(scale.size):
        kernel = make(scale[channel], zero_point[channel], parameters)
        for outer in range(x.shape[0]):
            in_tiles(kernel, x[outer, channel], out[outer, channel])


def _common(zero_point: NDArray[np.int64]) -> Any:
    """One zero point if all are equal: operations with a scalar are faster."""
    flat = zero_point.reshape(-1)
    return flat[0] if (flat == flat[0]).all() else zero_point


class _Scratch:
    """Arrays of a tile each, allocated once: fresh memory costs more than the arithmetic."""

    __slots__ = ("_arrays",)

    def __init__(self, parameters: QuantizationParameters, size: int) -> None:
        # |2 (q - zero_point)| < 2**10 for 8 bits and < 2**18 for 16.
        wide = np.int16 if parameters.bits <= 8 else np.int32
        tile = min(size, TILE)
        self._arrays = np.empty(tile, np.float32), np.empty(tile, wide), np.empty(tile, wide)

    def shaped(self, shape: tuple[int, ...], size: int) -> tuple[NDArray[Any], ...]:
        """Quotients in float32 and two arrays of integers, of the tile's shape."""
        return tuple(array[:size].reshape(shape) for array in self._arrays)


def _half_away(
    scratch: _Scratch,
    scale: NDArray[np.float32],
    zero_point: NDArray[np.int64],
    parameters: QuantizationParameters,
) -> Any:
    wide = np.int16 if parameters.bits <= 8 else np.int32
    half_scale = scale / np.float32(2)
    zero = _common(zero_point)
    low = np.float32(2 * (parameters.qmin - np.max(zero)))
    high = np.float32(2 * (parameters.qmax - np.min(zero)))
    one_and_zero = np.asarray(1 + 2 * zero).astype(wide)[()]
    sign_shift = wide(8 * np.dtype(wide).itemsize - 1)
    one = wide(1)
    bounds = (wide(parameters.qmin), wide(parameters.qmax))

    def kernel(x: NDArray[np.float32], out: StoredArray) -> None:
        v, m, k = scratch.shaped(x.shape, x.size)
        np.divide(x, half_scale, out=v)
        np.clip(v, low, high, out=v)
        if np.isnan(v.min()):
            v[np.isnan(v)] = 0
        np.copyto(m, v, casting="unsafe")
        np.right_shift(m, sign_shift, out=k)
        np.add(m, k, out=m)
        np.add(m, one_and_zero, out=m)
        np.right_shift(m, one, out=m)
        if np.ndim(zero):
            np.clip(m, *bounds, out=m)
        np.copyto(out, m, casting="unsafe")

    return kernel


def _half_even(
    scratch: _Scratch,
    scale: NDArray[np.float32],
    zero_point: NDArray[np.int64],
    parameters: QuantizationParameters,
) -> Any:
    wide = np.int16 if parameters.bits <= 8 else np.int32
    zero = _common(zero_point)
    low = np.float32(parameters.qmin - np.max(zero))
    high = np.float32(parameters.qmax - np.min(zero))
    # The low bits of the magic number itself are 0x400000: nothing below bit 22.
    if parameters.dtype.itemsize == 1 and np.ndim(zero) == 0:
        return _half_even_in_bytes(scratch, scale, np.asarray(zero).astype(parameters.dtype), low, high)
    added = np.asarray(zero).astype(wide)[()]
    if wide is np.int32:
        added = np.asarray(zero - int(_MAGIC.view(np.int32))).astype(wide)[()]
    bounds = (wide(parameters.qmin), wide(parameters.qmax))

    def kernel(x: NDArray[np.float32], out: StoredArray) -> None:
        v, m, _ = scratch.shaped(x.shape, x.size)
        np.divide(x, scale, out=v)
        np.clip(v, low, high, out=v)
        if np.isnan(v.min()):
            v[np.isnan(v)] = 0
        np.add(v, _MAGIC, out=v)
        np.copyto(m, v.view(np.int32), casting="unsafe")
        np.add(m, added, out=m)
        if np.ndim(zero):
            np.clip(m, *bounds, out=m)
        np.copyto(out, m, casting="unsafe")

    return kernel


def _half_even_in_bytes(
    scratch: _Scratch,
    scale: NDArray[np.float32],
    zero_point: StoredArray,
    low: np.float32,
    high: np.float32,
) -> Any:
    """The lowest byte of the sum holds the code but for the zero point; adding that cannot leave the type."""

    def kernel(x: NDArray[np.float32], out: StoredArray) -> None:
        v, _, _ = scratch.shaped(x.shape, x.size)
        np.divide(x, scale, out=v)
        np.clip(v, low, high, out=v)
        if np.isnan(v.min()):
            v[np.isnan(v)] = 0
        np.add(v, _MAGIC, out=v)
        np.copyto(out, v.view(np.int32), casting="unsafe")
        np.add(out, zero_point, out=out)

    return kernel


def _product(
    scale: NDArray[np.float32],
    zero_point: NDArray[np.int64],
    parameters: QuantizationParameters,
) -> Any:
    del parameters
    zero = np.asarray(_common(zero_point)).astype(np.float32)[()]

    def kernel(q: StoredArray, out: NDArray[np.float32]) -> None:
        np.copyto(out, q)
        if np.any(zero):
            np.subtract(out, zero, out=out)
        np.multiply(out, scale, out=out)

    return kernel
