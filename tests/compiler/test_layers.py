"""Whole layers whose sums are aimed at the steps of the specification, and the bounds of those sums."""

import numpy as np
import pytest

import quantlib as ql
from quantlib.model.graph import OPTIONAL, TensorType
from quantlib.ops._accumulate import Accumulating
from quantlib.ops._activation import Activation
from quantlib.ops._window import Padding
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.runtime.plan import make_plan
from quantlib.testing.choices import SeededChoices
from quantlib.testing.integer_graphs import integer_graph
from quantlib.testing.model_conformance import inputs_for
from quantlib.testing.single_operator import Graph, quantization

FAMILIES = ("reference", "optimized", "xnnpack")
OPERATORS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
CHANNELS = 9
"""A block of eight channels and one that is left over."""

TAPS = 9
"""Eight weights of 127 and one of 1: with codes of 8 bits they sum to any number."""

REACH = 127 * 8 * 100


def aimed(sums: np.ndarray) -> np.ndarray:
    """Centred codes (..., 9) whose products with the weights sum to these numbers."""
    ones = (sums + 63) % 127 - 63
    hundreds = (sums - ones) // 127
    shares = [(hundreds * (place + 1)) // 8 - (hundreds * place) // 8 for place in range(8)]
    return np.stack([*shares, ones], axis=-1)


def a_layer(operator: str, type: TensorType, seed: int, rows: int) -> ql.Model:
    """One layer with random scales, some of them powers of two, and a random fused activation."""
    random = np.random.default_rng(seed)
    is_signed = type is TensorType.INT8
    middle = 0 if is_signed else 128
    axis = 3 if operator == "DEPTHWISE_CONV_2D" else 0
    count = CHANNELS if is_signed and seed % 3 else 1
    wanted = np.exp(random.uniform(np.log(5e-4), np.log(0.1), count))  # units of output per unit of the sum
    if seed % 2:
        wanted = 2.0 ** np.rint(np.log2(wanted))
    x_scale, y_scale = 0.25, 0.5
    weights_scale = wanted * y_scale / x_scale
    zero_point = int(random.choice([0, -128, 127, 11])) + middle
    fused = (Activation.NONE, Activation.RELU, Activation.RELU6)[seed % 3]
    one = np.array([127] * 8 + [1]) + middle
    dtype = type.dtype
    shapes = {
        "FULLY_CONNECTED": ((rows, TAPS), (CHANNELS, TAPS), (rows, CHANNELS)),
        "CONV_2D": ((1, rows, 1, TAPS), (CHANNELS, 1, 1, TAPS), (1, rows, 1, CHANNELS)),
        "DEPTHWISE_CONV_2D": ((rows, 3, 3, CHANNELS), (1, 3, 3, CHANNELS), (rows, 1, 1, CHANNELS)),
    }
    x_shape, w_shape, y_shape = shapes[operator]
    stored = np.repeat(one[:, None], CHANNELS, 1) if axis == 3 else np.repeat(one[None], CHANNELS, 0)
    graph = Graph()
    x = graph.input(x_shape, type, quantization(x_scale, middle))
    w = graph.constant(stored.reshape(w_shape).astype(dtype), type, quantization(weights_scale, middle, axis))
    products = quantization(np.float32(x_scale) * np.float32(weights_scale))
    bias = graph.constant(random.integers(-9000, 9000, CHANNELS).astype(np.int32), TensorType.INT32, products)
    y = graph.output(y_shape, type, quantization(y_scale, zero_point))
    options: dict[str, object] = {
        "FULLY_CONNECTED": FullyConnectedOptions(fused),
        "CONV_2D": Conv2DOptions(Padding.VALID, 1, 1, fused),
        "DEPTHWISE_CONV_2D": DepthwiseConv2DOptions(Padding.VALID, 1, 1, 1, fused),
    }
    graph.operator(operator, [x, w, bias], [y], options[operator], version=4 if axis == 0 else 3)
    return graph.model()


def steps_of(model: ql.Model, kernels: str) -> np.ndarray:
    """Sums two before to one after every change of code, (sums, channels), by trying every sum."""
    (step,) = make_plan(model, kernels=kernels).steps
    assert isinstance(step.kernel, Accumulating)
    assert step.kernel.products is not None
    bias = step.kernel.products.bias(step.node.input(2).constant)
    sums = np.arange(-REACH, REACH)
    codes = step.kernel.to_output(sums[:, None] + bias).astype(np.int64)
    columns = []
    for channel in range(CHANNELS):
        places = np.flatnonzero(np.diff(codes[:, channel])) + 1
        near = sums[0] + (places[:, None] + np.arange(-2, 2)).ravel()
        columns.append(np.resize(near, 4 * 256) if near.size else np.zeros(4 * 256, np.int64))
    return np.clip(np.stack(columns, axis=1), -REACH, REACH - 1)


def differing(operator: str, type: TensorType, seed: int, kernels: str) -> tuple[int, int]:
    """Codes that differ, and changes of code that were aimed at."""
    sums = steps_of(a_layer(operator, type, seed, 1), kernels)
    middle = 0 if type is TensorType.INT8 else 128
    if operator == "DEPTHWISE_CONV_2D":
        x = np.moveaxis(aimed(sums), -1, 1).reshape(-1, 3, 3, CHANNELS)
        rows = x.shape[0]
    else:
        x = aimed(sums.reshape(-1))
        rows = x.shape[0]
        x = x.reshape((rows, TAPS) if operator == "FULLY_CONNECTED" else (1, rows, 1, TAPS))
    model = a_layer(operator, type, seed, rows)
    codes = (x + middle).astype(type.dtype)
    (wanted,) = ql.run(model, codes, kernels=kernels)
    program = ql.compile_model(model, kernels=kernels)
    assert program.certificates()[0].rung != "kernel"
    (found,) = program(codes)
    return int(np.count_nonzero(found != wanted)), len(np.unique(wanted))


@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("type", [TensorType.INT8, TensorType.UINT8], ids=lambda type: type.name)
def test_sums_at_every_step_give_the_executors_codes(operator, type, kernels):
    results = [differing(operator, type, seed, kernels) for seed in range(2)]
    assert [count for count, _ in results] == [0] * len(results)
    assert max(codes for _, codes in results) > 20


@pytest.mark.slow
@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("type", [TensorType.INT8, TensorType.UINT8], ids=lambda type: type.name)
def test_sums_at_every_step_of_many_layers_give_the_executors_codes(operator, type, kernels):
    assert [seed for seed in range(2, 32) if differing(operator, type, seed, kernels)[0]] == []


def test_aimed_codes_sum_to_what_they_are_aimed_at():
    sums = np.arange(-REACH, REACH, 13)
    codes = aimed(sums)
    assert codes.min() >= -128
    assert codes.max() <= 127
    assert np.array_equal(codes @ np.array([127] * 8 + [1]), sums)


def test_no_partial_sum_passes_the_certified_bound():
    """Of random codes and of the worst there are: each the sign of its weight."""
    looked_at = 0
    for seed in range(12):
        model = integer_graph(SeededChoices(seed), "int8" if seed % 2 else "uint8", 10).model
        program = ql.compile_model(model)
        values = make_plan(model).run(
            dict(zip(model.subgraphs[0].inputs, inputs_for(model, "uniform", seed), strict=True)),
            keep_all=True,
        )
        for part in program._parts:
            certificate = part.certificate
            if not certificate.sums:
                continue
            looked_at += 1
            node = part.step.node
            offset = program._codes[node.input(0).index].offset
            w = node.input(1).constant.astype(np.int64) - node.input(1).zero_point
            w = w[0].reshape(-1, w.shape[3]).T if "DEPTHWISE" in node.operator else w.reshape(w.shape[0], -1)
            x = np.resize(values[node.input(0).index].astype(np.int64), w.shape) - offset
            assert np.abs(np.cumsum(w * x, axis=1)).max() <= certificate.largest_sum
            assert certificate.largest_sum <= (2.0**24 if certificate.sums == "sgemm" else 2.0**53)
            assert certificate.largest_sum <= np.abs(w).sum(axis=1).max() * 255
    assert looked_at > 20


def dense(depth: int, weight: int, x_zero_point: int) -> ql.Model:
    """One layer of equal weights."""
    graph = Graph()
    x = graph.input((1, depth), TensorType.INT8, quantization(0.5, x_zero_point))
    w = graph.constant(np.full((3, depth), weight, np.int8), TensorType.INT8, quantization(0.001))
    y = graph.output((1, 3), TensorType.INT8, quantization(float(depth), 4))
    graph.operator("FULLY_CONNECTED", [x, w, OPTIONAL], [y], FullyConnectedOptions(), version=4)
    return graph.model()


@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize(("depth", "sums"), [(1000, "sgemm"), (1040, "dgemm"), (70_000, "dgemm")])
def test_sums_that_float32_cannot_hold_go_through_float64(depth, sums, kernels, differences):
    """127 · 127 · 1040 is just below 2**24, 127 · 128 · 1040 is not."""
    model = dense(depth, 127, 0)
    (certificate,) = ql.compile_model(model, kernels=kernels).certificates()
    assert certificate.sums == sums
    for code in (-128, 127, 3):
        assert differences(model, np.full((1, depth), code, np.int8), families=[kernels]) == []


def test_sums_that_wrap_go_to_the_kernel(differences):
    """200 000 products of 127 and 128 do not fit int32."""
    model = dense(200_000, 127, 0)
    assert ql.compile_model(model).certificates()[0].rung == "kernel"
    assert differences(model, np.full((1, 200_000), -128, np.int8)) == []
