"""What TensorFlow refuses, and what we decided where its answer is an accident."""

import numpy as np
import pytest

from quantlib.affine.denormals import flush
from quantlib.affine.fake_quant import fake_quant, fake_quant_gradient, nudged_range
from quantlib.affine.float16 import to_float16
from quantlib.affine.quantize_and_dequantize import quantize_and_dequantize
from quantlib.affine.range_dequantize import range_dequantize
from quantlib.affine.range_quantize import MODES, range_quantize
from quantlib.errors import InvalidInputError


def argument_of(call):
    with pytest.raises(InvalidInputError) as caught:
        call()
    return caught.value.argument


BAD_RANGES = [
    ("max_range", 1.0, 0.0), ("min_range", np.nan, 1.0), ("max_range", 0.0, np.inf),
    ("max_range", -3e38, 3e38), ("min_range", [0.0], [1.0]), ("min_range", "a", 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("argument", "low", "high"), BAD_RANGES)
def test_ranges_that_are_none_are_refused(argument, low, high):
    assert argument_of(lambda: range_quantize([1.0], low, high)) == argument
    assert argument_of(lambda: range_dequantize(np.int8([1]), low, high)) == argument


def test_combinations_that_tensorflow_refuses_are_refused():
    x = np.zeros((2, 3))
    assert argument_of(lambda: range_quantize(x, 0.0, 1.0, round_mode="HALF_TO_EVEN")) == "round_mode"
    two = ([0.0, 0.0], [1.0, 1.0])
    assert argument_of(lambda: range_quantize(x, *two, mode="MIN_FIRST", axis=0)) == "axis"
    assert argument_of(lambda: range_dequantize(np.int8(x), *two, mode="MIN_FIRST", axis=0)) == "axis"
    assert argument_of(lambda: range_quantize(x, *two, axis=2)) == "axis"
    assert argument_of(lambda: range_quantize(x, *two, axis=1)) == "min_range"
    assert argument_of(lambda: range_quantize(x, 0.0, 1.0, np.int64)) == "dtype"
    assert argument_of(lambda: range_quantize(x, 0.0, 1.0, mode="MAX")) == "mode"
    assert argument_of(lambda: range_dequantize(np.float32(x), 0.0, 1.0)) == "q"
    assert argument_of(lambda: range_quantize(x, 0.0, 1.0, ensure_minimum_range=np.nan)) is not None


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["qint8", "quint8", "qint16", "quint16", "qint32"])
def test_nan_is_stored_as_zero_wherever_it_stands(mode, dtype):
    x = np.zeros(40, np.float32)
    wanted = range_quantize(x, -1.0, 3.0, dtype, mode).output
    x[::3] = np.nan
    np.testing.assert_array_equal(range_quantize(x, -1.0, 3.0, dtype, mode).output, wanted)


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_range_gives_the_code_of_zero(mode):
    r = range_quantize([1.0, -1.0, np.inf], 0.0, 0.0, np.int8, mode, ensure_minimum_range=0.0)
    assert len(set(r.output.tolist())) == 1
    assert (float(r.output_min), float(r.output_max)) == (0.0, 0.0)


def test_the_upper_end_of_int32_saturates():
    for mode in ("MIN_COMBINED", "SCALED"):
        assert range_quantize([9.0], -1.0, 1.0, np.int32, mode).output[0] == 2**31 - 1


def test_negative_axes_count_from_the_end():
    x = np.arange(6.0).reshape(2, 3)
    ranges = ([0.0, 0.0, 0.0], [5.0, 6.0, 7.0])
    last, minus_one = (range_quantize(x, *ranges, np.uint8, axis=axis) for axis in (1, -1))
    np.testing.assert_array_equal(last.output, minus_one.output)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16])
def test_quantizing_and_dequantizing_stays_within_a_step(mode, dtype):
    x = np.linspace(-1, 3, 1000, dtype=np.float32)
    r = range_quantize(x, -1.0, 3.0, dtype, mode)
    back = range_dequantize(r.output, r.output_min, r.output_max, mode)
    inside = (x >= r.output_min) & (x <= r.output_max)
    step = (r.output_max - r.output_min) / (np.iinfo(dtype).max - np.iinfo(dtype).min)
    assert np.abs(back - x)[inside].max() <= 1.01 * step


def test_quantize_and_dequantize_wants_a_range_or_finite_data():
    assert argument_of(lambda: quantize_and_dequantize([1.0, np.nan])) == "x"
    assert argument_of(lambda: quantize_and_dequantize([1.0, np.inf])) == "x"
    assert argument_of(lambda: quantize_and_dequantize([1.0], 0.0)) == "input_max"
    assert argument_of(lambda: quantize_and_dequantize([1.0], None, 0.0)) == "input_min"
    assert argument_of(lambda: quantize_and_dequantize([1.0], 1.0, 0.0)) == "input_max"
    assert argument_of(lambda: quantize_and_dequantize([1.0], 0.0, np.inf)) == "input_max"
    assert argument_of(lambda: quantize_and_dequantize([1.0], num_bits=64)) == "num_bits"
    assert argument_of(lambda: quantize_and_dequantize([1.0], num_bits=1)) == "num_bits"
    assert argument_of(lambda: quantize_and_dequantize([1.0], round_mode="UP")) == "round_mode"


def test_quantize_and_dequantize_with_a_range_per_channel_is_each_channel_alone():
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    low, high = np.float32([-1, -2, 0]), np.float32([1, 0.5, 3])
    together = quantize_and_dequantize(x, low, high, axis=1)
    for channel in range(3):
        alone = quantize_and_dequantize(x[:, channel], low[channel], high[channel])
        np.testing.assert_array_equal(together[:, channel], alone)


def test_quantize_and_dequantize_keeps_nan_and_float64():
    assert np.isnan(quantize_and_dequantize([np.nan], -1.0, 1.0))
    assert quantize_and_dequantize(np.array([0.1, 1.0])).dtype == np.float64
    assert quantize_and_dequantize([0.1, 1.0]).dtype == np.float32


@pytest.mark.parametrize(
    ("argument", "low", "high"),
    [
        ("max", 1.0, 0.0), ("max", 2.0, 2.0), ("min", np.nan, 1.0), ("max", 0.0, np.inf),
        ("max", -3e38, 3e38), ("max", [0.0], [1.0, 2.0]), ("min", [[0.0]], [[1.0]]),
    ],
)  # fmt: skip
def test_fake_quant_refuses_ranges_that_are_none(argument, low, high):
    assert argument_of(lambda: fake_quant([[1.0]], low, high)) == argument
    assert argument_of(lambda: fake_quant_gradient([[1.0]], [[1.0]], low, high)) == argument


def test_fake_quant_refuses_bits_and_channels_that_do_not_fit():
    for bits in (1, 17, 8.0, True):
        assert argument_of(lambda bits=bits: fake_quant([1.0], num_bits=bits)) == "num_bits"
    assert argument_of(lambda: fake_quant([1.0], [0.0, 0.0], [1.0, 1.0])) == "x"
    assert argument_of(lambda: fake_quant(1.0, [0.0], [1.0])) == "x"
    assert argument_of(lambda: fake_quant([1.0], [0.0], [1.0], variant="vars")) == "min"
    assert argument_of(lambda: fake_quant([1.0], variant="mine")) == "variant"
    assert argument_of(lambda: fake_quant_gradient([1.0], [[1.0]])) == "dy"


@pytest.mark.parametrize("variant", ["args", "vars"])
def test_fake_quant_keeps_nan_and_clips_infinities(variant):
    nan, high, low = fake_quant([np.nan, np.inf, -np.inf], -1.0, 3.0, variant=variant)
    nudged = nudged_range(-1.0, 3.0)
    assert np.isnan(nan)
    assert abs(high - nudged.max) <= 1e-6
    assert abs(low - nudged.min) <= 1e-6


def test_the_nudged_range_contains_zero_exactly():
    rng = np.random.default_rng(1)
    for bits in range(2, 17):
        low, high = -rng.random(50).astype(np.float32), rng.random(50).astype(np.float32)
        nudged = nudged_range(low, high, bits)
        codes = -nudged.min / nudged.scale
        np.testing.assert_allclose(codes, np.rint(codes), atol=1e-2)
        assert (fake_quant(np.zeros((1, 50)), low, high, bits) == 0).all()


def test_fake_quant_is_idempotent_for_few_bits():
    x = np.linspace(-7, 7, 1001, dtype=np.float32)
    once = fake_quant(x, num_bits=4)
    np.testing.assert_array_equal(fake_quant(once, num_bits=4), once)


def test_gradients_pass_everything_through_an_empty_range():
    gradient = fake_quant_gradient([1.0, -2.0, 4.0], [-1.0, 0.0, 9.0], 0.0, 0.0)
    assert gradient.dx.tolist() == [1.0, -2.0, 4.0]
    assert (float(gradient.dmin), float(gradient.dmax)) == (0.0, 0.0)


def test_gradients_per_channel_sum_over_the_rest():
    x = np.float32([[-9, 9], [0, 9], [-9, 0]])
    gradient = fake_quant_gradient(np.ones((3, 2)), x, [-1.0, -1.0], [1.0, 1.0])
    assert gradient.dmin.tolist() == [2.0, 0.0]
    assert gradient.dmax.tolist() == [0.0, 2.0]
    assert gradient.dx.tolist() == [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]


def test_float16_of_every_float16_is_itself():
    every = np.arange(1 << 16).astype(np.uint16).view(np.float16)
    finite = np.isfinite(every)
    for overflow in ("saturate", "inf"):
        result = to_float16(every.astype(np.float32), overflow=overflow)
        np.testing.assert_array_equal(result.view(np.uint16)[finite], every.view(np.uint16)[finite])
        assert (result.view(np.uint16)[np.isnan(every)] == 0x7E00).all()
    assert to_float16([np.inf, -np.inf]).tolist() == [65504.0, -65504.0]
    assert to_float16([np.inf, -np.inf], overflow="inf").tolist() == [np.inf, -np.inf]
    assert argument_of(lambda: to_float16([1.0], overflow="wrap")) == "overflow"


def test_float16_ties_go_to_even_and_subnormals_are_kept():
    assert to_float16([1 + 2.0**-11, 1 + 3 * 2.0**-11]).tolist() == [1.0, 1 + 2.0**-9]
    assert to_float16([2.0**-25, np.nextafter(np.float32(2.0**-25), np.float32(1))]).tolist() == [
        0.0,
        2.0**-24,
    ]
    assert np.signbit(to_float16([-1e-30, -0.0])).all()


def test_flush_keeps_normal_numbers_signs_and_nan():
    smallest = np.finfo(np.float32).smallest_normal
    x = np.float32([smallest, -smallest, smallest / 2, -smallest / 2, np.nan, np.inf])
    np.testing.assert_array_equal(flush(x), [smallest, -smallest, 0, 0, np.nan, np.inf])
    assert np.signbit(flush(x))[3]


def test_numpy_keeps_subnormals_here():
    # A library built with -ffast-math may have told the processor to flush them.
    assert np.float32(1e-40) * np.float32(1) != 0
