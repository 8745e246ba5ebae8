"""An operator of a model, resolved: indices replaced by tensors, buffers by arrays."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from quantlib.arithmetic import packing
from quantlib.errors import InvalidModelError, Location, UnsupportedError
from quantlib.model.graph import OPTIONAL, Model, Tensor, TensorType
from quantlib.model.limits import Limits
from quantlib.model.tensor_rules import constant_data
from quantlib.ops._node import Array, Node, Value

__all__ = ["constant_value", "resolve"]


def constant_value(model: Model, tensor: Tensor, where: Location) -> Array | None:
    """The value that the file holds for a tensor, or None where it is computed at run time.

    Parameters
    ----------
    model : Model
    tensor : Tensor
    where : Location
        For error texts.

    Returns
    -------
    ndarray of `tensor.shape`, read-only, or None
        A view of the file's bytes; 4-bit and 2-bit types are unpacked to 8 bits.

    Raises
    ------
    UnsupportedError
        Strings, sparse tensors, data in other files.
    InvalidModelError
        The bytes are not as many as the shape says.
    """
    if tensor.external_buffer:
        raise UnsupportedError(where, "data kept in another file", "data in the model")
    data = constant_data(model, tensor)
    count = math.prod(tensor.shape)
    if data is None or (len(data) == 0 and count != 0):
        return None
    if tensor.sparsity is not None:
        raise UnsupportedError(where, "a sparse constant", "a dense one")
    dtype = tensor.type.dtype
    if dtype is None:
        raise UnsupportedError(where, f"a constant of type {tensor.type.name}", "a numeric type")
    bits = tensor.type.bits
    if bits is None or len(data) < (count * bits + 7) // 8:
        raise InvalidModelError(where, f"{len(data)} bytes", f"{count} elements of {tensor.type.name}")
    stored = np.frombuffer(data, np.uint8, (count * bits + 7) // 8)
    if tensor.type is TensorType.INT4:
        array: Array = packing.unpack_int4(stored, count)
    elif tensor.type is TensorType.UINT4:
        array = packing.unpack_uint4(stored, count)
    elif tensor.type is TensorType.INT2:
        array = packing.unpack_int2(stored, count)
    else:
        array = stored.view(dtype)
    array = array.reshape(tensor.shape)
    array.flags.writeable = False
    return array


def resolve(
    model: Model,
    subgraph_index: int,
    position: int,
    limits: Limits,
) -> Node:
    """The operator at that position as a node.

    Parameters
    ----------
    model : Model
        Validated.
    subgraph_index, position : int
    limits : Limits

    Returns
    -------
    Node

    Raises
    ------
    UnsupportedError, InvalidModelError
        As `constant_value`.
    """
    subgraph = model.subgraphs[subgraph_index]
    operator = subgraph.operators[position]
    code = model.operator_codes[operator.opcode_index]

    def value(index: int) -> Value:
        tensor = subgraph.tensors[index]
        where = Location(
            subgraph=subgraph_index,
            operator=position,
            operator_name=code.name,
            tensor=index,
            tensor_name=tensor.name,
        )
        constant = constant_value(model, tensor, where)
        dequantized = constant is None and _is_dequantized(model, subgraph_index, position, index)
        maker = "" if constant is not None else _fusible_maker(model, subgraph_index, position, index)
        return Value(_with_known_axis(tensor), index, constant, dequantized, maker)

    inputs = tuple(None if index == OPTIONAL else value(index) for index in operator.inputs)
    return Node(
        operator=code.name,
        inputs=inputs,
        outputs=tuple(value(index) for index in operator.outputs),
        options=operator.options if operator.options is not None else operator.options_2,
        position=position,
        subgraph=subgraph_index,
        version=code.version,
        custom_options=operator.custom_options,
        intermediates=tuple(value(index) for index in operator.intermediates or () if index != OPTIONAL),
        limits=limits,
    )


def _is_dequantized(model: Model, subgraph_index: int, position: int, index: int) -> bool:
    """Whether an earlier operator makes the tensor out of a float16 or int8 constant."""
    subgraph = model.subgraphs[subgraph_index]
    name, inputs = _maker(model, subgraph_index, position, index)
    if subgraph.tensors[index].type is not TensorType.FLOAT32 or name != "DEQUANTIZE" or not inputs:
        return False
    source = subgraph.tensors[inputs[0]]
    kinds = (TensorType.FLOAT16, TensorType.INT8)
    return source.type in kinds and constant_data(model, source) is not None


def _fusible_maker(model: Model, subgraph_index: int, position: int, index: int) -> str:
    """`Value.maker`."""
    name, inputs = _maker(model, subgraph_index, position, index)
    if name == "SQUARE" or (name == "MUL" and len(inputs) == 2 and inputs[0] == inputs[1]):
        return "SQUARE"
    if name != "DEQUANTIZE" or not inputs:
        return ""
    source = model.subgraphs[subgraph_index].tensors[inputs[0]]
    parameters = source.quantization
    if source.type is TensorType.FLOAT16 and not _readers(model, subgraph_index, index) <= _LAYERS:
        return "shared float16"
    if source.type is not TensorType.INT8 or parameters is None or constant_data(model, source) is not None:
        return ""
    return name if parameters.scale.size == 1 and not parameters.zero_point.any() else ""


_LAYERS = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
"""Whose float16 weights XNNPACK's delegate leaves as they are."""


def _readers(model: Model, subgraph_index: int, index: int) -> set[str]:
    """Names of the operators that read a tensor."""
    operators = model.subgraphs[subgraph_index].operators
    return {model.operator_codes[one.opcode_index].name for one in operators if index in one.inputs}


def _maker(model: Model, subgraph_index: int, position: int, index: int) -> tuple[str, tuple[int, ...]]:
    """Name and inputs of the operator that makes a tensor, if it is an earlier one."""
    for operator in model.subgraphs[subgraph_index].operators[:position]:
        if index in operator.outputs:
            return model.operator_codes[operator.opcode_index].name, operator.inputs
    return "", ()


def _with_known_axis(tensor: Tensor) -> Tensor:
    """The tensor, its scales along axis 0 where the file names an axis that it does not have.

    Biases of published models do (person_detect: axis 3 of 1), and only axis 0 can be meant.
    """
    quantization = tensor.quantization
    if quantization is None or quantization.quantized_dimension < max(len(tensor.shape), 1):
        return tensor
    return replace(tensor, quantization=replace(quantization, quantized_dimension=0))
