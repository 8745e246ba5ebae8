"""Valid models whose operators lack what their rules speak of: float, with the reason; no other error."""

import random
from dataclasses import replace

import numpy as np
import pytest

from quantlib.errors import QuantlibError
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8

RECIPES = (
    FullInteger(np.int8, np.uint8),
    FullInteger(per_channel=False),
    Int16x8(),
    DynamicRange(0),
    Float16(),
)


@pytest.mark.parametrize("recipe", [FullInteger(), Int16x8()])
@pytest.mark.parametrize(
    ("inputs", "reason"),
    [((0,), "input 1 is absent"), ((0, -1, 2), "input 1 is absent"), ((0, 1, 1), "one element per channel")],
)
def test_a_layer_without_weights_or_with_another_bias_stays_in_float(dense, recipe, inputs, reason):
    model = dense.model()
    (operator,) = model.subgraphs[0].operators
    operators = (replace(operator, inputs=inputs),)
    model = replace(model, subgraphs=(replace(model.subgraphs[0], operators=operators),))
    result = quantize_model(model, recipe, dense.ranges)
    assert reason in result.report.float_operators[0].reason


def test_nothing_but_our_own_errors_escapes_from_damaged_models(net, mutated):
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    h = net.real("h", (1, 2), -1.0, 1.0)
    s = net.real("s", (1, 2), 0.0, 1.0)
    y = net.real_output("y", (1, 4), -1.0, 1.0)
    net.operator(
        "FULLY_CONNECTED", [x, net.weights(np.eye(2)), net.weights([0.5, 1.0])], [h], FullyConnectedOptions()
    )
    net.operator("SOFTMAX", [h], [s])
    net.operator("CONCATENATION", [s, net.weights([[0.5, 1.0]])], [y], ConcatenationOptions(axis=1))
    rng, fine = random.Random(3), 0
    for _ in range(150):
        model = mutated(mutated(net.model(), rng), rng)
        for recipe in RECIPES:
            try:
                result = quantize_model(model, recipe, net.ranges)
            except QuantlibError:
                continue
            fine += 1
            assert read_model(write_model(result.model)) == result.model
    assert fine > 100
