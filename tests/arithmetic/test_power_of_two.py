"""Near powers of two."""

import math

import pytest

from quantlib.arithmetic.power_of_two import checked_log2


@pytest.mark.parametrize("exponent", [-149, -126, -31, -15, -1, 0, 1, 15, 127])
def test_powers_of_two_are_recognized_over_the_whole_of_float32(exponent):
    assert checked_log2(2.0**exponent) == (exponent, True)


@pytest.mark.parametrize(
    ("factor", "near"), [(1.0006, True), (0.9994, True), (1.0008, False), (0.9992, False)]
)
def test_seven_in_ten_thousand_beside_a_power_of_two_is_near(factor, near):
    assert checked_log2(2.0**-12 * factor) == (-12, near)


def test_the_nearest_exponent_is_the_rounded_logarithm():
    for scale in (3e-5, 0.003, 0.7, 0.71, 5.0, 1e6):
        exponent, near = checked_log2(scale)
        assert (exponent, near) == (round(math.log2(scale)), False)
