"""Which inputs TFLite's memory planner lets an operator overwrite, and a calibrator misreads.

TensorFlow's calibrator looks at an operator's inputs again after it ran. Where the planner gave the
output the memory of an input, the input's range then contains the output's values, too. Whoever
wants TensorFlow's scales has to repeat that; nobody else should.

Source: LiteRT tflite/arena_planner.cc (IdentifyInPlaceTensors, InputTensorCanBeShared)
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from quantlib.model.graph import OPTIONAL, Model, Operator, Subgraph, Tensor
from quantlib.model.tensor_rules import constant_data

__all__ = ["overwritten_inputs"]

OVERWRITES: Mapping[str, tuple[int, ...]] = {
    "ADD": (0, 1),
    "SUB": (0, 1),
    "MUL": (0, 1),
    "DIV": (0, 1),
    "SOFTMAX": (0,),
    "DYNAMIC_UPDATE_SLICE": (0,),
}
"""Inputs whose memory an operator may fill with other values, in the order they are tried."""

PASSES_ON = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE", "BITCAST"})
"""Operators whose output is their first input, under another shape."""

SCALAR_BYTES = 4
"""Tensors up to this size are never overwritten."""


def overwritten_inputs(model: Model, subgraph_index: int) -> dict[int, int]:
    """The input that each output overwrites.

    Parameters
    ----------
    model : Model
    subgraph_index : int

    Returns
    -------
    dict of output tensor to input tensor
        By the shapes in the file.

    Notes
    -----
    Tensors whose shape only the run decides are never shared; which those are is the operators'
    secret, so for them the answer may be wrong.
    """
    subgraph = model.subgraphs[subgraph_index]
    used = _uses(subgraph)
    is_planned = [
        not tensor.is_variable and constant_data(model, tensor) is None for tensor in subgraph.tensors
    ]
    memory: dict[int, int] = {}
    overwritten: dict[int, int] = {}
    for operator in subgraph.operators:
        name = model.operator_codes[operator.opcode_index].name
        if not operator.outputs or operator.outputs[0] in subgraph.outputs:
            continue
        output = operator.outputs[0]
        for given in _tried(operator, name):
            if given in subgraph.inputs or not is_planned[given]:
                continue
            root = memory.get(given, given)
            if name in OVERWRITES:
                if not _same_size(subgraph.tensors[given], subgraph.tensors[output]) or used[given] > 1:
                    continue
                if used[root] > 1:
                    break
                overwritten[output] = given
            memory[output] = root
            break
    return overwritten


def _tried(operator: Operator, name: str) -> list[int]:
    positions = (0,) if name in PASSES_ON else OVERWRITES.get(name, ())
    given = [operator.inputs[position] for position in positions if position < len(operator.inputs)]
    return [index for index in given if index != OPTIONAL]


def _uses(subgraph: Subgraph) -> Counter[int]:
    """How often each tensor is used; the graph's inputs and outputs once more."""
    used = Counter(index for operator in subgraph.operators for index in operator.inputs)
    used.update(subgraph.outputs)
    used.update(subgraph.inputs)
    return used


def _same_size(given: Tensor, output: Tensor) -> bool:
    if given.type.bits is None or output.type.bits is None:
        return False
    sizes = [math.prod(tensor.shape) * (tensor.type.bits or 0) // 8 for tensor in (given, output)]
    return sizes[0] == sizes[1] > SCALAR_BYTES
