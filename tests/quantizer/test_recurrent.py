"""Layers with a state: weights in int8 for dynamic range, all or none; in float for integers, and said so."""

from dataclasses import replace

import numpy as np
import pytest

from quantlib.errors import UnsupportedError
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Operator, OperatorCode, Record
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger

UNITS, SIZE, STEPS = 4, 3, 5
OPTIONS = {
    "fused_activation_function": 4,
    "cell_clip": 10.0,
    "proj_clip": 0.0,
    "time_major": False,
    "asymmetric_quantize_inputs": False,
    "diagonal_recurrent_tensors": False,
}


@pytest.fixture
def lstm(net):
    """x (1, 5, 3) -> UNIDIRECTIONAL_SEQUENCE_LSTM of 4 units -> y (1, 5, 4)."""
    random = np.random.default_rng(0)
    x = net.real_input("x", (1, STEPS, SIZE), -1.0, 1.0)
    gates = [net.weights(random.normal(0, 0.5, (UNITS, SIZE))) for _ in range(4)]
    gates += [net.weights(random.normal(0, 0.5, (UNITS, UNITS))) for _ in range(4)]
    biases = [net.weights(np.zeros(UNITS)), net.weights(np.ones(UNITS)), *[net.weights(np.zeros(UNITS))] * 2]
    states = [net.real(name, (1, UNITS)) for name in ("output state", "cell state")]
    for index in states:
        net.tensors[index] = replace(net.tensors[index], is_variable=True)
    y = net.real_output("y", (1, STEPS, UNITS), -1.0, 1.0)
    net.codes.append(OperatorCode(44, "UNIDIRECTIONAL_SEQUENCE_LSTM", 1))
    inputs = (x, *gates, -1, -1, -1, *biases, -1, -1, *states, -1, -1, -1, -1)
    options = Record("UnidirectionalSequenceLSTMOptions", tuple(OPTIONS.items()))
    net.operators.append(Operator(0, inputs, (y,), options=options))
    return net


def test_matrices_are_stored_in_int8_and_biases_are_not(lstm, seen):
    new = seen(quantize_model(lstm.model(), DynamicRange(min_elements=12)).model)
    name = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    assert {new.input_of(name, position).type.name for position in range(1, 9)} == {"INT8"}
    assert {new.input_of(name, position).type.name for position in range(12, 16)} == {"FLOAT32"}
    assert all(new.input_of(name, position).quantization.scale.size == 1 for position in range(1, 9))
    assert (new.version(name), new.options(name)["asymmetric_quantize_inputs"]) == (3, True)


def test_one_matrix_that_is_too_small_leaves_all_in_float(lstm):
    result = quantize_model(lstm.model(), DynamicRange(min_elements=13))
    assert not result.report.changed
    assert "fewer than 13 elements" in result.report.float_operators[0].reason


@pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")
@pytest.mark.parametrize("recipe", [DynamicRange(0), Float16()])
def test_litert_runs_it_and_gives_nearly_the_same(lstm, recipe):
    model = lstm.model()
    x = np.random.default_rng(1).uniform(-1, 1, (1, STEPS, SIZE)).astype(np.float32)
    found = []
    with LiteRT() as litert:
        for each in (model, quantize_model(model, recipe).model):
            answer = litert.run(write_model(each), [x], preserve_all_tensors=False)
            found.append(answer.tensors[each.subgraphs[0].outputs[0]])
    assert np.abs(found[0]).max() > 0.1
    assert 0 < np.abs(found[0] - found[1]).max() < 0.02


def test_integers_leave_it_in_float_and_say_so(lstm):
    result = quantize_model(lstm.model(), FullInteger(), lstm.ranges)
    assert [entry.reason for entry in result.report.float_operators] == [
        "layers with a state are not made integers here"
    ]
    with pytest.raises(UnsupportedError, match="UNIDIRECTIONAL_SEQUENCE_LSTM -> 'y': layers with a state"):
        quantize_model(lstm.model(), FullInteger(strict=True), lstm.ranges)
