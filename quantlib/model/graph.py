"""A model as immutable values: what the file says, nothing computed, nothing lost.

Indices stay indices (tensors, buffers, operator codes), as in the format, so that a rewrite is a
`dataclasses.replace` away. Constant data are read-only views of the file's bytes.

Source: LiteRT tflite/converter/schema/schema.fbs (schema version 3, 3a to 3d).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.tensor_type import TensorType

__all__ = [
    "Buffer",
    "ExternalBuffer",
    "Metadata",
    "Model",
    "Operator",
    "OperatorCode",
    "Quantization",
    "Record",
    "Signature",
    "Subgraph",
    "Tensor",
    "TensorType",
]

OPTIONAL = -1
"""The tensor index that says: this optional input is absent."""

CUSTOM = 32
"""The builtin operator code that says: look at `OperatorCode.custom_code`."""


@dataclass(frozen=True, slots=True)
class Record(Mapping[str, Any]):
    """One table of the file that no room needs a class for, such as an operator's options.

    Parameters
    ----------
    table : str
        Name of the table in the schema, for example ``Conv2DOptions``.
    entries : tuple of (field name, value)
        Every field of the table in the schema's order; absent scalars hold their default, absent
        vectors, strings and tables hold None.

    Examples
    --------
    >>> options = Record("SoftmaxOptions", (("beta", 1.0),))
    >>> options["beta"], options.get("alpha")
    (1.0, None)
    """

    table: str
    entries: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, name: str) -> Any:
        for key, value in self.entries:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __hash__(self) -> int:
        return hash((self.table, self.entries))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        # repr tells NaN from NaN and -0.0 from 0.0 the way bytes do.
        return self.table == other.table and repr(self.entries) == repr(other.entries)


@dataclass(frozen=True, slots=True, eq=False)
class Quantization:
    """Quantization parameters as the file spells them (not yet checked).

    Arrays that are given writable, or as anything but float32 and int64, are copied.

    Parameters
    ----------
    scale : float32 array of shape (channels,), read-only
        Empty where the file gives none.
    zero_point : int64 array of shape (channels,), read-only
    quantized_dimension : int
        The axis that several scales run along.
    min, max : float32 arrays, read-only
        Calibrated ranges, where the file carries them.
    details : Record, optional
        CustomQuantization, BlockwiseQuantization or MultiAxisQuantization.
    """

    scale: NDArray[np.float32] = field(default_factory=lambda: _EMPTY_FLOAT32)
    zero_point: NDArray[np.int64] = field(default_factory=lambda: _EMPTY_INT64)
    quantized_dimension: int = 0
    min: NDArray[np.float32] = field(default_factory=lambda: _EMPTY_FLOAT32)
    max: NDArray[np.float32] = field(default_factory=lambda: _EMPTY_FLOAT32)
    details: Record | None = None

    def __post_init__(self) -> None:
        for name in ("scale", "zero_point", "min", "max"):
            array = getattr(self, name)
            dtype = _INT64 if name == "zero_point" else _FLOAT32
            if type(array) is not np.ndarray or array.dtype != dtype or array.flags.writeable:
                object.__setattr__(self, name, _read_only(np.array(array, dtype).reshape(-1)))

    def __reduce__(self) -> tuple[Any, ...]:
        # Unpickled arrays are writable; going through the constructor makes them read-only again.
        return Quantization, tuple(getattr(self, name) for name in self.__slots__)

    def _key(self) -> tuple[object, ...]:
        return (
            self.scale.tobytes(),
            self.zero_point.tobytes(),
            self.quantized_dimension,
            self.min.tobytes(),
            self.max.tobytes(),
            self.details,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantization):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


_FLOAT32 = np.dtype(np.float32)
_INT64 = np.dtype(np.int64)
_EMPTY_FLOAT32: NDArray[np.float32] = _read_only(np.empty(0, np.float32))
_EMPTY_INT64: NDArray[np.int64] = _read_only(np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a subgraph.

    Parameters
    ----------
    shape : tuple of int
        () for scalars and for unknown ranks; `has_rank` tells them apart in new files.
    type : TensorType
    buffer : int
        Index into `Model.buffers`; a buffer without data means: computed at run time.
    name : str, optional
    quantization : Quantization, optional
    is_variable : bool
        Keeps its value between invocations.
    shape_signature : tuple of int, optional
        As `shape`, with -1 for dimensions unknown until run time.
    has_rank : bool
    sparsity : Record, optional
        SparsityParameters.
    variant_tensors : tuple of Record, optional
    external_buffer : int
        Index+1 into data kept in other files; 0 for none.
    """

    shape: tuple[int, ...]
    type: TensorType
    buffer: int = 0
    name: str | None = None
    quantization: Quantization | None = None
    is_variable: bool = False
    shape_signature: tuple[int, ...] | None = None
    has_rank: bool = False
    sparsity: Record | None = None
    variant_tensors: tuple[Record, ...] | None = None
    external_buffer: int = 0


@dataclass(frozen=True, slots=True)
class OperatorCode:
    """Which operator: a builtin code, or the name of a custom one.

    Parameters
    ----------
    code : int
        max(builtin_code, deprecated_builtin_code): old files fill only the deprecated field, some
        new ones only the other.
    name : str
        The format's name of the code; for custom operators the custom code.
    version : int
    custom_code : str, optional
    """

    code: int
    name: str
    version: int = 1
    custom_code: str | None = None

    @property
    def is_custom(self) -> bool:
        """Whether the operator is named by `custom_code` rather than by `code`."""
        return self.code == CUSTOM


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of a subgraph.

    Parameters
    ----------
    opcode_index : int
        Index into `Model.operator_codes`.
    inputs, outputs, intermediates : tuple of int
        Indices into the subgraph's tensors; -1 is an absent optional input.
    options : Record, optional
        The builtin options table.
    custom_options : bytes, optional
    custom_options_external : bool
        Whether those bytes lie outside the flatbuffer root, found by offset and size.
    options_2 : Record, optional
        The options table of the operators that the format gained last.
    """

    opcode_index: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Record | None = None
    custom_options: bytes | None = None
    custom_options_format: int = 0
    mutating_variable_inputs: tuple[bool, ...] | None = None
    intermediates: tuple[int, ...] | None = None
    custom_options_external: bool = field(default=False, compare=False)
    options_2: Record | None = None
    debug_metadata_index: int = -1


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Tensors, and the operators that fill them in order."""

    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[Operator, ...]
    name: str | None = None
    debug_metadata_index: int = -1


@dataclass(frozen=True, slots=True, repr=False)
class Buffer:
    """Constant data: a read-only view of the file's bytes.

    Bytes that are given writable are copied, so that nobody can change a model behind its back.

    Parameters
    ----------
    data : memoryview of bytes, or None
        None: the buffer has no data, which is not the same as zero bytes of data.
    external : bool
        Whether the bytes lie outside the flatbuffer root, found by offset and size. Where they lie
        does not count when buffers are compared.
    """

    data: memoryview | None = None
    external: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        given: Any = self.data
        if given is None or (type(given) is memoryview and given.readonly and given.format == "B"):
            return
        raw = given if isinstance(given, bytes) else memoryview(given).tobytes()
        object.__setattr__(self, "data", memoryview(raw))

    def __len__(self) -> int:
        return 0 if self.data is None else len(self.data)

    def __repr__(self) -> str:
        where = ", external" if self.external else ""
        return f"Buffer({None if self.data is None else f'{len(self.data)} bytes'}{where})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Buffer, (None if self.data is None else bytes(self.data), self.external)


@dataclass(frozen=True, slots=True)
class Metadata:
    """A named buffer that tools attach to a model."""

    name: str | None
    buffer: int


@dataclass(frozen=True, slots=True)
class Signature:
    """Names for the inputs and outputs of one subgraph.

    Parameters
    ----------
    key : str, optional
    inputs, outputs : tuple of (name, tensor index)
    subgraph_index : int
    """

    key: str | None
    inputs: tuple[tuple[str | None, int], ...]
    outputs: tuple[tuple[str | None, int], ...]
    subgraph_index: int = 0


@dataclass(frozen=True, slots=True)
class ExternalBuffer:
    """Constant data kept in another file, which we never open by ourselves."""

    id: int
    group: int
    offset: int
    length: int
    packing: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A whole .tflite file.

    Parameters
    ----------
    version : int
        Schema version, 3 in every file LiteRT accepts.
    operator_codes, subgraphs, buffers, metadata, signatures : tuples
    description : str, optional
    metadata_buffer : tuple of int, optional
        Deprecated list of buffer indices.
    external_buffer_groups : tuple of str or None
    external_buffers : tuple of ExternalBuffer
    """

    version: int
    operator_codes: tuple[OperatorCode, ...]
    subgraphs: tuple[Subgraph, ...]
    buffers: tuple[Buffer, ...]
    description: str | None = None
    metadata: tuple[Metadata, ...] | None = None
    signatures: tuple[Signature, ...] | None = None
    metadata_buffer: tuple[int, ...] | None = None
    external_buffer_groups: tuple[str | None, ...] | None = None
    external_buffers: tuple[ExternalBuffer, ...] | None = None

    def __str__(self) -> str:
        from quantlib.model.show import show

        return show(self)
