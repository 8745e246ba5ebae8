"""Smaller models out of a model: one operator alone, or every tensor made visible."""

from __future__ import annotations

from dataclasses import replace

from quantlib.model.graph import OPTIONAL, Model
from quantlib.model.tensor_rules import constant_data

__all__ = ["exposed", "is_unpacking", "open_inputs", "single_operator"]


def single_operator(model: Model, position: int) -> Model:
    """A model of one operator, with its tensors, constants and parameters, and nothing else.

    Parameters
    ----------
    model : Model
    position : int
        The operator's place in the main subgraph.

    Returns
    -------
    Model
        Its inputs are `open_inputs`, in that order.
    """
    subgraph = model.subgraphs[0]
    operator = subgraph.operators[position]
    used = dict.fromkeys((*operator.inputs, *operator.outputs, *(operator.intermediates or ())))
    kept = [index for index in used if index != OPTIONAL]
    number = {index: new for new, index in enumerate(kept)} | {OPTIONAL: OPTIONAL}
    buffers = [model.buffers[0]] if model.buffers else []
    tensors = []
    for index in kept:
        tensor = subgraph.tensors[index]
        if constant_data(model, tensor) is None:
            tensors.append(replace(tensor, buffer=0, shape_signature=None))
            continue
        tensors.append(replace(tensor, buffer=len(buffers)))
        buffers.append(model.buffers[tensor.buffer])
    alone = replace(
        operator,
        opcode_index=0,
        inputs=tuple(number[index] for index in operator.inputs),
        outputs=tuple(number[index] for index in operator.outputs),
        intermediates=None
        if operator.intermediates is None
        else tuple(number[index] for index in operator.intermediates),
    )
    small = replace(
        subgraph,
        tensors=tuple(tensors),
        inputs=tuple(number[index] for index in open_inputs(model, position)),
        outputs=alone.outputs,
        operators=(alone,),
    )
    code = model.operator_codes[operator.opcode_index]
    return replace(
        model,
        operator_codes=(code,),
        subgraphs=(small,),
        buffers=tuple(buffers),
        metadata=None,
        signatures=None,
        metadata_buffer=None,
    )


def open_inputs(model: Model, position: int) -> tuple[int, ...]:
    """Inputs of an operator that are neither absent nor constant nor variable, each once.

    Parameters
    ----------
    model : Model
    position : int

    Returns
    -------
    tuple of int
        Tensor indices.
    """
    subgraph = model.subgraphs[0]
    needed = dict.fromkeys(subgraph.operators[position].inputs)
    return tuple(
        index
        for index in needed
        if index != OPTIONAL
        and constant_data(model, subgraph.tensors[index]) is None
        and not subgraph.tensors[index].is_variable
    )


def exposed(model: Model) -> Model:
    """The model with every tensor that an operator computes as an output, its own outputs first.

    But for what DEQUANTIZE makes of constants: XNNPACK's delegate unpacks these for itself, and what
    such an output holds is memory that nobody wrote.

    Parameters
    ----------
    model : Model
    """
    subgraph = model.subgraphs[0]
    computed = [
        index
        for position, operator in enumerate(subgraph.operators)
        if not is_unpacking(model, position)
        for index in operator.outputs
    ]
    computed = [index for index in computed if not subgraph.tensors[index].is_variable]
    outputs = tuple(dict.fromkeys((*subgraph.outputs, *computed)))
    shown = replace(subgraph, outputs=outputs)
    return replace(model, subgraphs=(shown, *model.subgraphs[1:]), signatures=None)


def is_unpacking(model: Model, position: int) -> bool:
    """Whether an operator is a DEQUANTIZE of a constant.

    Parameters
    ----------
    model : Model
    position : int
    """
    subgraph = model.subgraphs[0]
    operator = subgraph.operators[position]
    name = model.operator_codes[operator.opcode_index].name
    constants = (constant_data(model, subgraph.tensors[index]) for index in operator.inputs)
    return name == "DEQUANTIZE" and all(data is not None for data in constants)
