"""XNNPACK's functions of float32, against what LiteRT 2.3.0 gave for the same numbers."""

import math
import zlib
from fractions import Fraction

import numpy as np
import pytest

from quantlib.arithmetic import xnnpack
from quantlib.arithmetic.fused import fma32


def numbers():
    steps = np.arange(-4000, 4001, dtype=np.float32)
    return np.concatenate((steps * np.float32(0.0023), steps * np.float32(0.37)))


FUNCTIONS = {
    "logf": (xnnpack.logf, lambda x: math.log(x) if x else -math.inf, 0xC8E7ED9B),
    "sinf": (xnnpack.sinf, math.sin, 0xCD1E9715),
    "cosf": (xnnpack.cosf, math.cos, 0x31381DDC),
    "tanhf": (xnnpack.tanhf, math.tanh, 0x5F63C8FE),
    "gelu": (xnnpack.gelu, lambda x: x / 2 * math.erfc(-x / math.sqrt(2)), 0x35101879),
    "gelu_approximate": (
        xnnpack.gelu_approximate,
        lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        0xAE75F110,
    ),
    "hard_swish": (xnnpack.hard_swish, lambda x: x * min(1, max(0, x / 6 + 0.5)), 0xB38552DF),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_16002_results_have_the_bits_of_litert(name):
    function, _, digest = FUNCTIONS[name]
    x = np.abs(numbers()) if name == "logf" else numbers()
    assert zlib.crc32(function(x).tobytes()) == digest


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_lie_near_the_function(name):
    function, exact, _ = FUNCTIONS[name]
    x = np.abs(numbers()) if name == "logf" else numbers()
    expected = np.array([exact(float(one)) for one in x])
    np.testing.assert_allclose(function(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"logf", "cosf", "sinf"}))
def test_denormals_are_zeros_of_their_sign(name):
    y = FUNCTIONS[name][0]([1e-40, -1e-40])
    assert y.tolist() == [0, 0]
    assert np.signbit(y).tolist() == [False, True]


def test_logarithms_at_the_ends_and_beyond():
    y = xnnpack.logf([0.0, 1e-40, math.inf, -1.0, math.nan])
    assert np.array_equal(y, [-math.inf, -math.inf, math.inf, math.nan, math.nan], equal_nan=True)


def test_logarithms_of_numbers_too_large_to_multiply_by_the_root_of_two():
    largest = np.float32(3.4028235e38 / 1.4142134190)
    y = xnnpack.logf([largest, np.nextafter(largest, np.float32(np.inf)) * np.float32(1.0001)])
    assert y.tolist() == [pytest.approx(88.3763, abs=1e-4), math.inf]


def test_fused_multiply_add_rounds_the_exact_number_once():
    random = np.random.default_rng(5)
    a, b = (random.normal(size=2000).astype(np.float32) for _ in range(2))
    c = (-a * b * random.choice([1, 1, 0.5, 1e-8, 1e8], 2000)).astype(np.float32)
    ours = fma32(a, b, c)
    for one, (x, y, z) in zip(
        ours.tolist(), zip(a.tolist(), b.tolist(), c.tolist(), strict=True), strict=True
    ):
        exact = Fraction(x) * Fraction(y) + Fraction(z)
        here = abs(Fraction(one) - exact)
        assert here <= min(
            abs(Fraction(float(np.nextafter(np.float32(one), np.float32(way)))) - exact)
            for way in (-9e9, 9e9)
        )


def test_fused_multiply_add_is_not_deceived_by_a_tie_of_float64():
    # (2**12 + 1)**2 = 2**24 + 2**13 + 1 lies halfway between float32; a little less or more decides.
    a = np.float32(2**12 + 1)
    little = np.float32(2.0**-60)
    below, tie, above = fma32(a, a, [-little, 0, little]).tolist()
    assert (below, tie, above) == (16785408, 16785408, 16785410)


def test_fused_multiply_add_keeps_infinities_and_nan():
    y = fma32([math.inf, math.inf, 1e30], [1, 0, 1e30], [-1, 1, -math.inf])
    assert np.array_equal(y, [math.inf, math.nan, -math.inf], equal_nan=True)
