"""XNNPACK's float functions and sums, against LiteRT on a processor with AVX-512: sweeps and random rows."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import TensorType
from quantlib.ops._reduce import ReducerOptions
from quantlib.ops.cos import CosOptions
from quantlib.ops.exp import ExpOptions
from quantlib.ops.gelu import GeluOptions
from quantlib.ops.hard_swish import HardSwishOptions
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.oracle.compare import count_differing
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.runtime.execute import run
from quantlib.testing.conformance_page import processor
from quantlib.testing.single_operator import Graph

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed"),
    pytest.mark.skipif("avx512f" not in processor().split(), reason="this processor has no AVX-512"),
]

FLOAT32, FLOAT16 = TensorType.FLOAT32, TensorType.FLOAT16

OPTIONS: dict[str, object] = {
    "COS": CosOptions(),
    "ELU": None,
    "EXP": ExpOptions(),
    "GELU": GeluOptions(approximate=False),
    "HARD_SWISH": HardSwishOptions(),
    "LOG": None,
    "LOGISTIC": None,
    "RSQRT": None,
    "SIN": None,
    "SQRT": None,
    "TANH": None,
}


@pytest.fixture(scope="module")
def litert():
    with LiteRT() as running:
        yield running


def differing(
    litert: LiteRT, operator: str, x: NDArray[Any], options: object, axes: tuple[int, ...] = ()
) -> int:
    """Elements of one operator's output that are not LiteRT's."""
    type = FLOAT32 if x.dtype == np.float32 else FLOAT16
    graph = Graph()
    inputs = [graph.input(x.shape, type)]
    if axes:
        inputs.append(graph.constant(np.array(axes, np.int32), TensorType.INT32))
    graph.operator(operator, inputs, [graph.output((), type)], options)
    case = graph.finished(x)
    (ours,) = run(case.model, x, kernels="xnnpack")
    answer = litert.run(write_model(case.model), [x], kernels="xnnpack", preserve_all_tensors=False)
    return count_differing(ours, answer.tensors[case.model.subgraphs[0].outputs[0]])


@pytest.mark.parametrize("operator", OPTIONS)
def test_every_4099th_float32_and_the_ends_of_every_binade(litert, operator):
    ends = (np.arange(512)[:, None] << 23) + np.array([0, 1, 2, 0xFF, 0x100, 0x3FFFFF, 0x400000, 0x7FFFFF])
    bits = np.concatenate((np.arange(0, 1 << 32, 4099), ends.ravel())).astype(np.uint32)
    assert differing(litert, operator, bits.view(np.float32), OPTIONS[operator]) == 0


@pytest.mark.parametrize("operator", ["COS", "GELU", "SIN", "TANH"])
def test_every_float16(litert, operator):
    x = np.arange(65536).astype(np.uint16).view(np.float16)
    assert differing(litert, operator, x, OPTIONS[operator]) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_softmax_of_rows_of_every_length_to_130_and_some_more(litert, dtype):
    random = np.random.default_rng(0)
    for width in (*range(1, 131), 255, 256, 257, 1001):
        x = random.normal(size=(3, width)) * 10.0 ** random.uniform(-3, 2)
        assert differing(litert, "SOFTMAX", x.astype(dtype), SoftmaxOptions(1.0)) == 0, width


@pytest.mark.parametrize("operator", ["SUM", "MEAN"])
@pytest.mark.parametrize("size", [1.0, 1e-37])
def test_sums_of_rows_of_every_length_to_130_and_some_more(litert, operator, size):
    random = np.random.default_rng(1)
    for width in (*range(1, 131), 255, 256, 257, 1001):
        x = random.normal(size=(2, 3, width)) * 10.0 ** random.uniform(-3, 3, (2, 3, width)) * size
        for axes in ((2,), (0, 2), (1, 2), (1,)):
            counted = differing(litert, operator, x.astype(np.float32), ReducerOptions(), axes)
            assert counted == 0, (width, axes)
