"""MUL by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops.mul import MulOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32, UINT32 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.UINT32,
)
HALF, ONE = quantization(0.5), quantization(1.0)


def test_codes_are_multiplied_as_real_numbers(compute):
    x, y = quantization(0.5, 1), quantization(0.25, -2)
    operands = [([5, -3], INT8, x), ([6, 6], INT8, y)]  # 2 and -2; 2 and 2
    assert compute("MUL", operands, (INT8, quantization(0.5, 3))).tolist() == [11, -5]


def test_a_multiplier_of_one_half_rounds_halves_up(compute):
    # The doubling high product does all the rounding; nothing is left for the division.
    operands = [([1, -1, 3, -3], INT8, HALF), ([1, 1, 1, 1], INT8, ONE)]
    assert compute("MUL", operands, (INT8, ONE)).tolist() == [1, 0, 2, -1]


def test_a_multiplier_of_one_quarter_rounds_twice(compute):
    # 5/4 goes up to 3 halves and then away from zero; -5/4 goes up to -2 halves, which is -1.
    operands = [([2, -2, 5, -5], INT8, HALF), ([1, 1, 1, 1], INT8, HALF)]
    assert compute("MUL", operands, (INT8, ONE)).tolist() == [1, -1, 2, -1]


@pytest.mark.parametrize(("type", "low"), [(INT8, -128), (UINT8, 0)])
def test_every_pair_of_codes_is_within_three_quarters_of_the_product(compute, type, low):
    codes = np.arange(low, low + 256)
    x, y, z = quantization(0.02, low + 100), quantization(0.03, low), quantization(0.08, low + 7)
    out = compute("MUL", [(codes[:, None], type, x), (codes, type, y)], (type, z))
    exact = 0.02 * (codes[:, None] - low - 100) * 0.03 * (codes - low) / 0.08 + low + 7
    assert np.abs(out - np.clip(exact, low, low + 255)).max() <= 0.75


def test_activations_bound_the_codes(compute):
    operands = [([-100, 4, 100], INT8, HALF), ([2, 2, 2], INT8, HALF)]
    out = compute("MUL", operands, (INT8, HALF), MulOptions(Activation.RELU_N1_TO_1))
    assert out.tolist() == [-2, 2, 2]


def test_a_bound_that_is_no_int32_is_refused(compute):
    operands = [([1], INT8, ONE), ([1], INT8, ONE)]
    with pytest.raises(InvalidModelError, match="scale"):
        compute("MUL", operands, (INT8, quantization(1e-10)), MulOptions(Activation.RELU6))
    with pytest.raises(InvalidModelError, match="scale"):
        compute("MUL", operands, (INT8,), MulOptions(Activation.RELU))


def test_multipliers_that_are_no_numbers_count_as_zero(compute):
    huge = quantization(1e30)
    operands = [([-128, 1, 127], INT8, huge), ([127, 1, -128], INT8, huge)]
    assert compute("MUL", operands, (INT8, quantization(1.0, 3))).tolist() == [3, 3, 3]
    assert compute("MUL", [([5], INT8), ([7], INT8)], (INT8,)).tolist() == [0]


def test_int16_codes_have_no_zero_point(compute):
    x, y = quantization(1e-4), quantization(2e-4)
    out = compute("MUL", [([30000], INT16, x), ([-20000], INT16, y)], (INT16, quantization(1e-3)))
    assert out.tolist() == [-12000]
    with pytest.raises(InvalidModelError, match=r"input 1 quantization\.zero_point: 1; wanted 0"):
        compute("MUL", [([1], INT16, ONE), ([1], INT16, quantization(1.0, 1))], (INT16, ONE))


def test_int16_fractions_give_eight_bits(compute):
    operands = [([16384, -32768, -16384, 192], INT16, ONE), ([16384, -32768, 16384, 16384], INT16, HALF)]
    parameters = quantization(1.0, 3)
    # 1/4 of 128 is 32; -1 * -1 saturates; 192 * 1/2 = 96 of 256 is no code.
    assert compute("MUL", operands, (INT8, parameters)).tolist() == [35, 127, -29, 3]
    assert compute("MUL", operands, (UINT8, parameters)).tolist() == [35, 131, 0, 3]
    out = compute("MUL", operands, (INT8, parameters), MulOptions(Activation.RELU))
    assert out.tolist() == [35, 127, 3, 3]


def test_int16_fractions_do_not_broadcast(compute):
    with pytest.raises(UnsupportedError, match="LiteRT ends the process"):
        compute("MUL", [([1, 2], INT16, ONE), ([[1], [2]], INT16, ONE)], (INT8, ONE))


def test_integers_wrap_before_they_are_clamped(compute):
    operands = [([2**30, 5, -7], INT32), ([4, 3, 1], INT32)]
    assert compute("MUL", operands, (INT32,)).tolist() == [0, 15, -7]
    assert compute("MUL", operands, (INT32,), MulOptions(Activation.RELU6)).tolist() == [0, 6, 0]
    unsigned = [([2**31, 5], UINT32), ([3, 3], UINT32)]
    assert compute("MUL", unsigned, (UINT32,)).tolist() == [2**31, 15]
    assert compute("MUL", [([32767], INT16), ([3], INT16)], (INT16,)).tolist() == [32765]


def test_floats(compute):
    operands = [([1.5, np.inf, np.inf], FLOAT32), ([-2.0, -1.0, 0.0], FLOAT32)]
    out = compute("MUL", operands, (FLOAT32,))
    assert out[:2].tolist() == [-3.0, float(np.finfo(np.float32).min)]
    assert np.isnan(out[2])


def test_both_operands_are_of_one_type(compute):
    with pytest.raises(InvalidModelError, match="input 1: UINT8; wanted INT8"):
        compute("MUL", [([1], INT8, ONE), ([1], UINT8, ONE)], (INT8, ONE))
