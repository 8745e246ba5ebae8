"""Reads any table of a verified flatbuffer by its schema, and hands its values to a maker.

A table becomes whatever its maker returns; without one it becomes a `Record`. Strings become str,
vectors become tuples (bytes for u8), absent ones None; a union becomes the value of its table.
Shared tables and vectors are read once and stay one object.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quantlib.flatbuffer.fault import Fault
from quantlib.flatbuffer.schema import CONSTANT_ALIGN, ROOT, SCHEMA, Field, Kind, Table
from quantlib.model.graph import Record

__all__ = ["Maker", "read_tables"]

Maker = Callable[..., Any]
"""Called with the values of a table's fields (deprecated ones left out) in the schema's order. It
may raise `Fault`, which comes out as a MalformedModelError that says where the table is."""

_MAX_PLANS = 4096

_u16 = struct.Struct("<H").unpack_from
_u32 = struct.Struct("<I").unpack_from
_i32 = struct.Struct("<i").unpack_from


def read_tables(data: bytes, makers: Mapping[str, Maker], vectors: Mapping[tuple[str, str], Maker]) -> Any:
    """The root table of a file, made bottom-up.

    Parameters
    ----------
    data : bytes
        A file that `verify` has accepted; nothing is checked twice.
    makers : mapping of table name to callable
        Called with the values of the table's fields.
    vectors : mapping of (table name, field name) to callable
        Called with a read-only memoryview of the bytes of a vector of scalars, instead of making
        a tuple of its elements.

    Returns
    -------
    Whatever the maker of the root table returns.

    Raises
    ------
    MalformedModelError
        Fields of a table share bytes, or vectors overlap so much that reading them would take
        more memory than the file has bytes. FlatBuffers allows both, but no writer does either.
    """
    reader = _Reader(data, makers, vectors)
    try:
        return reader.table(_u32(data, 0)[0], SCHEMA.tables[ROOT])
    except Fault as fault:
        raise fault.error() from None


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read a table whose vtable is known.

    One unpacking gives every inline word. `scalars` are (value, word) index pairs; `references` are
    (value, word, place in the table, what to call with the place that the offset points to);
    `unions` are (value, word of the member number, word, place, name of the union).
    """

    unpack_from: Callable[[bytes, int], tuple[Any, ...]]
    scalars: tuple[tuple[int, int], ...]
    references: tuple[tuple[int, int, int, Callable[[int], Any]], ...]
    unions: tuple[tuple[int, int, int, int, str], ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the values of a table are called, and what they are when absent."""

    names: tuple[str, ...]
    defaults: list[Any]
    maker: Maker | None


class _Reader:
    def __init__(
        self, data: bytes, makers: Mapping[str, Maker], vectors: Mapping[tuple[str, str], Maker]
    ) -> None:
        self.data = data
        self.view = memoryview(data)
        self.makers = makers
        self.vectors = vectors
        self.unread = 2 * len(data)
        self.plans: dict[tuple[int, int], _Plan] = {}
        self.shapes: dict[int, _Shape] = {}
        self.readers: dict[tuple[str, str], Callable[[int], Any]] = {}
        self.made: dict[tuple[int, int], Any] = {}
        self.strings: dict[int, str] = {}
        self.vectors_read: dict[str, dict[int, Any]] = {}

    def table(self, position: int, table: Table) -> Any:
        """The value of the table at `position`."""
        key = (position, table.index)
        if key in self.made:
            return self.made[key]
        vtable = position - _i32(self.data, position)[0]
        plan_key = (vtable, table.index)
        plan = self.plans.get(plan_key)
        if plan is None:
            if len(self.plans) >= _MAX_PLANS:
                self.plans.clear()
            plan = self.plans[plan_key] = self.plan(position, vtable, table)
        shape = self.shapes[table.index]
        values = shape.defaults.copy()
        words = plan.unpack_from(self.data, position)
        for index, word in plan.scalars:
            values[index] = words[word]
        index = 0
        try:
            for index, word, place, read in plan.references:
                values[index] = read(position + place + words[word])
            for index, number, word, place, union in plan.unions:
                values[index] = self.member(union, words[number], position + place + words[word])
        except Fault as fault:
            fault.path.append(f".{shape.names[index]}")
            raise
        made: Any
        if shape.maker is None:
            made = Record(table.name, tuple(zip(shape.names, values, strict=True)))
        else:
            made = shape.maker(*values)
        self.made[key] = made
        return made

    def member(self, union: str, number: int, target: int) -> Any:
        """The value of a union's table; an empty record for members that nobody knows."""
        if number == 0:
            return None
        table = SCHEMA.member(union, number)
        return Record(f"{union} {number}") if table is None else self.table(target, table)

    def plan(self, position: int, vtable: int, table: Table) -> _Plan:
        """Work out where the fields of a table are, and how to read what they point to."""
        length = _u16(self.data, vtable)[0]

        def place_of(slot: int) -> int:
            entry = 4 + 2 * slot
            place: int = _u16(self.data, vtable + entry)[0] if entry < length else 0
            return place

        fields = [field for field in table.fields if not field.deprecated]
        if table.index not in self.shapes:
            names, defaults = tuple(f.name for f in fields), [f.default for f in fields]
            self.shapes[table.index] = _Shape(names, defaults, self.makers.get(table.name))
        inline: list[tuple[int, str]] = []
        for field in fields:
            place = place_of(field.slot)
            if field.kind is Kind.UNION:
                table_place = place_of(field.slot + 1)
                if place and table_place:
                    inline += [(place, "B"), (table_place, "I")]
            elif place:
                inline.append((place, field.scalar.code if field.kind is Kind.SCALAR else "I"))
        inline.sort()
        word_at = {place: word for word, (place, _) in enumerate(inline)}
        scalars: list[tuple[int, int]] = []
        references: list[tuple[int, int, int, Callable[[int], Any]]] = []
        unions: list[tuple[int, int, int, int, str]] = []
        for index, field in enumerate(fields):
            place = place_of(field.slot)
            if field.kind is Kind.UNION:
                table_place = place_of(field.slot + 1)
                if place and table_place:
                    unions.append((index, word_at[place], word_at[table_place], table_place, field.target))
            elif place and field.kind is Kind.SCALAR:
                scalars.append((index, word_at[place]))
            elif place:
                references.append((index, word_at[place], place, self.reader(table, field)))
        unpacker = struct.Struct(_format(inline, position, table))
        return _Plan(unpacker.unpack_from, tuple(scalars), tuple(references), tuple(unions))

    def reader(self, table: Table, field: Field) -> Callable[[int], Any]:
        """What to call with the place of a string, vector or table."""
        key = (table.name, field.name)
        read = self.readers.get(key)
        if read is None:
            if field.kind is Kind.STRING:
                read = self.string
            elif field.kind is Kind.VECTOR:
                read = self.vector_reader(field, self.vectors.get(key))
            elif field.kind is Kind.TABLES:
                read = self.tables_reader(SCHEMA.tables[field.target])
            else:
                read = functools.partial(self.table, table=SCHEMA.tables[field.target])
            self.readers[key] = read
        return read

    def string(self, target: int) -> str:
        """The string at `target`."""
        text = self.strings.get(target)
        if text is None:
            start = target + 4
            length = self.spend(_u32(self.data, target)[0], target)
            # Names need not be UTF-8; surrogates keep the odd bytes, so that writing gives them back.
            text = self.data[start : start + length].decode("utf-8", "surrogateescape")
            self.strings[target] = text
        return text

    def vector_reader(self, field: Field, maker: Maker | None) -> Callable[[int], Any]:
        """How to read a vector of scalars."""
        data, view = self.data, self.view
        code, size = field.scalar.code, field.scalar.size
        known = self.vectors_read.setdefault(code, {}) if maker is None else {}

        def read(target: int) -> Any:
            value = known.get(target)
            if value is not None:
                return value
            length = _u32(data, target)[0]
            start = target + 4
            # Constants are only looked at, so any number may share bytes; everything else is copied.
            if maker is None or field.align < CONSTANT_ALIGN:
                self.spend(length * size, target)
            if maker is not None:
                value = maker(view[start : start + length * size])
            elif code == "B":
                value = data[start : start + length]
            else:
                value = struct.unpack_from(f"<{length}{code}", data, start)
            known[target] = value
            return value

        return read

    def tables_reader(self, table: Table) -> Callable[[int], tuple[Any, ...]]:
        """How to read a vector of tables."""
        known: dict[int, tuple[Any, ...]] = {}

        def read(target: int) -> tuple[Any, ...]:
            value = known.get(target)
            if value is None:
                length = self.spend(4 * _u32(self.data, target)[0], target) // 4
                start = target + 4
                offsets = struct.unpack_from(f"<{length}I", self.data, start)
                made = []
                try:
                    for index, offset in enumerate(offsets):
                        made.append(self.table(start + 4 * index + offset, table))
                except Fault as fault:
                    fault.path.append(f"[{len(made)}]")
                    raise
                value = known[target] = tuple(made)
            return value

        return read

    def spend(self, size: int, target: int) -> int:
        """Count bytes about to be copied out of the file; honest files hold each of them once."""
        self.unread -= size
        if self.unread < 0:
            raise Fault(target, "vectors that overlap", "each byte of the file used once")
        return size


def _format(inline: list[tuple[int, str]], position: int, table: Table) -> str:
    """The struct format of a table's inline words, with everything between them skipped."""
    text, end = "<4x", 4
    for place, code in inline:
        if place < end:
            raise Fault(position, f"fields of {table.name} that overlap", "each on bytes of its own")
        text += f"{place - end}x{code}"
        end = place + struct.calcsize(code)
    return text
