"""Whether bytes are a well-formed .tflite flatbuffer, decided before anything else looks at them.

After `verify` has returned, every offset, vtable, vector, string and table that the schema can
reach lies inside the file and is aligned, so that a reader needs no further bound check. Values
are not judged: that an index points to an existing tensor is the business of `model.validate`.

The verdict is that of LiteRT, which runs the C++ verifier of FlatBuffers over the first
2**31 - 2 bytes with at most 10**6 tables. Two things need no code here: offsets only point
forwards, so tables cannot contain themselves, and the schema nests tables six deep, far from
the 64 that C++ allows.

Source: google/flatbuffers include/flatbuffers/verifier.h, table.h;
LiteRT tflite/converter/core/model_builder_base.h (VerifyAndBuildFromAllocation)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from quantlib.errors import LimitExceededError, Location, MalformedModelError
from quantlib.flatbuffer.fault import Fault
from quantlib.flatbuffer.schema import FILE_IDENTIFIER, ROOT, SCALARS, SCHEMA, Field, Kind, Table
from quantlib.model.limits import Limits

__all__ = ["MAX_FLATBUFFER_BYTES", "verify"]

MAX_FLATBUFFER_BYTES = 2**31 - 1
"""Offsets are signed 32-bit somewhere in every implementation; a flatbuffer is smaller than this."""

_MIN_BYTES = 12
_MAX_PLANS = 4096

_ROOT_FIELD = Field("", 0, Kind.TABLE, SCALARS["u32"], target=ROOT)

_u8 = struct.Struct("<B").unpack_from
_u16 = struct.Struct("<H").unpack_from
_u32 = struct.Struct("<I").unpack_from
_i32 = struct.Struct("<i").unpack_from


def verify(data: bytes | memoryview, limits: Limits | None = None) -> int:
    """Check the structure of a .tflite file and count the tables it is made of.

    Parameters
    ----------
    data : bytes, or memoryview of bytes
        The whole file; what lies beyond 2 GiB can only be constant data and is not looked at.
    limits : Limits, optional
        `limits.tables` bounds the tables visited; a table that is shared counts once per visit.

    Returns
    -------
    int
        Number of tables visited.

    Raises
    ------
    MalformedModelError
        An offset, length, alignment, terminator or the identifier is impossible. Says which
        field of the schema at which byte.
    LimitExceededError
        More tables than `limits.tables`.

    Examples
    --------
    >>> verify(b"not a model.")
    Traceback (most recent call last):
    ...
    quantlib.errors.MalformedModelError: byte 4: file identifier b'a mo'; wanted b'TFL3'

    Source: google/flatbuffers include/flatbuffers/verifier.h (VerifyBufferFromStart)
    """
    size = min(len(data), MAX_FLATBUFFER_BYTES - 1)
    if size < _MIN_BYTES:
        raise MalformedModelError(Location(offset=0), f"{size} bytes", f"at least {_MIN_BYTES}")
    identifier = bytes(data[4:8])
    if identifier != FILE_IDENTIFIER:
        raise MalformedModelError(
            Location(offset=4), f"file identifier {identifier!r}", f"{FILE_IDENTIFIER!r}"
        )
    walk = _Walk(data, size, (limits or Limits()).tables)
    try:
        return walk.field(0, _ROOT_FIELD, 0)
    except Fault as fault:
        raise fault.error() from None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is left to check for a table whose vtable is known.

    `extent` is where its last inline field ends; `offsets` are the fields to follow, each with its
    position in the table and, for a union, the position of its member number (0: absent).
    """

    extent: int
    offsets: tuple[tuple[Field, int, int], ...]


class _Walk:
    """One pass over one file.

    Plans are remembered per vtable and table type, because writers share vtables; visits are
    remembered per table and per vector, because files may share those too. So the work is bounded
    by the size of the file and by the number of visits, whichever is less.
    """

    def __init__(self, data: bytes | memoryview, size: int, max_tables: int) -> None:
        self.data = data
        self.size = size
        self.max_tables = max_tables
        self.count = 0
        self.plans: dict[tuple[int, int, int], _Plan] = {}
        self.visits: dict[tuple[int, int], int] = {}

    def table(self, position: int, table: Table) -> int:
        """Check the table at `position` and all below it; how many tables that was."""
        self.visit(1)
        if position & 3 or position + 4 > self.size:
            raise Fault(position, f"{table.name} table", f"4-aligned, inside {self.size} bytes")
        vtable = position - _i32(self.data, position)[0]
        key = (vtable, table.index, position & 4)
        plan = self.plans.get(key)
        if plan is None:
            if len(self.plans) >= _MAX_PLANS:
                self.plans.clear()
            plan = self.plans[key] = self.plan(position, vtable, table)
        if position + plan.extent > self.size:
            raise Fault(position, f"{table.name} table of {plan.extent} bytes", f"inside {self.size} bytes")
        visits = 1
        for field, at, member_at in plan.offsets:
            try:
                visits += self.field(position + at, field, position + member_at if member_at else 0)
            except Fault as fault:
                fault.path.append(f".{field.name}")
                raise
        return visits

    def plan(self, position: int, vtable: int, table: Table) -> _Plan:
        """Check a vtable, and the alignment of the fields it places, for one table type."""
        if vtable & 1 or not 0 <= vtable <= self.size - 2:
            raise Fault(position, f"vtable at byte {vtable}", f"even, inside {self.size} bytes")
        length = _u16(self.data, vtable)[0]
        if length & 1 or vtable + length > self.size:
            raise Fault(vtable, f"vtable of {length} bytes", f"even, inside {self.size} bytes")
        extent = 4
        offsets: list[tuple[Field, int, int]] = []
        for field in table.fields:
            if field.deprecated:
                continue
            entry = 4 + 2 * field.slot
            at = _u16(self.data, vtable + entry)[0] if entry < length else 0
            member_at = 0
            if field.kind is Kind.UNION:
                member_at = at
                extent = max(extent, at + 1)
                entry += 2
                at = _u16(self.data, vtable + entry)[0] if entry < length else 0
            if not at:
                continue
            size = field.scalar.size if field.kind is Kind.SCALAR else 4
            if (position + at) & (size - 1):
                raise Fault(position + at, "unaligned field", f"a multiple of {size}", field.name)
            extent = max(extent, at + size)
            if field.kind is not Kind.SCALAR:
                offsets.append((field, at, member_at))
        return _Plan(extent, tuple(offsets))

    def field(self, at: int, field: Field, member_at: int) -> int:
        """Check what the offset at byte `at` leads to; how many tables that was."""
        target = at + _u32(self.data, at)[0]
        if not at < target < min(at + 2**31, self.size):
            raise Fault(at, f"offset {target - at}", f"1 .. {self.size - at - 1}")
        kind = field.kind
        if kind is Kind.VECTOR:
            self.vector(target, field.scalar.size)
            return 0
        if kind is Kind.STRING:
            end = self.vector(target, 1)
            if end >= self.size or self.data[end]:
                raise Fault(end, "string without a zero after it", "one")
            return 0
        if kind is Kind.TABLES:
            return self.tables(target, SCHEMA.tables[field.target])
        if kind is Kind.TABLE:
            return self.shared(target, SCHEMA.tables[field.target])
        member = SCHEMA.member(field.target, _u8(self.data, member_at)[0]) if member_at else None
        return 0 if member is None else self.shared(target, member)

    def shared(self, position: int, table: Table) -> int:
        """Check a table, or count it again if it was checked before."""
        key = (position, table.index)
        visits = self.visits.get(key)
        if visits is None:
            visits = self.visits[key] = self.table(position, table)
        else:
            self.visit(visits)
        return visits

    def tables(self, target: int, table: Table) -> int:
        """Check a vector of tables and each of them; how many tables that was."""
        key = (target, ~table.index)
        visits = self.visits.get(key)
        if visits is not None:
            self.visit(visits)
            return visits
        end = self.vector(target, 4)
        start = target + 4
        length = (end - start) // 4
        if self.count + length > self.max_tables:
            raise LimitExceededError(
                Location(offset=target), f"{self.count + length} tables", f"at most {self.max_tables}"
            )
        visits = 0
        for index, offset in enumerate(struct.unpack_from(f"<{length}I", self.data, start)):
            try:
                visits += self.shared(start + 4 * index + offset, table)
            except Fault as fault:
                fault.path.append(f"[{index}]")
                raise
        self.visits[key] = visits
        return visits

    def vector(self, target: int, element_size: int) -> int:
        """Check that a vector or string lies inside the file; where it ends."""
        if target & 3 or target + 4 > self.size:
            raise Fault(target, "vector", f"4-aligned, inside {self.size} bytes")
        length = _u32(self.data, target)[0]
        end: int = target + 4 + length * element_size
        if end > self.size:
            raise Fault(target, f"vector of {length} × {element_size} bytes", f"inside {self.size} bytes")
        return end

    def visit(self, tables: int) -> None:
        """Count visits, and stop at the limit."""
        self.count += tables
        if self.count > self.max_tables:
            raise LimitExceededError(Location(), f"{self.count} tables", f"at most {self.max_tables}")
