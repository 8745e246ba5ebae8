"""Sub-byte integers in TFLite's order: the first element in the lowest bits of a byte.

Source: LiteRT tflite/kernels/internal/portable_tensor_utils.cc (UnpackPackedIntToInt8)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidInputError

__all__ = ["pack_int2", "pack_int4", "pack_uint4", "unpack_int2", "unpack_int4", "unpack_uint4"]


def unpack_int4(packed: NDArray[np.uint8], count: int) -> NDArray[np.int8]:
    """The first `count` signed 4-bit integers of a byte string.

    Parameters
    ----------
    packed : uint8 array of shape (bytes,), at least (count + 1) // 2 of them
    count : int

    Returns
    -------
    int8 array of shape (count,), -8 .. 7

    Examples
    --------
    >>> unpack_int4(np.array([0xF1, 0x08], np.uint8), 3).tolist()
    [1, -1, -8]
    """
    return _sign_extend(_split(packed, 4, count), 4)


def unpack_uint4(packed: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """The first `count` unsigned 4-bit integers of a byte string.

    Examples
    --------
    >>> unpack_uint4(np.array([0xF1], np.uint8), 2).tolist()
    [1, 15]
    """
    return _split(packed, 4, count)


def unpack_int2(packed: NDArray[np.uint8], count: int) -> NDArray[np.int8]:
    """The first `count` signed 2-bit integers of a byte string.

    Examples
    --------
    >>> unpack_int2(np.array([0b11_10_01_00], np.uint8), 4).tolist()
    [0, 1, -2, -1]
    """
    return _sign_extend(_split(packed, 2, count), 2)


def pack_int4(values: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Signed 4-bit integers as bytes, two to each, the first in the low half.

    Parameters
    ----------
    values : integer array, -8 .. 7, in row-major order

    Returns
    -------
    uint8 array of shape ((values.size + 1) // 2,); a last odd half is zero

    Raises
    ------
    InvalidInputError
        A value does not fit.

    Examples
    --------
    >>> [hex(byte) for byte in pack_int4(np.array([1, -1, -8]))]
    ['0xf1', '0x8']
    """
    return _join(values, 4, -8, 7)


def pack_uint4(values: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Unsigned 4-bit integers as bytes; see `pack_int4`."""
    return _join(values, 4, 0, 15)


def pack_int2(values: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Signed 2-bit integers as bytes, four to each; see `pack_int4`."""
    return _join(values, 2, -2, 1)


def _split(packed: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    packed = np.asarray(packed, np.uint8).reshape(-1)
    per_byte = 8 // bits
    if packed.size * per_byte < count:
        raise InvalidInputError("packed", f"{packed.size} bytes", f"at least {-(-count // per_byte)}")
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    pieces = (packed[:, None] >> shifts) & np.uint8((1 << bits) - 1)
    return np.asarray(pieces.reshape(-1)[:count], np.uint8)


def _sign_extend(values: NDArray[np.uint8], bits: int) -> NDArray[np.int8]:
    empty = 8 - bits
    return np.asarray((values << np.uint8(empty)).view(np.int8) >> np.int8(empty), np.int8)


def _join(values: NDArray[np.integer[Any]], bits: int, low: int, high: int) -> NDArray[np.uint8]:
    flat = np.asarray(values).reshape(-1)
    if flat.size and (flat.min() < low or flat.max() > high):
        raise InvalidInputError("values", f"{flat.min()} .. {flat.max()}", f"{low} .. {high}")
    per_byte = 8 // bits
    padded = np.zeros(-(-flat.size // per_byte) * per_byte, np.uint8)
    padded[: flat.size] = flat.astype(np.int64) & ((1 << bits) - 1)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    return np.asarray(np.bitwise_or.reduce(padded.reshape(-1, per_byte) << shifts, axis=1), np.uint8)
