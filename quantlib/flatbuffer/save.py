"""Model to file, so that the file is always either the old one or the new one, never a part.

The bytes go to a temporary file beside the target, ``.<name>.<random>.quantlib-tmp``, which then
takes the target's place in one step. A process that is killed may leave its temporary file; the
next save to the same target removes those nobody has touched for an hour.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from pathlib import Path

from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Model

__all__ = ["replace_file", "save_model"]

_SUFFIX = ".quantlib-tmp"
_STALE_SECONDS = 3600.0


def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a .tflite file, replacing it atomically.

    Parameters
    ----------
    model : Model
    path : str or os.PathLike
        A symbolic link stays one, and its target is replaced. A file that is replaced keeps its
        permission bits.

    Raises
    ------
    InvalidModelError, UnsupportedError, LimitExceededError
        As `write_model`; nothing was touched.
    InvalidInputError
        `path` exists and is no regular file.
    OSError
        The folder cannot be written to, or the disk is full; a file that was there is unchanged.

    Examples
    --------
    >>> from quantlib.flatbuffer.read import read_model
    >>> folder = getfixture("tmp_path")
    >>> model = Model(3, (), (), (), description="saved")
    >>> save_model(model, folder / "m.tflite")
    >>> read_model(folder / "m.tflite") == model, len(list(folder.iterdir()))
    (True, 1)
    """
    replace_file(path, write_model(model))


def replace_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write bytes to a file, replacing it atomically; rules and errors as `save_model`.

    Parameters
    ----------
    path : str or os.PathLike
    data : bytes

    Examples
    --------
    >>> target = getfixture("tmp_path") / "outputs.npz"
    >>> replace_file(target, b"new")
    >>> target.read_bytes()
    b'new'
    """
    target = Path(os.path.realpath(path))
    try:
        mode: int | None = target.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        raise InvalidInputError("path", f"{os.fspath(path)!r} is no regular file", "a file or a new name")
    _sweep(target)
    temporary = target.with_name(f"{_prefix(target)}{secrets.token_hex(8)}{_SUFFIX}")
    try:
        _write_durably(temporary, data, mode)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _write_durably(path: Path, data: bytes, mode: int | None) -> None:
    with path.open("xb") as file:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), stat.S_IMODE(mode))
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # Without this the new name may be lost in a power failure. Not every system can open a folder.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _prefix(target: Path) -> str:
    # File systems count a name's bytes, 255 at most.
    return f".{os.fsdecode(os.fsencode(target.name)[:200])}."


def _sweep(target: Path) -> None:
    now = time.time()
    prefix = _prefix(target)
    with contextlib.suppress(OSError):
        for entry in target.parent.iterdir():
            name = entry.name
            if name.startswith(prefix) and name.endswith(_SUFFIX):
                with contextlib.suppress(OSError):
                    if now - entry.lstat().st_mtime > _STALE_SECONDS:
                        entry.unlink()
