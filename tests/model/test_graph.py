"""The model's values: immutable, comparable, and able to travel between processes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from quantlib.model.graph import Buffer, Model, Quantization, Record, Subgraph, Tensor, TensorType


def model() -> Model:
    quantization = Quantization(np.array([0.5], np.float32), np.array([3], np.int64))
    tensor = Tensor((2,), TensorType.INT8, 1, "t", quantization)
    return Model(3, (), (Subgraph((tensor,), (0,), (0,), ()),), (Buffer(), Buffer(memoryview(b"\1\2"))))


@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_model_travels(travel: object) -> None:
    again = travel(model())  # type: ignore[operator]
    assert again == model()
    assert hash(again) == hash(model())
    quantization = again.subgraphs[0].tensors[0].quantization
    assert not quantization.scale.flags.writeable
    assert again.buffers[1].data.readonly


def test_what_the_caller_can_change_is_copied() -> None:
    scale, data = np.array([0.5], np.float32), bytearray(b"\1\2")
    quantization, buffer = Quantization(scale), Buffer(memoryview(data))
    scale[0], data[0] = 7.0, 9
    assert quantization.scale.tolist() == [0.5]
    assert buffer.data == b"\1\2"
    assert scale.flags.writeable


def test_what_nobody_can_change_is_not_copied() -> None:
    scale = np.array([0.5], np.float32)
    scale.flags.writeable = False
    data = memoryview(b"\1\2")
    assert Quantization(scale).scale is scale
    assert Buffer(data).data is data


def test_arrays_of_other_types_become_the_formats() -> None:
    quantization = Quantization([0.1], [3])  # type: ignore[arg-type]
    assert (quantization.scale.dtype, quantization.zero_point.dtype) == (np.float32, np.int64)
    floats = memoryview(np.array([1.0, 2.0], np.float32))
    assert Buffer(floats).data == np.array([1.0, 2.0], np.float32).tobytes()


def test_values_compare_as_their_bytes_do() -> None:
    nan = Quantization(np.array([np.nan], np.float32))
    assert nan == Quantization(np.array([np.nan], np.float32))
    assert Quantization(np.array([0.0], np.float32)) != Quantization(np.array([-0.0], np.float32))
    assert Record("t", (("x", float("nan")),)) == Record("t", (("x", float("nan")),))
    assert Record("t", (("x", 0.0),)) != Record("t", (("x", -0.0),))
    assert Record("t", (("x", 1),)) != Record("u", (("x", 1),))
    assert Quantization() != "something else"
    assert Record("t") != "t"
    assert hash(Record("t", (("x", 1),))) == hash(Record("t", (("x", 1),)))


def test_where_the_bytes_lie_does_not_count() -> None:
    assert Buffer(memoryview(b"x"), external=True) == Buffer(memoryview(b"x"))
    assert Buffer(memoryview(b"")) != Buffer()
    assert [len(Buffer()), len(Buffer(memoryview(b"xy")))] == [0, 2]
    assert [repr(Buffer()), repr(Buffer(memoryview(b"xy"), True))] == [
        "Buffer(None)",
        "Buffer(2 bytes, external)",
    ]


def test_a_record_is_a_mapping() -> None:
    record = Record("SoftmaxOptions", (("beta", 1.0), ("other", None)))
    assert dict(record) == {"beta": 1.0, "other": None}
    assert (len(record), record.get("gamma", 2)) == (2, 2)
    with pytest.raises(KeyError):
        record["gamma"]


def test_element_types_to_come_are_members_of_their_own() -> None:
    new = TensorType(99)
    assert (new, new.name, new.is_known) == (99, "TYPE_99", False)
    assert new is TensorType(99)
    assert pickle.loads(pickle.dumps(new)) is new
    assert new not in list(TensorType)
    for nonsense in (128, -129, "INT8"):
        with pytest.raises(ValueError, match="is not a valid TensorType"):
            TensorType(nonsense)


@pytest.mark.parametrize(
    ("tensor_type", "dtype", "bits"),
    [
        (TensorType.FLOAT32, np.float32, 32),
        (TensorType.INT4, np.int8, 4),
        (TensorType.UINT4, np.uint8, 4),
        (TensorType.INT2, np.int8, 2),
        (TensorType.BOOL, np.bool_, 8),
        (TensorType.BFLOAT16, None, 16),
        (TensorType.FLOAT8_E5M2, None, 8),
        (TensorType.COMPLEX128, np.complex128, 128),
        (TensorType.STRING, None, None),
        (TensorType.VARIANT, None, None),
    ],
)
def test_element_types_say_their_size(tensor_type: TensorType, dtype: object, bits: int | None) -> None:
    assert tensor_type.dtype == dtype
    assert tensor_type.bits == bits
