import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings

from quantlib.affine import fast_quantize, rules
from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.quantize import dequantize, quantize
from quantlib.affine.requantize import requantize
from quantlib.affine.tiles import TILE
from quantlib.errors import InvalidInputError
from quantlib.testing.strategies import parameters_and_tensors

TYPES = ["int8", "uint8", "int16", "int4"]


def by_hand(x, p, rounding):
    """One element at a time, in Python."""
    out = np.empty(x.shape, p.dtype)
    for index in np.ndindex(*x.shape):
        channel = index[p.quantized_dimension] if p.per_axis else ()
        scale, zero_point = p.scale[channel], int(p.zero_point[channel])
        with np.errstate(all="ignore"):
            v = float(np.float32(x[index]) / scale)
        if math.isnan(v):
            code = zero_point
        elif math.isinf(v):
            code = p.qmin if v < 0 else p.qmax
        elif rounding == "half_even":
            code = round(v) + zero_point
        else:
            code = int(math.copysign(math.floor(abs(v) + 0.5), v)) + zero_point  # exact in float64
        out[index] = min(max(code, p.qmin), p.qmax)
    return out


@settings(max_examples=150, deadline=None)
@given(parameters_and_tensors(TYPES, subnormal=True))
def test_quantize_is_what_one_would_do_by_hand(drawn):
    p, x = drawn
    for rounding in ("half_away", "half_even"):
        np.testing.assert_array_equal(quantize(x, p, rounding=rounding), by_hand(x, p, rounding))


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(parameters_and_tensors(TYPES, subnormal=True))
def test_quantize_is_what_one_would_do_by_hand_at_length(drawn):
    p, x = drawn
    for rounding in ("half_away", "half_even"):
        np.testing.assert_array_equal(quantize(x, p, rounding=rounding), by_hand(x, p, rounding))


@settings(max_examples=80, deadline=None)
@given(parameters_and_tensors(TYPES))
def test_stored_integers_survive_a_round_trip(drawn):
    p, x = drawn
    q = quantize(x, p)
    real = dequantize(q, p)
    fine = np.isfinite(real) & ((np.abs(real) >= 2.0**-126) | (real == 0))
    np.testing.assert_array_equal(quantize(real, p)[fine], q[fine])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("rounding", ["half_away", "half_even"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((3, TILE // 2 + 1), None), ((2, 5, 3, 7), 3), ((4, 17000), 0), ((5, 300, 11), 1),
        ((70, 9, 3), 0), ((1, 40, 20000), 1), ((40000, 2), 1), ((2, 3, 300), 1), ((30000, 13), 0),
    ],
)  # fmt: skip
def test_the_fast_twin_equals_the_rule_on_every_cut_of_a_tensor(dtype, rounding, shape, axis):
    rng = np.random.default_rng(5)
    limits = QuantizationParameters(1.0, 0, dtype)
    size = () if axis is None else (shape[axis],)
    zero_points = rng.integers(limits.qmin, limits.qmax + 1, size)
    p = QuantizationParameters(rng.uniform(0.01, 1, size), zero_points, dtype, axis or 0)
    trailing = () if axis is None else (-1, *(1,) * (len(shape) - 1 - axis))
    scale, zero_point = p.scale.reshape(trailing), p.zero_point.reshape(trailing)
    x = (rng.integers(-600, 600, shape) / 2 * scale).astype(np.float32)
    x = np.where(rng.random(shape) < 0.3, np.nextafter(x, np.float32(9e9)), x)
    rule = rules.quotient_half_even if rounding == "half_even" else rules.quotient_half_away
    wanted = np.clip(rule(x, scale) + zero_point, p.qmin, p.qmax).astype(p.dtype)
    assert fast_quantize.applies(p)
    np.testing.assert_array_equal(quantize(x, p, rounding=rounding), wanted)
    real = rules.dequantized_float64(wanted.astype(np.int64), scale, zero_point)
    np.testing.assert_array_equal(dequantize(wanted, p), real)


def test_all_codes_of_16_bits_at_their_ties():
    p = QuantizationParameters(2.0**-8, -5, np.int16)
    codes = np.arange(-40000, 40000)
    ties = ((codes + 0.5) * 2.0**-8).astype(np.float32)
    away = np.where(codes >= 0, codes + 1, codes)
    np.testing.assert_array_equal(quantize(ties, p), np.clip(away - 5, -32768, 32767))
    below = np.nextafter(ties, np.float32(0))
    towards_zero = np.where(codes >= 0, codes, codes + 1)
    np.testing.assert_array_equal(quantize(below, p), np.clip(towards_zero - 5, -32768, 32767))


def test_one_ulp_below_a_half_is_zero():
    p = QuantizationParameters(1.0)
    x = np.nextafter(np.float32([0.5, -0.5]), np.float32(0))
    assert quantize(x, p).tolist() == [0, 0]
    assert quantize([0.5, -0.5], p).tolist() == [1, -1]


@pytest.mark.parametrize("kernels", ["reference", "optimized", "xnnpack"])
def test_infinities_saturate_and_nan_is_zero(kernels):
    p = QuantizationParameters(0.5, 7)
    x = np.float32([np.inf, -np.inf, np.nan, 3e38, -3e38, -0.0, 1e-45, -1e-45] * 2 + [np.nan, np.inf])
    wanted = [127, -128, 7, 127, -128, 7, 7, 7] * 2 + [7, 127]
    assert quantize(x, p, kernels=kernels).tolist() == wanted


def test_quotients_that_overflow_saturate():
    p = QuantizationParameters(2.0**-149, 3)
    assert quantize([1.0, -1.0, 2.0**-148, 0.0], p).tolist() == [127, -128, 5, 3]


def test_products_that_overflow_are_infinities():
    p = QuantizationParameters(3e38, 0)
    assert dequantize([2, -2, 1, 0], p).tolist() == [np.inf, -np.inf, float(np.float32(3e38)), 0.0]


def test_int32_saturates_at_both_ends():
    p = QuantizationParameters(1.0, 0, np.int32)
    assert quantize([1e10, -1e10, 2147483648.0, 5.5], p).tolist() == [2**31 - 1, -(2**31), 2**31 - 1, 6]
    assert dequantize([2**31 - 1, -(2**31)], p).tolist() == [2.0**31, -(2.0**31)]


def test_int4_saturates_at_its_own_ends():
    p = QuantizationParameters(1.0, 0, "int4")
    assert quantize([-100.0, 100.0, -8.0, 7.4], p).tolist() == [-8, 7, -8, 7]
    with pytest.raises(InvalidInputError):
        dequantize(np.int8([8]), p)


def test_blocks_along_any_axis_are_quantized_with_their_scales():
    rng = np.random.default_rng(3)
    for axis in range(3):
        w = rng.normal(size=(4, 6, 8)).astype(np.float32)
        p = QuantizationParameters.from_data(
            w, "int4", symmetric=True, quantized_dimension=axis, block_size=2
        )
        scale = np.repeat(p.scale, 2, axis)
        wanted = np.clip(rules.quotient_half_away(w, scale), -8, 7)
        np.testing.assert_array_equal(quantize(w, p), wanted)
        np.testing.assert_array_equal(dequantize(wanted.astype(np.int8), p), wanted * scale)


def test_one_scale_along_an_axis_counts_as_one_scale():
    x = np.linspace(-1, 1, 20, dtype=np.float32).reshape(1, 20)
    per_axis, per_tensor = QuantizationParameters([0.01], [3]), QuantizationParameters(0.01, 3)
    for kernels in ("reference", "optimized", "xnnpack"):
        np.testing.assert_array_equal(
            quantize(x, per_axis, kernels=kernels), quantize(x, per_tensor, kernels=kernels)
        )


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("kernels", {"kernels": "fast"}),
        ("rounding", {"rounding": "up"}),
        ("rounding", {"rounding": "half_even", "kernels": "xnnpack"}),
        ("overflow", {"overflow": "wrap"}),
    ],
)
def test_unknown_words_are_refused(argument, options):
    with pytest.raises(InvalidInputError) as caught:
        quantize([1.0], QuantizationParameters(1.0), **options)
    assert caught.value.argument == argument


def test_shapes_that_scales_do_not_fit_are_refused():
    p = QuantizationParameters([1.0, 2.0], quantized_dimension=1)
    for shape in ((2,), (2, 3), ()):
        with pytest.raises(InvalidInputError) as caught:
            quantize(np.zeros(shape), p)
        assert caught.value.argument == "x"


def test_parameters_are_not_a_tuple():
    for call in (quantize, dequantize):
        with pytest.raises(InvalidInputError) as caught:
            call([1], (0.5, 3))
        assert caught.value.argument == "parameters"


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_memory_is_the_output_and_a_bounded_scratch(axis):
    x = np.zeros((2048, 2048), np.float32)
    p = QuantizationParameters(0.5 if axis is None else np.full(2048, 0.5), 0, np.int8, axis or 0)
    tracemalloc.start()
    q = quantize(x, p)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < q.nbytes + 12 * TILE


def test_requantize_multiplies_in_fixed_point():
    p = QuantizationParameters(0.5, -3)
    half = QuantizationParameters(1.0, 10)
    assert requantize([-3, -2, -1, 0, -4, -128], p, half).tolist() == [10, 11, 11, 12, 10, -52]
    assert requantize([[5]], p, p).tolist() == [[5]]


def test_requantize_of_many_elements_goes_by_table_and_is_the_same():
    rng = np.random.default_rng(4)
    old, new = QuantizationParameters(0.013, 7), QuantizationParameters(0.021, 250, np.uint8)
    q = rng.integers(-128, 128, 1000).astype(np.int8)
    one_by_one = [requantize(q[i : i + 1], old, new)[0] for i in range(len(q))]
    np.testing.assert_array_equal(requantize(q, old, new), one_by_one)


def test_requantize_per_axis_is_per_tensor_channel_by_channel():
    rng = np.random.default_rng(5)
    q = rng.integers(-128, 128, (3, 50)).astype(np.int8)
    old = QuantizationParameters([0.1, 0.2, 0.3], [1, 2, 3])
    new = QuantizationParameters(0.17, -4)
    result = requantize(q, old, new)
    for channel in range(3):
        single = QuantizationParameters(old.scale[channel], old.zero_point[channel])
        np.testing.assert_array_equal(result[channel], requantize(q[channel], single, new))


def test_requantize_refuses_blocks_and_strangers():
    p = QuantizationParameters([[1.0]], block_size=1)
    with pytest.raises(InvalidInputError) as caught:
        requantize([[1]], p, QuantizationParameters(1.0))
    assert caught.value.argument == "parameters"
    with pytest.raises(InvalidInputError) as caught:
        requantize([1], QuantizationParameters(1.0), None)
    assert caught.value.argument == "new_parameters"
