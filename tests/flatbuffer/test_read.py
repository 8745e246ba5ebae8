"""Reading: against the accessors that the FlatBuffers compiler made, and on odd files."""

from __future__ import annotations

import time
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
import tflite

from quantlib.errors import InvalidModelError, MalformedModelError
from quantlib.flatbuffer.layout import write_tables
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Model, Record, TensorType
from quantlib.model.validate import validate


def record(table: str, **entries: object) -> Record:
    return Record(table, tuple(entries.items()))


def tiny(**entries: object) -> bytes:
    return write_tables(record("Model", version=3, **entries))


def test_real_models_read_as_the_generated_accessors_say(zoo_files: list[Path]) -> None:
    for path in zoo_files:
        data = path.read_bytes()
        assert_same_as_accessors(read_model(data), tflite.Model.GetRootAsModel(data, 0))


def assert_same_as_accessors(model: Model, theirs: tflite.Model) -> None:
    assert model.version == theirs.Version()
    assert model.description == text(theirs.Description())
    assert len(model.buffers) == theirs.BuffersLength()
    for index, buffer in enumerate(model.buffers):
        data = theirs.Buffers(index).DataAsNumpy()
        assert (buffer.data is None) == theirs.Buffers(index).DataIsNone()
        assert buffer.data is None or bytes(buffer.data) == data.tobytes()
    for index, code in enumerate(model.operator_codes):
        their_code = theirs.OperatorCodes(index)
        assert code.code == max(their_code.BuiltinCode(), their_code.DeprecatedBuiltinCode())
        assert (code.version, code.custom_code) == (their_code.Version(), text(their_code.CustomCode()))
    for index, subgraph in enumerate(model.subgraphs):
        their_graph = theirs.Subgraphs(index)
        assert list(subgraph.inputs) == list(their_graph.InputsAsNumpy())
        assert list(subgraph.outputs) == list(their_graph.OutputsAsNumpy())
        assert len(subgraph.tensors) == their_graph.TensorsLength()
        assert len(subgraph.operators) == their_graph.OperatorsLength()
        for at, tensor in enumerate(subgraph.tensors):
            their_tensor = their_graph.Tensors(at)
            assert tensor.name == text(their_tensor.Name())
            assert int(tensor.type) == their_tensor.Type()
            assert tensor.buffer == their_tensor.Buffer()
            assert tensor.is_variable == their_tensor.IsVariable()
            assert list(tensor.shape) == [their_tensor.Shape(i) for i in range(their_tensor.ShapeLength())]
            quantization = their_tensor.Quantization()
            assert (tensor.quantization is None) == (quantization is None)
            if tensor.quantization is not None:
                count = quantization.ScaleLength()
                assert tensor.quantization.scale.tolist() == [quantization.Scale(i) for i in range(count)]
                count = quantization.ZeroPointLength()
                zero_points = [quantization.ZeroPoint(i) for i in range(count)]
                assert tensor.quantization.zero_point.tolist() == zero_points
                assert tensor.quantization.quantized_dimension == quantization.QuantizedDimension()
        for at, operator in enumerate(subgraph.operators):
            their_operator = their_graph.Operators(at)
            assert operator.opcode_index == their_operator.OpcodeIndex()
            assert list(operator.inputs) == list(their_operator.InputsAsNumpy())
            assert list(operator.outputs) == list(their_operator.OutputsAsNumpy())
            if operator.options is not None:
                assert_same_options(operator.options, their_operator)


def assert_same_options(options: Record, operator: tflite.Operator) -> None:
    kind = getattr(tflite, options.table)
    assert operator.BuiltinOptionsType() == getattr(tflite.BuiltinOptions, options.table)
    table = kind()
    table.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
    for name, value in options.entries:
        accessor = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
        if hasattr(table, f"{accessor}Length"):
            count = getattr(table, f"{accessor}Length")()
            assert list(value or ()) == [getattr(table, accessor)(i) for i in range(count)]
        elif hasattr(table, accessor):
            assert value == getattr(table, accessor)()


def text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "surrogateescape")


def test_constants_are_read_only_views_of_the_bytes_given() -> None:
    data = tiny(buffers=(record("Buffer", data=memoryview(b"constant")),))
    (buffer,) = read_model(data).buffers
    assert buffer.data is not None
    assert buffer.data.obj is data
    assert buffer.data.readonly


def test_changing_the_callers_buffer_later_changes_nothing() -> None:
    data = bytearray(tiny(buffers=(record("Buffer", data=memoryview(b"constant")),)))
    model = read_model(memoryview(data).toreadonly())
    data[-8:] = b"\0" * 8
    (buffer,) = model.buffers
    assert buffer.data == b"constant"


def test_no_data_and_no_bytes_of_data_are_told_apart() -> None:
    buffers = (record("Buffer"), record("Buffer", data=memoryview(b"")))
    absent, empty = read_model(tiny(buffers=buffers)).buffers
    assert absent.data is None
    assert empty.data == b""


def test_data_behind_the_flatbuffer_is_found_by_offset_and_size() -> None:
    root = tiny(buffers=(record("Buffer", offset=2, size=5), record("Buffer", offset=1000, size=4)))
    model = read_model(root + bytes(1000 - len(root)) + b"behind")
    first, second = model.buffers
    assert (first.data, first.external) == (root[2:7], True)
    assert (second.data, second.external) == (b"behi", True)


@pytest.mark.parametrize("offset", [0, 1])
def test_offsets_below_two_mean_no_data(offset: int) -> None:
    (buffer,) = read_model(tiny(buffers=(record("Buffer", offset=offset, size=5),))).buffers
    assert (buffer.data, buffer.external) == (None, False)


@pytest.mark.parametrize(
    ("offset", "size"), [(2, 2**64 - 1), (2**64 - 1, 2), (2**63, 2**63), (2, 1000), (1000, 0), (2**32, 1)]
)
def test_data_behind_the_file_is_refused_without_overflow(offset: int, size: int) -> None:
    data = tiny(buffers=(record("Buffer", offset=offset, size=size),))
    with pytest.raises(MalformedModelError) as caught:
        read_model(data)
    assert (caught.value.offset, caught.value.field) == (offset, "buffers[0].offset")


def outside_options(*places: tuple[int, int]) -> bytes:
    """One operator for each (offset, size) of custom options in the last 200 of 1000 bytes."""
    operators = tuple(
        record("Operator", large_custom_options_offset=offset, large_custom_options_size=size)
        for offset, size in places
    )
    root = tiny(subgraphs=(record("SubGraph", operators=operators),))
    return root + bytes(1000 - len(root))


def test_shared_custom_options_are_copied_once() -> None:
    first, second = read_model(outside_options((800, 200), (800, 200))).subgraphs[0].operators
    assert first.custom_options is second.custom_options
    read_model(outside_options(*[(2, 998)] * 20))
    with pytest.raises(MalformedModelError, match="custom options that overlap"):
        read_model(outside_options(*[(2 + index, 900) for index in range(20)]))


def test_a_file_of_many_vtables_is_read_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    data = outside_options((800, 3), (900, 4))
    expected = read_model(data)
    monkeypatch.setattr("quantlib.flatbuffer.verify._MAX_PLANS", 1)
    monkeypatch.setattr("quantlib.flatbuffer.tables._MAX_PLANS", 1)
    assert read_model(data) == expected


def test_the_way_to_a_fault_is_told() -> None:
    operator = record("Operator", large_custom_options_offset=500, large_custom_options_size=3)
    graphs = (record("SubGraph"), record("SubGraph", operators=(record("Operator"), operator)))
    with pytest.raises(MalformedModelError) as caught:
        read_model(tiny(subgraphs=graphs))
    assert caught.value.field == "subgraphs[1].operators[1].large_custom_options_offset"


def test_fields_that_share_bytes_are_refused() -> None:
    data = bytearray(write_tables(record("Model", version=3, description="ab")))
    vtable = data.index(bytes((12, 0, 12, 0)))
    assert data[vtable + 4 : vtable + 6] == b"\4\0"
    data[vtable + 4] = 8  # the version now lies where the offset of the description does
    with pytest.raises(MalformedModelError, match="fields of Model that overlap"):
        read_model(bytes(data))


def test_element_types_to_come_are_read_and_written_but_not_valid() -> None:
    data = tiny(subgraphs=(record("SubGraph", tensors=(record("Tensor", type=77, name="new"),)),))
    model = read_model(data)
    (tensor,) = model.subgraphs[0].tensors
    assert (tensor.type, tensor.type.name, tensor.type.bits) == (77, "TYPE_77", None)
    assert read_model(write_model(model)) == model
    assert "TYPE_77" in str(model)
    with pytest.raises(InvalidModelError, match=r"subgraph 0, tensor 0 'new', type: 77; wanted 0 \.\. 22"):
        validate(model)


def test_custom_options_behind_the_flatbuffer_are_found() -> None:
    operator = record("Operator", large_custom_options_offset=500, large_custom_options_size=3)
    root = tiny(subgraphs=(record("SubGraph", operators=(operator,)),))
    model = read_model(root + bytes(500 - len(root)) + b"abc")
    (read,) = model.subgraphs[0].operators
    assert (read.custom_options, read.custom_options_external) == (b"abc", True)


@pytest.mark.parametrize(
    ("deprecated", "code", "name"),
    [
        (3, 0, "CONV_2D"),
        (0, 3, "CONV_2D"),
        (127, 150, "GELU"),
        (-1, 0, "ADD"),
        (0, 209, "STABLEHLO_CASE"),
        (0, 210, "BUILTIN_210"),
        (127, 0, "PLACEHOLDER_FOR_GREATER_OP_CODES"),
        (-128, -5, "BUILTIN_-5"),
    ],
)
def test_the_operator_is_the_larger_of_the_two_codes(deprecated: int, code: int, name: str) -> None:
    entry = record("OperatorCode", deprecated_builtin_code=deprecated, builtin_code=code)
    (read,) = read_model(tiny(operator_codes=(entry,))).operator_codes
    assert (read.code, read.name, read.version) == (max(deprecated, code), name, 1)


def test_a_custom_operator_is_named_by_its_custom_code() -> None:
    entry = record("OperatorCode", builtin_code=32, custom_code="my_op")
    (read,) = read_model(tiny(operator_codes=(entry,))).operator_codes
    assert (read.name, read.custom_code, read.is_custom) == ("my_op", "my_op", True)
    (read,) = read_model(tiny(operator_codes=(record("OperatorCode", builtin_code=32),))).operator_codes
    assert (read.name, read.custom_code, read.is_custom) == ("CUSTOM", None, True)


def test_everything_may_be_absent() -> None:
    model = read_model(write_tables(record("Model")))
    assert model == Model(0, (), (), ())
    bare = record("SubGraph", tensors=(record("Tensor"),), operators=(record("Operator"),))
    (subgraph,) = read_model(tiny(subgraphs=(bare,))).subgraphs
    (tensor,), (operator,) = subgraph.tensors, subgraph.operators
    assert (tensor.shape, tensor.type, tensor.name, tensor.quantization) == (
        (),
        TensorType.FLOAT32,
        None,
        None,
    )
    assert (operator.inputs, operator.options, operator.debug_metadata_index) == ((), None, -1)


def test_names_that_are_not_utf8_survive() -> None:
    builder = flatbuffers.Builder(64)
    name = builder.CreateString(b"caf\xe9 \xff\0.")
    tflite.ModelStart(builder)
    tflite.ModelAddDescription(builder, name)
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    model = read_model(bytes(builder.Output()))
    assert model.description is not None
    assert model.description.encode("utf-8", "surrogateescape") == b"caf\xe9 \xff\0."


def test_an_unknown_kind_of_options_does_not_hide_the_rest() -> None:
    operator = record("Operator", builtin_options=record("SoftmaxOptions", beta=1.0), inputs=(1, 2))
    file = bytearray(tiny(subgraphs=(record("SubGraph", operators=(operator,)),)))
    file[file.rindex(9, 0, file.rindex(b"\x80\x3f") - 8)] = 222
    (read,) = read_model(bytes(file)).subgraphs[0].operators
    assert read.options == Record("BuiltinOptions 222")
    assert read.inputs == (1, 2)


def test_quantization_arrays_cannot_be_written_to() -> None:
    quantization = record("QuantizationParameters", scale=(0.5, 0.25), zero_point=(1, 2))
    tensor = record("Tensor", quantization=quantization)
    model = read_model(tiny(subgraphs=(record("SubGraph", tensors=(tensor,)),)))
    read = model.subgraphs[0].tensors[0].quantization
    assert read is not None
    assert (read.scale.dtype, read.zero_point.dtype) == (np.float32, np.int64)
    for array in (read.scale, read.zero_point, read.min, read.max):
        assert not array.flags.writeable


def test_a_table_shared_a_million_times_is_read_once() -> None:
    entries = 900_000
    builder = flatbuffers.Builder(8 * entries)
    tflite.BufferStart(builder)
    one = tflite.BufferEnd(builder)
    tflite.ModelStartBuffersVector(builder, entries)
    for _ in range(entries):
        builder.PrependUOffsetTRelative(one)
    vector = builder.EndVector()
    tflite.ModelStart(builder)
    tflite.ModelAddBuffers(builder, vector)
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    model = read_model(bytes(builder.Output()))
    assert len(model.buffers) == entries
    assert model.buffers[0] is model.buffers[-1]


def test_mobilenet_reads_in_milliseconds(zoo_files: list[Path]) -> None:
    (path,) = [p for p in zoo_files if p.name.startswith("tf2_mobilenet_v2")]
    data = path.read_bytes()
    read_model(data)
    times = []
    for _ in range(5):
        start = time.process_time()
        read_model(data)
        times.append(time.process_time() - start)
    assert min(times) < 0.05  # 2 ms on an idle machine; the bound only catches a change of order
