"""XNNPACK's exp, ELU, sigmoid and softmax for AVX-512, against what LiteRT 2.3.0 gave there."""

import math
import zlib

import numpy as np
import pytest

from quantlib.arithmetic import xnnpack_exp

FUNCTIONS = {
    "expf": (xnnpack_exp.expf, lambda x: math.exp(min(x, 88.8)), 0x6C34EADC),
    "elu": (xnnpack_exp.elu, lambda x: x if x > 0 else math.expm1(x), 0x0B0DD4E5),
    "logistic": (xnnpack_exp.logistic, lambda x: 1 / (1 + math.exp(-max(x, -700))), 0x9A7620E2),
}
SPECIAL = np.array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-40, -1e-40, 3e38, -3e38], np.float32)


def numbers():
    steps = np.arange(-4000, 4001, dtype=np.float32)
    return np.concatenate((steps * np.float32(0.0023), steps * np.float32(0.37)))


def rows(count, width):
    i = np.arange(count * width)
    x = np.ldexp((i * 7919 % 2003 - 1001) * np.float32(0.01), i % 13 - 6)
    return x.astype(np.float32).reshape(count, width)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_16002_results_have_the_bits_of_litert(name):
    function, _, digest = FUNCTIONS[name]
    assert zlib.crc32(function(numbers()).tobytes()) == digest


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_lie_near_the_function(name):
    function, exact, _ = FUNCTIONS[name]
    x = numbers()
    expected = np.array([exact(float(one)) for one in x])
    within = expected < 2.0**127.5  # above, exp is infinite already
    np.testing.assert_allclose(function(x)[within], expected[within], rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("expf", [0, math.inf, 0, 1, 1, 1, 1, math.inf, 0]),
        ("elu", [math.nan, math.inf, -1, 0, 0, 0, 0, np.float32(3e38), -1]),
        ("logistic", [math.nan, 1, 0, 0.5, 0.5, 0.5, 0.5, 1, 0]),
    ],
)
def test_special_numbers(name, expected):
    y = FUNCTIONS[name][0](SPECIAL)
    assert np.array_equal(y, np.array(expected, np.float32), equal_nan=True)


def test_exp_is_infinite_where_two_to_the_128th_is_the_nearest_power():
    assert xnnpack_exp.expf([88.376, 88.377]).tolist() == [pytest.approx(2.4e38, rel=0.01), math.inf]


def test_elu_keeps_the_sign_of_zeros():
    assert np.signbit(xnnpack_exp.elu([0.0, -0.0, 1e-40, -1e-40])).tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("width", "digest"),
    [
        (1, 0x2EC9AF77),
        (15, 0x373970BD),
        (16, 0xA4617DD0),
        (17, 0x4B83823A),
        (64, 0xF9E06B52),
        (100, 0x93DD7DB8),
        (1001, 0xFC59D762),
    ],
)
def test_softmax_of_9_rows_has_the_bits_of_litert(width, digest):
    assert zlib.crc32(xnnpack_exp.softmax(rows(9, width)).tobytes()) == digest


def test_rows_of_softmax_with_nan_or_infinity_are_nan_and_the_others_are_not_touched():
    x = np.zeros((4, 20), np.float32)
    x[0, 3], x[1, 19], x[2, 0] = math.nan, math.inf, -math.inf
    y = xnnpack_exp.softmax(x)
    assert np.isnan(y).all(axis=1).tolist() == [True, True, False, False]
    assert y[2, 0] == 0
    assert y[3].tolist() == [float(np.float32(0.05))] * 20


def test_softmax_of_far_apart_numbers_flushes_what_is_denormal():
    y = xnnpack_exp.softmax(np.array([[0, -87.33, -87.34, -3e38, 0]], np.float32))
    assert y.tolist() == [[0.5, 0, 0, 0, 0.5]]
