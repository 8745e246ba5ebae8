"""Operators whose parameters must be equal, or fixed: made so where propagation could not.

A value can have one set of parameters, and be quantized again for its producer or for its users, but
not for both. Where a graph asks for both (a softmax whose output is selected from and joined),
TensorFlow's converter gives up with an error. Here the integers are quantized once more.
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.quantizer import parameters as arithmetic
from quantlib.quantizer.graph import Graph, Kind, Step, Value
from quantlib.quantizer.parameters import Parameters

__all__ = ["meet_constraints"]


def meet_constraints(graph: Graph) -> None:
    """Quantize again what int8 operators read or give in other parameters than they must.

    Parameters
    ----------
    graph : Graph
        With integers assigned and constants stored.
    """
    for step in tuple(graph.steps):
        if step.kind is not Kind.OPERATOR or step.rule is None:
            continue
        if step.rule.fixed is not None:
            fixed = arithmetic.fixed_output(*step.rule.fixed.int8, TensorType.INT8)
            for at in range(len(step.outputs)):
                _give(graph, step, at, fixed)
        elif step.rule.same_scale:
            _share(graph, step)


def _share(graph: Graph, step: Step) -> None:
    """All inputs and outputs in the parameters of the first output that has some."""
    wanted = next((value.parameters for value in step.outputs if value.parameters is not None), None)
    if wanted is None:
        return
    for position in range(len(step.inputs)):
        _take(graph, step, position, wanted)
    for at in range(len(step.outputs)):
        _give(graph, step, at, wanted)


def _take(graph: Graph, step: Step, position: int, wanted: Parameters) -> None:
    value = step.inputs[position]
    if value is None or value.parameters is None or value.parameters == wanted:
        return
    if value.constant is not None:
        copy = graph.copy_constant(value)
        copy.type, copy.parameters = wanted.type, wanted
        copy.stored = arithmetic.stored(value.constant, wanted)
        step.set_input(position, copy)
        return
    at = graph.steps.index(step)
    place = graph.steps[at - 1] if at else None
    step.set_input(position, graph.quantize_step(place, value, wanted, is_removable=False))


def _give(graph: Graph, step: Step, at: int, wanted: Parameters) -> None:
    value = step.outputs[at]
    if value.parameters is None or value.parameters == wanted:
        return
    own = Value(value.tensor, -1, wanted.type, wanted, producer=step)
    step.outputs[at] = own
    again = Step(Kind.QUANTIZE, inputs=[None], outputs=[value])
    again.set_input(0, own)
    value.producer = again
    graph.insert_after(step, again)
