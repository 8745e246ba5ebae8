"""SUB by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops._activation import Activation
from quantlib.ops.sub import SubOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32, INT64 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)
HALF, ONE = quantization(0.5), quantization(1.0)


def test_codes_of_different_scales_are_subtracted_as_real_numbers(compute):
    x, y = [3, -3], [8, 100]  # 1.5 and -1.5; 2 and 25
    out = compute("SUB", [(x, INT8, HALF), (y, INT8, quantization(0.25))], (INT8, quantization(0.5, -1)))
    assert out.tolist() == [-2, -54]


def test_halves_are_rounded_away_from_zero(compute):
    x, y = [0, 0, 0, 0], [1, -1, 3, -3]
    assert compute("SUB", [(x, INT8, HALF), (y, INT8, HALF)], (INT8, ONE)).tolist() == [-1, 1, -2, 2]


@pytest.mark.parametrize(("type", "low", "high"), [(INT8, -128, 127), (UINT8, 0, 255)])
def test_every_pair_of_codes_of_one_scale_subtracts_exactly(compute, type, low, high):
    codes = np.arange(low, high + 1)
    parameters, middle = quantization(0.1, low + 128), low + 128
    out = compute("SUB", [(codes[:, None], type, parameters), (codes, type, parameters)], (type, parameters))
    exact = np.clip(codes[:, None] - codes + middle, low, high)
    assert np.array_equal(out, exact)


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(("type", "point"), [(INT8, 128), (INT8, -129), (UINT8, 256), (INT16, 1)])
def test_zero_points_are_codes_and_those_of_int16_zero(compute, type, point, position):
    good, bad = quantization(0.1), quantization(0.1, point)
    first, second, output = [bad if index == position else good for index in range(3)]
    with pytest.raises(InvalidModelError, match="zero_point"):
        compute("SUB", [([1], type, first), ([1], type, second)], (type, output))


def test_a_unit_of_exactly_the_outputs_is_refused(compute):
    with pytest.raises(UnsupportedError, match=r"output quantization\.scale"):
        compute("SUB", [([1], INT8, ONE), ([1], INT8, ONE)], (INT8, quantization(2.0**-19)))


def test_an_output_scale_too_small_leaves_the_sign(compute):
    operands = [([5, 5, 5], INT8, ONE), ([5, 4, 6], INT8, ONE)]
    assert compute("SUB", operands, (INT8, quantization(2.0**-23))).tolist() == [1, 1, -1]


def test_where_the_position_of_an_element_would_decide_nothing_is_computed(compute):
    operands = [([127], INT8, ONE), ([-128], INT8, ONE)]
    with pytest.raises(UnsupportedError, match="shifts by a negative count"):
        compute("SUB", operands, (INT8, quantization(1e-9)))


def test_powers_of_two_only_shift_one_side(compute):
    x, y = quantization(2.0**-10), quantization(2.0**-12)
    operands = [([5, 5, -32768, 0], INT16, x), ([2, -2, 32767, 1], INT16, y)]
    assert compute("SUB", operands, (INT16, x), SubOptions()).tolist() == [4, 6, -32768, 0]
    swapped = [operands[1], operands[0]]
    assert compute("SUB", swapped, (INT16, x), SubOptions()).tolist() == [-4, -6, 32767, 0]


def test_powers_of_two_broadcast(compute):
    one = quantization(2.0**-10)
    operands = [([5, 6], INT16, one), ([[2], [3]], INT16, one)]
    assert compute("SUB", operands, (INT16, one), SubOptions()).tolist() == [[3, 4], [2, 3]]


def test_integers_wrap_before_they_are_clamped(compute):
    operands = [([-(2**63), 5, -7], INT64), ([1, -3, 1], INT64)]
    assert compute("SUB", operands, (INT64,)).tolist() == [2**63 - 1, 8, -8]
    out = compute("SUB", operands, (INT64,), SubOptions(Activation.RELU_N1_TO_1))
    assert out.tolist() == [1, 1, -1]


def test_floats(compute):
    operands = [([1.5, -np.inf, 0.0], FLOAT32), ([0.25, 1.0, 0.0], FLOAT32)]
    out = compute("SUB", operands, (FLOAT32,))
    assert out.tolist() == [1.25, float(np.finfo(np.float32).min), 0.0]


def test_both_operands_are_of_one_type(compute):
    with pytest.raises(InvalidModelError, match="input 1: INT32; wanted FLOAT32"):
        compute("SUB", [([1], FLOAT32), ([1], INT32)], (FLOAT32,))
