"""Operators whose rule does not apply to them: they lack what it speaks of, or no kernel takes them so.

TensorFlow's converter does not ask. It writes a convolution whose bias is computed with an int8
bias, for instance, which every kernel refuses. Here such operators stay in float, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from quantlib.ops._rule import Bias, Rule
from quantlib.quantizer.graph import Kind, Step, Value, touches_reals
from quantlib.quantizer.parameters import Parameters

__all__ = ["SCALES_MISFIT", "integer_misfit", "misfit", "scales_fit"]

SCALES_MISFIT = "no integer kernel takes its scales: one is next to nothing, or exactly 1"
"""Why an operator stays in float whose kernel would end the process."""


def misfit(step: Step) -> str | None:
    """Why no recipe may apply an operator's rule; None where one may.

    Parameters
    ----------
    step : Step
        With its rule.
    """
    rule = step.rule
    if rule is None:
        return None
    if (
        rule.int16 == "scale of output"
        and touches_reals(step)
        and not (step.outputs and step.outputs[0].is_real)
    ):
        return "real inputs and another output"
    for position, axis in rule.weights.items():
        weights = _input(step, position)
        if weights is None:
            return f"input {position} is absent"
        if axis is not None and axis >= len(weights.tensor.shape):
            return f"input {position} (weights) has no axis {axis}"
    return None if rule.bias is None else _bias_misfit(step, rule.bias, rule.weights)


def _bias_misfit(step: Step, bias: Bias, weights: Mapping[int, int | None]) -> str | None:
    for position in bias.of:
        if _input(step, position) is None:
            return f"input {position} is absent"
    value, filters = (_input(step, position) for position in (bias.position, bias.of[1]))
    axis = weights.get(bias.of[1])
    if value is None or filters is None or axis is None:
        return None
    shape, channels = value.tensor.shape, filters.tensor.shape[axis]
    if shape[-1:] != (channels,) or math.prod(shape) != channels:  # TensorFlow also fuses (1, channels)
        return f"input {bias.position} (bias) does not have one element per channel"
    return None


def integer_misfit(step: Step, *, in_int16: bool) -> str | None:
    """Why an operator cannot run on integers though its rule says so; None where it can.

    Parameters
    ----------
    step : Step
        With its rule.
    in_int16 : bool
        Whether activations become int16; else int8.

    Notes
    -----
    Convolutions with one scale per channel take the zero point of their weights for 0, so computed
    weights, which have one, would be misread without an error. A dense layer honours it.
    """
    rule = step.rule
    if rule is None or rule.bias is None:
        return None
    bias = _input(step, rule.bias.position)
    if bias is not None and bias.is_real and not _is_constant(bias):
        return f"input {rule.bias.position} (bias) is computed, and has no integer form"
    at = rule.bias.of[1]
    weights = _input(step, at)
    if (
        weights is not None
        and weights.is_real
        and not _is_constant(weights)
        and not _takes_any(rule, in_int16)
    ):
        return f"input {at} (weights) is computed, and the integer kernel takes constants"
    return None


def scales_fit(
    rule: Rule, inputs: Sequence[Parameters], outputs: Sequence[Parameters], *, in_int16: bool
) -> bool:
    """Whether an operator's integer kernel takes the scales of its real inputs and outputs.

    Parameters
    ----------
    rule : Rule
    inputs, outputs : sequence of Parameters
    in_int16 : bool
    """
    if rule.scales_fit is None or not inputs:
        return True
    scales = tuple(given.scale[0] for given in inputs)
    return rule.scales_fit(scales, outputs[0].scale[0] if outputs else 0.0, in_int16)


def _takes_any(rule: Rule, in_int16: bool) -> bool:
    return rule.dense and not in_int16


def _input(step: Step, position: int) -> Value | None:
    return step.inputs[position] if position < len(step.inputs) else None


def _is_constant(value: Value) -> bool:
    return value.producer is not None and value.producer.kind is Kind.CONSTANT
