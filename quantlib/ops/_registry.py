"""Which kernel computes a node: builtin operator × kernel family × predicate.

Operator files register their kernels with `kernel`. A file has its operator's name, so that a look-up
imports no other; `entries` imports them all. Custom operators are not here: they are given per call.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TypeVar

from quantlib.errors import UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops._node import Kernel, Node

__all__ = [
    "Binder",
    "Entry",
    "entries",
    "entries_of",
    "find",
    "kernel",
    "multiply_adds",
    "multiply_adds_of",
    "nobody_serves",
]

Binder = Callable[[Node], Kernel]
"""Everything that depends on constants, done once: a node to a kernel."""

SomeBinder = TypeVar("SomeBinder", bound=Binder)


@dataclass(frozen=True, slots=True)
class Entry:
    """One registered kernel.

    Parameters
    ----------
    operator : str
    family : str
    types : tuple of TensorType
        Element types of the node's data input that the kernel takes.
    data_input : int
        Which input `types` speaks of.
    when : callable, optional
        A further condition on the node.
    bind : Binder
    """

    operator: str
    family: str
    types: tuple[TensorType, ...]
    data_input: int
    when: Callable[[Node], bool] | None
    bind: Binder

    def takes(self, node: Node) -> bool:
        """Whether this kernel serves the node."""
        if node.input_type(self.data_input) not in self.types:
            return False
        return self.when is None or self.when(node)


_pending: dict[str, list[Entry]] = {}
_counters: dict[str, Callable[[Node], int]] = {}


def kernel(
    operator: str,
    types: Sequence[TensorType],
    *,
    family: str = "reference",
    when: Callable[[Node], bool] | None = None,
    data_input: int = 0,
) -> Callable[[SomeBinder], SomeBinder]:
    """Register the decorated binder as a kernel of an operator.

    Parameters
    ----------
    operator : str
        Builtin operator name, for example ``CONV_2D``.
    types : sequence of TensorType
        Element types of the data input that it takes.
    family : str
        Kernel family; an operator with one kernel says nothing.
    when : callable, optional
        A further condition on the node. Kernels registered first are asked first.
    data_input : int
        The input that `types` speaks of (1 for SPLIT, 2 for TRANSPOSE_CONV).

    Returns
    -------
    decorator
    """

    def register(bind: SomeBinder) -> SomeBinder:
        _pending.setdefault(operator, []).append(
            Entry(operator, family, tuple(types), data_input, when, bind)
        )
        return bind

    return register


def multiply_adds(operator: str) -> Callable[[Callable[[Node], int]], Callable[[Node], int]]:
    """Register the decorated function as the count of an operator's multiply-adds.

    Parameters
    ----------
    operator : str
        The function is given a node and counts from its static shapes.
    """

    def register(count: Callable[[Node], int]) -> Callable[[Node], int]:
        _counters[operator] = count
        return count

    return register


def multiply_adds_of(node: Node) -> int:
    """Multiply-adds of a node by the shapes in the file; 0 for operators that do not multiply.

    Parameters
    ----------
    node : Node
    """
    entries_of(node.operator)
    count = _counters.get(node.operator)
    return 0 if count is None else count(node)


_FILES = {"ARG_MIN": "arg_max", "PADV2": "pad"}
"""Operators that share a file with the one that it is named for."""


@cache
def _files() -> frozenset[str]:
    """Names of the operator files."""
    import quantlib.ops as room

    names = (module.name for module in pkgutil.iter_modules(room.__path__))
    return frozenset(name for name in names if not name.startswith("_"))


@cache
def entries_of(operator: str) -> tuple[Entry, ...]:
    """Every kernel of one operator; none for a name that is no operator's.

    Parameters
    ----------
    operator : str
    """
    file = _FILES.get(operator, operator.lower())
    if file in _files():
        importlib.import_module(f"quantlib.ops.{file}")
    return tuple(_pending.get(operator, ()))


@cache
def entries() -> Mapping[str, tuple[Entry, ...]]:
    """Every kernel, by operator name."""
    for file in sorted(_files()):
        importlib.import_module(f"quantlib.ops.{file}")
    return MappingProxyType({name: entries_of(name) for name in sorted(_pending)})


def find(node: Node, families: Sequence[str]) -> Entry | None:
    """The kernel that serves the node, from the first family that has one.

    Parameters
    ----------
    node : Node
    families : sequence of str
        Kernel families in the order to ask.

    Returns
    -------
    Entry, or None where nobody serves it
    """
    known = entries_of(node.operator)
    for family in families:
        for entry in known:
            if entry.family == family and entry.takes(node):
                return entry
    return None


def nobody_serves(node: Node) -> UnsupportedError:
    """An error, to raise, that says what was found and what there is."""
    known = entries_of(node.operator)
    types = [("absent" if value is None else value.type.name) for value in node.inputs]
    served = {kind.name for entry in known for kind in entry.types}
    wanted = f"data of type {', '.join(sorted(served))}" if served else "an operator that has a kernel here"
    return UnsupportedError(node.location(), f"inputs {', '.join(types) or 'none'}", wanted)
