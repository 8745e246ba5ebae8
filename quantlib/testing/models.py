"""Hypothesis strategies for whole models of one operator, the ones our own tests run on.

Needs the extra ``testing``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from quantlib.errors import InvalidInputError
from quantlib.testing.single_operator import Case, generators

__all__ = ["HypothesisChoices", "single_operator_cases"]

T = TypeVar("T")


class HypothesisChoices:
    """Decisions from Hypothesis, so that a failing model shrinks.

    Parameters
    ----------
    draw : callable
        What a composite strategy is given.
    """

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        return int(self._draw(st.integers(low, high)))

    def real(self, low: float, high: float) -> float:
        """A finite float64 from low to high."""
        return float(self._draw(st.floats(low, high, allow_nan=False)))

    def choice(self, options: Sequence[T]) -> T:
        """One of the options; it shrinks to the first."""
        return options[self.integer(0, len(options) - 1)]

    def generator(self) -> np.random.Generator:
        """A generator for bulk data, seeded by one decision."""
        return np.random.default_rng(self._draw(st.integers(0, 2**32 - 1)))


def single_operator_cases(
    operator: str | None = None, configuration: str | None = None
) -> st.SearchStrategy[Case]:
    """Valid models of one operator, each with inputs.

    Parameters
    ----------
    operator : str, optional
        Builtin operator name; any if None.
    configuration : str, optional
        For example ``int8 per channel``; any if None.

    Returns
    -------
    strategy of Case

    Raises
    ------
    InvalidInputError
        Nothing is generated under these names.

    Examples
    --------
    ::

        @given(single_operator_cases("CONV_2D"))
        def test_my_engine(case):
            expected = quantlib.run(case.model, *case.inputs)
            assert_bit_exact(my_engine(write_model(case.model), case.inputs), expected[0])
    """
    chosen = [
        generator
        for generator in generators().values()
        if operator in (None, generator.operator) and configuration in (None, generator.configuration)
    ]
    if not chosen:
        known = ", ".join(sorted({name for name, _ in generators()}))
        raise InvalidInputError("operator", f"{operator} {configuration or ''}".strip(), known)

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        generator = draw(st.sampled_from(chosen))
        return generator.make(HypothesisChoices(draw))

    return cases()
