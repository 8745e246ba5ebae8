"""What happens while a model runs, as events: one hook for calibration, comparison and timing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from quantlib.ops._node import Array, Node

__all__ = ["Event", "Finished", "Produced", "Started", "Watch"]


@dataclass(frozen=True, slots=True)
class Started:
    """An operator is about to run.

    Parameters
    ----------
    node : Node
    inputs : tuple of ndarray or None
        What it is given, read-only by convention.
    """

    node: Node
    inputs: tuple[Array | None, ...]


@dataclass(frozen=True, slots=True)
class Produced:
    """A tensor received its value.

    Parameters
    ----------
    node : Node
    tensor : int
        Index in the node's subgraph.
    value : ndarray
    """

    node: Node
    tensor: int
    value: Array


@dataclass(frozen=True, slots=True)
class Finished:
    """An operator is done.

    Parameters
    ----------
    node : Node
    seconds : float
        Wall time of the kernel alone.
    """

    node: Node
    seconds: float


Event: TypeAlias = Started | Produced | Finished
"""What a watcher is told."""

Watch: TypeAlias = Callable[[Event], None]
"""Called once per event, in order; what it raises stops the run."""
