"""AVX-512's estimate of 1 / √x, against a processor's, and XNNPACK's roots, against LiteRT 2.3.0's."""

import math
import zlib

import numpy as np
import pytest

from quantlib.arithmetic import rsqrt14


def normal():
    """32 520 numbers between the smallest and the largest normal one."""
    return np.arange(0x00800000, 0x7F800000, 65521).astype(np.uint32).view(np.float32)


def one_of_every_step():
    bits = 0x3F800000 + 128 + 256 * np.arange(65536)
    return bits.astype(np.uint32).view(np.float32)


def test_all_65536_estimates_have_the_bits_of_the_processor():
    assert zlib.crc32(rsqrt14.estimate(one_of_every_step()).tobytes()) == 0x4432602F


def test_estimates_hold_within_the_instructions_bound():
    x = normal()
    exact = 1 / np.sqrt(x.astype(np.float64))
    assert np.abs(rsqrt14.estimate(x) / exact - 1).max() < 2.0**-14


def test_powers_of_four_alone_are_exact():
    assert rsqrt14.estimate([1.0, 0.25, 2.0**100]).tolist() == [1.0, 2.0, 2.0**-50]
    assert rsqrt14.estimate(np.float32([1 + 2.0**-23, 2.0])).tolist() == [131066 / 2**17, 92677 / 2**17]


def test_estimates_of_what_has_no_root():
    y = rsqrt14.estimate([0.0, -0.0, 1e-40, -1e-40, -1.0, -math.inf, math.inf, math.nan])
    inf, nan = math.inf, math.nan
    assert np.array_equal(y, [inf, -inf, inf, -inf, nan, nan, 0, nan], equal_nan=True)


@pytest.mark.parametrize(
    ("function", "digest"), [(rsqrt14.root, 0x932A1CC0), (rsqrt14.reciprocal_root, 0xF8FF933A)]
)
def test_32520_roots_have_the_bits_of_litert(function, digest):
    x = normal()
    assert len(x) == 32520
    assert zlib.crc32(function(x).tobytes()) == digest


def test_roots_lie_near_the_function_but_are_not_the_nearest():
    x = normal()[:32000]
    exact = np.sqrt(x.astype(np.float64))
    np.testing.assert_allclose(rsqrt14.root(x), exact, rtol=3e-7)
    np.testing.assert_allclose(rsqrt14.reciprocal_root(x), 1 / exact, rtol=3e-7)
    assert 0.2 < np.mean(rsqrt14.root(x) != np.sqrt(x)) < 0.5


def test_squares_that_are_denormal_spoil_the_roots_of_large_numbers():
    # From 2**126 on the estimate's square is flushed to 0, and Newton's step adds a half.
    x = np.float32(2.0**127)
    assert rsqrt14.reciprocal_root(x) == rsqrt14.estimate(x) * np.float32(1.5)


@pytest.mark.parametrize(
    ("function", "zero", "infinity"),
    [(rsqrt14.root, 0.0, math.inf), (rsqrt14.reciprocal_root, math.nan, 0.0)],
)
def test_special_numbers(function, zero, infinity):
    y = function([0.0, 1e-40, math.inf, -math.inf, math.nan, -1.0])
    assert np.array_equal(y, [zero, zero, infinity, math.nan, math.nan, math.nan], equal_nan=True)


def test_the_root_keeps_the_sign_of_zeros():
    assert np.signbit(rsqrt14.root([0.0, -0.0, -1e-40])).tolist() == [False, True, True]
