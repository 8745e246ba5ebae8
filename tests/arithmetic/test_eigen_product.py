"""Matrix products, held against what the runtimes answered."""

from pathlib import Path

import numpy as np
import pytest

from quantlib.arithmetic.eigen_product import product
from quantlib.arithmetic.ordered import sum_products_float32
from quantlib.testing.assertions import assert_bit_exact
from tests.arithmetic.golden.matrix_products import operands, shapes

RECORDED = Path(__file__).parent / "golden" / "matrix_products.npz"


@pytest.mark.parametrize("packet", [4, 8])
def test_products_are_those_of_the_builds(packet):
    elements = 0
    with np.load(RECORDED) as held:
        for number, shape in enumerate(shapes()):
            y = product(*operands(number, shape), packet=packet)
            assert_bit_exact(y, held[f"{number} packets of {packet}"])
            elements += y.size
    assert elements > 5_000


def test_what_was_recorded_tells_the_orders_apart():
    differing = np.zeros(2, np.int64)
    with np.load(RECORDED) as held:
        for number, shape in enumerate(shapes()):
            four, eight = (held[f"{number} packets of {packet}"] for packet in (4, 8))
            one_by_one = sum_products_float32(*operands(number, shape))
            differing += np.count_nonzero(four != eight), np.count_nonzero(four != one_by_one)
    assert (differing > 500).all(), differing


def test_a_larger_cache_divides_deep_products_elsewhere():
    random = np.random.default_rng(0)
    x, w = (random.normal(size=(8, 900)).astype(np.float32) for _ in range(2))
    here, there = (product(x, w, l1_bytes=size) for size in (32768, 49152))
    assert (here != there).any()
    assert_bit_exact(product(x[:, :600], w[:, :600]), product(x[:, :600], w[:, :600], l1_bytes=49152))


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 3), (2, 3, 0), (0, 0, 0)])
def test_products_of_nothing_are_zeros(shape):
    rows, depth, units = shape
    y = product(np.ones((rows, depth), np.float32), np.ones((units, depth), np.float32))
    assert (y.shape, y.dtype, y.any()) == ((rows, units), np.float32, False)


@pytest.mark.parametrize(("rows", "depth", "units"), [(1, 9, 1), (1, 9, 5), (7, 9, 1), (9, 9, 30), (2, 3, 4)])
def test_numbers_that_are_none_and_infinite_ones_go_through(rows, depth, units):
    x, w = np.ones((rows, depth), np.float32), np.ones((units, depth), np.float32)
    x[0, 0], w[0, 0] = np.inf, 0
    y = product(x, w)
    assert np.isnan(y[0, 0])
    assert np.isfinite(y[1:]).all()
