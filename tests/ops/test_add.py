"""ADD by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops.add import AddOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
)
HALF, ONE = quantization(0.5), quantization(1.0)


def test_codes_of_different_scales_are_added_as_real_numbers(compute):
    x, y = [3, -3], [8, 100]  # 1.5 and -1.5; 2 and 25
    out = compute("ADD", [(x, INT8, HALF), (y, INT8, quantization(0.25))], (INT8, quantization(0.5, -1)))
    assert out.tolist() == [6, 46]


def test_halves_are_rounded_away_from_zero(compute):
    x, y = [1, -1, 3, -3], [0, 0, 0, 0]
    assert compute("ADD", [(x, INT8, HALF), (y, INT8, HALF)], (INT8, ONE)).tolist() == [1, -1, 2, -2]


def test_zero_points_are_subtracted_and_added(compute):
    x, y = quantization(1.0, 128), quantization(1.0, 255)
    out = compute("ADD", [([130], UINT8, x), ([250], UINT8, y)], (UINT8, quantization(1.0, 10)))
    assert out.tolist() == [7]


@pytest.mark.parametrize(("type", "low", "high"), [(INT8, -128, 127), (UINT8, 0, 255)])
def test_every_pair_of_codes_of_one_scale_adds_exactly(compute, type, low, high):
    codes = np.arange(low, high + 1)
    parameters, middle = quantization(0.1, low + 128), low + 128
    out = compute("ADD", [(codes[:, None], type, parameters), (codes, type, parameters)], (type, parameters))
    exact = np.clip(codes[:, None] + codes - middle, low, high)
    assert np.array_equal(out, exact)


def test_activations_bound_the_codes(compute):
    operands = [([-100, 4, 100], INT8, HALF), ([0, 0, 0], INT8, HALF)]
    out = compute("ADD", operands, (INT8, quantization(0.5, 3)), AddOptions(Activation.RELU6))
    assert out.tolist() == [3, 7, 15]


def test_int16_of_any_scale(compute):
    x, y = quantization(1e-3), quantization(3e-3)
    out = compute("ADD", [([1000], INT16, x), ([-3000], INT16, y)], (INT16, quantization(2e-3)))
    assert out.tolist() == [-4000]


def test_powers_of_two_only_shift_one_side(compute):
    x, y = quantization(2.0**-10), quantization(2.0**-12)
    operands = [([5, 5, 32767, 0], INT16, x), ([2, -2, 32767, 1], INT16, y)]
    assert compute("ADD", operands, (INT16, x), AddOptions()).tolist() == [6, 4, 32767, 0]


def test_powers_of_two_do_not_broadcast(compute):
    one = quantization(2.0**-10)
    operands = [([5, 6], INT16, one), ([[2], [3]], INT16, one)]
    with pytest.raises(UnsupportedError, match="LiteRT ends the process"):
        compute("ADD", operands, (INT16, one), AddOptions())
    assert compute("ADD", operands, (INT16, one), AddOptions(pot_scale_int16=False)).shape == (2, 2)
    assert compute("ADD", operands, (INT16, one)).tolist() == [[7, 8], [8, 9]]  # no options table at all


def test_int16_zero_points_are_zero(compute):
    good, bad = quantization(0.1), quantization(0.1, 3)
    for parameters in ((bad, good, good), (good, bad, good), (good, good, bad)):
        first, second, output = parameters
        with pytest.raises(InvalidModelError, match="zero_point: 3; wanted 0"):
            compute("ADD", [([1], INT16, first), ([1], INT16, second)], (INT16, output))


def test_int16_is_quantized_throughout_or_not_at_all(compute):
    assert compute("ADD", [([32767], INT16), ([1], INT16)], (INT16,)).tolist() == [-32768]
    with pytest.raises(InvalidModelError, match="output: quantized"):
        compute("ADD", [([1], INT16), ([1], INT16)], (INT16, ONE))
    with pytest.raises(UnsupportedError):
        compute("ADD", [([1], INT16, ONE), ([1], INT16, ONE)], (INT16,))


@pytest.mark.parametrize("scale", [2.0**-19, 1e-7])
def test_an_output_scale_too_small_is_refused(compute, scale):
    with pytest.raises(UnsupportedError, match=r"output quantization\.scale"):
        compute("ADD", [([1], INT8, ONE), ([1], INT8, ONE)], (INT8, quantization(scale)))


def test_codes_need_scales(compute):
    with pytest.raises(UnsupportedError, match=r"input 0 quantization\.scale 0"):
        compute("ADD", [([1], INT8), ([1], INT8, ONE)], (INT8, ONE))


def test_both_operands_are_of_one_type(compute):
    with pytest.raises(InvalidModelError, match="input 1: UINT8; wanted INT8"):
        compute("ADD", [([1], INT8, ONE), ([1], UINT8, ONE)], (INT8, ONE))


def test_integers_wrap_before_they_are_clamped(compute):
    operands = [([2**31 - 1, 5, -7], INT32), ([1, 3, 1], INT32)]
    assert compute("ADD", operands, (INT32,)).tolist() == [-(2**31), 8, -6]
    assert compute("ADD", operands, (INT32,), AddOptions(Activation.RELU6)).tolist() == [0, 6, 0]


def test_float_sums_are_rounded_once_and_infinities_clamped(compute):
    operands = [([1e8, np.inf, np.nan], FLOAT32), ([1.0, 1.0, 1.0], FLOAT32)]
    out = compute("ADD", operands, (FLOAT32,))
    assert out[:2].tolist() == [1e8, float(np.finfo(np.float32).max)]
    assert np.isnan(out[2])


def test_empty_and_scalar_operands(compute):
    assert compute("ADD", [(np.empty((0, 3)), FLOAT32), ([1, 2, 3], FLOAT32)], (FLOAT32,)).shape == (0, 3)
    assert compute("ADD", [(2, INT8, ONE), (3, INT8, ONE)], (INT8, ONE)) == 5


def test_operands_are_left_alone(compute):
    x, y = np.array([1, 2], np.int8), np.array([3, 4], np.int8)
    compute("ADD", [(x, INT8, ONE), (y, INT8, ONE)], (INT8, ONE))
    assert x.tolist() == [1, 2]
    assert y.tolist() == [3, 4]
