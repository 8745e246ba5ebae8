"""How large a model may be before we refuse it, all checked before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a file may ask for; each can be raised by the caller.

    Parameters
    ----------
    file_bytes : int
        Size of the file.
    tables : int
        FlatBuffer tables visited, shared ones counted once per visit.
    rank : int
        Dimensions of a tensor.
    tensor_bytes : int
        Bytes of one tensor.
    total_tensor_bytes : int
        Bytes of all tensors of a model.
    operators : int
        Operators of all subgraphs together.
    operands : int
        Inputs, outputs and intermediates of all operators together.
    multiply_adds : int
        Multiply-adds of one operator.
    loop_iterations : int
        Rounds of one WHILE.
    call_depth : int
        Subgraphs called from subgraphs.

    Examples
    --------
    >>> Limits(rank=4).rank, Limits().tensor_bytes // 2**20
    (4, 512)
    """

    file_bytes: int = 2**31 - 1
    tables: int = 10**6
    rank: int = 8
    tensor_bytes: int = 2**29
    total_tensor_bytes: int = 2**30
    operators: int = 10**5
    operands: int = 10**6
    multiply_adds: int = 10**12
    loop_iterations: int = 10**6
    call_depth: int = 16
