"""Sub-byte integers: every byte, and every length of the last, unfilled byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from quantlib.arithmetic import packing
from quantlib.errors import InvalidInputError

KINDS = [
    (packing.pack_int4, packing.unpack_int4, 4, -8, 7, np.int8),
    (packing.pack_uint4, packing.unpack_uint4, 4, 0, 15, np.uint8),
    (packing.pack_int2, packing.unpack_int2, 2, -2, 1, np.int8),
]
ALL_BYTES = np.arange(256, dtype=np.uint8)


def bit_by_bit(packed: Any, bits: int, low: int) -> list[int]:
    """The twin: fields of a byte from its lowest bit upwards, two's complement where low < 0."""
    values = []
    for byte in packed.tolist():
        for start in range(0, 8, bits):
            field = (byte >> start) % 2**bits
            values.append(field - 2**bits if low < 0 and field >= 2 ** (bits - 1) else field)
    return values


@pytest.mark.parametrize(("pack", "unpack", "bits", "low", "high", "dtype"), KINDS)
def test_every_byte_unpacks_from_its_lowest_bits(
    pack: Callable[..., Any], unpack: Callable[..., Any], bits: int, low: int, high: int, dtype: type
) -> None:
    values = unpack(ALL_BYTES, 256 * 8 // bits)
    assert values.dtype == dtype
    assert values.tolist() == bit_by_bit(ALL_BYTES, bits, low)
    assert (values.min(), values.max()) == (low, high)
    assert np.array_equal(pack(values), ALL_BYTES)


@pytest.mark.parametrize(("pack", "unpack", "bits", "low", "high", "dtype"), KINDS)
@pytest.mark.parametrize("count", range(10))
def test_an_unfilled_last_byte_ends_in_zeros(
    pack: Callable[..., Any],
    unpack: Callable[..., Any],
    bits: int,
    low: int,
    high: int,
    dtype: type,
    count: int,
) -> None:
    values = np.full(count, low or high)
    packed = pack(values)
    assert packed.size == -(-count * bits // 8)
    assert np.array_equal(unpack(packed, count), values)
    rest = bit_by_bit(packed, bits, low)[count:]
    assert not any(rest)


@pytest.mark.parametrize(("pack", "unpack", "bits", "low", "high", "dtype"), KINDS)
def test_what_does_not_fit_is_refused(
    pack: Callable[..., Any], unpack: Callable[..., Any], bits: int, low: int, high: int, dtype: type
) -> None:
    for value in (low - 1, high + 1, 2**40):
        with pytest.raises(InvalidInputError, match="values: "):
            pack(np.array([0, value]))
    with pytest.raises(InvalidInputError, match="packed: 1 bytes; wanted at least 2"):
        unpack(ALL_BYTES[:1], 8 // bits + 1)


def test_shapes_are_flattened_in_row_major_order() -> None:
    assert packing.pack_int4(np.array([[1, 2], [3, 4]])).tolist() == [0x21, 0x43]
    assert packing.pack_int4(np.array([[1, 2], [3, 4]]).T).tolist() == [0x31, 0x42]
