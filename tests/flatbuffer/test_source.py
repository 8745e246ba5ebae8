"""Where a model may come from."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from quantlib.errors import InvalidInputError, LimitExceededError
from quantlib.flatbuffer.layout import write_tables
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import Record
from quantlib.model.limits import Limits

DATA = write_tables(Record("Model", (("version", 3), ("description", "here"))))


def test_every_source_gives_the_same_model(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(DATA)
    expected = read_model(DATA)
    assert expected.description == "here"
    for source in (path, str(path), bytearray(DATA), memoryview(DATA), io.BytesIO(DATA)):
        assert read_model(source) == expected
    with path.open("rb") as file:
        assert read_model(file) == expected


@pytest.mark.parametrize("source", [None, 3, 1.5, ["m.tflite"], io.StringIO("TFL3")])
def test_a_source_that_is_no_file_is_named_in_the_error(source: object) -> None:
    with pytest.raises(InvalidInputError, match="source: "):
        read_model(source)  # type: ignore[arg-type]


def test_a_missing_file_stays_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_model(tmp_path / "nothing.tflite")


def test_a_file_larger_than_the_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.tflite"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse: takes no room on the disk
    with pytest.raises(LimitExceededError, match="file of 1099511627776 bytes"):
        read_model(path)
    for source in (DATA, bytearray(DATA), io.BytesIO(DATA)):
        with pytest.raises(LimitExceededError, match=r"limits\.file_bytes"):
            read_model(source, limits=Limits(file_bytes=8))
    with Path("/dev/zero").open("rb") as endless, pytest.raises(LimitExceededError):
        read_model(endless, limits=Limits(file_bytes=2**20))
