"""int16 activations with int8 weights.

Another quantizer than the int8 one, with other rules: operators are taken in program order, each
reads what its inputs have become and decides its outputs; every tensor has a range of its own, and
the file keeps it.

Source: LiteRT tflite/tools/optimize/quantize_model.cc and quantization_utils.cc.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from quantlib.affine import constants
from quantlib.errors import InvalidInputError, Location
from quantlib.model.graph import TensorType
from quantlib.ops._rule import Bias, Rule
from quantlib.quantizer import symmetric
from quantlib.quantizer.graph import Graph, Kind, Step, Value, touches_reals
from quantlib.quantizer.misfits import SCALES_MISFIT, scales_fit
from quantlib.quantizer.parameters import Parameters

__all__ = ["has_storable_constants", "quantize_to_int16", "runs_on_int16"]

Float32Array = NDArray[np.float32]


def quantize_to_int16(
    graph: Graph, bias_type: TensorType, *, per_channel: bool, per_channel_dense: bool
) -> None:
    """Make every operator that can an int16 operator, and change the graph's ends to int16.

    Parameters
    ----------
    graph : Graph
    bias_type : INT64 or INT32
    per_channel, per_channel_dense : bool
        Whether weights have one scale per channel; the same for dense layers.

    Raises
    ------
    InvalidInputError
        An operator's input or output has no range.
    """
    _Int16(graph, bias_type, per_channel, per_channel_dense).run()


class _Int16:
    def __init__(
        self, graph: Graph, bias_type: TensorType, per_channel: bool, per_channel_dense: bool
    ) -> None:
        self.graph = graph
        self.bias_type = bias_type
        self.per_channel = per_channel
        self.per_channel_dense = per_channel_dense

    def run(self) -> None:
        self.graph.keeps_ranges = True
        served = []
        for step in [step for step in self.graph.steps if runs_on_int16(step)]:
            if self._scales_fit(step):
                self._quantize(step)
                served.append(step)
        # Only now is it known which inputs of the graph have become integers.
        for step in tuple(self.graph.steps):
            if step.kind is Kind.OPERATOR and step not in served:
                self._dequantize_inputs(step)
        for step in reversed(served):
            if _rule(step).int16 in ("same scale", "scale of output"):
                self._bring_inputs_to_output(step)
        for step in served:
            bias = _rule(step).bias
            if bias is not None:
                self._store_bias(step, bias)

    def _scales_fit(self, step: Step) -> bool:
        """Whether the kernel takes the scales that the step would get; else it loses its rule."""
        rule = _rule(step)
        if rule.scales_fit is None:
            return True
        inputs = [
            value.parameters or self._future(step, value)
            for value in step.inputs
            if value is not None and (value.is_real or value.parameters is not None)
        ]
        outputs = [self._output(step, rule, output) for output in step.outputs if output.is_real]
        if not scales_fit(rule, inputs, outputs, in_int16=True):
            step.misfit, step.rule = SCALES_MISFIT, None
            return False
        return True

    def _future(self, step: Step, value: Value) -> Parameters:
        if value.constant is None:
            return self._activation(step, value)
        return symmetric.constant(value.constant, keeps_range=False)

    def _quantize(self, step: Step) -> None:
        rule = _rule(step)
        self._take_own_constants(step, rule)
        for position, value in tuple(step.real_inputs()):
            if rule.bias is not None and position == rule.bias.position and value.constant is not None:
                continue
            first = next((given.parameters for given in step.inputs if given and given.parameters), None)
            if value.constant is not None and rule.int16 == "same scale" and first is not None:
                # TensorFlow leaves such constants (padding values) in float, which no kernel takes.
                self._store_like(step, position, value, first)
            elif value.constant is not None:
                self._store(step, rule, position, value)
            elif value.producer is None:
                _make_int16(value, self._activation(step, value))
            else:
                # The producer stays in float.
                made = self._activation(step, value)
                place = (
                    self.graph.steps[self.graph.steps.index(step) - 1]
                    if step is not self.graph.steps[0]
                    else None
                )
                step.set_input(position, self.graph.quantize_step(place, value, made, is_removable=False))
        for output in step.outputs:
            if output.is_real:
                _make_int16(output, self._output(step, rule, output))
        step.version = max(step.version, rule.versions.int16)
        step.options.update(rule.int16_options)

    def _take_own_constants(self, step: Step, rule: Rule) -> None:
        """Constants that another operator had stored in another way become copies in float again."""
        for position, value in enumerate(step.inputs):
            if value is None or value.stored is None or value.parameters is None:
                continue
            is_weights = position in rule.weights
            type = TensorType.INT8 if is_weights else TensorType.INT16
            axis = self._axis(rule, position) if is_weights else None
            if value.type is not type or value.parameters.axis != axis:
                copy = self.graph.copy_constant(value)
                copy.type = TensorType.FLOAT32
                step.set_input(position, copy)

    def _axis(self, rule: Rule, position: int) -> int | None:
        per_channel = self.per_channel and (self.per_channel_dense or not rule.dense)
        return rule.weights[position] if per_channel else None

    def _store_like(self, step: Step, position: int, value: Value, parameters: Parameters) -> None:
        if len(value.uses) > 1:
            value = self.graph.copy_constant(value)
            step.set_input(position, value)
        assert value.constant is not None
        value.stored = constants.store_int16(value.constant, parameters.scale[0])
        _make_int16(value, parameters.without_range())

    def _output(self, step: Step, rule: Rule, output: Value) -> Parameters:
        if rule.int16 == "same scale":
            for value in step.inputs:
                if value is not None and value.parameters is not None:
                    return value.parameters
        if rule.fixed is not None and rule.fixed.int16 is not None:
            scale, zero_point = rule.fixed.int16
            return Parameters(TensorType.INT16, (scale,), zero_point)
        return self._activation(step, output)

    def _activation(self, step: Step, value: Value) -> Parameters:
        known = self.graph.ranges.get(value)
        if known is None:
            where = Location(operator=step.position, operator_name=step.name, tensor=value.index)
            raise InvalidInputError(
                dataclasses.replace(where, argument="ranges", tensor_name=value.tensor.name),
                "no range",
                "one for every tensor that an int16 operator reads or writes",
            )
        return symmetric.activation(known)

    def _store(self, step: Step, rule: Rule, position: int, value: Value) -> None:
        """Turn a constant input into integers of its own, unless it was turned already."""
        assert value.constant is not None
        if position not in rule.weights:
            made = symmetric.constant(value.constant, keeps_range=_has_range_of_its_own(value))
            value.stored = constants.store_int16(value.constant, made.scale[0])
            _make_int16(value, made)
            return
        bias = None if rule.bias is None else _bias_constant(step, rule.bias)
        data = None if rule.bias is None else step.inputs[rule.bias.of[0]]
        input_scale = None
        if data is not None and data in self.graph.ranges:
            input_scale = np.float32(symmetric.activation(self.graph.ranges[data]).scale[0])
        value.parameters, value.stored = symmetric.weights(
            value.constant, self._axis(rule, position), bias, input_scale
        )
        value.type = TensorType.INT8

    def _dequantize_inputs(self, step: Step) -> None:
        """An operator that stays in float reads reals."""
        for position, value in enumerate(step.inputs):
            if value is not None and value.parameters is not None:
                at = self.graph.steps.index(step)
                place = self.graph.steps[at - 1] if at else None
                step.set_input(position, self.graph.dequantize_step(place, value))

    def _bring_inputs_to_output(self, step: Step) -> None:
        made = step.outputs[0].parameters
        assert made is not None
        wanted = made.without_range()
        for position, value in enumerate(step.inputs):
            if value is None or value.parameters is None or value.parameters == wanted:
                continue
            if value.stored is not None and len(value.uses) == 1:
                real = np.float32(value.parameters.scale[0]) * value.stored.astype(np.float32)
                value.stored = constants.store_int16(real, wanted.scale[0])
                value.parameters = wanted
                continue
            at = self.graph.steps.index(step)
            place = self.graph.steps[at - 1] if at else None
            step.set_input(position, self.graph.quantize_step(place, value, wanted, is_removable=False))

    def _store_bias(self, step: Step, bias: Bias) -> None:
        value = step.inputs[bias.position] if bias.position < len(step.inputs) else None
        data, weights = (step.inputs[position] for position in bias.of)
        if bias.type_option is not None:
            step.options[bias.type_option] = int(self.bias_type)
        if value is None or value.constant is None or data is None or weights is None:
            return
        if data.parameters is None or weights.parameters is None:
            return
        if value.stored is not None or len(value.uses) > 1:
            value = self.graph.copy_constant(value)
            step.set_input(bias.position, value)
        with np.errstate(all="ignore"):
            scale = np.float32(data.parameters.scale[0]) * np.array(weights.parameters.scale, np.float32)
            scale = symmetric.usable(scale)
        # Kernels that have no option for the bias's type take int64 alone.
        value.type = TensorType.INT64 if bias.type_option is None else self.bias_type
        axis = None if scale.size == 1 else len(value.tensor.shape) - 1
        value.parameters = Parameters(value.type, tuple(scale.astype(np.float64).tolist()), 0, axis)
        assert value.constant is not None
        dtype: type[np.int32 | np.int64] = np.int32 if value.type is TensorType.INT32 else np.int64
        value.stored = constants.store_bias(value.constant, scale, dtype)


def runs_on_int16(step: Step) -> bool:
    """Whether a step becomes, or has become, an int16 operator."""
    if step.kind is not Kind.OPERATOR or step.rule is None or step.is_kept_float:
        return False
    if step.rule.int16 == "unsupported" or not has_storable_constants(step):
        return False
    return touches_reals(step)


def has_storable_constants(step: Step) -> bool:
    """Whether every real constant is finite."""
    held = (value.constant for value in step.inputs if value is not None and value.constant is not None)
    return all(np.isfinite(constant).all() for constant in held)


def _rule(step: Step) -> Rule:
    assert step.rule is not None
    return step.rule


def _make_int16(value: Value, parameters: Parameters) -> None:
    value.type, value.parameters = TensorType.INT16, parameters


def _bias_constant(step: Step, bias: Bias) -> Float32Array | None:
    value = step.inputs[bias.position] if bias.position < len(step.inputs) else None
    return None if value is None else value.constant


def _has_range_of_its_own(value: Value) -> bool:
    """Whether an operator reads a constant and leaves it its scale; TensorFlow keeps no other's range."""
    for use in value.uses:
        rule = use.step.rule if runs_on_int16(use.step) else None
        if rule is None or (rule.bias is not None and use.position == rule.bias.position):
            continue
        if rule.int16 != "scale of output":
            return True
    return False
