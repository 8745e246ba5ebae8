"""Writing: nothing is lost, LiteRT agrees, and hostile values do not get through."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.flatbuffer.layout import write_tables
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.schema import SCHEMA, Kind
from quantlib.flatbuffer.tables import read_tables
from quantlib.flatbuffer.verify import verify
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import (
    Buffer,
    ExternalBuffer,
    Metadata,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    Record,
    Signature,
    Subgraph,
    Tensor,
    TensorType,
)


def everything() -> Model:
    """A model that uses every field of every value."""
    tensor = Tensor(
        shape=(1, 2),
        type=TensorType.INT8,
        buffer=1,
        name="caf\udce9",
        quantization=Quantization(
            np.array([0.5, 0.25], np.float32),
            np.array([-1, 2**40], np.int64),
            1,
            np.array([-0.0], np.float32),
            np.array([np.nan], np.float32),
            Record("CustomQuantization", (("custom", b"\1\2\3"),)),
        ),
        is_variable=True,
        shape_signature=(-1, 2),
        has_rank=True,
        sparsity=Record(
            "SparsityParameters",
            (
                ("traversal_order", (0, 1)),
                ("block_map", None),
                (
                    "dim_metadata",
                    (
                        Record(
                            "DimensionMetadata",
                            (
                                ("format", 1),
                                ("dense_size", 0),
                                ("array_segments", Record("Uint8Vector", (("values", b"\0\2"),))),
                                ("array_indices", Record("Uint16Vector", (("values", (1, 65535)),))),
                            ),
                        ),
                    ),
                ),
            ),
        ),
        variant_tensors=(Record("VariantSubType", (("shape", (3,)), ("type", 9), ("has_rank", True))),),
        external_buffer=7,
    )
    operator = Operator(
        opcode_index=1,
        inputs=(0, -1),
        outputs=(0,),
        options=Record("ReshapeOptions", (("new_shape", (-1, 5)),)),
        custom_options=b"options",
        mutating_variable_inputs=(True, False),
        intermediates=(0,),
        options_2=Record("StablehloIotaOptions", (("iota_dimension", -(2**40)),)),
        debug_metadata_index=3,
    )
    outside = Operator(0, (), (), custom_options=b"kept outside", custom_options_external=True)
    return Model(
        version=3,
        operator_codes=(OperatorCode(32, "mine", 2, "mine"), OperatorCode(150, "GELU", 1)),
        subgraphs=(
            Subgraph((tensor, tensor), (0,), (1,), (operator, outside), "main", 5),
            Subgraph((), (), (), ()),
        ),
        buffers=(
            Buffer(),
            Buffer(memoryview(b"inside")),
            Buffer(memoryview(b"")),
            Buffer(memoryview(b"outside"), external=True),
        ),
        description="everything",
        metadata=(Metadata("m", 1), Metadata(None, 0)),
        signatures=(Signature("serve", (("x", 0),), ((None, 1),), 1), Signature(None, (), ())),
        metadata_buffer=(1, -1),
        external_buffer_groups=("weights.bin", None),
        external_buffers=(ExternalBuffer(7, 0, 2**40, 16, "packed"), ExternalBuffer(0, 0, 0, 0)),
    )


def test_nothing_of_a_model_is_lost() -> None:
    model = everything()
    data = write_model(model)
    again = read_model(data)
    assert again == model
    assert write_model(again) == data
    assert [buffer.external for buffer in again.buffers] == [False, False, False, True]
    assert [o.custom_options_external for o in again.subgraphs[0].operators] == [False, True]


def test_equal_models_give_equal_bytes() -> None:
    assert write_model(everything()) == write_model(everything())


def test_nothing_of_a_real_model_is_lost(model_files: list[Path]) -> None:
    for path in model_files:
        model = read_model(path)
        data = write_model(model)
        again = read_model(data)
        assert again == model, path
        assert write_model(again) == data, path


def test_litert_computes_the_same_from_what_we_write(
    zoo_files: list[Path], tmp_path: Path, ask_litert: Callable[[Path], Any]
) -> None:
    compared = 0
    for path in zoo_files:
        rewritten = tmp_path / path.name
        rewritten.write_bytes(write_model(read_model(path)))
        answer = ask_litert(path)
        assert ask_litert(rewritten) == answer, path.name
        compared += not isinstance(answer, str)
    assert compared >= 30


def test_litert_finds_the_data_we_put_outside_the_flatbuffer(
    zoo_files: list[Path], tmp_path: Path, ask_litert: Callable[[Path], Any]
) -> None:
    for path in zoo_files:
        if path.name not in ("hello_world_int8.tflite", "ad01_int8.tflite", "vww_96_int8.tflite"):
            continue
        model = read_model(path)
        moved = dataclasses.replace(
            model, buffers=tuple(dataclasses.replace(b, external=b.data is not None) for b in model.buffers)
        )
        outside = tmp_path / path.name
        outside.write_bytes(write_model(moved))
        assert len(write_tables(Record("Model"))) < data_begin(outside) < path.stat().st_size
        answer = ask_litert(outside)
        assert isinstance(answer, list)
        assert answer == ask_litert(path)


def data_begin(path: Path) -> int:
    """Where the flatbuffer ends and the first data behind it begins."""
    tables = read_tables(path.read_bytes(), {}, {})
    return min(int(buffer["offset"]) for buffer in tables["buffers"] if buffer["offset"])


def test_data_that_would_not_fit_go_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantlib.flatbuffer.write._MAX_INSIDE", 100)
    shared = memoryview(bytes(60))
    small = Model(3, (), (), (Buffer(), Buffer(shared), Buffer(shared)))
    assert not any(buffer.external for buffer in read_model(write_model(small)).buffers)
    large = Model(
        3, (), (), (Buffer(), Buffer(memoryview(b"")), *[Buffer(memoryview(bytes(60)))] * 2, Buffer(shared))
    )
    again = read_model(write_model(large))
    assert again == large
    assert [buffer.external for buffer in again.buffers] == [False, False, True, True, True]


def test_a_flatbuffer_of_two_gigabytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantlib.flatbuffer.layout.MAX_FLATBUFFER_BYTES", 10_000)
    write_model(Model(3, (), (), (), description="n" * 9000))
    with pytest.raises(LimitExceededError, match="wanted below 10000"):
        write_model(Model(3, (), (), (), description="n" * 10_000))
    with pytest.raises(LimitExceededError, match="wanted below 10000"):
        write_model(Model(3, (), (), (Buffer(),) * 2000))


def test_constants_lie_on_multiples_of_sixteen_inside_and_outside() -> None:
    model = Model(3, (), (), tuple(Buffer(memoryview(b"constant %d" % i), external=i > 1) for i in range(4)))
    data = write_model(model)
    for index in range(4):
        assert data.index(b"constant %d" % index) % 16 == 0
    assert read_model(data) == model


def test_a_shared_buffer_stays_shared() -> None:
    shared = memoryview(bytes(10_000))
    model = Model(3, (), (), (Buffer(shared), Buffer(shared), Buffer(shared, external=True)))
    data = write_model(model)
    assert 20_000 < len(data) < 21_000
    first, second, _ = read_model(data).buffers
    assert first.data is second.data


def test_old_readers_get_the_code_they_know() -> None:
    codes = (OperatorCode(3, "CONV_2D"), OperatorCode(150, "GELU"), OperatorCode(32, "x", 1, "x"))
    tables = read_tables(write_model(Model(3, codes, (), ())), {}, {})
    written = [(c["deprecated_builtin_code"], c["builtin_code"]) for c in tables["operator_codes"]]
    assert written == [(3, 3), (127, 150), (32, 32)]


def sample(table: str, seed: int) -> Record:
    """A record with every field of a table set to something that is not its default."""
    random = np.random.default_rng(seed)
    entries: list[tuple[str, Any]] = []
    for field in SCHEMA.tables[table].fields:
        if field.deprecated:
            continue
        if field.kind in (Kind.SCALAR, Kind.VECTOR):
            if field.scalar.name == "bool":
                numbers: list[Any] = [not field.default, True, False]
            elif field.scalar.name == "f32":
                numbers = [float(np.float32(x)) for x in random.normal(size=3)]
            else:
                info = np.iinfo(f"{field.scalar.name[0]}{field.scalar.size}")
                numbers = [int(x) for x in random.integers(info.min, info.max, 3, info.dtype, endpoint=True)]
                numbers = [number + (number == field.default) for number in numbers]
            value: Any = numbers[0] if field.kind is Kind.SCALAR else tuple(numbers)
            if field.kind is Kind.VECTOR and field.scalar.name == "u8":
                value = bytes(numbers)
        elif field.kind is Kind.STRING:
            value = f"{field.name} é"
        elif field.kind is Kind.UNION:
            members = SCHEMA.unions[field.target]
            value = sample(members[seed % len(members)], seed)
        else:
            value = sample(field.target, seed)
            value = (value, value) if field.kind is Kind.TABLES else value
        entries.append((field.name, value))
    return Record(table, tuple(entries))


@pytest.mark.parametrize("seed", range(130))
def test_every_field_of_every_table_survives(seed: int) -> None:
    root = sample("Model", seed)
    data = write_tables(root)
    verify(data)
    assert read_tables(data, {}, {}) == root


def test_default_values_take_no_room_and_come_back() -> None:
    plain = Record("Model", (("version", 0), ("description", None)))
    assert write_tables(plain) == write_tables(Record("Model"))
    options = Record("SoftmaxOptions", (("beta", -0.0),))
    operator = Operator(0, (), (), options=options)
    model = Model(3, (), (Subgraph((), (), (), (operator,)),), ())
    assert repr(read_model(write_model(model)).subgraphs[0].operators[0].options) == repr(options)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (Record("SoftmaxOptions", (("beta", "1"),)), "SoftmaxOptions.beta"),
        (Record("SoftmaxOptions", (("beta", 1e300),)), "SoftmaxOptions.beta"),
        (Record("Conv2DOptions", (("stride_w", 2**31),)), "Conv2DOptions.stride_w"),
        (Record("Conv2DOptions", (("padding", 0.5),)), "Conv2DOptions.padding"),
        (Record("Conv2DOptions", (("stride", 1),)), "Conv2DOptions.stride"),
        (Record("ReshapeOptions", (("new_shape", 3),)), "new_shape"),
        (Record("ReshapeOptions", (("new_shape", (2**31,)),)), "new_shape"),
        (Record("ReshapeOptions", (("new_shape", "ab"),)), "new_shape"),
        (Record("VarHandleOptions", (("container", 3),)), "container"),
        (Record("VarHandleOptions", (("container", "\ud800"),)), "container"),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_named(options: Record, field: str) -> None:
    model = Model(3, (), (Subgraph((), (), (), (Operator(0, (), (), options=options),)),), ())
    with pytest.raises(InvalidModelError) as caught:
        write_model(model)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (Record("Model", (("subgraphs", 3),)), "subgraphs"),
        (Record("Model", (("subgraphs", (3,)),)), "SubGraph"),
        (Record("Model", (("subgraphs", (Record("Tensor"),)),)), "SubGraph"),
        (Record("Tensor"), "Model"),
        (
            Record("Model", (("subgraphs", (Record("SubGraph", (("operators", (
                Record("Operator", (("builtin_options", "Conv2DOptions"),)),)),)),)),)),
            "builtin_options",
        ),
    ],
)  # fmt: skip
def test_a_value_where_a_table_belongs_is_named(model: Record, field: str) -> None:
    with pytest.raises(InvalidModelError) as caught:
        write_tables(model)
    assert caught.value.field == field


def test_a_scalar_that_is_none_is_absent() -> None:
    assert write_tables(Record("Model", (("version", None),))) == write_tables(Record("Model"))


def test_options_nobody_knows_are_not_written_as_something_else() -> None:
    operator = Operator(0, (), (), options=Record("BuiltinOptions 222"))
    model = Model(3, (), (Subgraph((), (), (), (operator,)),), ())
    with pytest.raises(UnsupportedError, match="builtin_options: table BuiltinOptions 222"):
        write_model(model)
