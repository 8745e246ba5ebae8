"""Saving: a file is the old one or the new one, whatever happens in between."""

from __future__ import annotations

import os
import random
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantlib.errors import InvalidInputError, InvalidModelError
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.save import save_model
from quantlib.model.graph import Buffer, Model

OLD = Model(3, (), (), (Buffer(memoryview(b"old" * 1000)),), description="old")
NEW = Model(3, (), (), (Buffer(memoryview(b"new" * 1000)),), description="new")


def test_a_new_file_gets_the_modes_that_files_get(tmp_path: Path) -> None:
    save_model(NEW, tmp_path / "m.tflite")
    (tmp_path / "other").write_bytes(b"")
    assert (tmp_path / "m.tflite").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert read_model(tmp_path / "m.tflite") == NEW


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    for mode in (0o600, 0o644, 0o755, 0o400):
        save_model(OLD, path)
        path.chmod(mode)
        save_model(NEW, str(path))
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert read_model(path) == NEW
        path.chmod(0o600)


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    save_model(OLD, folder / "m.tflite")
    link = tmp_path / "link.tflite"
    link.symlink_to(folder / "m.tflite")
    save_model(NEW, link)
    assert link.is_symlink()
    assert read_model(folder / "m.tflite") == NEW
    assert [p.name for p in folder.iterdir()] == ["m.tflite"]


@pytest.mark.parametrize("name", ["m" * 248 + ".tflite", "é" * 124 + ".tflite"])
def test_a_name_as_long_as_names_may_be_works(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    save_model(NEW, path)
    assert read_model(path) == NEW


@pytest.mark.parametrize("path", ["/dev/null", "."])
def test_what_is_no_file_is_not_replaced(path: str) -> None:
    with pytest.raises(InvalidInputError, match=r"path: .* is no regular file"):
        save_model(NEW, path)


def test_a_model_that_cannot_be_written_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    save_model(OLD, path)
    with pytest.raises(InvalidModelError):
        save_model(Model(-1, (), (), ()), path)
    assert read_model(path) == OLD
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save_model(NEW, tmp_path / "nowhere" / "m.tflite")


def test_only_stale_temporaries_of_the_same_target_are_swept(tmp_path: Path) -> None:
    names = [".m.tflite.0.quantlib-tmp", ".m.tflite.1.quantlib-tmp", ".n.tflite.0.quantlib-tmp", "m.tflite.0"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    old = time.time() - 7200
    for name in (names[0], names[2], names[3]):
        os.utime(tmp_path / name, (old, old))
    save_model(NEW, tmp_path / "m.tflite")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names[1:], "m.tflite"])


_CHILD = """
import sys
from quantlib.flatbuffer.save import save_model
from quantlib.model.graph import Buffer, Model
"""

_FULL_DISK = (
    _CHILD
    + """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    save_model(Model(3, (), (), (Buffer(memoryview(bytes(100_000))),)), sys.argv[1])
except OSError as error:
    print(type(error).__name__, error.errno)
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_full_disk_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    save_model(OLD, path)
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "OSError 27\n"
    assert read_model(path) == OLD
    assert len(list(tmp_path.iterdir())) == 1


_FOREVER = (
    _CHILD
    + """
models = [Model(3, (), (), (Buffer(memoryview(bytes([n]) * 2_000_000)),)) for n in range(4)]
print("ready", flush=True)
while True:
    for model in models:
        save_model(model, sys.argv[1])
"""
)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_a_killed_process_leaves_no_torn_file(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "m.tflite"
    save_model(OLD, path)
    delays = random.Random(0)
    seen = set()
    for _ in range(kills):
        with subprocess.Popen(
            [sys.executable, "-c", _FOREVER, str(path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            time.sleep(0.01 + 0.05 * delays.random())
            child.send_signal(signal.SIGKILL)
        (buffer,) = read_model(path).buffers
        assert buffer.data is not None
        content = bytes(buffer.data)
        assert len(set(content)) == 1 or content == b"old" * 1000
        seen.add(content[0])
    assert seen - {ord("o")}
