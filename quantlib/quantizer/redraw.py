"""From edited graphs back to a model: tensors, buffers and operator codes numbered anew.

Nothing is written into a buffer of the old model. Buffers with equal content become one; a tensor
without data has a buffer of its own if it had one, as in the converter's files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import (
    Buffer,
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
from quantlib.ops._releases import CLAIM, claimed_release
from quantlib.quantizer.graph import Graph, Kind, Step, Value

__all__ = ["Drawing"]

QUANTIZE, DEQUANTIZE = OperatorCode(114, "QUANTIZE"), OperatorCode(6, "DEQUANTIZE")

_DEQUANTIZE_VERSIONS = {TensorType.FLOAT16: 3}
"""Of DEQUANTIZE, by what it is given; 2 for everything else."""


class Drawing:
    """A new model in the making.

    Parameters
    ----------
    model : Model
        The old one.

    Attributes
    ----------
    numbers : dict of subgraph index to dict of Value to int
        Tensor indices in the new model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.buffers: list[Buffer] = [Buffer()]
        self.by_content: dict[bytes, int] = {}
        self.codes: list[OperatorCode] = []
        self.numbers: dict[int, dict[Value, int]] = {}
        self.new_inputs: dict[int, dict[int, int]] = {}
        self.new_outputs: dict[int, dict[int, int]] = {}

    def redraw(self, graphs: Mapping[int, Graph]) -> Model:
        """The model with some of its subgraphs replaced.

        Parameters
        ----------
        graphs : mapping of subgraph index to Graph
        """
        old = self.model
        subgraphs = [
            self.subgraph(index, graphs[index]) if index in graphs else self.copy(subgraph)
            for index, subgraph in enumerate(old.subgraphs)
        ]
        metadata = old.metadata and tuple(map(self.metadata, old.metadata))
        return dataclasses.replace(
            old,
            subgraphs=tuple(subgraphs),
            signatures=old.signatures and tuple(map(self.signature, old.signatures)),
            metadata=metadata,
            metadata_buffer=old.metadata_buffer and tuple(map(self.old_buffer, old.metadata_buffer)),
            operator_codes=tuple(self.codes),
            buffers=tuple(self.buffers),
        )

    def buffer(self, data: bytes) -> int:
        """Index of the buffer with these bytes."""
        if data not in self.by_content:
            self.by_content[data] = len(self.buffers)
            self.buffers.append(Buffer(memoryview(data)))
        return self.by_content[data]

    def metadata(self, entry: Metadata) -> Metadata:
        """Metadata with a new index of a buffer, and the release that the new operators need."""
        data = self.model.buffers[entry.buffer].data
        if entry.name == CLAIM and data is not None:
            return dataclasses.replace(entry, buffer=self.buffer(claimed_release(bytes(data), self.codes)))
        return dataclasses.replace(entry, buffer=self.old_buffer(entry.buffer))

    def no_data(self, old: int) -> int:
        """Index of a buffer without data: of its own for a tensor that had one of its own."""
        if not old:
            return 0
        self.buffers.append(Buffer())
        return len(self.buffers) - 1

    def old_buffer(self, index: int) -> int:
        """New index of a buffer of the old model."""
        data = self.model.buffers[index].data if index else None
        return 0 if data is None else self.buffer(bytes(data))

    def code(self, code: OperatorCode) -> int:
        """Index of an operator code."""
        if code not in self.codes:
            self.codes.append(code)
        return self.codes.index(code)

    def copy(self, subgraph: Subgraph) -> Subgraph:
        """A subgraph as it was, with new indices of buffers and operator codes."""
        return dataclasses.replace(
            subgraph,
            tensors=tuple(
                dataclasses.replace(tensor, buffer=self.old_buffer(tensor.buffer))
                for tensor in subgraph.tensors
            ),
            operators=tuple(
                dataclasses.replace(
                    operator, opcode_index=self.code(self.model.operator_codes[operator.opcode_index])
                )
                for operator in subgraph.operators
            ),
        )

    def subgraph(self, index: int, graph: Graph) -> Subgraph:
        """A graph as a subgraph."""
        old = self.model.subgraphs[index]
        page = _Page(self, graph)
        operators = tuple(page.operator(step) for step in graph.steps[:-1])
        inputs = tuple(page.tensor(value) for value in graph.inputs)
        outputs = tuple(page.tensor(value) for value in graph.end.inputs if value is not None)
        self.numbers[index] = page.numbers
        self.new_inputs[index] = dict(zip(old.inputs, inputs, strict=True))
        self.new_outputs[index] = dict(zip(old.outputs, outputs, strict=True))
        return dataclasses.replace(
            old, tensors=tuple(page.tensors), inputs=inputs, outputs=outputs, operators=operators
        )

    def signature(self, signature: Signature) -> Signature:
        """A signature with new tensor indices."""
        at = signature.subgraph_index
        inputs, outputs = self.new_inputs.get(at, {}), self.new_outputs.get(at, {})
        return dataclasses.replace(
            signature,
            inputs=tuple((name, inputs.get(index, index)) for name, index in signature.inputs),
            outputs=tuple((name, outputs.get(index, index)) for name, index in signature.outputs),
        )


class _Page:
    """One subgraph being numbered."""

    def __init__(self, drawing: Drawing, graph: Graph) -> None:
        self.drawing = drawing
        self.graph = graph
        self.tensors: list[Tensor] = []
        self.numbers: dict[Value, int] = {}
        self.names: set[str] = set()
        # Inputs and outputs keep their names whatever else is called so.
        ends = [*graph.inputs, *(value for value in graph.end.inputs if value is not None)]
        self.reserved = {value: value.tensor.name for value in ends}
        for value in graph.inputs:
            self.tensor(value)

    def tensor(self, value: Value | None) -> int:
        """Index of a value, -1 for an absent one."""
        if value is None:
            return -1
        if value not in self.numbers:
            made = self._tensor(value)
            self.numbers[value] = len(self.tensors)
            self.tensors.append(made)
        return self.numbers[value]

    def _tensor(self, value: Value) -> Tensor:
        old = value.tensor
        data = self._data(value)
        quantization = old.quantization if value.type is old.type else None
        if value.parameters is not None:
            quantization = value.parameters.quantization()
        elif quantization is not None and quantization.details is None:
            quantization = None  # a calibrated range, which has served its purpose
        if quantization is None and value.is_real and self.graph.keeps_ranges:
            quantization = self._range(value)
        return dataclasses.replace(
            old,
            type=value.type,
            buffer=self.drawing.no_data(old.buffer) if data is None else self.drawing.buffer(data),
            name=self._name(value),
            quantization=quantization,
        )

    def _range(self, value: Value) -> Quantization | None:
        known = self.graph.ranges.get(value)
        if known is None:
            return None
        low, high = (np.array([end], np.float32) for end in known)
        return Quantization(min=low, max=high)

    def _data(self, value: Value) -> bytes | None:
        if value.producer is None or value.producer.kind is not Kind.CONSTANT:
            return None
        held = value.constant if value.stored is None else value.stored
        if held is not None:
            return _bytes(held)
        data = self.drawing.model.buffers[value.tensor.buffer].data
        return None if data is None else bytes(data)

    def _name(self, value: Value) -> str | None:
        name = value.tensor.name
        if name is None:
            return None
        if value in self.reserved or name not in (*self.names, *self.reserved.values()):
            self.names.add(name)
            return name
        suffix = "float" if value.is_real else value.type.name.lower()
        number, made = 1, f"{name}_{suffix}"
        while made in self.names:
            number += 1
            made = f"{name}_{suffix}{number}"
        self.names.add(made)
        return made

    def operator(self, step: Step) -> Operator:
        """A step as an operator."""
        inputs = tuple(self.tensor(value) for value in step.inputs)
        outputs = tuple(self.tensor(value) for value in step.outputs)
        if step.kind is Kind.QUANTIZE:
            return Operator(
                self.drawing.code(_quantize_code(step)), inputs, outputs, Record("QuantizeOptions")
            )
        if step.kind is Kind.DEQUANTIZE:
            return Operator(
                self.drawing.code(_dequantize_code(step)), inputs, outputs, Record("DequantizeOptions")
            )
        assert step.source is not None
        code = self.drawing.model.operator_codes[step.source.opcode_index]
        return dataclasses.replace(
            step.source,
            opcode_index=self.drawing.code(dataclasses.replace(code, version=step.version)),
            inputs=inputs,
            outputs=outputs,
            options=_changed(step.source.options, step.options),
        )


def _quantize_code(step: Step) -> OperatorCode:
    types = [value.type for value in (*step.inputs, *step.outputs) if value is not None]
    return dataclasses.replace(QUANTIZE, version=2 if TensorType.INT16 in types else 1)


def _dequantize_code(step: Step) -> OperatorCode:
    given = step.inputs[0]
    assert given is not None
    return dataclasses.replace(DEQUANTIZE, version=_DEQUANTIZE_VERSIONS.get(given.type, 2))


def _changed(options: Record | None, changes: dict[str, Any]) -> Record | None:
    if options is None or not changes:
        return options
    return Record(options.table, tuple((name, changes.get(name, value)) for name, value in options.entries))


def _bytes(array: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
