"""`quantize_model`: a float model, a recipe and ranges to a quantized model and a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from quantlib.calibration.ranges import Ranges
from quantlib.errors import Location, UnsupportedError
from quantlib.model.graph import Model, TensorType
from quantlib.model.validate import validate
from quantlib.quantizer import integers
from quantlib.quantizer.constants_only import to_float16_constants, to_int8_weights
from quantlib.quantizer.constraints import meet_constraints
from quantlib.quantizer.draw import draw
from quantlib.quantizer.graph import Graph, Kind, Step
from quantlib.quantizer.int16x8 import quantize_to_int16
from quantlib.quantizer.misfits import integer_misfit
from quantlib.quantizer.propagate import Settings, mark_parameters
from quantlib.quantizer.reasons import float_tensors, why_float
from quantlib.quantizer.recipes import DynamicRange, FullInteger, Int16x8, Recipe
from quantlib.quantizer.redraw import Drawing
from quantlib.quantizer.report import FloatOperator, FloatTensor, Report
from quantlib.quantizer.requests import (
    check_patterns,
    checked_ranges,
    chosen_recipe,
    in_order,
    refuse_marks,
    require_ranges,
)
from quantlib.quantizer.statistics import drop_redundant_ranges

__all__ = ["Result", "quantize_model"]

Recipes: TypeAlias = Recipe | Mapping[str, Recipe]


@dataclass(frozen=True, slots=True)
class Result:
    """A quantized model and what is to be said about it.

    Parameters
    ----------
    model : Model
    report : Report
    """

    model: Model
    report: Report


def quantize_model(
    model: Model,
    recipe: Recipes,
    ranges: Mapping[str, tuple[Any, Any]] | None = None,
    *,
    keep_float: Sequence[str] = (),
) -> Result:
    """A quantized model with the numbers of TensorFlow's converter, and a report.

    Parameters
    ----------
    model : Model
        In float. It is not changed. Marks that quantization-aware training left (QUANTIZE and
        DEQUANTIZE behind a value, FAKE_QUANT) are taken over and need no ranges; constants may be
        stored in float16, int8 or int32 behind DEQUANTIZE.
    recipe : Recipe, or mapping of pattern to Recipe
        With a mapping every operator follows the first pattern that fits it, and stays in float
        if none does. One integer recipe (FullInteger or Int16x8) and both others may stand in it.
    ranges : Ranges, or mapping of tensor name to (min, max), optional
        Without it: the ranges that the model carries on its tensors, as a calibrated file does.
    keep_float : sequence of str
        Patterns of operators to keep in float, as in a shell: ``*`` and ``?``. A pattern fits the
        operator's name in the format, or the name of one of its outputs (``block_3/*``).

    Returns
    -------
    Result

    Raises
    ------
    InvalidInputError
        The recipe needs ranges and there are none; ranges that are not numbers, or reversed; a
        pattern of `keep_float` that fits nothing.
    UnsupportedError
        The model computes with integers already, or carries marks of training and the recipe has no
        integers. The recipe is strict and an operator would stay in float: the error names every one.
    InvalidModelError
        The model breaks a rule of the format.

    Examples
    --------
    ::

        ranges = ql.calibrate(model, representative_dataset)
        result = ql.quantize_model(model, FullInteger(input=np.int8, output=np.int8), ranges)
        print(result.report)

    Source: LiteRT tflite/converter/quantization/lite/quantize_model.cc,
    tflite/tools/optimize/quantize_model.cc.
    """
    validate(model)
    by_pattern = recipe if isinstance(recipe, Mapping) else {"*": recipe}
    order = in_order(by_pattern)
    needs_ranges = any(isinstance(each, FullInteger | Int16x8) for each in order)
    known = checked_ranges(model, ranges) if needs_ranges else Ranges()
    graphs = {
        index: draw(model, index, known.of_subgraph(model, index)) for index in range(len(model.subgraphs))
    }
    if needs_ranges:
        require_ranges(graphs.values())
    else:
        refuse_marks(graphs)
    check_patterns(graphs.values(), keep_float)
    chosen = {
        step: chosen_recipe(step, by_pattern, keep_float)
        for graph in graphs.values()
        for step in graph.steps
        if step.kind is Kind.OPERATOR
    }
    left: list[FloatOperator] = []
    for index, graph in graphs.items():
        reasons: dict[Step, str] = {}
        for each in order:
            _apply(graph, each, chosen, reasons, is_main=index == 0)
        left += [_float_operator(index, step, reason) for step, reason in _by_position(reasons)]
    drawing = Drawing(model)
    made = drawing.redraw(graphs)
    floats: list[FloatTensor] = []
    for index, graph in graphs.items():
        floats += float_tensors(graph, index, drawing.numbers[index])
    report = Report(*_count(graphs.values()), tuple(left), tuple(floats))
    _be_strict(order, report)
    return Result(validate(made), report)


def _apply(
    graph: Graph,
    recipe: Recipe,
    chosen: Mapping[Step, Recipe | None],
    reasons: dict[Step, str],
    *,
    is_main: bool,
) -> None:
    """One recipe on one graph; reasons for what stays in float are added."""
    operators = [step for step in graph.steps if step.kind is Kind.OPERATOR]
    for step in operators:
        step.is_kept_float = chosen[step] != recipe
        if not step.is_kept_float and isinstance(recipe, FullInteger | Int16x8):
            reason = integer_misfit(step, in_int16=isinstance(recipe, Int16x8))
            if reason is not None:
                step.misfit, step.rule = reason, None
    if isinstance(recipe, FullInteger):
        _to_int8(graph, recipe, chosen, reasons, is_main=is_main)
        return
    if isinstance(recipe, Int16x8):
        _to_int16(graph, recipe, is_main=is_main)
    elif isinstance(recipe, DynamicRange):
        settings = {"per_channel": recipe.per_channel, "per_channel_dense": recipe.per_channel_dense}
        to_int8_weights(graph, recipe.min_elements, **settings)
    else:
        to_float16_constants(graph)
    _explain(operators, recipe, chosen, reasons)
    if isinstance(recipe, DynamicRange):
        integers.move_dequantizations_down(graph)


def _to_int8(
    graph: Graph,
    recipe: FullInteger,
    chosen: Mapping[Step, Recipe | None],
    reasons: dict[Step, str],
    *,
    is_main: bool,
) -> None:
    operators = [step for step in graph.steps if step.kind is Kind.OPERATOR]
    for value in graph.given:
        graph.ranges.pop(value, None)
    drop_redundant_ranges(graph)
    mark_parameters(graph, Settings(recipe.per_channel, recipe.per_channel_dense))
    integers.make_integer(graph)
    _explain(operators, recipe, chosen, reasons)
    integers.store_constants(graph)
    meet_constraints(graph)
    integers.drop_marks(graph, keep_ends=True)
    integers.move_dequantizations_down(graph)
    for step in operators:
        if not any(value.is_real for value in step.outputs) and next(step.real_inputs(), None) is None:
            reasons.pop(step, None)
    if is_main:
        integers.set_input_type(graph, _type(recipe.input))
        integers.set_output_type(graph, _type(recipe.output))
    integers.drop_marks(graph, keep_ends=False)


def _to_int16(graph: Graph, recipe: Int16x8, *, is_main: bool) -> None:
    settings = {"per_channel": recipe.per_channel, "per_channel_dense": recipe.per_channel_dense}
    for value, known in graph.given.items():
        graph.ranges.setdefault(value, known.range())
    quantize_to_int16(graph, _type(recipe.bias), **settings)
    if is_main:
        integers.to_float_ends(graph, _type(recipe.input), _type(recipe.output))
    else:
        integers.to_float_ends(graph, TensorType.FLOAT32, TensorType.FLOAT32)


def _type(given: object) -> TensorType:
    assert isinstance(given, TensorType)  # recipes have seen to it
    return given


def _explain(
    operators: Sequence[Step], recipe: Recipe, chosen: Mapping[Step, Recipe | None], reasons: dict[Step, str]
) -> None:
    """Remember why operators are in float: those of this recipe, and those of none."""
    for step in operators:
        if chosen[step] in (recipe, None):
            reason = why_float(step, recipe)
            if reason is not None:
                reasons[step] = reason


def _by_position(reasons: Mapping[Step, str]) -> list[tuple[Step, str]]:
    return sorted(reasons.items(), key=lambda entry: entry[0].position)


def _float_operator(subgraph: int, step: Step, reason: str) -> FloatOperator:
    output = step.outputs[0].tensor.name if step.outputs else None
    return FloatOperator(subgraph, step.position, step.name, output, reason)


def _count(graphs: Iterable[Graph]) -> tuple[int, int]:
    """Operators with integers that stand for reals, and constants in another type."""
    operators = constants = 0
    for graph in graphs:
        used = {value for step in graph.steps for value in step.inputs if value is not None}
        constants += sum(1 for value in used if value.stored is not None)
        for step in graph.steps:
            values = [*step.inputs, *step.outputs]
            if step.kind is Kind.OPERATOR:
                operators += any(value is not None and value.parameters is not None for value in values)
    return operators, constants


def _be_strict(order: Sequence[Recipe], report: Report) -> None:
    if not any(recipe.strict for recipe in order):
        return
    integer = any(isinstance(recipe, FullInteger | Int16x8) for recipe in order)
    if integer and report.float_operators:
        names = "; ".join(str(entry) for entry in report.float_operators)
        raise UnsupportedError(Location(argument="recipe"), f"in float: {names}", "integers only (strict)")
    if not report.changed:
        raise UnsupportedError(Location(argument="recipe"), "nothing to change", "a change (strict)")
