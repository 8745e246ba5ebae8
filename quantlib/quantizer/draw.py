"""From a subgraph of a model to a `Graph`, and whether each operator's rule applies to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import Location, UnsupportedError
from quantlib.model.graph import Model, Tensor, TensorType
from quantlib.model.tensor_rules import constant_data
from quantlib.ops._rule import rule_of
from quantlib.quantizer.fold import Mark, marks_of
from quantlib.quantizer.graph import Graph, Kind, Step, Value
from quantlib.quantizer.misfits import misfit
from quantlib.quantizer.parameters import Parameters

__all__ = ["draw"]

Range = tuple[float, float]


def draw(model: Model, subgraph_index: int, ranges: Mapping[int, Range]) -> Graph:
    """A subgraph as values and steps.

    Parameters
    ----------
    model : Model
        Validated.
    subgraph_index : int
    ranges : mapping of tensor index to (low, high)

    Raises
    ------
    UnsupportedError
        The model computes with quantized tensors already.
    """
    subgraph = model.subgraphs[subgraph_index]
    values: dict[int, Value] = {}
    equal: dict[tuple[tuple[int, ...], memoryview], Value] = {}
    constants: list[Step] = []
    marks, folded = marks_of(model, subgraph_index)
    given: dict[Value, Parameters] = {}

    def value_of(index: int) -> Value | None:
        if index < 0:
            return None
        if index in marks:
            return marked(index, marks[index])
        if index not in values:
            tensor = subgraph.tensors[index]
            _refuse_quantized(tensor, subgraph_index, index)
            values[index] = value = Value(tensor, index, tensor.type)
            data = constant_data(model, tensor)
            if data is not None:
                value.constant = _real_constant(tensor, data)
                if value.constant is not None:
                    # The converter knows equal constants as one.
                    values[index] = equal.setdefault((tensor.shape, data), value)
                if values[index] is value:
                    value.producer = Step(Kind.CONSTANT, outputs=[value])
                    constants.append(value.producer)
        return values[index]

    def marked(index: int, mark: Mark) -> Value:
        """The value in front of a mark, also for who reads what is behind it."""
        if index in values:
            return values[index]
        if mark.constant is None:
            value = value_of(mark.source)
            assert value is not None
        else:
            value = Value(subgraph.tensors[index], index, TensorType.FLOAT32, constant=mark.constant)
            value.producer = Step(Kind.CONSTANT, outputs=[value])
            constants.append(value.producer)
        values[index] = value
        if mark.parameters is not None and given.setdefault(value, mark.parameters) != mark.parameters:
            where = Location(subgraph=subgraph_index, tensor=index, tensor_name=subgraph.tensors[index].name)
            raise UnsupportedError(where, "two different marks on one value", "one")
        if index in subgraph.outputs and value.index not in (*subgraph.inputs, *subgraph.outputs):
            value.tensor, value.index = subgraph.tensors[index], index
        return value

    inputs = [value for index in subgraph.inputs if (value := value_of(index)) is not None]
    steps: list[Step] = []
    for position, operator in enumerate(subgraph.operators):
        if position in folded:
            continue
        code = model.operator_codes[operator.opcode_index]
        made = Step(Kind.OPERATOR, source=operator, name=code.name, position=position, version=code.version)
        made.rule = None if code.is_custom else rule_of(code.name)
        made.inputs = [None] * len(operator.inputs)
        for at, index in enumerate(operator.inputs):
            made.set_input(at, value_of(index))
        for index in operator.outputs:
            value = value_of(index)
            if value is not None:
                value.producer = made
                made.outputs.append(value)
        steps.append(made)
        made.misfit = misfit(made)
        if made.misfit is not None:
            made.rule = None
    end = Step(Kind.RETURN, inputs=[None] * len(subgraph.outputs))
    for at, index in enumerate(subgraph.outputs):
        end.set_input(at, value_of(index))
    steps.append(end)
    known = {
        value: ranges[index]
        for index, value in values.items()
        if index in ranges
        and value.is_real
        and (value.producer is None or value.producer.kind is Kind.OPERATOR)
    }
    return Graph(inputs, constants, steps, known, given)


def _refuse_quantized(tensor: Tensor, subgraph_index: int, index: int) -> None:
    if tensor.type is TensorType.FLOAT32 or tensor.quantization is None:
        return
    if tensor.quantization.scale.size:
        where = Location(subgraph=subgraph_index, tensor=index, tensor_name=tensor.name)
        raise UnsupportedError(where, "quantized already", "a model in float")


def _real_constant(tensor: Tensor, data: memoryview) -> NDArray[Any] | None:
    if tensor.type is not TensorType.FLOAT32 or tensor.sparsity is not None or tensor.external_buffer:
        return None
    count = math.prod(tensor.shape)
    array = np.frombuffer(data[: 4 * count], "<f4").reshape(tensor.shape)
    array.flags.writeable = False
    return array
