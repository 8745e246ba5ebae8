"""Which ranges a quantizer may believe: those that no neighbour's parameters replace.

An operator that only rearranges numbers gives its output the scale of its input (forward), and one
with several inputs gives the inputs the scale of its output (backward), through chains. Outputs
with fixed parameters need no range.

Source: LiteRT tflite/converter/quantization/common/quantization_lib/quantization_utils.cc
(RemoveRedundantStatsOps).
"""

from __future__ import annotations

from quantlib.quantizer.graph import Graph, Kind, Step, Value

__all__ = ["drop_redundant_ranges"]


def drop_redundant_ranges(graph: Graph) -> None:
    """Remove from `graph.ranges` what follows from other ranges.

    Parameters
    ----------
    graph : Graph
        Users of values that lose their range change order, as in the converter.
    """
    known = _in_order(graph)
    redundant: dict[Value, None] = {}
    queue = list(known)
    while queue:
        value = queue.pop()
        producer = value.producer
        if producer is not None and producer.rule is not None and producer.rule.fixed is not None:
            redundant[value] = None
        for user in value.users():
            if not _shares_scale(user) or sum(1 for _ in user.real_inputs()) > 1:
                continue
            for output in user.outputs:
                if output in graph.ranges and output not in redundant:
                    redundant[output] = None
                    queue.append(output)
    queue = [value for value in known if value not in redundant]
    seen: set[Value] = set()
    while queue:
        producer = queue.pop().producer
        if producer is None or not _shares_scale(producer):
            continue
        for given in producer.inputs:
            if given is not None and given in graph.ranges and given not in seen:
                seen.add(given)
                redundant[given] = None
                queue.append(given)
    for value in redundant:
        del graph.ranges[value]
        value.uses.reverse()


def _in_order(graph: Graph) -> list[Value]:
    """Values with a range: inputs, then as they are computed."""
    computed = [output for step in graph.steps for output in step.outputs]
    return [value for value in (*graph.inputs, *computed) if value in graph.ranges]


def _shares_scale(step: Step) -> bool:
    return step.kind is Kind.OPERATOR and step.rule is not None and step.rule.same_scale
