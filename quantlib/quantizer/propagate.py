"""Parameters for every value: from ranges, from constants, and from neighbours.

Every value has a state. A range makes one that cannot change; weights and other constants get
theirs from their content; operators then hand parameters on until nothing changes. Where an
operator must have other parameters than a value already has, the value is quantized again for it.
The order of the work list is the converter's, because results depend on it.

Source: LiteRT tflite/converter/quantization/common/quantization_lib/tfl_quantization_driver.cc.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.quantizer import parameters as arithmetic
from quantlib.quantizer.graph import Graph, Kind, Step, Use, Value
from quantlib.quantizer.parameters import Parameters

__all__ = ["Settings", "mark_parameters"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a caller may choose.

    Parameters
    ----------
    per_channel : bool
        Whether weights have one scale per channel.
    per_channel_dense : bool
        The same for dense layers, where `per_channel` holds.
    """

    per_channel: bool = True
    per_channel_dense: bool = True


@dataclass(slots=True, eq=False)
class _Requantized:
    """Parameters that some users of a value need instead of its own."""

    parameters: Parameters
    of_result: bool
    users: list[Use] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _State:
    """What is known about a value."""

    parameters: Parameters | None = None
    from_range: bool = False
    others: list[_Requantized] = field(default_factory=list)


def mark_parameters(graph: Graph, settings: Settings) -> None:
    """Put a quantization and a dequantization behind every value that gets parameters.

    Parameters
    ----------
    graph : Graph
        Redundant ranges already dropped.
    settings : Settings
    """
    _Propagation(graph, settings).run()


class _Propagation:
    def __init__(self, graph: Graph, settings: Settings) -> None:
        self.graph = graph
        self.settings = settings
        self.weights: dict[Step, int | None] = {}
        self.other_constants: set[Step] = set()
        self.states: dict[Value, _State] = {}
        self.work: list[Step] = []
        self.done: set[Step] = set()

    def run(self) -> None:
        for step in tuple(self.graph.constants):
            self._sort_out_constant(step.outputs[0])
        for value, (low, high) in self.graph.ranges.items():
            self.states[value] = _State(arithmetic.activation(low, high), from_range=True)
        for value, known in self.graph.given.items():
            if value.constant is None:
                self.states[value] = _State(known, from_range=True)
        self.work = [step for step in self.graph.all_steps() if _is_quantizable(step)]
        served = set(self.work)
        while self.work:
            step = self.work.pop()
            if step not in self.done:
                self.done.add(step)
                if not self._visit(step):
                    self.done.discard(step)
        produced = [value for step in self.graph.all_steps() for value in step.outputs]
        for value in (*self.graph.inputs, *produced):
            state = self.states.get(value)
            if state is None:
                continue
            producer = value.producer
            if producer is not None and producer.kind is Kind.OPERATOR and producer not in served:
                # An operator that stays in float: only a range of its own counts.
                if not state.from_range:
                    continue
                state.others = []
            self._mark(value, state)

    def _sort_out_constant(self, value: Value) -> None:
        """Tell weights from constants whose parameters come from elsewhere, which are not shared."""
        if value.constant is None or value.constant.size == 0 or not np.isfinite(value.constant).all():
            return
        uses = tuple(value.uses)
        for use in uses:
            rule = use.step.rule
            is_bias = rule is not None and rule.bias is not None and rule.bias.position == use.position
            if is_bias or (rule is not None and rule.same_scale):
                if len(uses) > 1:
                    use.step.set_input(use.position, self.graph.copy_constant(value))
                continue
            producer = value.producer
            assert producer is not None
            self.other_constants.add(producer)
            if rule is not None and use.position in rule.weights:
                per_channel = self.settings.per_channel and (
                    self.settings.per_channel_dense or not rule.dense
                )
                axis = rule.weights[use.position] if per_channel else None
                if self.weights.setdefault(producer, axis) != axis:
                    # TensorFlow lets both read the scales of one; a kernel refuses the other's.
                    copy = self.graph.copy_constant(value)
                    use.step.set_input(use.position, copy)
                    assert copy.producer is not None
                    self.other_constants.add(copy.producer)
                    self.weights[copy.producer] = axis

    def _state(self, value: Value) -> _State:
        return self.states.setdefault(value, _State())

    def _visit(self, step: Step) -> bool:
        """Work on one step; False where something it needs is not known yet."""
        if step.kind is Kind.CONSTANT:
            self._visit_constant(step)
            return True
        rule = step.rule
        if rule is None:
            return True
        if rule.same_scale and not self._share_scale(step):
            return False
        if rule.fixed is not None:
            fixed = arithmetic.fixed_output(*rule.fixed.int8, TensorType.INT8)
            for output in step.outputs:
                self._set_result(output, fixed)
        return self._visit_bias(step)

    def _visit_constant(self, step: Step) -> None:
        value = step.outputs[0]
        if step not in self.other_constants or self._state(value).parameters is not None:
            return
        assert value.constant is not None
        if value in self.graph.given:
            found = self.graph.given[value]
        elif step not in self.weights:
            found = arithmetic.constant(value.constant)
        else:
            found = arithmetic.weight(value.constant, self.weights[step])
        self._set_result(value, found)

    def _share_scale(self, step: Step) -> bool:
        shared = self._parameters_to_share(step)
        if shared is None:
            return False
        for position, _ in step.real_inputs():
            self._set_operand(step, position, shared)
        for output in step.outputs:
            if output.is_real:
                self._set_result(output, shared)
        return True

    def _parameters_to_share(self, step: Step) -> Parameters | None:
        """Of the only input or output that has a range, else of the first that has one.

        Without any range: the same among those that have parameters.
        """
        for from_range in (True, False):
            inputs = list(self._known(step.inputs, from_range=from_range))
            outputs = list(self._known(step.outputs, from_range=from_range))
            if len(step.inputs) == 1 and len(inputs) == 1:
                return inputs[0]
            if len(step.outputs) == 1 and len(outputs) == 1:
                return outputs[0]
            if inputs or outputs:
                return (inputs + outputs)[0]
        return None

    def _known(self, values: list[Value] | list[Value | None], *, from_range: bool) -> Iterator[Parameters]:
        for value in values:
            state = None if value is None else self.states.get(value)
            if state is not None and state.parameters is not None and state.from_range is from_range:
                yield state.parameters

    def _visit_bias(self, step: Step) -> bool:
        rule = step.rule
        bias = None if rule is None else rule.bias
        if bias is None or bias.position >= len(step.inputs):
            return True
        value = step.inputs[bias.position]
        data, weights = (self._input_parameters(step, position) for position in bias.of)
        if value is None:
            return True
        known = self._state(value).parameters
        if known is None and (data is None or weights is None):
            return False
        if known is not None or data is None or weights is None:
            return True
        if value.constant is not None and not np.isfinite(value.constant).all():
            return True
        if weights.axis is not None and len(weights.scale) != math.prod(value.tensor.shape):
            return True  # weights that another operator reads along another axis
        found = arithmetic.bias_parameters(data, weights, len(value.tensor.shape))
        filters = step.inputs[bias.of[1]]
        if value.constant is not None and filters is not None and filters.constant is not None:
            roomy = arithmetic.with_room(value.constant, data, weights, found)
            if roomy is not None:
                found = roomy[0]
                if len(filters.uses) > 1:
                    filters = self.graph.copy_constant(filters)
                    step.set_input(bias.of[1], filters)
                self._set_operand(step, bias.position, found)
                self._state(filters).parameters = roomy[1]
                return True
        self._set_operand(step, bias.position, found)
        return True

    def _input_parameters(self, step: Step, position: int) -> Parameters | None:
        value = step.inputs[position] if position < len(step.inputs) else None
        return None if value is None else self._state(value).parameters

    def _set_result(self, value: Value, parameters: Parameters) -> None:
        state = self._state(value)
        if state.parameters == parameters:
            return
        if state.parameters is not None:
            state.others.append(_Requantized(parameters, of_result=True))
            return
        state.parameters = parameters
        self.work.extend(value.users())

    def _set_operand(self, step: Step, position: int, parameters: Parameters) -> None:
        value = step.inputs[position]
        assert value is not None
        state = self._state(value)
        if state.parameters == parameters:
            return
        if state.parameters is not None:
            for other in state.others:
                if other.parameters == parameters:
                    other.users.append(Use(step, position))
                    return
            state.others.append(_Requantized(parameters, of_result=False, users=[Use(step, position)]))
            return
        state.parameters = parameters
        if value.producer is not None:
            self.work.append(value.producer)

    def _mark(self, value: Value, state: _State) -> None:
        """Quantize and dequantize a value, and again for users that need other parameters."""
        if state.parameters is None or not value.is_real:
            return
        users = list(value.uses)
        code = self.graph.quantize_step(value.producer, value, state.parameters, is_removable=True)
        real = self.graph.dequantize_step(code.producer, code)
        for use in reversed(users):
            use.step.set_input(use.position, real)
        if not state.others or len({other.of_result for other in state.others}) > 1:
            return
        if state.others[0].of_result:
            if value.producer is not None:
                self._requantize_result(value, code, state.others[0].parameters)
        else:
            self._requantize_operands(code, real, state.others)

    def _requantize_result(self, value: Value, code: Value, parameters: Parameters) -> None:
        """The producer's own parameters are others: its integers are quantized again for all users."""
        own = self.graph.quantize_step(value.producer, value, parameters, is_removable=False)
        assert code.producer is not None
        code.producer.set_input(0, own)

    def _requantize_operands(self, code: Value, real: Value, others: list[_Requantized]) -> None:
        may_replace = len(real.uses) <= len(others)
        first = real.producer
        assert first is not None
        for other in others:
            again = self.graph.quantize_step(code.producer, code, other.parameters, is_removable=False)
            if may_replace:
                first.set_input(0, again)
                self.graph.steps.remove(first)
                self.graph.insert_after(again.producer, first)
                may_replace = False
                continue
            for_users = self.graph.dequantize_step(again.producer, again)
            for use in other.users:
                use.step.set_input(use.position, for_users)


def _is_quantizable(step: Step) -> bool:
    if step.kind is Kind.CONSTANT:
        return True
    return step.kind is Kind.OPERATOR and step.rule is not None and (step.rule.int8 or step.rule.same_scale)
