"""Golden vectors: arrays kept in files, for tests of software and of hardware.

Three formats: ``.npz`` for NumPy, a C header for firmware, and hexadecimal memory files that
Verilog's ``$readmemh`` and VHDL test benches read.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.save import replace_file

__all__ = ["c_header", "hex_memory", "save_c_header", "save_hex_memory", "save_npz"]

_C_TYPES = {
    "i1": "int8_t",
    "u1": "uint8_t",
    "i2": "int16_t",
    "u2": "uint16_t",
    "i4": "int32_t",
    "u4": "uint32_t",
    "i8": "int64_t",
    "u8": "uint64_t",
    "f4": "float",
    "f8": "double",
    "b1": "bool",
}


def save_npz(path: str | os.PathLike[str], arrays: Mapping[str, ArrayLike]) -> None:
    """Write arrays to a compressed .npz file, replaced atomically.

    Parameters
    ----------
    path : str or os.PathLike
    arrays : mapping of name to array_like
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]
    replace_file(path, buffer.getvalue())


def c_header(arrays: Mapping[str, ArrayLike], *, guard: str = "GOLDEN_VECTORS_H") -> str:
    """Arrays as the text of a C header: one constant array each, and its number of elements.

    Parameters
    ----------
    arrays : mapping of C identifier to array_like
        Integers, booleans, float32 or float64; floats are written in hexadecimal, exactly.
    guard : str
        The include guard.

    Returns
    -------
    str

    Raises
    ------
    InvalidInputError
        A name that is no C identifier, a dtype that C lacks, an empty array, or a float that is
        not finite.

    Examples
    --------
    >>> print(c_header({"codes": np.int8([1, -2])}))
    #ifndef GOLDEN_VECTORS_H
    #define GOLDEN_VECTORS_H
    #include <stdbool.h>
    #include <stdint.h>
    <BLANKLINE>
    #define codes_size 2  /* shape: 2 */
    static const int8_t codes[2] = {
        1, -2
    };
    <BLANKLINE>
    #endif
    <BLANKLINE>
    """
    lines = [f"#ifndef {guard}", f"#define {guard}", "#include <stdbool.h>", "#include <stdint.h>", ""]
    for name, given in arrays.items():
        array = np.asarray(given)
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise InvalidInputError("arrays", repr(name), "names that are C identifiers")
        c_type = _C_TYPES.get(f"{array.dtype.kind}{array.dtype.itemsize}")
        if c_type is None or array.size == 0:
            raise InvalidInputError(
                "arrays", f"{name}: {array.dtype}, {array.size} elements", "numbers, at least one"
            )
        words = [_literal(value, name) for value in array.reshape(-1)]
        shape = " x ".join(map(str, array.shape)) or "scalar"
        lines.append(f"#define {name}_size {array.size}  /* shape: {shape} */")
        lines.append(f"static const {c_type} {name}[{array.size}] = {{")
        lines += [f"    {', '.join(words[i : i + 16])}," for i in range(0, len(words), 16)]
        lines[-1] = lines[-1].rstrip(",")
        lines += ["};", ""]
    return "\n".join([*lines, "#endif", ""])


def save_c_header(
    path: str | os.PathLike[str], arrays: Mapping[str, ArrayLike], *, guard: str = "GOLDEN_VECTORS_H"
) -> None:
    """Write `c_header` to a file, replaced atomically."""
    replace_file(path, c_header(arrays, guard=guard).encode())


def hex_memory(array: ArrayLike) -> str:
    """An array as one hexadecimal word per line, row-major, two's complement, as $readmemh wants it.

    Parameters
    ----------
    array : array_like
        Integers, booleans, float32 or float64 (their bits).

    Returns
    -------
    str

    Raises
    ------
    InvalidInputError
        A dtype without a fixed word.

    Examples
    --------
    >>> hex_memory(np.int8([1, -2])).split()
    ['01', 'fe']
    """
    stored = np.asarray(array)
    if stored.dtype.kind not in "iubf" or stored.dtype.itemsize > 8:
        raise InvalidInputError("array", str(stored.dtype), "integers, booleans or floats of up to 64 bits")
    native = np.ascontiguousarray(stored, stored.dtype.newbyteorder("="))
    words: NDArray[Any] = native.reshape(-1).view(f"u{native.dtype.itemsize}")
    width = 2 * native.dtype.itemsize
    return "".join(f"{int(word):0{width}x}\n" for word in words)


def save_hex_memory(path: str | os.PathLike[str], array: ArrayLike) -> None:
    """Write `hex_memory` to a file, replaced atomically."""
    replace_file(path, hex_memory(array).encode())


def _literal(value: Any, name: str) -> str:
    if value.dtype.kind == "b":
        return "true" if value else "false"
    if value.dtype.kind == "f":
        if not np.isfinite(value):
            raise InvalidInputError("arrays", f"{name}: {value}", "finite numbers")
        return float(value).hex() + ("f" if value.dtype.itemsize == 4 else "")
    number = int(value)
    if number == -(2**63):
        return "INT64_MIN"
    if number == -(2**31):
        return "INT32_MIN"
    return (
        f"{number}u" if number > 2**31 - 1 and value.dtype.kind == "u" and number < 2**32 else _wide(number)
    )


def _wide(number: int) -> str:
    if -(2**31) < number < 2**31:
        return str(number)
    return f"UINT64_C({number})" if number > 2**63 - 1 else f"INT64_C({number})"
