"""Writes any tree of records as a flatbuffer: the inverse of `tables`.

The file grows forwards. Each table is preceded by its vtable unless an equal one was written
before, and followed by what it points to; constant data, which is aligned to 16 bytes, comes
last. Long strings and vectors that are equal are written once; equal trees give equal bytes.

Source: google/flatbuffers docs, "FlatBuffer internals"
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantlib.errors import InvalidModelError, LimitExceededError, Location, UnsupportedError
from quantlib.flatbuffer.schema import CONSTANT_ALIGN, FILE_IDENTIFIER, ROOT, SCHEMA, Field, Kind, Table
from quantlib.flatbuffer.verify import MAX_FLATBUFFER_BYTES
from quantlib.model.graph import Record

__all__ = ["write_tables"]

_SHORT = 256
"""Bytes of a string or vector up to which equal ones are written each by itself."""


def write_tables(root: Record) -> bytes:
    """A flatbuffer whose root table is `root`.

    Parameters
    ----------
    root : Record
        A ``Model`` record. Fields that are left out, None, or equal to their default are not
        stored. A vector of scalars is a sequence, an array or bytes; a memoryview stands for
        constant data, which is shared only if it is the same object.

    Returns
    -------
    bytes
        Equal for equal trees.

    Raises
    ------
    InvalidModelError
        A value does not fit its field, or a record has a field that its table has not.
    UnsupportedError
        A union's member that the schema does not know.
    LimitExceededError
        The flatbuffer would reach 2 GiB.

    Examples
    --------
    >>> data = write_tables(Record("Model", (("version", 3), ("description", "tiny"))))
    >>> len(data), data[4:8]
    (41, b'TFL3')
    """
    writer = _Writer()
    writer.out += b"\0\0\0\0" + FILE_IDENTIFIER
    writer.write(root, _table_of(root, ROOT), 0)
    return writer.finish()


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a table with a given set of fields present is packed."""

    pack: Callable[..., bytes]
    order: tuple[int, ...]
    positions: tuple[int, ...]
    vtable: bytes
    wide: bool


@dataclass(slots=True)
class _Leaf:
    """A string or vector of scalars, and the offsets that are to point to it."""

    align: int
    count: int
    content: bytes | memoryview
    pointers: list[int]


class _Writer:
    """Offsets only point forwards, so all tables come first and what they share comes after."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.layouts: dict[tuple[int, int], _Layout] = {}
        self.vtables: dict[bytes, int] = {}
        self.pending: deque[tuple[int, Field, Any]] = deque()
        self.leaves: dict[object, _Leaf] = {}
        self.constants: dict[object, _Leaf] = {}
        self.packed: dict[tuple[int, int, str], _Leaf] = {}

    def finish(self) -> bytes:
        """Write everything that is still pointed to but not there yet."""
        while self.pending:
            at, field, value = self.pending.popleft()
            if field.kind is Kind.TABLES:
                self.tables(value, field, at)
            else:
                self.write(value, _member_of(value, field), at)
            self.check_size(0)
        for leaf in (*self.leaves.values(), *self.constants.values()):
            self.check_size(len(leaf.content) + 2 * CONSTANT_ALIGN)
            self.align(leaf.align, -4)
            position = len(self.out)
            self.out += struct.pack("<I", leaf.count)
            self.out += leaf.content
            for at in leaf.pointers:
                self.patch(at, position)
        return bytes(self.out)

    def write(self, record: Record, table: Table, at: int) -> None:
        """Write a table for the offset at byte `at`, and queue what it points to."""
        words: list[Any] = []
        children: list[tuple[Field, Any] | None] = []
        present = 0
        for field, value in _values(record, table):
            if field.kind is Kind.SCALAR:
                if not _is_default(field, value):
                    present |= 1 << field.slot
                    words.append(value)
                    children.append(None)
                continue
            if value is None:
                continue
            if field.kind is Kind.UNION:
                present |= 1 << field.slot
                words.append(_member_number(value, field))
                children.append(None)
            present |= 1 << (field.slot + (field.kind is Kind.UNION))
            words.append(0)
            children.append((field, value))
        layout = self.layout(table, present)
        vtable = self.vtables.get(layout.vtable)
        if vtable is None:
            self.align(2)
            vtable = self.vtables[layout.vtable] = len(self.out)
            self.out += layout.vtable
        # 8-byte fields follow the table's first word directly, so that word lies 4 past a multiple of 8.
        self.align(8, 4) if layout.wide else self.align(4)
        position = len(self.out)
        try:
            self.out += layout.pack(position - vtable, *[words[index] for index in layout.order])
        except (struct.error, TypeError, OverflowError):
            raise _misfit(record, table) from None
        self.patch(at, position)
        for child, place in zip(children, layout.positions, strict=True):
            if child is None:
                continue
            field, value = child
            if field.kind in (Kind.STRING, Kind.VECTOR):
                self.leaf(value, field, position + place)
            else:
                self.pending.append((position + place, field, value))

    def layout(self, table: Table, present: int) -> _Layout:
        """Where the fields of a table go, widest first, and the vtable that says so."""
        key = (table.index, present)
        layout = self.layouts.get(key)
        if layout is None:
            slots = [slot for slot in range(table.slots) if present >> slot & 1]
            codes = _slot_codes(table)
            order = sorted(range(len(slots)), key=lambda index: -struct.calcsize(codes[slots[index]]))
            positions = [0] * len(slots)
            entries = [0] * (slots[-1] + 1 if slots else 0)
            end = 4
            for index in order:
                positions[index] = entries[slots[index]] = end
                end += struct.calcsize(codes[slots[index]])
            packer = struct.Struct("<i" + "".join(codes[slots[index]] for index in order))
            vtable = struct.pack(f"<{2 + len(entries)}H", 4 + 2 * len(entries), end, *entries)
            wide = any(struct.calcsize(codes[slot]) == 8 for slot in slots)
            layout = _Layout(packer.pack, tuple(order), tuple(positions), vtable, wide)
            self.layouts[key] = layout
        return layout

    def tables(self, records: Any, field: Field, at: int) -> None:
        """Write a vector of offsets, and queue the tables they are for."""
        if not isinstance(records, tuple | list):
            raise InvalidModelError(
                Location(field=field.name), _shown(records), f"a tuple of {field.target} records"
            )
        self.align(4)
        position = len(self.out)
        self.patch(at, position)
        self.out += struct.pack("<I", len(records)) + bytes(4 * len(records))
        element = Field(field.name, 0, Kind.TABLE, field.scalar, None, field.target)
        for index, record in enumerate(records):
            self.pending.append((position + 4 + 4 * index, element, record))

    def leaf(self, value: Any, field: Field, at: int) -> None:
        """Queue a string or a vector of scalars, or point to an equal one."""
        # A file may share one long vector a thousand times; as an object it is packed once.
        key = (id(value), field.align, field.scalar.code)
        leaf = self.packed.get(key)
        if leaf is None:
            if isinstance(value, memoryview):
                leaf = self.constants.setdefault(key, _Leaf(field.align, len(value), value, []))
            else:
                content, count = _content(value, field)
                is_constant = field.align >= CONSTANT_ALIGN
                leaves = self.constants if is_constant else self.leaves
                # Short ones stand alone, so that whoever edits one in place edits one.
                alone = 0 if is_constant or len(content) > _SHORT else len(leaves) + 1
                leaf = leaves.setdefault(
                    (field.align, count, content, alone), _Leaf(field.align, count, content, [])
                )
                if alone:
                    leaf.pointers.append(at)
                    return
            self.packed[key] = leaf
        leaf.pointers.append(at)

    def align(self, size: int, phase: int = 0) -> None:
        """Pad with zeros until the end is `phase` past a multiple of `size`."""
        self.out += bytes((phase - len(self.out)) % size)

    def check_size(self, more: int) -> None:
        """Refuse to grow to a size that offsets cannot span."""
        size = len(self.out) + more
        if size >= MAX_FLATBUFFER_BYTES:
            raise LimitExceededError(Location(), f"{size} bytes", f"below {MAX_FLATBUFFER_BYTES}")

    def patch(self, at: int, position: int) -> None:
        struct.pack_into("<I", self.out, at, position - at)


def _values(record: Record, table: Table) -> list[tuple[Field, Any]]:
    found = dict(record.entries)
    values = [(field, found.pop(field.name, field.default)) for field in table.fields if not field.deprecated]
    if found:
        raise InvalidModelError(
            Location(field=f"{table.name}.{next(iter(found))}"), "a field", "one of the table's"
        )
    return values


def _is_default(field: Field, value: Any) -> bool:
    if value is None:
        return True
    # Bytes decide for floats: -0.0 equals 0.0, but is not what an absent field means.
    return bool(value == field.default) and repr(value) == repr(type(value)(field.default or 0))


def _slot_codes(table: Table) -> Mapping[int, str]:
    codes = {}
    for field in table.fields:
        codes[field.slot] = field.scalar.code if field.kind is Kind.SCALAR else "I"
        if field.kind is Kind.UNION:
            codes[field.slot] = "B"
            codes[field.slot + 1] = "I"
    return codes


def _content(value: Any, field: Field) -> tuple[bytes, int]:
    """The bytes of a vector or string, and how many elements its length counts."""
    try:
        if field.kind is Kind.STRING:
            raw = value.encode("utf-8", "surrogateescape")
            return raw + b"\0", len(raw)
        if isinstance(value, bytes):
            raw = value
        elif isinstance(value, np.ndarray):
            raw = np.ascontiguousarray(value, np.dtype("<" + field.scalar.code)).tobytes()
        else:
            raw = struct.pack(f"<{len(value)}{field.scalar.code}", *value)
    except (struct.error, TypeError, AttributeError, ValueError, OverflowError):
        raise InvalidModelError(
            Location(field=field.name), _shown(value), f"a {field.kind.value} ({field.scalar.name})"
        ) from None
    return raw, len(raw) // field.scalar.size


def _misfit(record: Record, table: Table) -> InvalidModelError:
    for field, value in _values(record, table):
        if field.kind is Kind.SCALAR and value is not None:
            try:
                struct.pack("<" + field.scalar.code, value)
            except (struct.error, TypeError, OverflowError):
                return InvalidModelError(
                    Location(field=f"{table.name}.{field.name}"), _shown(value), field.scalar.name
                )
    return InvalidModelError(Location(field=table.name), "values that do not fit", "the schema's types")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _table_of(record: Any, name: str) -> Table:
    if not isinstance(record, Record) or record.table != name:
        found = record.table if isinstance(record, Record) else type(record).__name__
        raise InvalidModelError(Location(field=name), found, f"a {name} record")
    return SCHEMA.tables[name]


def _member_of(value: Any, field: Field) -> Table:
    if field.kind is Kind.UNION:
        return SCHEMA.tables[value.table]
    return _table_of(value, field.target)


def _member_number(value: Any, field: Field) -> int:
    members = SCHEMA.unions[field.target]
    if not isinstance(value, Record):
        raise InvalidModelError(Location(field=field.name), type(value).__name__, f"a {field.target} record")
    if value.table not in members:
        raise UnsupportedError(
            Location(field=field.name), f"table {value.table}", f"a member of {field.target}"
        )
    return members.index(value.table) + 1
