"""What a caller asks of the quantizer, checked: recipes, ranges, patterns."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from quantlib.calibration.ranges import Ranges
from quantlib.errors import InvalidInputError, Location, UnsupportedError
from quantlib.model.graph import Model
from quantlib.model.validate import validate
from quantlib.quantizer.draw import draw
from quantlib.quantizer.graph import Graph, Kind, Step, touches_reals
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8, Recipe

__all__ = [
    "check_patterns",
    "checked_ranges",
    "chosen_recipe",
    "in_order",
    "refuse_marks",
    "require_float",
    "require_ranges",
]


def require_float(model: Model) -> None:
    """Raise where `quantize_model` would refuse the model whatever the ranges: before a calibration.

    Parameters
    ----------
    model : Model

    Raises
    ------
    UnsupportedError
        The model computes with integers already.
    InvalidModelError
        The model breaks a rule of the format.
    """
    validate(model)
    for index in range(len(model.subgraphs)):
        draw(model, index, {})


def checked_ranges(model: Model, ranges: Mapping[str, tuple[Any, Any]] | None) -> Ranges:
    """The ranges that were given, or that the model carries.

    Parameters
    ----------
    model : Model
    ranges : mapping of tensor name to (min, max), optional

    Raises
    ------
    InvalidInputError
        Ranges that are none, or of tensors that the model does not have.
    """
    if ranges is None:
        return Ranges.from_model(model)
    known = ranges if isinstance(ranges, Ranges) else Ranges(ranges)
    unknown = known.unknown_to(model)
    if unknown:
        raise InvalidInputError("ranges", f"a range for {unknown[0]!r:.80}", "names of the model's tensors")
    return known


def require_ranges(graphs: Iterable[Graph]) -> None:
    """Raise where there is something to quantize and nothing to go by.

    Parameters
    ----------
    graphs : iterable of Graph
    """
    steps = [step for graph in graphs for step in graph.steps if step.kind is Kind.OPERATOR]
    known = any(graph.ranges or graph.given for graph in graphs)
    if any(touches_reals(step) for step in steps) and not known:
        raise InvalidInputError(
            "ranges", "none, and none in the model", "a range for each activation (calibrate)"
        )


def refuse_marks(graphs: Mapping[int, Graph]) -> None:
    """Raise where activations are marked for integers, which only an integer recipe has a use for.

    Parameters
    ----------
    graphs : mapping of subgraph index to Graph
    """
    for index, graph in graphs.items():
        for value in graph.given:
            if value.constant is None:
                where = Location(subgraph=index, tensor=value.index, tensor_name=value.tensor.name)
                raise UnsupportedError(where, "marked for integers by QUANTIZE or FAKE_QUANT", "FullInteger")


def in_order(by_pattern: Mapping[str, Recipe]) -> tuple[Recipe, ...]:
    """The recipes, integers first: what stays in float may still get smaller constants.

    Parameters
    ----------
    by_pattern : mapping of pattern to Recipe

    Raises
    ------
    InvalidInputError
        No recipes, or two of a kind.
    """
    kinds = ((FullInteger, Int16x8), (DynamicRange,), (Float16,))
    found: list[Recipe] = []
    for kind in kinds:
        given = [recipe for recipe in dict.fromkeys(by_pattern.values()) if isinstance(recipe, kind)]
        if len(given) > 1:
            raise InvalidInputError(
                "recipe", f"{len(given)} of {' or '.join(k.__name__ for k in kind)}", "at most one"
            )
        found += given
    if not found or len(found) != len(set(by_pattern.values())):
        raise InvalidInputError("recipe", repr(by_pattern)[:80], "recipes of quantlib.recipes")
    return tuple(found)


def check_patterns(graphs: Iterable[Graph], keep_float: Sequence[str]) -> None:
    """Raise where a pattern fits nothing.

    Parameters
    ----------
    graphs : iterable of Graph
    keep_float : sequence of str
    """
    if isinstance(keep_float, str):
        raise InvalidInputError("keep_float", repr(keep_float)[:80], "a sequence of patterns")
    steps = [step for graph in graphs for step in graph.steps if step.kind is Kind.OPERATOR]
    for pattern in keep_float:
        if not any(_fits(step, pattern) for step in steps):
            raise InvalidInputError(
                "keep_float", repr(pattern)[:80], "a pattern that fits an operator or its output"
            )


def chosen_recipe(step: Step, by_pattern: Mapping[str, Recipe], keep_float: Sequence[str]) -> Recipe | None:
    """The recipe of one operator; None where it stays in float.

    Parameters
    ----------
    step : Step
    by_pattern : mapping of pattern to Recipe
    keep_float : sequence of str
    """
    if any(_fits(step, pattern) for pattern in keep_float):
        return None
    return next((recipe for pattern, recipe in by_pattern.items() if _fits(step, pattern)), None)


def _fits(step: Step, pattern: str) -> bool:
    names = [step.name, *(value.tensor.name for value in step.outputs if value.tensor.name is not None)]
    return any(fnmatch.fnmatchcase(name, pattern) for name in names)
