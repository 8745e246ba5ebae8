"""Ranges: kept exactly, edited as copies, refused where they are none."""

import dataclasses
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantlib.calibration.ranges import Ranges, tensor_keys
from quantlib.errors import InvalidInputError, InvalidModelError
from quantlib.model.graph import Model, Quantization, Subgraph, Tensor, TensorType

ENDS = st.floats(width=32, allow_nan=False, allow_infinity=False)
PAIRS = st.tuples(ENDS, ENDS).map(lambda pair: (min(pair), max(pair)))
RANGES = st.dictionaries(st.text(min_size=1, max_size=8), PAIRS, max_size=5).map(Ranges)


def model_of(*names: str | None, ranges: dict[int, tuple[float, float]] | None = None) -> Model:
    tensors = []
    for index, name in enumerate(names):
        tensor = Tensor((1,), TensorType.FLOAT32, name=name)
        if ranges and index in ranges:
            low, high = (np.array([end], np.float32) for end in ranges[index])
            tensor = dataclasses.replace(tensor, quantization=Quantization(min=low, max=high))
        tensors.append(tensor)
    return Model(3, (), (Subgraph(tuple(tensors), (), (), ()),), ())


def test_keys_are_names_only_where_names_tell_tensors_apart():
    model = model_of("a", "b", None, "b", "", "0:9", "²:1")
    assert tensor_keys(model, 0) == ("a", "0:1", "0:2", "0:3", "0:4", "0:5", "²:1")


def test_names_shared_between_subgraphs_become_indices():
    one = model_of("x", "y").subgraphs[0]
    model = Model(3, (), (one, dataclasses.replace(one, tensors=one.tensors[:1])), ())
    assert tensor_keys(model, 0) == ("0:0", "y")
    assert tensor_keys(model, 1) == ("1:0",)


def test_a_model_gives_the_ranges_on_its_tensors():
    model = model_of("x", None, "w", ranges={0: (-1, 0.1), 1: (0, 6)})
    ranges = Ranges.from_model(model)
    assert dict(ranges) == {"x": (-1, np.float32(0.1)), "0:1": (0, 6)}
    assert all(type(end) is np.float32 for pair in ranges.values() for end in pair)
    assert ranges.of_subgraph(model) == {0: (-1.0, float(np.float32(0.1))), 1: (0.0, 6.0)}


@pytest.mark.parametrize("pair", [(1, 0), (np.nan, 1), (0, np.inf)])
def test_a_model_with_a_range_that_is_none_is_refused(pair: tuple[float, float]):
    with pytest.raises(InvalidModelError, match=r"tensor 0 'x', quantization\.min, max"):
        Ranges.from_model(model_of("x", ranges={0: pair}))


@pytest.mark.parametrize(
    "entry", [(1, 0), (np.nan, 1), (0, 1e39), (0,), None, "01", (True, 2), ([0], [1]), (0, 10**400)]
)
def test_what_is_no_range_is_refused(entry: object):
    with pytest.raises(InvalidInputError, match="ranges\\['x'\\]"):
        Ranges({"x": entry})  # type: ignore[dict-item]


@pytest.mark.parametrize("key", ["", 3])
def test_what_is_no_key_is_refused(key: object):
    with pytest.raises(InvalidInputError, match="key"):
        Ranges({key: (0, 1)})  # type: ignore[dict-item]


@given(RANGES)
def test_json_gives_back_every_bit(ranges: Ranges):
    again = Ranges.from_json(ranges.to_json())
    assert again == ranges
    assert hash(again) == hash(ranges)
    assert [np.array(pair).tobytes() for pair in again.values()] == [
        np.array(pair).tobytes() for pair in ranges.values()
    ]


def test_names_of_odd_bytes_survive_json():
    ranges = Ranges({"a\x00\udcff\n": (0, 1)})
    assert Ranges.from_json(ranges.to_json().encode("ascii")) == ranges
    assert str(ranges).isascii()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        b"\xff\xfe\xfd",
        '{"format": "quantlib ranges"}',
        '{"format": "quantlib ranges", "version": 2, "ranges": {}}',
        '{"format": "quantlib ranges", "version": 1, "ranges": []}',
        '{"format": "quantlib ranges", "version": 1, "ranges": {"x": [0, NaN]}}',
        '{"format": "quantlib ranges", "version": 1, "ranges": {"x": {"a": 1, "b": 2}}}',
        '{"format": "quantlib ranges", "version": 1, "ranges": {"x": [0, 1], "x": [0, 2]}}',
        '{"format": "quantlib ranges", "version": 1, "ranges": {"x": [0, ' + "9" * 5000 + "]}}",
    ],
)
def test_other_json_is_refused(text: str | bytes):
    with pytest.raises(InvalidInputError, match="ranges"):
        Ranges.from_json(text)


@given(RANGES, RANGES, RANGES)
def test_merging_is_associative_and_commutative(a: Ranges, b: Ranges, c: Ranges):
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == a.merge(b, c)
    assert a.merge(a) == a


def test_editing_leaves_the_original_alone():
    ranges = Ranges({"x": (0, 1)})
    assert dict(ranges.replace({"x": (0, 2), "y": (0, 3)})) == {"x": (0, 2), "y": (0, 3)}
    assert dict(ranges) == {"x": (0, 1)}
    with pytest.raises(TypeError):
        ranges["x"] = (0, 2)  # type: ignore[index]


def test_ranges_survive_pickling():
    ranges = Ranges({"x": (0, 1)})
    assert pickle.loads(pickle.dumps(ranges)) == ranges


def test_ranges_spell_themselves_as_they_are_made():
    ranges = Ranges({"x": (-0.1, 1)})
    assert eval(repr(ranges)) == ranges


def test_keys_of_another_model_are_named():
    assert Ranges({"x": (0, 1), "z": (0, 1)}).unknown_to(model_of("x", "y")) == ("z",)


def test_saving_replaces_a_file_and_leaves_nothing_else(tmp_path: Path):
    path = tmp_path / "ranges.json"
    path.write_text("old", encoding="ascii")
    ranges = Ranges({"x": (-1, 1)})
    ranges.save(path)
    assert Ranges.load(path) == ranges
    assert os.listdir(tmp_path) == ["ranges.json"]  # noqa: PTH208 # names, not paths
