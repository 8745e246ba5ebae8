"""Our declarations against what the FlatBuffers compiler made of the official schema."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tflite

from quantlib.flatbuffer.names import enumerators
from quantlib.flatbuffer.schema import SCHEMA, Field, Kind, Table


class Recorder:
    """Stands in for a flatbuffers.Builder and keeps the one call that a generated function makes."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, arguments))


def recorded(function: Callable[..., Any], *arguments: Any) -> tuple[str, tuple[Any, ...]]:
    recorder = Recorder()
    function(recorder, *arguments)
    ((name, values),) = recorder.calls
    return name, values


def newest_module() -> ModuleType:
    """LiteRT's generated schema as plain Python, loaded without importing LiteRT itself."""
    spec = importlib.util.find_spec("ai_edge_litert")
    if spec is None or spec.origin is None:
        pytest.skip("ai-edge-litert is not installed")
    path = Path(spec.origin).with_name("schema_py_generated.py")
    file_spec = importlib.util.spec_from_file_location("schema_py_generated", path)
    assert file_spec is not None
    assert file_spec.loader is not None
    module = importlib.util.module_from_spec(file_spec)
    file_spec.loader.exec_module(module)
    return module


def tables_of(module: ModuleType) -> list[str]:
    return [
        name for name, value in vars(module).items() if inspect.isclass(value) and hasattr(value, "GetRootAs")
    ]


FORCED = {("Buffer", "data"), ("CustomQuantization", "custom")}


def camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


BUILDER_NAMES = {
    "Bool": "bool", "Int8": "i8", "Uint8": "u8", "Int16": "i16", "Uint16": "u16", "Int32": "i32",
    "Uint32": "u32", "Int64": "i64", "Uint64": "u64", "Float32": "f32",
}  # fmt: skip


def assert_same_table(module: ModuleType, table: Table, newest: bool) -> int:
    """Compare every field of one table; how many were compared."""
    count = 0
    added = {
        name.removeprefix(f"{table.name}Add"): function
        for name, function in vars(module).items()
        if name.startswith(f"{table.name}Add")
    }
    _, (slots,) = recorded(getattr(module, f"{table.name}Start"))
    assert slots == table.slots if newest else slots <= table.slots
    for field in table.fields:
        if field.deprecated:
            assert camel(field.name) not in added
            continue
        if field.slot >= slots:
            continue
        slot = field.slot
        if field.kind is Kind.UNION:
            name, values = recorded(added.pop(f"{camel(field.name)}Type"), 1)
            assert (name, values) == ("PrependUint8Slot", (slot, 1, 0))
            slot += 1
        name, (found_slot, _, default) = recorded(added.pop(camel(field.name)), 1)
        assert found_slot == slot, (table.name, field.name)
        if field.kind is Kind.SCALAR:
            kind = BUILDER_NAMES[re.fullmatch(r"Prepend(\w+)Slot", name)[1]]  # type: ignore[index]
            assert (kind, default) == (field.scalar.name, field.default), (table.name, field.name)
        else:
            assert name == "PrependUOffsetTRelativeSlot"
            assert_same_vector(module, table, field)
        count += 1
    assert not added, (table.name, sorted(added))
    return count


def assert_same_vector(module: ModuleType, table: Table, field: Field) -> None:
    start = getattr(module, f"{table.name}Start{camel(field.name)}Vector", None)
    assert (start is not None) == (field.kind in (Kind.VECTOR, Kind.TABLES)), (table.name, field.name)
    if start is not None:
        _, (size, _, align) = recorded(start, 5)
        assert size == field.scalar.size
        # flatc's Python knows no force_align, and lets the length before the elements go unaligned.
        assert field.align == max(align, 4) or (table.name, field.name) in FORCED


@pytest.mark.parametrize("name", tables_of(tflite))
def test_table_has_the_slots_types_and_defaults_of_the_tflite_package(name: str) -> None:
    assert_same_table(tflite, SCHEMA.tables[name], newest=False)


def test_every_table_and_field_is_that_of_the_newest_litert() -> None:
    module = newest_module()
    assert sorted(tables_of(module)) == sorted(SCHEMA.tables)
    count = sum(assert_same_table(module, table, newest=True) for table in SCHEMA.tables.values())
    assert count > 250


def test_unions_number_their_members_as_the_newest_litert_does() -> None:
    module = newest_module()
    for union, members in SCHEMA.unions.items():
        numbers = {name: value for name, value in vars(getattr(module, union)).items() if name[0] != "_"}
        assert numbers.pop("NONE") == 0
        assert numbers == {member: number for number, member in enumerate(members, 1)}


def test_enums_name_their_numbers_as_the_newest_litert_does() -> None:
    module = newest_module()
    for enum in SCHEMA.enums:
        numbers = {value: name for name, value in vars(getattr(module, enum)).items() if name[0] != "_"}
        assert enumerators(enum) == numbers, enum


def test_tables_nest_too_shallowly_for_a_depth_limit_to_matter() -> None:
    def height(name: str) -> int:
        below = [0]
        for field in SCHEMA.tables[name].fields:
            if field.kind in (Kind.TABLE, Kind.TABLES):
                below.append(height(field.target))
            elif field.kind is Kind.UNION:
                below.extend(height(member) for member in SCHEMA.unions[field.target])
        return 1 + max(below)

    assert height("Model") == 6


def test_constant_data_is_aligned_to_sixteen_bytes() -> None:
    aligned = {(t.name, f.name) for t in SCHEMA.tables.values() for f in t.fields if f.align == 16}
    assert aligned == FORCED


def test_a_deprecated_field_keeps_its_slot() -> None:
    fields = {field.name: field for field in SCHEMA.tables["ResizeBilinearOptions"].fields}
    assert fields["new_height"].deprecated
    assert fields["align_corners"].slot == 2
