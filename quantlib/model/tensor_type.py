"""The element types of tensors: the format's numbers, NumPy's types, and bits in a file.

Source: LiteRT tflite/converter/schema/schema.fbs (TensorType)
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

__all__ = ["TensorType"]


class TensorType(enum.IntEnum):
    """Element types, with the format's own numbers.

    A number that the format does not know (yet) becomes a member without size, so that a newer
    file can be read, shown and written.

    Examples
    --------
    >>> TensorType(9), TensorType(99)
    (<TensorType.INT8: 9>, <TensorType.TYPE_99: 99>)
    """

    FLOAT32 = 0
    FLOAT16 = 1
    INT32 = 2
    UINT8 = 3
    INT64 = 4
    STRING = 5
    BOOL = 6
    INT16 = 7
    COMPLEX64 = 8
    INT8 = 9
    FLOAT64 = 10
    COMPLEX128 = 11
    UINT64 = 12
    RESOURCE = 13
    VARIANT = 14
    UINT32 = 15
    UINT16 = 16
    INT4 = 17
    BFLOAT16 = 18
    INT2 = 19
    UINT4 = 20
    FLOAT8_E4M3FN = 21
    FLOAT8_E5M2 = 22

    @classmethod
    def _missing_(cls, value: object) -> TensorType | None:
        if not isinstance(value, int) or not -128 <= value <= 127:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"TYPE_{value}"
        member._value_ = value
        return cast(TensorType, cls._value2member_map_.setdefault(value, member))

    @property
    def is_known(self) -> bool:
        """Whether the format, as far as we know it, has this type."""
        return not self.name.startswith("TYPE_")

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """NumPy's type of one element in memory, little-endian; None where there is none.

        INT4, INT2 and UINT4 are packed in files and unpacked to (u)int8 in memory.
        """
        return _DTYPES.get(self)

    @property
    def bits(self) -> int | None:
        """Bits of one element in a file; None where elements have no fixed size."""
        if self in _PACKED_BITS:
            return _PACKED_BITS[self]
        dtype = self.dtype
        return None if dtype is None else 8 * dtype.itemsize


_DTYPES: Mapping[TensorType, np.dtype[Any]] = {
    TensorType.FLOAT32: np.dtype("<f4"),
    TensorType.FLOAT16: np.dtype("<f2"),
    TensorType.INT32: np.dtype("<i4"),
    TensorType.UINT8: np.dtype("u1"),
    TensorType.INT64: np.dtype("<i8"),
    TensorType.BOOL: np.dtype("?"),
    TensorType.INT16: np.dtype("<i2"),
    TensorType.COMPLEX64: np.dtype("<c8"),
    TensorType.INT8: np.dtype("i1"),
    TensorType.FLOAT64: np.dtype("<f8"),
    TensorType.COMPLEX128: np.dtype("<c16"),
    TensorType.UINT64: np.dtype("<u8"),
    TensorType.UINT32: np.dtype("<u4"),
    TensorType.UINT16: np.dtype("<u2"),
    TensorType.INT4: np.dtype("i1"),
    TensorType.INT2: np.dtype("i1"),
    TensorType.UINT4: np.dtype("u1"),
}

_PACKED_BITS: Mapping[TensorType, int] = {
    TensorType.INT4: 4,
    TensorType.UINT4: 4,
    TensorType.INT2: 2,
    TensorType.BFLOAT16: 16,
    TensorType.FLOAT8_E4M3FN: 8,
    TensorType.FLOAT8_E5M2: 8,
}
