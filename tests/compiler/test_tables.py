"""What stands in tables or is tried on all pairs: sums of two tensors, pools, means, functions of codes."""

import numpy as np
import pytest

import quantlib as ql
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops._pool import Pool2DOptions
from quantlib.ops._reduce import ReducerOptions
from quantlib.ops._window import Padding
from quantlib.ops.add import AddOptions
from quantlib.ops.leaky_relu import LeakyReluOptions
from quantlib.ops.mul import MulOptions
from quantlib.ops.sub import SubOptions
from quantlib.testing.single_operator import Graph, quantization

TYPES = (TensorType.INT8, TensorType.UINT8)
OPTIONS = {"ADD": AddOptions, "SUB": SubOptions, "MUL": MulOptions}
EXTREME = (
    (2.0**-10, 1.0, 1.0),
    (1.0, 2.0**-10, 2.0**-3),
    (1e-3, 900.0, 1.0),
    (0.5, 0.5, 2.0**-12),
    (0.3, 0.7, 40.0),
)
ORDINARY = ((0.05, 0.04, 0.1), (0.25, 0.5, 1.0), (0.0235, 0.0235, 0.0235))


def codes_of(type: TensorType) -> np.ndarray:
    low = -128 if type is TensorType.INT8 else 0
    return np.arange(low, low + 256)


def all_pairs(type: TensorType) -> tuple[np.ndarray, np.ndarray]:
    """Every code beside every other, and five more, which fill no block."""
    first, second = np.meshgrid(codes_of(type), codes_of(type), indexing="ij")
    return tuple(np.append(one.ravel(), one.ravel()[:5]).astype(type.dtype)[None] for one in (first, second))


@pytest.mark.parametrize("type", TYPES, ids=lambda type: type.name)
@pytest.mark.parametrize("operator", OPTIONS)
def test_all_pairs_of_codes_at_ordinary_and_extreme_scales(operator, type, differences):
    x, y = all_pairs(type)
    middle = 0 if type is TensorType.INT8 else 128
    for place, scales in enumerate((*ORDINARY, *EXTREME)):
        graph = Graph()
        points = (middle + 3, middle - 128, middle + (0, 127)[place % 2])
        a, b = (
            graph.input(x.shape, type, quantization(*pair))
            for pair in zip(scales[:2], points[:2], strict=True)
        )
        z = graph.output(x.shape, type, quantization(scales[2], points[2]))
        fused = (Activation.NONE, Activation.RELU, Activation.RELU6)[place % 3]
        graph.operator(operator, [a, b], [z], OPTIONS[operator](fused), version=2)
        assert differences(graph.model(), x, y) == [], scales


def test_a_tensor_with_itself():
    codes = codes_of(TensorType.INT8).astype(np.int8)[None]
    for operator, options in OPTIONS.items():
        graph = Graph()
        a = graph.input(codes.shape, TensorType.INT8, quantization(0.03, 4))
        z = graph.output(codes.shape, TensorType.INT8, quantization(0.05, -9))
        graph.operator(operator, [a, a], [z], options(), version=2)
        for kernels in ("reference", "optimized", "xnnpack"):
            (wanted,) = ql.run(graph.model(), codes, kernels=kernels)
            assert np.array_equal(*ql.compile_model(graph.model(), kernels=kernels)(codes), wanted)


def windows_with_every_sum(type: TensorType, count: int) -> np.ndarray:
    """Windows (sums, count) of codes, one for every sum that so many codes can have."""
    codes = codes_of(type)
    sums = np.arange(codes[0] * count, codes[-1] * count + 1)
    shares = [(sums * (place + 1)) // count - (sums * place) // count for place in range(count)]
    return np.stack(shares, axis=1)


@pytest.mark.parametrize("type", TYPES, ids=lambda type: type.name)
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (2, 7)])
def test_averages_of_every_sum(type, size, differences):
    windows = windows_with_every_sum(type, size[0] * size[1])
    x = windows.reshape(-1, *size, 1).astype(type.dtype)
    for fused in (Activation.NONE, Activation.RELU6):
        graph = Graph()
        shape = (x.shape[0], 1, 1, 1)
        a, z = (graph.tensor(one, type, quantization(0.05, 5)) for one in (x.shape, shape))
        options = Pool2DOptions(Padding.VALID, 1, 1, size[1], size[0], fused)
        graph.operator("AVERAGE_POOL_2D", [a], [z], options, version=2)
        graph.inputs.append(a)
        graph.outputs.append(z)
        assert ql.compile_model(graph.model()).certificates()[0].steps == windows.shape[0]
        assert differences(graph.model(), x) == []


@pytest.mark.parametrize("type", TYPES, ids=lambda type: type.name)
@pytest.mark.parametrize("count", [1, 3, 49])
@pytest.mark.parametrize("ratio", [1.0, 0.37, 0.0078125, 3.0])
def test_means_of_every_sum(type, count, ratio, differences):
    x = windows_with_every_sum(type, count).astype(type.dtype)
    for keep in (True, False):
        graph = Graph()
        a = graph.input(x.shape, type, quantization(0.05 * ratio, 5))
        axis = graph.constant(np.array([1], np.int32), TensorType.INT32)
        z = graph.output((x.shape[0], 1) if keep else x.shape[:1], type, quantization(0.05, 17))
        graph.operator("MEAN", [a, axis], [z], ReducerOptions(keep), version=2)
        assert ql.compile_model(graph.model()).certificates()[0].rung == "table"
        assert differences(graph.model(), x) == []


FUNCTIONS = {
    "LOGISTIC": (None, (1 / 256, -128)),
    "TANH": (None, (1 / 128, 0)),
    "RELU": (None, (0.04, -5)),
    "RELU6": (None, (0.03, -128)),
    "HARD_SWISH": (None, (0.06, 1)),
    "LEAKY_RELU": (LeakyReluOptions(0.25), (0.05, 3)),
    "QUANTIZE": (None, (0.07, 20)),
}


@pytest.mark.parametrize("type", TYPES, ids=lambda type: type.name)
@pytest.mark.parametrize("operator", FUNCTIONS)
def test_functions_of_every_code_in_every_place(operator, type, differences):
    options, (scale, point) = FUNCTIONS[operator]
    x = np.resize(codes_of(type), (3, 257)).astype(type.dtype)
    middle = 0 if type is TensorType.INT8 else 128
    graph = Graph()
    a = graph.input(x.shape, type, quantization(0.05, middle - 7))
    z = graph.output(x.shape, type, quantization(scale, middle + point))
    graph.operator(operator, [a], [z], options, version=2)
    assert differences(graph.model(), x) == []


def test_a_change_of_type_alone_costs_nothing(differences):
    """QUANTIZE of uint8 to int8 at one scale moves every code by 128: the same memory at another offset."""
    graph = Graph()
    a = graph.input((1, 256), TensorType.UINT8, quantization(0.05, 130))
    z = graph.output((1, 256), TensorType.INT8, quantization(0.05, 2))
    graph.operator("QUANTIZE", [a], [z], None, version=2)
    assert [one.rung for one in ql.compile_model(graph.model()).certificates()] == ["view"]
    assert differences(graph.model(), np.arange(256, dtype=np.uint8)[None]) == []
