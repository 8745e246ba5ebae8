"""Arrays and a little JSON over a pipe, between us and the child process.

A message is two lengths, a JSON header, and the arrays' bytes one after another. No pickle: a child
whose memory LiteRT has damaged must not be able to run code here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["receive", "send"]

_LENGTHS = struct.Struct("<QQ")


def send(stream: IO[bytes], header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write one message.

    Parameters
    ----------
    stream : binary file
    header : mapping that JSON can hold
    arrays : mapping of name to array of a numeric or boolean dtype
    """
    described = {}
    parts = []
    for name, array in arrays.items():
        contiguous = np.ascontiguousarray(array).reshape(np.shape(array))
        described[name] = [contiguous.dtype.str, list(contiguous.shape)]
        parts.append(contiguous.tobytes())
    text = json.dumps({"header": dict(header), "arrays": described}).encode()
    body = b"".join(parts)
    stream.write(_LENGTHS.pack(len(text), len(body)) + text + body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Read one message.

    Returns
    -------
    header : dict
    arrays : dict of name to array

    Raises
    ------
    EOFError
        The other side is gone.
    """
    text_length, body_length = _LENGTHS.unpack(_read(stream, _LENGTHS.size))
    described = json.loads(_read(stream, text_length))
    body = _read(stream, body_length)
    arrays = {}
    offset = 0
    for name, (dtype, shape) in described["arrays"].items():
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(body, np.dtype(dtype), count, offset).reshape(shape)
        offset += arrays[name].nbytes
    return described["header"], arrays


def _read(stream: IO[bytes], length: int) -> bytes:
    parts = []
    while length:
        part = stream.read(length)
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
