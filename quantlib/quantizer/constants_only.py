"""Recipes that change constants and leave the arithmetic in float: dynamic range and float16.

Source: LiteRT tflite/converter/transforms/prepare_quantize_dynamic_range.cc.
"""

from __future__ import annotations

import numpy as np

from quantlib.affine.float16 import to_float16
from quantlib.affine.weights import quantize_weights
from quantlib.model.graph import TensorType
from quantlib.ops._rule import Hybrid, Rule
from quantlib.quantizer.graph import Graph, Kind, Step, Use, Value
from quantlib.quantizer.parameters import Parameters

__all__ = ["MIN_ELEMENTS", "has_all_weights", "to_float16_constants", "to_int8_weights", "why_not_int8"]

MIN_ELEMENTS = 1024
"""Smaller constants stay in float under dynamic range, unless the caller says otherwise."""


def to_int8_weights(graph: Graph, min_elements: int, *, per_channel: bool, per_channel_dense: bool) -> None:
    """Store large weights in int8; activations stay float and are quantized at run time.

    Parameters
    ----------
    graph : Graph
    min_elements : int
        Weights with fewer elements stay as they are.
    per_channel, per_channel_dense : bool
        Whether weights have one scale per channel; the same for dense layers.
    """
    for constant in tuple(graph.constants):
        value = constant.outputs[0]
        made: dict[int | None, Value] = {}
        for use in tuple(value.uses):
            if why_not_int8(use, min_elements) is not None:
                continue
            step, (rule, hybrid) = use.step, _hybrid(use)
            with_channels = hybrid.needs_channels or (per_channel and (per_channel_dense or not rule.dense))
            axis = rule.weights.get(use.position) if with_channels else None
            if axis not in made:
                made[axis] = _in_int8(graph, value, axis)
            code = made[axis]
            if hybrid.weights_only:
                place = _before(graph, step)
                code = graph.dequantize_step(place, code)
            else:
                step.version = max(step.version, rule.versions.hybrid)
            step.set_input(use.position, code)
            if hybrid.asymmetric_inputs:
                step.options["asymmetric_quantize_inputs"] = True
        if not value.uses:
            graph.constants.remove(constant)


def why_not_int8(use: Use, min_elements: int) -> str | None:
    """Why a constant stays in float under dynamic range; None where it does not.

    Parameters
    ----------
    use : Use
        Of a constant.
    min_elements : int
    """
    step, value = use.step, use.step.inputs[use.position]
    if value is None or value.constant is None:
        return "not a real constant"
    if step.kind is not Kind.OPERATOR or step.is_kept_float:
        return "kept in float as asked"
    hybrid = None if step.rule is None else step.rule.hybrid
    if hybrid is None or use.position not in hybrid.positions or not has_all_weights(step, hybrid):
        return "no kernel reads this input in int8 beside float activations"
    together = [step.inputs[position] for position in hybrid.positions]
    for weights in together:
        held = None if weights is None or weights.type is TensorType.INT8 else weights.constant
        if held is not None and held.size < min_elements:
            return f"fewer than {min_elements} elements"
        if held is not None and not np.isfinite(held).all():
            return "not finite"
    return None


def has_all_weights(step: Step, hybrid: Hybrid) -> bool:
    """Whether every input that may be int8 is there, or left out by the format, and constant.

    Parameters
    ----------
    step : Step
    hybrid : Hybrid
    """
    if len(step.inputs) <= max(hybrid.positions):
        return False
    given = [step.inputs[position] for position in hybrid.positions]
    return all(value is None or value.constant is not None for value in given) and any(given)


def _hybrid(use: Use) -> tuple[Rule, Hybrid]:
    rule = use.step.rule
    assert rule is not None
    assert rule.hybrid is not None
    return rule, rule.hybrid


def _in_int8(graph: Graph, value: Value, axis: int | None) -> Value:
    assert value.constant is not None
    given = quantize_weights(value.constant, axis, profile="dynamic_range")
    scale = tuple(given.parameters.scale.astype(np.float64).reshape(-1).tolist())
    code = graph.copy_constant(value)
    code.type = TensorType.INT8
    code.parameters = Parameters(TensorType.INT8, scale, 0, axis, narrow=True)
    code.stored = given.stored
    return code


def _before(graph: Graph, step: Step) -> Step | None:
    at = graph.steps.index(step)
    return graph.steps[at - 1] if at else None


def to_float16_constants(graph: Graph) -> None:
    """Store every real constant in float16, and dequantize it at run time.

    Parameters
    ----------
    graph : Graph
        Constants that are outputs stay as they are.
    """
    last: Step | None = None
    for constant in tuple(graph.constants):
        value = constant.outputs[0]
        uses = [use for use in value.uses if use.step.kind is Kind.OPERATOR and not use.step.is_kept_float]
        if value.constant is None or not uses:
            continue
        half = graph.copy_constant(value)
        half.type, half.stored = TensorType.FLOAT16, to_float16(value.constant)
        real = graph.dequantize_step(last, half)
        last = real.producer
        for use in uses:
            use.step.set_input(use.position, real)
        if not value.uses:
            graph.constants.remove(constant)
