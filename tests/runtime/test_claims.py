"""Results that are not claimed bit for bit are bounded; these tests break the bounds."""

import numpy as np
import pytest

from quantlib.cli import digits
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.runtime.claims import bound_shares, unclaimed
from quantlib.runtime.plan import make_plan, run_step
from quantlib.testing.single_operator import Graph

FLOAT = TensorType.FLOAT32
OLDER = "tflite-2.14/optimized"
"""Whose matrix library adds in an order of its own."""


def convolution(rng, activation=Activation.NONE):
    graph = Graph()
    x = graph.input((1, 6, 6, 8), FLOAT)
    w = graph.constant(rng.normal(size=(5, 3, 3, 8)).astype(np.float32), FLOAT)
    b = graph.constant(rng.normal(size=5).astype(np.float32), FLOAT)
    y = graph.output((1, 6, 6, 5), FLOAT)
    options = Conv2DOptions(stride_w=1, stride_h=1, fused_activation_function=activation)
    graph.operator("CONV_2D", [x, w, b], [y], options)
    arrays = (rng.normal(size=(1, 6, 6, 8)).astype(np.float32), *_constants(graph.model()))
    return graph.model(), arrays


def _constants(model):
    plan = make_plan(model)
    return tuple(plan.constants[index] for index in plan.steps[0].inputs[1:])


def test_another_order_of_summation_lies_within_the_bound():
    model, (x, w, b) = convolution(np.random.default_rng(0))
    (step,) = make_plan(model, kernels=OLDER).steps
    (ours,) = run_step(step, (x, w, b))
    turned = run_step(step, (x[..., ::-1], w[..., ::-1], b))[0]  # the same sums, channels reversed
    shares = bound_shares(step, (x, w, b), ours, turned)
    assert (ours != turned).any()
    assert 0 < shares.max() < 1


@pytest.mark.parametrize("activation", [Activation.NONE, Activation.RELU, Activation.RELU6])
def test_a_dropped_channel_and_a_padding_of_one_lie_beyond_the_bound(activation):
    model, (x, w, b) = convolution(np.random.default_rng(1), activation)
    (step,) = make_plan(model, kernels=OLDER).steps
    (ours,) = run_step(step, (x, w, b))
    forgetful = x.copy()
    forgetful[..., 3] = 0
    (theirs,) = run_step(step, (forgetful, w, b))
    shares = bound_shares(step, (x, w, b), ours, theirs)
    assert np.count_nonzero(shares > 1) > 0.9 * np.count_nonzero(ours != theirs)


def test_an_activation_does_not_make_the_bound_smaller():
    shares = []
    for activation in (Activation.NONE, Activation.RELU6):
        model, inputs = convolution(np.random.default_rng(2), activation)
        (step,) = make_plan(model, kernels=OLDER).steps
        (ours,) = run_step(step, inputs)
        inside = (ours > 0.5) & (ours < 5.5)
        shares.append(bound_shares(step, inputs, ours, np.nextafter(ours, np.float32(9)))[inside])
    common = min(map(len, shares))
    assert common > 20
    assert set(shares[1].tolist()) <= set(shares[0].tolist())


def test_a_number_where_there_is_none_breaks_the_bound():
    model, inputs = convolution(np.random.default_rng(3))
    (step,) = make_plan(model, kernels=OLDER).steps
    (ours,) = run_step(step, inputs)
    theirs = ours.copy()
    theirs[0, 0, 0, 0] = np.nan
    assert np.isinf(bound_shares(step, inputs, ours, theirs)[0, 0, 0, 0])


def test_operators_that_are_not_claimed_are_listed_with_reason_and_bound():
    model = read_model(digits.float_model_path())
    assert unclaimed(model) == ()
    found = unclaimed(model, kernels=OLDER)
    assert [one.operator_name for one in found] == ["CONV_2D", "FULLY_CONNECTED"]
    assert "not claimed" in str(found[0])
    assert found[0].bound.reason in str(found[0])


def test_dense_layers_count_the_terms_of_a_row():
    graph = Graph()
    x = graph.input((2, 1000), FLOAT)
    w = graph.constant(np.ones((1, 1000), np.float32), FLOAT)
    y = graph.output((2, 1), FLOAT)
    graph.operator("FULLY_CONNECTED", [x, w], [y], FullyConnectedOptions())
    (step,) = make_plan(graph.model(), kernels=OLDER).steps
    ones = np.ones((2, 1000), np.float32)
    inputs = (ones, np.ones((1, 1000), np.float32))
    ours = np.full((2, 1), 1000, np.float32)
    off = np.float32(1000 * 2 * 1002 * 2.0**-24)
    assert bound_shares(step, inputs, ours, ours + np.float32(0.9) * off).max() < 1
    assert bound_shares(step, inputs, ours, ours + np.float32(1.1) * off).max() > 1
