"""Why a step's fast arithmetic is exact, for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from quantlib.ops._node import Node

__all__ = ["Certificate", "Certificates"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """One step of a program, and the argument for its bits.

    Parameters
    ----------
    position : int
        The operator's place in its subgraph.
    operator : str
        Builtin operator name, or the custom code.
    name : str
        Of the first tensor that it makes.
    rung : str
        How it is computed: ``"float32"``, ``"float32 with exceptions"``, ``"float64"``, ``"integer"``,
        ``"table"``, ``"view"`` or ``"kernel"`` (the executor's own).
    argument : str
        Why that is exact.
    sums : str
        ``"sgemm"`` or ``"dgemm"`` where products are summed by a matrix library, else empty.
    largest_sum : float
        No partial sum can be larger, by the weights and by what the producer clamps to.
    steps : int
        Points of the specification that were checked.
    slack : float
        Units of the accumulator by which every step could move before the first code changed; 0 where
        the arithmetic leaves no such room to speak of.
    exceptions : int
        Sums that are put right one by one.
    hard_channels : int
        Channels that go through float64.
    """

    position: int
    operator: str
    name: str
    rung: str
    argument: str
    sums: str = ""
    largest_sum: float = 0.0
    steps: int = 0
    slack: float = 0.0
    exceptions: int = 0
    hard_channels: int = 0

    @classmethod
    def of(cls, node: Node, rung: str, argument: str, steps: int = 0) -> Self:
        """For a node.

        Parameters
        ----------
        node : Node
            It says the place and the name.
        rung, argument : str
        steps : int
        """
        name = node.outputs[0].tensor.name if node.outputs else None
        return cls(node.position, node.operator, name or "", rung, argument, steps=steps)

    def __str__(self) -> str:
        facts = [self.argument]
        if self.sums:
            facts.insert(0, f"{self.sums}, partial sums below {self.largest_sum:.0f}")
        if self.slack:
            facts.append(f"slack {self.slack:.3g}")
        if self.exceptions:
            facts.append(f"{self.exceptions} exceptions")
        if self.hard_channels:
            facts.append(f"{self.hard_channels} channels in float64")
        return f"{self.position:4} {self.operator:18} {self.rung:24} {'; '.join(facts)}"


class Certificates(tuple[Certificate, ...]):
    """Certificates in the order of the steps; printed, a line each."""

    __slots__ = ()

    def __new__(cls, certificates: Sequence[Certificate]) -> Self:
        """The certificates as a tuple that prints as a table."""
        return super().__new__(cls, tuple(certificates))

    def __str__(self) -> str:
        return "\n".join(map(str, self))
