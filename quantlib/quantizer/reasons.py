"""Why an operator or a tensor stays in float, in words."""

from __future__ import annotations

from quantlib.ops._rule import FLOAT_ONLY
from quantlib.quantizer.constants_only import has_all_weights, why_not_int8
from quantlib.quantizer.graph import Graph, Kind, Step, Use, Value, touches_reals
from quantlib.quantizer.int16x8 import has_storable_constants
from quantlib.quantizer.recipes import Float16, FullInteger, Int16x8, Recipe
from quantlib.quantizer.report import FloatTensor

__all__ = ["float_tensors", "why_float"]

KEPT = "kept in float as asked"


def why_float(step: Step, recipe: Recipe) -> str | None:
    """Why an operator computes in float; None where it does not, or never saw a float.

    Asked after integers were assigned and before marks are dropped.

    Parameters
    ----------
    step : Step
        Of kind OPERATOR.
    recipe : Recipe
    """
    if not touches_reals(step):
        return None
    if step.is_kept_float:
        return KEPT
    if step.misfit is not None:
        return step.misfit
    if isinstance(recipe, Float16):
        return "float16 is for constants; the arithmetic is float32"
    if not isinstance(recipe, FullInteger | Int16x8):
        return _why_not_hybrid(step, recipe.min_elements)
    if step.rule is None:
        return FLOAT_ONLY
    if isinstance(recipe, Int16x8):
        if step.rule.int16 == "unsupported":
            return "no kernel for int16 activations"
        return None if has_storable_constants(step) else "a constant that is not finite"
    if not step.rule.int8:
        return step.rule.why_not_int8
    return _why_not_int8(step)


def _why_not_hybrid(step: Step, min_elements: int) -> str | None:
    hybrid = None if step.rule is None else step.rule.hybrid
    if hybrid is None:
        return "no weights that a kernel reads in int8 beside float activations"
    at = [position for position in hybrid.positions if position < len(step.inputs)]
    weights = [value for position in at if (value := step.inputs[position]) is not None]
    if weights and not any(value.is_real for value in weights):
        return None
    if not has_all_weights(step, hybrid):
        return "its weights are not constant"
    real = next(position for position in at if (value := step.inputs[position]) is not None and value.is_real)
    return f"its weights: {why_not_int8(Use(step, real), min_elements)}"


def _why_not_int8(step: Step) -> str | None:
    inputs = [
        (position, value)
        for position, value in step.real_inputs()
        if value.producer is None or value.producer.kind is not Kind.DEQUANTIZE
    ]
    computed = [(position, value) for position, value in inputs if not _is_constant(value)]
    for position, value in computed:
        return f"input {position} {_called(value)} {_why_no_parameters(value)}"
    for position, value in enumerate(step.outputs):
        user = value.only_user
        if value.is_real and (user is None or user.kind is not Kind.QUANTIZE):
            return f"output {position} {_called(value)} has no range"
    for position, value in inputs:
        return f"input {position} {_called(value)} {_why_no_parameters(value)}"
    # Its inputs could be integers, but an operator in float reads them first.
    return "an operator in float reads the same input"


def _is_constant(value: Value) -> bool:
    return value.producer is not None and value.producer.kind is Kind.CONSTANT


def _called(value: Value) -> str:
    return f"(tensor {value.index})" if value.tensor.name is None else repr(value.tensor.name)


def _why_no_parameters(value: Value) -> str:
    if value.producer is None:
        return "has no range"
    if _is_constant(value):
        return "is a constant that cannot be quantized: not finite, or used in float elsewhere"
    return f"comes from operator {value.producer.position} {value.producer.name}, without a range that counts"


def float_tensors(graph: Graph, subgraph: int, numbers: dict[Value, int]) -> tuple[FloatTensor, ...]:
    """Every tensor of a finished graph that holds floats, and why.

    Parameters
    ----------
    graph : Graph
    subgraph : int
    numbers : dict of Value to int
        Tensor indices in the new model.
    """
    found = []
    for value, number in numbers.items():
        if value.is_real:
            found.append(FloatTensor(subgraph, number, value.tensor.name, _why_real(graph, value)))
    return tuple(sorted(found, key=lambda entry: entry.tensor))


def _why_real(graph: Graph, value: Value) -> str:
    if any(value is given for given in graph.inputs):
        return (
            "an input, in float as the recipe says"
            if _is_converted(value)
            else "an input that is read in float"
        )
    if value.producer is not None and value.producer.kind is Kind.OPERATOR:
        return f"computed by operator {value.producer.position} {value.producer.name} in float"
    if any(value is given for given in graph.end.inputs):
        return "an output, in float as the recipe says"
    readers = [
        f"operator {step.position} {step.name}" for step in value.users() if step.kind is Kind.OPERATOR
    ]
    return f"read by {readers[-1]} in float" if readers else "read by nobody"


def _is_converted(value: Value) -> bool:
    return all(step.kind is Kind.QUANTIZE for step in value.users())
