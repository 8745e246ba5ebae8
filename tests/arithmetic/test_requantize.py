"""The rules from accumulators to output units."""

import numpy as np
import pytest

from quantlib.arithmetic import requantize
from quantlib.arithmetic.fixed_point import INT32_MIN

TIES = np.array([-5, -3, -1, 1, 3, 5])  # times a half


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (requantize.two_roundings, [-3, -2, -1, 1, 2, 3]),
        (requantize.two_roundings_half_up, [-2, -1, 0, 1, 2, 3]),
        (requantize.one_rounding, [-2, -1, 0, 1, 2, 3]),
        (requantize.float64_half_away, [-3, -2, -1, 1, 2, 3]),
        (requantize.float32_half_to_even, [-2, -2, 0, 0, 2, 2]),
    ],
)
def test_every_rule_breaks_ties_its_own_way(rule, expected):
    # 1/4 rather than 1/2, whose multiplier needs no second rounding
    assert rule(0.25)(2 * TIES).tolist() == expected


def test_xnnpack_saturates_far_beyond_every_code():
    y = requantize.float32_half_to_even(100.0)(np.array([2**31 - 1, -(2**31)]))
    assert y.tolist() == [2**30, -(2**30)]


def test_xnnpacks_matrix_kernels_fall_to_the_least_integer():
    y = requantize.float32_half_to_even_below(100.0, 90)(np.array([2**31 - 1, -(2**31)]))
    assert y.tolist() == [90, INT32_MIN]


def test_channels_that_fill_no_block_are_rounded_as_in_the_reference_kernels():
    acc = np.full((2, 11), -2)  # exactly -0.5
    y = requantize.half_up_in_blocks_of_8_channels(np.full(11, 0.25))(acc)
    assert y.tolist() == [[0] * 8 + [-1] * 3] * 2


def test_elements_that_fill_no_block_are_rounded_as_in_the_reference_kernels():
    y = requantize.half_up_in_blocks_of_16_elements(0.25)(np.full((2, 3, 3), -2))
    assert y.ravel().tolist() == [0] * 16 + [-1] * 2


def test_a_rule_by_position_tells_who_serves_an_element():
    rule = requantize.half_up_in_blocks_of_8_channels(0.25)
    assert isinstance(rule, requantize.ByPosition)
    assert rule.at((0, 7), (1, 9)) is rule.block
    assert rule.at((0, 8), (1, 9)) is rule.leftover
