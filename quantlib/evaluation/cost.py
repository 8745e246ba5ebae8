"""What a model weighs: bytes, bytes after gzip, constants by type, multiply-adds."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass

from quantlib.errors import QuantlibError
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Model
from quantlib.model.limits import Limits
from quantlib.model.tensor_rules import constant_data
from quantlib.ops._registry import multiply_adds_of
from quantlib.ops._resolve import resolve

__all__ = ["Cost", "cost_of"]


@dataclass(frozen=True, slots=True)
class Cost:
    """A model's size and work.

    Parameters
    ----------
    bytes : int
        Of the file.
    gzip_bytes : int
        What a download of it takes: pruned and clustered models gain only here.
    constant_bytes : mapping of type name to bytes
        Weights and other constants, each buffer once.
    multiply_adds : int
        Of one run, by the shapes in the file; operators that cannot be counted are left out.
    """

    bytes: int
    gzip_bytes: int
    constant_bytes: Mapping[str, int]
    multiply_adds: int


def cost_of(model: Model) -> Cost:
    """The cost of a model as `write_model` writes it.

    Parameters
    ----------
    model : Model

    Examples
    --------
    >>> from quantlib.model.graph import Buffer
    >>> cost_of(Model(3, (), (), (Buffer(),))).multiply_adds
    0
    """
    data = write_model(model)
    held: dict[str, int] = {}
    counted: set[int] = set()
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            constant = constant_data(model, tensor)
            if constant is not None and tensor.buffer not in counted:
                counted.add(tensor.buffer)
                held[tensor.type.name] = held.get(tensor.type.name, 0) + len(constant)
    work = sum(
        _multiply_adds(model, number, position)
        for number, subgraph in enumerate(model.subgraphs)
        for position in range(len(subgraph.operators))
    )
    packed = len(gzip.compress(data, mtime=0))
    return Cost(len(data), packed, dict(sorted(held.items())), work)


def _multiply_adds(model: Model, subgraph_index: int, position: int) -> int:
    try:
        return multiply_adds_of(resolve(model, subgraph_index, position, Limits()))
    except QuantlibError:
        return 0
