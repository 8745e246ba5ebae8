"""The bytes of a file, wherever they come from, and never more of them than allowed."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from quantlib.errors import InvalidInputError, LimitExceededError

__all__ = ["Source", "bytes_of"]

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""Where a model can be read from: a path, its bytes, or an open binary file."""

_CHUNK = 2**20


def bytes_of(source: Source, limit: int) -> bytes:
    """Everything that a source holds.

    Parameters
    ----------
    source : str, os.PathLike, bytes-like, or binary file object
        Bytes are returned as they are; buffers that somebody could change are copied.
    limit : int
        The most bytes there may be.

    Raises
    ------
    LimitExceededError
        There are more; a file of known size is refused unread.
    InvalidInputError
        Not a source, or a file that was opened as text.
    OSError
        The file cannot be opened or read.

    Examples
    --------
    >>> bytes_of(bytearray(b"TFL3"), limit=4)
    b'TFL3'
    """
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, bytearray | memoryview):
        if memoryview(source).nbytes > limit:
            raise _too_large(memoryview(source).nbytes, limit)
        data = bytes(source)
    elif isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size > limit:
                raise _too_large(status.st_size, limit)
            data = _read_to_end(file, limit)
    elif hasattr(source, "read"):
        data = _read_to_end(source, limit)
    else:
        raise InvalidInputError("source", type(source).__name__, "a path, bytes or a binary file")
    if len(data) > limit:
        raise _too_large(len(data), limit)
    return data


def _read_to_end(file: BinaryIO, limit: int) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while total <= limit:
        chunk = file.read(_CHUNK if chunks else 8 * _CHUNK)
        if not isinstance(chunk, bytes):
            raise InvalidInputError("source", f"read() gave {type(chunk).__name__}", "bytes")
        if not chunk:
            break
        chunks.append(chunk)
        total += len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(found: int, limit: int) -> LimitExceededError:
    return LimitExceededError("source", f"file of {found} bytes", f"at most {limit} (limits.file_bytes)")
