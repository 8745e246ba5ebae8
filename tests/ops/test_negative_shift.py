"""Right shifts by negative counts."""

import numpy as np
import pytest

from quantlib.arithmetic import fixed_point
from quantlib.errors import UnsupportedError
from quantlib.ops._negative_shift import multiply_without_left_shift
from quantlib.ops._node import Node

NODE = Node("SUB", (), ())


def test_multipliers_below_one_are_as_ever():
    x = np.arange(-1000, 1000)
    multiplier, shift = fixed_point.quantize_multiplier(0.3)
    expected = fixed_point.multiply_by_quantized_multiplier(x, multiplier, shift)
    assert np.array_equal(multiply_without_left_shift(NODE, "output", x, multiplier, shift), expected)


def test_little_but_the_sign_is_left_above_one():
    multiplier, shift = fixed_point.quantize_multiplier(5.9)
    out = multiply_without_left_shift(NODE, "output", [0, 1, 1000, -1, -1000], multiplier, shift)
    assert out.tolist() == [1, 1, 1, -1, -1]


def test_values_that_scalar_and_vector_shifts_treat_differently_are_refused():
    multiplier, shift = fixed_point.quantize_multiplier(5.9)
    edge = 2**30
    with pytest.raises(UnsupportedError, match=r"multiplier of 5\.9, for which LiteRT shifts by a negative"):
        multiply_without_left_shift(NODE, "output", [0, edge], multiplier, shift)
