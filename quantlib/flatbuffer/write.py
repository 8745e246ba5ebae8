"""Model to bytes: `quantlib.model.graph` values as a .tflite file.

Nothing that `read_model` gives is lost, whether or not anybody here can run it. Constant data goes
into the flatbuffer, 16-byte aligned; data that lay behind it in the file that was read, or that
would make it reach 2 GiB, goes behind it.

Source: LiteRT tflite/converter/schema/schema.fbs; tflite/converter/schema/schema_utils.cc
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from quantlib.flatbuffer.layout import write_tables
from quantlib.model.graph import (
    Model,
    Operator,
    OperatorCode,
    Quantization,
    Record,
    Signature,
    Subgraph,
    Tensor,
)

__all__ = ["write_model"]

_MAX_INSIDE = 2**31 - 2**26
_PLACEHOLDER_FOR_GREATER_OP_CODES = 127
_ALIGN = 16


def write_model(model: Model) -> bytes:
    """A model as the bytes of a .tflite file.

    Parameters
    ----------
    model : Model
        Need not be valid: what can be read can be written.

    Returns
    -------
    bytes
        Equal for equal models; ``read_model(write_model(model)) == model``.

    Raises
    ------
    InvalidModelError
        A value does not fit its field in the format.
    UnsupportedError
        Operator options of a kind that this version of the schema does not know.
    LimitExceededError
        The graph itself, without its constants, would reach 2 GiB.

    Examples
    --------
    >>> from quantlib.flatbuffer.read import read_model
    >>> from quantlib.model.graph import Buffer
    >>> model = Model(3, (), (), (Buffer(),), description="empty")
    >>> read_model(write_model(model)) == model
    True
    """
    outside = _Outside(model)
    root = write_tables(_model(model, outside))
    if not outside.pieces:
        return root
    # An offset takes eight bytes whatever it is, so the second layout is as long as the first.
    outside.place(len(root))
    return outside.behind(write_tables(_model(model, outside)))


class _Outside:
    """The constant data that goes behind the flatbuffer, and where."""

    def __init__(self, model: Model) -> None:
        inside = {id(buffer.data): len(buffer) for buffer in model.buffers if not buffer.external}
        self.all_outside = sum(inside.values()) > _MAX_INSIDE
        self.pieces: dict[object, bytes | memoryview] = {}
        self.offsets: dict[object, int] = {}

    def offset(self, data: bytes | memoryview) -> int:
        """Where a piece of data goes; a placeholder until `place` is called."""
        key = data if isinstance(data, bytes) else id(data)
        self.pieces[key] = data
        return self.offsets.get(key, _ALIGN)

    def place(self, end: int) -> None:
        """Put the pieces one after another behind byte `end`."""
        for key, data in self.pieces.items():
            end += -end % _ALIGN
            self.offsets[key] = end
            end += len(data)

    def behind(self, root: bytes) -> bytes:
        """The flatbuffer with the pieces behind it."""
        file = bytearray(root)
        for key, data in self.pieces.items():
            file += bytes(self.offsets[key] - len(file))
            file += data
        return bytes(file)


def _model(model: Model, outside: _Outside) -> Record:
    return _record(
        "Model",
        version=model.version,
        operator_codes=_all(_operator_code(code) for code in model.operator_codes),
        subgraphs=_all(_subgraph(subgraph, outside) for subgraph in model.subgraphs),
        description=model.description,
        buffers=_all(_buffer(buffer.data, buffer.external, outside) for buffer in model.buffers),
        metadata_buffer=model.metadata_buffer,
        metadata=None
        if model.metadata is None
        else _all(_record("Metadata", name=m.name, buffer=m.buffer) for m in model.metadata),
        signature_defs=None if model.signatures is None else _all(map(_signature, model.signatures)),
        external_buffer_groups=None
        if model.external_buffer_groups is None
        else _all(_record("ExternalBufferGroup", name=name) for name in model.external_buffer_groups),
        external_buffers=None
        if model.external_buffers is None
        else _all(
            _record(
                "ExternalBuffer",
                id=buffer.id,
                group=buffer.group,
                offset=buffer.offset,
                length=buffer.length,
                packing=buffer.packing,
            )
            for buffer in model.external_buffers
        ),
    )


def _operator_code(code: OperatorCode) -> Record:
    return _record(
        "OperatorCode",
        # Readers from before 2020 know one signed byte only; later ones take the larger of the two.
        deprecated_builtin_code=min(code.code, _PLACEHOLDER_FOR_GREATER_OP_CODES),
        custom_code=code.custom_code,
        version=code.version,
        builtin_code=code.code,
    )


def _subgraph(subgraph: Subgraph, outside: _Outside) -> Record:
    return _record(
        "SubGraph",
        tensors=_all(map(_tensor, subgraph.tensors)),
        inputs=subgraph.inputs,
        outputs=subgraph.outputs,
        operators=_all(_operator(operator, outside) for operator in subgraph.operators),
        name=subgraph.name,
        debug_metadata_index=subgraph.debug_metadata_index,
    )


def _tensor(tensor: Tensor) -> Record:
    return _record(
        "Tensor",
        shape=tensor.shape,
        type=int(tensor.type),
        buffer=tensor.buffer,
        name=tensor.name,
        quantization=None if tensor.quantization is None else _quantization(tensor.quantization),
        is_variable=tensor.is_variable,
        sparsity=tensor.sparsity,
        shape_signature=tensor.shape_signature,
        has_rank=tensor.has_rank,
        variant_tensors=tensor.variant_tensors,
        external_buffer=tensor.external_buffer,
    )


def _quantization(quantization: Quantization) -> Record:
    return _record(
        "QuantizationParameters",
        min=quantization.min if quantization.min.size else None,
        max=quantization.max if quantization.max.size else None,
        scale=quantization.scale if quantization.scale.size else None,
        zero_point=quantization.zero_point if quantization.zero_point.size else None,
        details=quantization.details,
        quantized_dimension=quantization.quantized_dimension,
    )


def _operator(operator: Operator, outside: _Outside) -> Record:
    custom = operator.custom_options
    behind = operator.custom_options_external and custom is not None
    return _record(
        "Operator",
        opcode_index=operator.opcode_index,
        inputs=operator.inputs,
        outputs=operator.outputs,
        builtin_options=operator.options,
        custom_options=None if behind else custom,
        custom_options_format=operator.custom_options_format,
        mutating_variable_inputs=operator.mutating_variable_inputs,
        intermediates=operator.intermediates,
        large_custom_options_offset=outside.offset(custom) if behind and custom is not None else 0,
        large_custom_options_size=len(custom) if behind and custom is not None else 0,
        builtin_options_2=operator.options_2,
        debug_metadata_index=operator.debug_metadata_index,
    )


def _buffer(data: memoryview | None, external: bool, outside: _Outside) -> Record:
    if data is not None and (external or (outside.all_outside and len(data))):
        return _record("Buffer", offset=outside.offset(data), size=len(data))
    return _record("Buffer", data=data)


def _signature(signature: Signature) -> Record:
    return _record(
        "SignatureDef",
        inputs=_all(_record("TensorMap", name=n, tensor_index=i) for n, i in signature.inputs),
        outputs=_all(_record("TensorMap", name=n, tensor_index=i) for n, i in signature.outputs),
        signature_key=signature.key,
        subgraph_index=signature.subgraph_index,
    )


def _record(table: str, **entries: Any) -> Record:
    return Record(table, tuple(entries.items()))


def _all(records: Iterable[Record]) -> tuple[Record, ...]:
    return tuple(records)
