"""The schema of .tflite files, parsed from `declarations` into tables, fields and unions.

Everything that verifies, reads or writes the format walks these values; nothing else in the
package knows a slot number.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quantlib.flatbuffer.declarations import ENUMS, TABLES, UNIONS

__all__ = [
    "CONSTANT_ALIGN",
    "FILE_IDENTIFIER",
    "ROOT",
    "SCALARS",
    "SCHEMA",
    "Field",
    "Kind",
    "Scalar",
    "Schema",
    "Table",
]

FILE_IDENTIFIER = b"TFL3"
"""The four bytes at offset 4 of every .tflite file."""

CONSTANT_ALIGN = 16
"""Bytes that constant data, and nothing else, is aligned to."""

ROOT = "Model"
"""The table that the file's first word points to."""


class Kind(enum.Enum):
    """What a field holds, and so where: inline, or behind one offset."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "vector of scalars"
    TABLE = "table"
    TABLES = "vector of tables"
    UNION = "union"


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number as the file stores it: little-endian, `size` bytes, aligned to its size.

    Parameters
    ----------
    name : str
        As in `declarations`, for example ``i32``.
    code : str
        The letter that `struct` calls it by.
    size : int
        Bytes.
    """

    name: str
    code: str
    size: int


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a table.

    Parameters
    ----------
    name : str
    slot : int
        Position in the vtable, counted in fields; of a union, the slot of its member number,
        which the slot of its table follows.
    kind : Kind
    scalar : Scalar
        Of the field itself or of the elements of a vector; u32 where only offsets are stored.
    default : bool, int, float or None
        What an absent scalar means; None for everything else.
    target : str
        The table, union or enum that the type names; empty if none.
    align : int
        Bytes that the first element of a vector is aligned to.
    deprecated : bool
        The slot is taken, but nobody checks, reads or writes it.
    """

    name: str
    slot: int
    kind: Kind
    scalar: Scalar
    default: bool | int | float | None = None
    target: str = ""
    align: int = 4
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table's name, its fields in slot order, and its place among the tables."""

    name: str
    index: int
    fields: tuple[Field, ...] = ()

    @property
    def slots(self) -> int:
        """Number of vtable slots that the fields take."""
        return sum(2 if field.kind is Kind.UNION else 1 for field in self.fields)


@dataclass(frozen=True, slots=True)
class Schema:
    """Every table, union and enum by name.

    Parameters
    ----------
    tables : mapping of str to Table
    unions : mapping of str to tuple of str
        Names of the member tables; the first is number 1.
    enums : mapping of str to Scalar

    Examples
    --------
    >>> [field.name for field in SCHEMA.tables["Conv2DOptions"].fields][:3]
    ['padding', 'stride_w', 'stride_h']
    >>> SCHEMA.member("BuiltinOptions", 1).name, SCHEMA.member("BuiltinOptions", 250)
    ('Conv2DOptions', None)
    """

    tables: Mapping[str, Table]
    unions: Mapping[str, tuple[str, ...]]
    enums: Mapping[str, Scalar]

    def member(self, union: str, number: int) -> Table | None:
        """The table that a union's member number stands for; None if we do not know it."""
        members = self.unions[union]
        return self.tables[members[number - 1]] if 1 <= number <= len(members) else None


SCALARS: Mapping[str, Scalar] = {
    name: Scalar(name, code, size)
    for name, code, size in (
        ("bool", "?", 1),
        ("i8", "b", 1),
        ("u8", "B", 1),
        ("i16", "h", 2),
        ("u16", "H", 2),
        ("i32", "i", 4),
        ("u32", "I", 4),
        ("i64", "q", 8),
        ("u64", "Q", 8),
        ("f32", "f", 4),
    )
}
"""The scalar types of the format by the names that `declarations` uses."""


def _lines(text: str) -> Iterator[list[str]]:
    for line in text.replace("\n  ", " ").splitlines():
        if line:
            yield line.split()


def _parse(tables_text: str, unions_text: str, enums_text: str) -> Schema:
    enums = {name: SCALARS[scalar] for scalar, *names in _lines(enums_text) for name in names}
    unions = {name: tuple(members) for name, *members in _lines(unions_text)}
    declared = {name: words for name, *words in _lines(tables_text)}
    for members in unions.values():
        for member in members:
            declared.setdefault(member, [])
    tables: dict[str, Table] = {}
    for index, (name, words) in enumerate(declared.items()):
        fields: list[Field] = []
        slot = 0
        for word in words:
            field = _field(word, slot, enums, unions)
            fields.append(field)
            slot += 2 if field.kind is Kind.UNION else 1
        tables[name] = Table(name, index, tuple(fields))
    return Schema(tables, unions, enums)


def _field(word: str, slot: int, enums: Mapping[str, Scalar], unions: Mapping[str, tuple[str, ...]]) -> Field:
    name, _, type_text = word.removeprefix("~").partition(":")
    type_text, _, default_text = type_text.partition("=")
    type_text, _, align_text = type_text.partition("@")
    deprecated = word.startswith("~")
    element = type_text.strip("[]")
    is_vector = type_text.startswith("[")
    scalar = SCALARS.get(element) or enums.get(element)
    target = "" if element in SCALARS or element == "str" else element
    if scalar is not None and is_vector:
        align = int(align_text or max(4, scalar.size))
        return Field(name, slot, Kind.VECTOR, scalar, None, target, align, deprecated)
    if scalar is not None:
        kinds: Mapping[str, type[bool | int | float]] = {"bool": bool, "f32": float}
        default = kinds.get(scalar.name, int)(int(default_text or 0))
        return Field(name, slot, Kind.SCALAR, scalar, default, target, scalar.size, deprecated)
    if element == "str":
        kind = Kind.STRING
    elif is_vector:
        kind = Kind.TABLES
    else:
        kind = Kind.UNION if element in unions else Kind.TABLE
    return Field(name, slot, kind, SCALARS["u32"], None, target, 4, deprecated)


SCHEMA: Schema = _parse(TABLES, UNIONS, ENUMS)
"""The schema of .tflite files."""
