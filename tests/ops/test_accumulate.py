"""Sums of products, and how they become codes."""

import numpy as np
import pytest

from quantlib.arithmetic.ordered import add_products_float32, sum_products_float32
from quantlib.ops._accumulate import (
    ToOutput,
    sum_products_int64,
)


def one_by_one(x, w):
    total = np.float32(0)
    for a, b in zip(x, w, strict=True):
        total = np.float32(total + np.float32(a * b))
    return total


def test_real_products_are_added_in_order_each_step_rounded():
    random = np.random.default_rng(0)
    x = random.normal(size=(3, 50)).astype(np.float32)
    w = random.normal(size=(4, 50)).astype(np.float32)
    expected = [[one_by_one(row, column) for column in w] for row in x]
    assert np.array_equal(sum_products_float32(x, w), expected)
    assert not np.array_equal(sum_products_float32(x, w), sum_products_float32(x[:, ::-1], w[:, ::-1]))


def test_leading_axes_broadcast():
    x, w = np.ones((2, 1, 3, 5), np.float32), np.full((4, 6, 5), 2, np.float32)
    assert np.array_equal(sum_products_float32(x, w), np.full((2, 4, 3, 6), 10))
    assert np.array_equal(sum_products_int64(x.astype(int), w.astype(int)), np.full((2, 4, 3, 6), 10))


def test_overflow_is_infinity_without_a_warning():
    largest = np.full((1, 2), np.finfo(np.float32).max, np.float32)
    assert sum_products_float32(largest, largest).item() == np.inf
    total = np.zeros((1, 1), np.float32)
    add_products_float32(total, largest[:, None], np.array([[1, -np.inf]], np.float32))
    assert total.item() == -np.inf


def test_nothing_sums_to_nothing():
    assert (
        sum_products_float32(np.ones((2, 0), np.float32), np.ones((3, 0), np.float32)).tolist()
        == [[0.0] * 3] * 2
    )
    assert sum_products_int64(np.ones((2, 0), int), np.ones((3, 0), int)).tolist() == [[0] * 3] * 2


@pytest.mark.parametrize("products", [1, 7, 1 << 21, (1 << 21) + 1])
def test_integer_sums_are_exact_at_their_largest(products):
    x = np.full((1, products), 2**16 - 1, np.int32)
    assert sum_products_int64(x, x).item() == products * (2**16 - 1) ** 2
    assert sum_products_int64(x, -x).item() == -products * (2**16 - 1) ** 2


def test_codes_wrap_before_they_are_clamped():
    to_output = ToOutput(lambda acc: acc, zero_point=1, low=-5, high=7, dtype=np.dtype(np.int8))
    assert to_output(np.array([-20, 2, 20, 2**31 - 1])).tolist() == [-5, 3, 7, -5]
