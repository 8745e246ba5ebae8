"""The same network, made awkward: legal models that engines and delegates handle least often.

Outputs that other operators read, inputs and constants that are outputs, operators nobody needs, an
input nobody reads, another order of the operators, a batch that is open.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import OPTIONAL, Model, Operator, Subgraph, Tensor, TensorType
from quantlib.model.tensor_rules import constant_data
from quantlib.testing.choices import Choices
from quantlib.testing.single_operator import Case

__all__ = ["twisted", "with_open_batch"]


def twisted(choices: Choices, case: Case) -> Case:
    """A model with the same operators and other outputs, in another order.

    Parameters
    ----------
    choices : Choices
    case : Case

    Returns
    -------
    Case
        Its last input may be one that nobody reads.
    """
    subgraph, arrays = case.model.subgraphs[0], case.inputs
    subgraph = replace(subgraph, operators=_reordered(choices, subgraph.operators))
    subgraph = replace(subgraph, outputs=_outputs(choices, case.model, subgraph))
    if choices.integer(0, 2) == 0:
        extra = len(subgraph.tensors)
        unread = Tensor((2, 3), TensorType.FLOAT32, name="unread", has_rank=True)
        subgraph = replace(subgraph, tensors=(*subgraph.tensors, unread), inputs=(*subgraph.inputs, extra))
        arrays = (*arrays, np.ones((2, 3), np.float32))
    return Case(replace(case.model, subgraphs=(subgraph,)), arrays)


def with_open_batch(case: Case, batch: int) -> Case:
    """A model whose first dimension is open, and inputs of another size along it.

    Parameters
    ----------
    case : Case
        Every tensor that is not constant begins with a batch of 1.
    batch : int
    """
    subgraph = case.model.subgraphs[0]
    tensors = tuple(
        tensor
        if not tensor.shape or constant_data(case.model, tensor) is not None
        else replace(tensor, shape_signature=(-1, *tensor.shape[1:]))
        for tensor in subgraph.tensors
    )
    rolled = tuple(_repeated(array, batch) for array in case.inputs)
    return Case(replace(case.model, subgraphs=(replace(subgraph, tensors=tensors),)), rolled)


def _repeated(array: NDArray[Any], batch: int) -> NDArray[Any]:
    """The array, and again with its elements moved along."""
    return np.concatenate([np.roll(array, 7 * number) for number in range(batch)])


def _reordered(choices: Choices, operators: tuple[Operator, ...]) -> tuple[Operator, ...]:
    """The operators in another order in which everything is computed before it is read."""
    waiting = list(operators)
    missing = {index for operator in operators for index in operator.outputs}
    ordered = []
    while waiting:
        ready = [operator for operator in waiting if missing.isdisjoint(operator.inputs)]
        chosen = choices.choice(ready)
        waiting.remove(chosen)
        missing.difference_update(chosen.outputs)
        ordered.append(chosen)
    return tuple(ordered)


def _outputs(choices: Choices, model: Model, subgraph: Subgraph) -> tuple[int, ...]:
    """Most of the outputs, some tensors in the middle, and what no operator computes."""
    computed = [index for operator in subgraph.operators for index in operator.outputs]
    read = {index for operator in subgraph.operators for index in operator.inputs} - {OPTIONAL}
    constants = [index for index in sorted(read) if constant_data(model, subgraph.tensors[index]) is not None]
    kept = [index for index in subgraph.outputs if choices.integer(0, 4)] or list(subgraph.outputs)
    kept += [index for index in computed if choices.integer(0, 4) == 0]
    kept += [index for index in subgraph.inputs if choices.integer(0, 3) == 0]
    kept += [choices.choice(constants)] if constants and choices.integer(0, 3) == 0 else []
    shuffled = choices.generator().permutation(list(dict.fromkeys(kept)))
    return tuple(int(index) for index in shuffled)
