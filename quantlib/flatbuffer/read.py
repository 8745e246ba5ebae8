"""Bytes to model: a .tflite file as `quantlib.model.graph` values.

The file is verified first; after that every value is taken as the file says it, so that a model
can be inspected and rewritten even if it breaks the format's rules. `model.validate` judges those.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.flatbuffer.fault import Fault
from quantlib.flatbuffer.names import operator_name
from quantlib.flatbuffer.source import Source, bytes_of
from quantlib.flatbuffer.tables import Maker, read_tables
from quantlib.flatbuffer.verify import verify
from quantlib.model.graph import (
    CUSTOM,
    Buffer,
    ExternalBuffer,
    Metadata,
    Model,
    Operator,
    OperatorCode,
    Quantization,
    Record,
    Signature,
    Subgraph,
    Tensor,
    TensorType,
)
from quantlib.model.limits import Limits

__all__ = ["Source", "read_model"]

_FLOAT32 = np.dtype("<f4")
_INT64 = np.dtype("<i8")


def read_model(source: Source, *, limits: Limits | None = None) -> Model:
    """A .tflite file as an immutable model.

    Parameters
    ----------
    source : str, os.PathLike, bytes-like, or binary file object
        A path, the bytes of a file, or an open file, which is read to its end. Of bytes nothing
        is copied; other buffers, which somebody could change, are copied once.
    limits : Limits, optional
        How large the file may be, and of how many tables.

    Returns
    -------
    Model
        Constants are read-only views of the file's bytes.

    Raises
    ------
    MalformedModelError
        The bytes are not a .tflite file.
    LimitExceededError
        The file is larger than `limits` allow.
    InvalidInputError
        `source` is nothing that can be read.
    OSError
        The file cannot be opened or read.

    Examples
    --------
    >>> from quantlib.flatbuffer.write import write_model
    >>> model = read_model(write_model(Model(3, (), (), (Buffer(),), description="empty")))
    >>> model.version, model.description, model.buffers
    (3, 'empty', (Buffer(None),))

    Source: LiteRT tflite/core/interpreter_builder.cc (ParseTensors, ParseNodes)
    """
    limits = limits or Limits()
    data = bytes_of(source, limits.file_bytes)
    verify(data, limits)
    return _Makers(data).read()


class _Makers:
    """What each table of the file becomes; the arguments are the table's fields in order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.view = memoryview(data)
        self.copied: dict[tuple[int, int], bytes] = {}
        self.uncopied = len(data)

    def read(self) -> Model:
        makers: dict[str, Maker] = {
            "Model": self.model,
            "SubGraph": self.subgraph,
            "Tensor": self.tensor,
            "QuantizationParameters": self.quantization,
            "Operator": self.operator,
            "OperatorCode": self.operator_code,
            "Buffer": self.buffer,
            "Metadata": Metadata,
            "TensorMap": lambda name, tensor_index: (name, tensor_index),
            "SignatureDef": self.signature,
            "ExternalBufferGroup": lambda name: name,
            "ExternalBuffer": ExternalBuffer,
        }
        vectors = {
            ("Buffer", "data"): lambda view: view,
            ("QuantizationParameters", "min"): _float32s,
            ("QuantizationParameters", "max"): _float32s,
            ("QuantizationParameters", "scale"): _float32s,
            ("QuantizationParameters", "zero_point"): _int64s,
        }
        model = read_tables(self.data, makers, vectors)
        assert isinstance(model, Model)
        return model

    def model(
        self,
        version: int,
        operator_codes: tuple[OperatorCode, ...] | None,
        subgraphs: tuple[Subgraph, ...] | None,
        description: str | None,
        buffers: tuple[Buffer, ...] | None,
        metadata_buffer: tuple[int, ...] | None,
        metadata: tuple[Metadata, ...] | None,
        signatures: tuple[Signature, ...] | None,
        external_buffer_groups: tuple[str | None, ...] | None,
        external_buffers: tuple[ExternalBuffer, ...] | None,
    ) -> Model:
        return Model(
            version=version,
            operator_codes=operator_codes or (),
            subgraphs=subgraphs or (),
            buffers=buffers or (),
            description=description,
            metadata=metadata,
            signatures=signatures,
            metadata_buffer=metadata_buffer,
            external_buffer_groups=external_buffer_groups,
            external_buffers=external_buffers,
        )

    def subgraph(
        self,
        tensors: tuple[Tensor, ...] | None,
        inputs: tuple[int, ...] | None,
        outputs: tuple[int, ...] | None,
        operators: tuple[Operator, ...] | None,
        name: str | None,
        debug_metadata_index: int,
    ) -> Subgraph:
        return Subgraph(
            tensors or (), inputs or (), outputs or (), operators or (), name, debug_metadata_index
        )

    def tensor(
        self,
        shape: tuple[int, ...] | None,
        type_code: int,
        buffer: int,
        name: str | None,
        quantization: Quantization | None,
        is_variable: bool,
        sparsity: Record | None,
        shape_signature: tuple[int, ...] | None,
        has_rank: bool,
        variant_tensors: tuple[Record, ...] | None,
        external_buffer: int,
    ) -> Tensor:
        return Tensor(
            shape or (),
            TensorType(type_code),
            buffer,
            name,
            quantization,
            is_variable,
            shape_signature,
            has_rank,
            sparsity,
            variant_tensors,
            external_buffer,
        )

    def quantization(
        self,
        minimum: NDArray[np.float32] | None,
        maximum: NDArray[np.float32] | None,
        scale: NDArray[np.float32] | None,
        zero_point: NDArray[np.int64] | None,
        details: Record | None,
        quantized_dimension: int,
    ) -> Quantization:
        return Quantization(
            _NO_FLOATS if scale is None else scale,
            _NO_INTS if zero_point is None else zero_point,
            quantized_dimension,
            _NO_FLOATS if minimum is None else minimum,
            _NO_FLOATS if maximum is None else maximum,
            details,
        )

    def operator(
        self,
        opcode_index: int,
        inputs: tuple[int, ...] | None,
        outputs: tuple[int, ...] | None,
        options: Record | None,
        custom_options: bytes | None,
        custom_options_format: int,
        mutating_variable_inputs: tuple[bool, ...] | None,
        intermediates: tuple[int, ...] | None,
        large_custom_options_offset: int,
        large_custom_options_size: int,
        options_2: Record | None,
        debug_metadata_index: int,
    ) -> Operator:
        outside = custom_options is None and large_custom_options_offset > 1
        if outside:
            custom_options = self.custom_options(large_custom_options_offset, large_custom_options_size)
        return Operator(
            opcode_index=opcode_index,
            inputs=inputs or (),
            outputs=outputs or (),
            options=options,
            custom_options=custom_options,
            custom_options_format=custom_options_format,
            mutating_variable_inputs=mutating_variable_inputs,
            intermediates=intermediates,
            custom_options_external=outside,
            options_2=options_2,
            debug_metadata_index=debug_metadata_index,
        )

    def custom_options(self, offset: int, size: int) -> bytes:
        """Custom options from outside the flatbuffer, copied once however many operators share them."""
        key = (offset, size)
        if key not in self.copied:
            view = self.outside(offset, size, "large_custom_options_offset")
            self.uncopied -= size
            if self.uncopied < 0:
                raise Fault(offset, "custom options that overlap", "each byte of the file used once")
            self.copied[key] = bytes(view)
        return self.copied[key]

    def operator_code(
        self, deprecated_builtin_code: int, custom_code: str | None, version: int, builtin_code: int
    ) -> OperatorCode:
        code = max(deprecated_builtin_code, builtin_code)
        name = custom_code if code == CUSTOM and custom_code is not None else operator_name(code)
        return OperatorCode(code, name, version, custom_code)

    def buffer(self, data: memoryview | None, offset: int, size: int) -> Buffer:
        if data is not None or offset <= 1:
            return Buffer(data)
        return Buffer(self.outside(offset, size, "offset"), external=True)

    def outside(self, offset: int, size: int, field: str) -> memoryview:
        """Bytes of the file that only an offset from its start finds."""
        if offset + size > len(self.data):
            raise Fault(offset, f"{size} bytes", f"at most {max(0, len(self.data) - offset)}", field)
        return self.view[offset : offset + size]

    def signature(
        self,
        inputs: tuple[tuple[str | None, int], ...] | None,
        outputs: tuple[tuple[str | None, int], ...] | None,
        key: str | None,
        subgraph_index: int,
    ) -> Signature:
        return Signature(key, inputs or (), outputs or (), subgraph_index)


def _float32s(view: memoryview) -> NDArray[Any]:
    return np.frombuffer(view, _FLOAT32)


def _int64s(view: memoryview) -> NDArray[Any]:
    return np.frombuffer(view, _INT64)


_NO_FLOATS = _float32s(memoryview(b""))
_NO_INTS = _int64s(memoryview(b""))
