"""XNNPACK's functions of float16 for AVX-512, against what LiteRT 2.3.0 gave there."""

import math
import zlib

import numpy as np
import pytest

from quantlib.arithmetic import xnnpack_half

FUNCTIONS = {
    "sin": (xnnpack_half.sin, math.sin, 0x511A4F89),
    "cos": (xnnpack_half.cos, math.cos, 0x20FDFF6E),
    "tanh": (xnnpack_half.tanh, math.tanh, 0x35EBBD9F),
    "gelu_approximate": (
        xnnpack_half.gelu_approximate,
        lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        0x248788E6,
    ),
    "gelu": (xnnpack_half.gelu, lambda x: x / 2 * math.erfc(-x / math.sqrt(2)), 0xAD7C6C73),
}


def finite():
    x = np.arange(65536).astype(np.uint16).view(np.float16)
    return x[np.isfinite(x)]


def rows(count, width):
    i = np.arange(count * width)
    x = np.ldexp((i * 7919 % 2003 - 1001) * np.float32(0.01), i % 7 - 6)
    return x.astype(np.float16).reshape(count, width)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_63488_results_have_the_bits_of_litert(name):
    function, _, digest = FUNCTIONS[name]
    y = function(finite())
    assert y.dtype == np.float16
    assert zlib.crc32(y.tobytes()) == digest


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_lie_near_the_function(name):
    function, exact, _ = FUNCTIONS[name]
    x = np.linspace(-8, 8, 2001).astype(np.float16)
    expected = np.array([exact(float(one)) for one in x])
    np.testing.assert_allclose(function(x), expected, rtol=4e-3, atol=1e-2)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_gives_nan(name):
    assert np.isnan(FUNCTIONS[name][0]([math.nan]))[0]


def test_the_sine_of_negative_zero_is_zero():
    assert np.signbit(xnnpack_half.sin([0.0, -0.0])).tolist() == [False, False]


@pytest.mark.parametrize("name", ["tanh", "gelu", "gelu_approximate"])
def test_zeros_keep_their_sign(name):
    assert np.signbit(FUNCTIONS[name][0]([0.0, -0.0])).tolist() == [False, True]


@pytest.mark.parametrize(
    ("width", "digest"),
    [
        (1, 0x3C1940B5),
        (7, 0x559E716E),
        (8, 0x025196D2),
        (9, 0xE20D87D3),
        (15, 0x01D03EE7),
        (40, 0x189FE56F),
        (100, 0xD58BCAC5),
        (1001, 0x1E52127E),
    ],
)
def test_softmax_of_9_rows_has_the_bits_of_litert(width, digest):
    assert zlib.crc32(xnnpack_half.softmax(rows(9, width)).tobytes()) == digest


def test_rows_of_softmax_with_nan_or_infinity_are_nan_and_the_others_are_not_touched():
    x = np.zeros((4, 20), np.float16)
    x[0, 3], x[1, 19], x[2, 0] = math.nan, math.inf, -math.inf
    y = xnnpack_half.softmax(x)
    assert np.isnan(y).all(axis=1).tolist() == [True, True, False, False]
    assert y[2, 0] == 0
    assert y[3].tolist() == [float(np.float16(0.05))] * 20
