"""A step of a program before it has buffers: what it reads and writes, and how it is bound to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantlib.compiler.certificate import Certificate
from quantlib.compiler.storage import Border
from quantlib.runtime.plan import Step

if TYPE_CHECKING:
    from quantlib.compiler.bench import Bench

__all__ = ["Part", "Unfit", "keeps_samples"]


class Unfit(Exception):
    """Shapes are not what the file says, or not known before the model runs."""


def keeps_samples(step: Step) -> bool:
    """Whether the first axes of an operator's first input and output have one extent.

    Parameters
    ----------
    step : Step
    """
    x, y = step.node.input(0).shape, step.node.output().shape
    return bool(x and y) and x[0] == y[0]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One lowered operator.

    Parameters
    ----------
    step : Step
        As the executor would run it.
    certificate : Certificate
    is_per_sample : bool
        Whether it treats samples, along the first axis, one like the other, so that any number may go
        through it at once.
    """

    step: Step
    certificate: Certificate
    is_per_sample: bool

    @property
    def counts_elements(self) -> bool:
        """Whether it makes something else of several samples at once than of each alone."""
        return False

    def borders(self, shapes: Mapping[int, tuple[int, ...]]) -> dict[int, Border]:
        """Padding that this part wants around what it reads, by tensor index.

        Parameters
        ----------
        shapes : mapping of tensor index to shape
        """
        del shapes
        return {}

    def bind(self, bench: Bench) -> None:
        """Take buffers and lay down the calls that fill them.

        Parameters
        ----------
        bench : Bench

        Raises
        ------
        Unfit
            The shapes do not fit.
        """
        raise NotImplementedError
