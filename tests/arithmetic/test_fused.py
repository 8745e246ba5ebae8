"""One rounding instead of two."""

from fractions import Fraction

import numpy as np
import pytest

from quantlib.arithmetic.fused import fma32


def rounded_once(a, b, c) -> np.float32:
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    near = np.float32(float(exact))
    around = (np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf)))
    return min(around, key=lambda one: (abs(Fraction(float(one)) - exact), int(one.view(np.int32)) & 1))


@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_number_to_the_exact_result(seed):
    random = np.random.default_rng(seed)
    a = (random.integers(-(2**23), 2**23, 500) * 2.0 ** random.integers(-60, -10, 500)).astype(np.float32)
    b = (random.integers(-64, 64, 500) * 2.0 ** random.integers(-90, 10, 500)).astype(np.float32)
    c = (random.integers(-(2**24), 2**24, 500) * 2.0 ** random.integers(-60, 10, 500)).astype(np.float32)
    assert fma32(a, b, c).tolist() == [float(rounded_once(*one)) for one in zip(a, b, c, strict=True)]


def test_a_sum_that_float64_would_round_to_a_tie():
    # 1 + 2**-24 is halfway between two float32 numbers; the rest is lost in float64.
    c, b = np.float32(1), np.float32(2**-24)
    above, below = np.float32(1 + 2**-23), np.float32(1 - 2**-24)
    tiny = np.float32(2**-60)
    assert fma32(c, b, c) == 1
    assert fma32(b, above, c) == 1 + 2**-23
    assert fma32(b, below, c) == 1
    assert fma32(tiny, tiny, c) == 1


def test_denormal_results_are_rounded_once():
    a, b = np.float32(2**-75), np.float32(1.5 * 2**-75)  # 1.5 * 2**-150, between 0 and the least denormal
    assert fma32(a, b, np.float32(0)) == np.float32(2**-149)
    assert fma32(a, a, np.float32(0)) == 0  # exactly halfway, to even


def test_what_is_not_finite_passes():
    largest = np.finfo(np.float32).max
    assert fma32(largest, largest, 1.0) == np.inf
    assert np.isnan(fma32(np.inf, 0.0, 1.0))
    assert fma32(1.0, 1.0, -np.inf) == -np.inf
