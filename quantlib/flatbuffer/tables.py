"""Reads any table of a verified flatbuffer by its schema, and hands its values to a maker.

A table becomes whatever its maker returns; without one it becomes a `Record`. Strings become str,
vectors become tuples (bytes for u8), absent ones None; a union becomes the value of its table.
Shared tables and vectors are read once and stay one object.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from quantlib.errors import Location, MalformedModelError
from quantlib.flatbuffer.schema import ROOT, SCHEMA, Field, Kind, Table
from quantlib.model.graph import Record

__all__ = ["Maker", "read_tables"]

Maker = Callable[..., Any]
"""Called with the values of a table's fields (deprecated ones left out) in the schema's order."""

_MAX_PLANS = 4096

_u8 = struct.Struct("<B").unpack_from
_u16 = struct.Struct("<H").unpack_from
_u32 = struct.Struct("<I").unpack_from
_i32 = struct.Struct("<i").unpack_from

_Plan = tuple[tuple[int, int, Callable[[int], Any]], ...]


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
        Vectors overlap so much that reading them would need more memory than the file has bytes.
    """
    reader = _Reader(data, makers, vectors)
    return reader.table(_u32(data, 0)[0], SCHEMA.tables[ROOT])


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
        self.known: dict[tuple[int, str], Any] = {}
        self.shapes: dict[str, tuple[Table, tuple[str, ...], list[Any]]] = {}
        self.readers: dict[tuple[str, str], Callable[[int], Any]] = {}

    def table(self, position: int, table: Table) -> Any:
        """The value of the table at `position`."""
        key = (position, table.name)
        known = self.known
        if key in known:
            return known[key]
        vtable = position - _i32(self.data, position)[0]
        plan = self.plans.get((vtable, table.index))
        if plan is None:
            if len(self.plans) >= _MAX_PLANS:
                self.plans.clear()
            plan = self.plans[vtable, table.index] = self.plan(vtable, table)
        shape = self.shapes.get(table.name)
        if shape is None:
            present = [field for field in table.fields if not field.deprecated]
            shape = (table, tuple(f.name for f in present), [f.default for f in present])
            self.shapes[table.name] = shape
        values = shape[2].copy()
        for index, at, read in plan:
            values[index] = read(position + at)
        maker = self.makers.get(table.name)
        if maker is not None:
            made = maker(*values)
        else:
            made = Record(table.name, tuple(zip(shape[1], values, strict=True)))
        known[key] = made
        return made

    def plan(self, vtable: int, table: Table) -> _Plan:
        """For each field that is present: its index, its place in the table, and how to read it."""
        data = self.data
        length = _u16(data, vtable)[0]
        plan: list[tuple[int, int, Callable[[int], Any]]] = []
        index = 0
        for field in table.fields:
            if field.deprecated:
                continue
            entry = 4 + 2 * field.slot
            at = _u16(data, vtable + entry)[0] if entry < length else 0
            if field.kind is Kind.UNION:
                entry += 2
                member_at = at
                at = _u16(data, vtable + entry)[0] if entry < length else 0
                if at and member_at:
                    plan.append((index, 0, self.union_reader(field.target, member_at, at)))
            elif at:
                plan.append((index, at, self.reader(table, field)))
            index += 1
        return tuple(plan)

    def reader(self, table: Table, field: Field) -> Callable[[int], Any]:
        """How to read a field, given its place in the file."""
        key = (table.name, field.name)
        read = self.readers.get(key)
        if read is None:
            if field.kind is Kind.SCALAR:
                read = self.scalar_reader(field.scalar.code)
            elif field.kind is Kind.STRING:
                read = self.string
            elif field.kind is Kind.VECTOR:
                read = self.vector_reader(field, self.vectors.get(key))
            elif field.kind is Kind.TABLES:
                read = self.tables_reader(field)
            else:
                read = self.table_reader(SCHEMA.tables[field.target])
            self.readers[key] = read
        return read

    def scalar_reader(self, code: str) -> Callable[[int], Any]:
        unpack_from = struct.Struct("<" + code).unpack_from
        data = self.data

        def read(at: int) -> Any:
            return unpack_from(data, at)[0]

        return read

    def string(self, at: int) -> str:
        target = at + _u32(self.data, at)[0]
        key = (target, "str")
        if key not in self.known:
            length = self.spend(_u32(self.data, target)[0], target)
            raw = self.data[target + 4 : target + 4 + length]
            # Names need not be UTF-8; surrogates keep the odd bytes, so that writing gives them back.
            self.known[key] = raw.decode("utf-8", "surrogateescape")
        text: str = self.known[key]
        return text

    def vector_reader(self, field: Field, maker: Maker | None) -> Callable[[int], Any]:
        data, view, known = self.data, self.view, self.known
        code, size = field.scalar.code, field.scalar.size
        name = f"[{field.scalar.name}]" if maker is None else f"{field.name}:[{field.scalar.name}]"

        def read(at: int) -> Any:
            target = at + _u32(data, at)[0]
            key = (target, name)
            if key in known:
                return known[key]
            length = _u32(data, target)[0]
            start, end = target + 4, target + 4 + length * size
            value: Any
            if maker is not None:
                value = maker(view[start:end])
            elif code == "B":
                value = data[start : start + self.spend(length, target)]
            else:
                self.spend(length * size, target)
                value = struct.unpack_from(f"<{length}{code}", data, start)
            known[key] = value
            return value

        return read

    def table_reader(self, table: Table) -> Callable[[int], Any]:
        def read(at: int) -> Any:
            return self.table(at + _u32(self.data, at)[0], table)

        return read

    def tables_reader(self, field: Field) -> Callable[[int], Any]:
        table = SCHEMA.tables[field.target]

        def read(at: int) -> tuple[Any, ...]:
            target = at + _u32(self.data, at)[0]
            key = (target, f"[{table.name}]")
            if key not in self.known:
                length = self.spend(4 * _u32(self.data, target)[0], target) // 4
                offsets = struct.unpack_from(f"<{length}I", self.data, target + 4)
                self.known[key] = tuple(
                    self.table(target + 4 + 4 * index + offset, table) for index, offset in enumerate(offsets)
                )
            values: tuple[Any, ...] = self.known[key]
            return values

        return read

    def union_reader(self, union: str, member_at: int, at: int) -> Callable[[int], Any]:
        def read(position: int) -> Any:
            number = _u8(self.data, position + member_at)[0]
            if number == 0:
                return None
            table = SCHEMA.member(union, number)
            if table is None:
                return Record(f"{union} {number}")
            return self.table(position + at + _u32(self.data, position + at)[0], table)

        return read

    def spend(self, size: int, target: int) -> int:
        """Count bytes about to be copied out of the file; honest files hold each of them once."""
        self.unread -= size
        if self.unread < 0:
            raise MalformedModelError(
                Location(offset=target), "vectors that overlap", "each byte of the file used once"
            )
        return size
