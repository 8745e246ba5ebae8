"""Two scales brought to one, or told apart by shifts."""

import numpy as np
import pytest

from quantlib.arithmetic import fixed_point
from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import Tensor, TensorType
from quantlib.ops._common_scale import (
    CommonScale,
    multiplier_smaller_than_one,
    power_of_two_shifts,
    round_once_shift_first,
    round_once_shift_last,
    round_twice,
    rounding_shift_int16,
)
from quantlib.ops._node import Node, Value
from quantlib.testing.single_operator import quantization


def node(*scales, zero_points=(0, 0)):
    def value(scale, zero_point):
        return Value(Tensor((1,), TensorType.INT16, quantization=quantization(scale, zero_point)), 0)

    first, second, output = scales
    inputs = (value(first, zero_points[0]), value(second, zero_points[1]))
    return Node("ADD", inputs, (value(output, 0),))


def test_one_unit_is_worth_twice_the_larger_scale():
    common = CommonScale.of(node(0.5, 0.25, 1.0, zero_points=(1, 0)), left_shift=4)
    assert common.twice_max_input_scale == 1.0
    assert common.first(np.array([1, 2], np.int16)).tolist() == [0, 8]  # (2 - 1) * 0.5, in 1/16
    assert common.second(np.array([4], np.int16)).tolist() == [16]
    assert common.output_multiplier(node(1, 1, 1.0).output()) == 1 / 16


def test_a_scale_that_is_missing_has_no_multiplier():
    with pytest.raises(UnsupportedError, match=r"input 1 quantization\.scale 0"):
        CommonScale.of(node(0.5, 0.0, 1.0), left_shift=4)
    with pytest.raises(UnsupportedError, match="multiplier of nan"):
        CommonScale.of(node(0.0, 0.0, 1.0), left_shift=4)


@pytest.mark.parametrize("real", [1.0, 1.5, 0.0, -0.5, np.nan, np.inf, 1 - 2.0**-40])
def test_only_multipliers_below_one_are_taken(real):
    with pytest.raises(UnsupportedError):
        multiplier_smaller_than_one(node(1, 1, 1), "output", real)


def test_shifts_lead_to_the_scale_of_the_output():
    assert power_of_two_shifts(node(2.0**-10, 2.0**-12, 2.0**-10)) == (0, 2)
    assert power_of_two_shifts(node(2.0**-12, 2.0**-10, 2.0**-10)) == (2, 0)


def test_nearly_a_power_of_two_counts_as_one():
    near, far = 2.0**-12 * 2**0.0009, 2.0**-12 * 2**0.0011
    assert power_of_two_shifts(node(2.0**-10, near, 2.0**-10)) == (0, 2)
    assert power_of_two_shifts(node(2.0**-10, far, 2.0**-10)) is None


@pytest.mark.parametrize("scales", [(2.0**-12, 2.0**-12, 2.0**-10), (2.0**-8, 2.0**-10, 2.0**-10)])
def test_the_output_has_the_larger_scale_of_the_inputs(scales):
    with pytest.raises(InvalidModelError, match="the larger scale of the two"):
        power_of_two_shifts(node(*scales))


def test_shifts_beyond_the_register_are_refused():
    with pytest.raises(UnsupportedError):
        power_of_two_shifts(node(2.0**-10, 2.0**-42, 2.0**-10))


def test_halves_are_shifted_away_from_zero():
    codes = np.arange(-32768, 32768)
    exact = np.sign(codes) * np.floor(np.abs(codes) / 8 + 0.5)
    assert np.array_equal(rounding_shift_int16(codes, 3), exact)


def test_a_shift_of_sixteen_and_more_keeps_a_sign_alone():
    assert rounding_shift_int16([-32768, -1, 0, 32767], 31).tolist() == [-1, -1, 1, 1]


def test_rules_differ_in_where_they_shift_and_what_they_drop():
    multiplier, shift = fixed_point.quantize_multiplier(1 / 8)
    rules = (round_twice, round_once_shift_first, round_once_shift_last)
    # exactly -0.375, -0.5 and 0.375: twice rounded, 0.375 is 0.5 and then 1
    found = [rule(np.array([-3, -4, 3]), 0, multiplier, shift).tolist() for rule in rules]
    assert found == [[0, -1, 1], [0, 0, 0], [-1, -1, 0]]
