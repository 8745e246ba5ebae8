"""quantize, dequantize and requantize against LiteRT's operators, in all three kernel families."""

from __future__ import annotations

import numpy as np
import pytest

from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.quantize import dequantize, quantize
from quantlib.affine.requantize import requantize
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import TensorType
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.testing.single_operator import Graph, quantization

pytestmark = pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")

FAMILIES = ("reference", "optimized", "xnnpack")
CASES = 25
BITS = {"int8": 8, "uint8": 8, "int16": 16, "int32": 32}


@pytest.fixture(scope="module")
def litert():
    with LiteRT() as running:
        yield running


def tensor_type(name):
    return TensorType[name.upper()]


def quantization_of(p):
    return quantization(np.atleast_1d(p.scale), np.atleast_1d(p.zero_point), p.quantized_dimension)


def answer(litert, operator, x, input_parameters, output_type, output_parameters, kernels):
    graph = Graph()
    given = None if input_parameters is None else quantization_of(input_parameters)
    source = graph.input(x.shape, tensor_type(x.dtype.name), given)
    made = None if output_parameters is None else quantization_of(output_parameters)
    result = graph.output(x.shape, tensor_type(output_type), made)
    graph.operator(operator, [source], [result], version=1 if operator == "QUANTIZE" else 2)
    return litert.run(write_model(graph.model()), [x], kernels=kernels).tensors[result]


def random_parameters(rng, dtype, channels=None, exponent=(-12, 3)):
    limits = np.iinfo(dtype)
    size = () if channels is None else (channels,)
    scale = np.ldexp(rng.uniform(1, 2, size), rng.integers(*exponent, size)).astype(np.float32)
    zero = (
        np.zeros(size, int) if dtype in ("int16", "int32") else rng.integers(limits.min, limits.max + 1, size)
    )
    return QuantizationParameters(scale, zero, dtype, 0 if channels is None else 1)


def near_ties(rng, p, shape):
    """Real numbers at and next to the middles between codes."""
    scale = p.scale if p.scale.ndim == 0 else p.scale[:, np.newaxis]
    codes = rng.integers(-300, 300, shape) if p.bits == 8 else rng.integers(-40000, 40000, shape)
    x = ((codes + rng.choice([0, 0.5], shape)) * scale).astype(np.float32)
    near = rng.integers(3, size=shape)
    x = np.where(near == 1, np.nextafter(x, np.float32(-np.inf)), x)
    return np.where(near == 2, np.nextafter(x, np.float32(np.inf)), x).astype(np.float32)


@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_quantize_gives_litert_bits(dtype, kernels, litert):
    rng = np.random.default_rng([FAMILIES.index(kernels), BITS[dtype]])
    for _ in range(CASES):
        p = random_parameters(rng, dtype)
        x = near_ties(rng, p, (1, int(rng.integers(1, 300))))
        theirs = answer(litert, "QUANTIZE", x, None, dtype, p, kernels)
        np.testing.assert_array_equal(quantize(x, p, kernels=kernels), theirs, err_msg=repr(p))


@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_quantize_per_axis_gives_litert_bits(dtype, kernels, litert):
    rng = np.random.default_rng([3, FAMILIES.index(kernels), BITS[dtype]])
    for _ in range(CASES):
        channels = int(rng.integers(2, 6))
        p = random_parameters(rng, dtype, channels)
        x = near_ties(rng, p, (1, channels, int(rng.integers(1, 60))))
        theirs = answer(litert, "QUANTIZE", x, None, dtype, p, kernels)
        np.testing.assert_array_equal(quantize(x, p, kernels=kernels), theirs, err_msg=repr(p))


@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_what_no_int32_holds_is_stored_as_litert_does_on_x86(dtype, kernels, litert):
    rng = np.random.default_rng(7)
    # Sixteen elements and then five: vector blocks and leftovers alike.
    x = np.float32([np.inf, -np.inf, np.nan, 3e9, -3e9, 1e30, -1e30, 0.0])
    x = np.concatenate([x, x, x[:5]])[np.newaxis]
    for _ in range(6):
        p = random_parameters(rng, dtype, exponent=(-3, 0))
        theirs = answer(litert, "QUANTIZE", x, None, dtype, p, kernels)
        ours = quantize(x, p, kernels=kernels, overflow="litert-x86")
        np.testing.assert_array_equal(ours, theirs, err_msg=repr(p))


@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_dequantize_gives_litert_bits(dtype, kernels, litert):
    rng = np.random.default_rng([1, FAMILIES.index(kernels), BITS[dtype]])
    limits = np.iinfo(dtype)
    for case in range(CASES):
        per_axis = case % 5 == 0 and dtype != "int16"
        p = random_parameters(rng, dtype, 3 if per_axis else None)
        shape = (1, 3, int(rng.integers(1, 90)))
        q = rng.integers(limits.min, limits.max + 1, shape).astype(dtype)
        theirs = answer(litert, "DEQUANTIZE", q, p, "float32", None, kernels)
        ours = dequantize(q, p, kernels=kernels)
        np.testing.assert_array_equal(ours.view(np.uint32), theirs.view(np.uint32), err_msg=repr(p))


PAIRS = [
    ("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"), ("uint8", "uint8"), ("int16", "int16"),
    ("int16", "int8"), ("int8", "int16"), ("uint8", "int16"), ("int16", "int32"), ("int32", "int8"),
    ("int32", "int16"),
]  # fmt: skip


@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_requantize_gives_litert_bits(pair, kernels, litert):
    rng = np.random.default_rng([2, FAMILIES.index(kernels), PAIRS.index(pair)])
    limits = np.iinfo(pair[0])
    for case in range(CASES):
        old, new = random_parameters(rng, pair[0]), random_parameters(rng, pair[1])
        if case % 3 == 0:  # ratios that make ties
            new = QuantizationParameters(old.scale * np.float32(2), new.zero_point, new.dtype)
        shape = (1, int(rng.integers(1, 700)))
        q = rng.integers(limits.min, limits.max + 1, shape).astype(pair[0])
        theirs = answer(litert, "QUANTIZE", q, old, pair[1], new, kernels)
        ours = requantize(q, old, new, kernels=kernels)
        np.testing.assert_array_equal(ours, theirs, err_msg=f"{old!r} -> {new!r}")
