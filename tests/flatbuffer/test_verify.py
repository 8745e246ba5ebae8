"""The structural verifier on bytes made by hand, one broken rule at a time."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from quantlib.errors import LimitExceededError, MalformedModelError
from quantlib.flatbuffer.layout import write_tables
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.verify import verify
from quantlib.model.graph import Record
from quantlib.model.limits import Limits


def by_hand() -> bytearray:
    """A file laid out by hand: Model{version, description, buffers: [Buffer{data, offset}]}."""
    file = bytearray(96)
    struct.pack_into("<I4s", file, 0, 24, b"TFL3")
    struct.pack_into("<HHHHHHH", file, 8, 14, 16, 4, 0, 0, 8, 12)  # vtable of Model
    struct.pack_into("<iIII", file, 24, 16, 3, 40 - 32, 48 - 36)  # Model
    struct.pack_into("<I2sB", file, 40, 2, b"hi", 0)  # description
    struct.pack_into("<II", file, 48, 1, 68 - 52)  # buffers
    struct.pack_into("<HHHH", file, 58, 8, 16, 4, 8)  # vtable of Buffer
    struct.pack_into("<iIQ", file, 68, 10, 84 - 72, 0)  # Buffer; the offset lies at byte 76
    struct.pack_into("<I4s", file, 84, 4, b"data")
    return file


def shifted() -> bytearray:
    """As `by_hand`, with the 8-byte field where it is aligned."""
    file = by_hand()
    struct.pack_into("<HHHH", file, 58, 8, 20, 4, 12)  # offset at byte 80
    struct.pack_into("<iI", file, 68, 10, 88 - 72)
    struct.pack_into("<I4s", file, 88, 4, b"data")
    return file


def test_a_file_laid_out_by_hand_is_well_formed() -> None:
    assert verify(bytes(shifted())) == 2


def test_every_real_model_is_well_formed(model_files: list[Path]) -> None:
    for path in model_files:
        assert verify(path.read_bytes()) > 2


@pytest.mark.parametrize(
    ("at", "patch", "offset", "field"),
    [
        (4, b"TFL2", 4, None),
        (0, struct.pack("<I", 0), 0, None),  # the root offset points to itself
        (0, struct.pack("<I", 96), 0, None),  # outside the file
        (0, struct.pack("<I", 2**31), 0, None),  # negative as a signed number
        (0, struct.pack("<I", 26), 26, None),  # an unaligned table
        (24, struct.pack("<i", 15), 24, None),  # an odd vtable
        (24, struct.pack("<i", 26), 24, None),  # a vtable before the file
        (24, struct.pack("<i", -(2**31)), 24, None),  # a vtable behind the file
        (8, struct.pack("<H", 13), 8, None),  # an odd vtable length
        (8, struct.pack("<H", 90), 8, None),  # a vtable that ends outside
        (12, struct.pack("<H", 5), 29, "version"),  # an unaligned scalar
        (12, struct.pack("<H", 72), 24, None),  # a scalar outside
        (18, struct.pack("<H", 72), 24, None),  # an offset outside
        (18, struct.pack("<H", 9), 33, "description"),  # an unaligned offset
        (32, struct.pack("<I", 0), 32, "description"),  # an offset of 0
        (32, struct.pack("<I", 64), 32, "description"),  # a target outside
        (32, struct.pack("<I", 9), 41, "description"),  # an unaligned string
        (40, struct.pack("<I", 1), 45, "description"),  # no zero after it
        (40, struct.pack("<I", 52), 96, "description"),  # ends with the file, no room for a zero
        (40, struct.pack("<I", 53), 40, "description"),  # ends outside
        (40, struct.pack("<I", 2**32 - 1), 40, "description"),
        (48, struct.pack("<I", 12), 48, "buffers"),  # a vector of tables that ends outside
        (48, struct.pack("<I", 2**30), 48, "buffers"),  # whose bytes overflow 32 bits
        (52, struct.pack("<I", 17), 69, "buffers[0]"),  # an unaligned table in a vector
        (52, struct.pack("<I", 2**32 - 1), 52 + 2**32 - 1, "buffers[0]"),
        (64, struct.pack("<H", 8), 76, "buffers[0].offset"),  # 8 bytes on a multiple of 4
        (64, struct.pack("<H", 28), 68, "buffers[0]"),  # 8 bytes that end outside
        (88, struct.pack("<I", 5), 88, "buffers[0].data"),  # a vector that ends outside
    ],
)
def test_one_broken_rule_is_found_where_it_is(at: int, patch: bytes, offset: int, field: str | None) -> None:
    file = shifted()
    file[at : at + len(patch)] = patch
    with pytest.raises(MalformedModelError) as caught:
        verify(bytes(file))
    assert (caught.value.offset, caught.value.field) == (offset, field)


@pytest.mark.parametrize("size", range(12))
def test_a_file_shorter_than_any_flatbuffer_is_refused(size: int) -> None:
    with pytest.raises(MalformedModelError, match=f"{size} bytes; wanted at least 12"):
        verify(bytes(shifted()[:size]))


def test_no_prefix_of_a_file_is_well_formed() -> None:
    file = bytes(shifted())
    for size in range(96):
        with pytest.raises(MalformedModelError):
            verify(file[:size])


def test_an_unknown_union_member_is_not_followed() -> None:
    options = Record("SoftmaxOptions", (("beta", 1.0),))
    operator = Record("Operator", (("builtin_options", options),))
    model = Record("Model", (("subgraphs", (Record("SubGraph", (("operators", (operator,)),)),)),))
    file = bytearray(write_tables(model))
    assert verify(bytes(file)) == 4
    # The member number is the operator's last inline byte, right before the vtable of its options.
    file[file.rindex(9)] = 200
    assert verify(bytes(file)) == 3


def test_shared_tables_are_counted_once_per_visit() -> None:
    # Every entry of the vector points to the one buffer.
    entries = 1000
    file = bytearray(44 + 4 * entries)
    struct.pack_into("<I4s", file, 0, 28, b"TFL3")
    struct.pack_into("<HHHHHHH", file, 8, 14, 8, 0, 0, 0, 0, 4)
    struct.pack_into("<HH", file, 22, 4, 4)  # vtable of Buffer
    struct.pack_into("<iI", file, 28, 20, 4)
    struct.pack_into("<I", file, 36, entries)
    end = 40 + 4 * entries
    for index in range(entries):
        struct.pack_into("<I", file, 40 + 4 * index, end - 40 - 4 * index)
    struct.pack_into("<i", file, end, end - 22)
    assert verify(bytes(file)) == entries + 1
    assert verify(bytes(file), Limits(tables=1001)) == 1001
    with pytest.raises(LimitExceededError, match="1001 tables; wanted at most 1000"):
        verify(bytes(file), Limits(tables=1000))


def test_shared_vectors_are_read_once_and_counted_per_visit() -> None:
    graphs = (Record("SubGraph", (("tensors", (Record("Tensor"),) * 3),)),) * 2
    file = bytearray(write_tables(Record("Model", (("subgraphs", graphs),))))
    first, second = (at for at in range(0, len(file), 4) if file[at : at + 4] == b"\3\0\0\0")
    (pointer,) = (at for at in range(8, first) if at + int.from_bytes(file[at : at + 4], "little") == first)
    struct.pack_into("<I", file, pointer, second - pointer)
    assert verify(bytes(file), Limits(tables=9)) == 9
    for tables in range(9):
        with pytest.raises(LimitExceededError):
            verify(bytes(file), Limits(tables=tables))
    one, other = read_model(bytes(file)).subgraphs
    assert one.tensors is other.tensors


def test_bytes_behind_the_flatbuffer_are_not_looked_at() -> None:
    assert verify(bytes(shifted()) + b"\xff" * 64) == 2
