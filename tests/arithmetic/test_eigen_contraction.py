"""Contractions shared by threads, held against what the runtimes answered."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantlib.arithmetic.eigen_contraction import _Shape, contract
from quantlib.arithmetic.eigen_product import product
from quantlib.arithmetic.ordered import sum_products_float32
from quantlib.kernel_sets import OPTIMIZED
from quantlib.runtime.execute import run
from quantlib.testing.assertions import assert_bit_exact
from tests.arithmetic.golden.contractions import SHAPES, model, operands

RECORDED = Path(__file__).parent / "golden" / "contractions.npz"


def with_threads(threads: int, packet: int = 4):
    return replace(OPTIMIZED, profile=replace(OPTIMIZED.profile, num_threads=threads, float_packet=packet))


@pytest.mark.parametrize("number", range(len(SHAPES)), ids=lambda number: str(SHAPES[number]))
@pytest.mark.parametrize("packet", [4, 8])
def test_convolutions_with_four_threads_are_those_of_the_builds(packet, number):
    (y,) = run(model(number), operands(number)[0], kernels=with_threads(4, packet))
    with np.load(RECORDED) as held:
        assert_bit_exact(y, held[f"{number} packets of {packet}"])


def test_what_was_recorded_takes_every_way_and_tells_them_apart():
    ways, differing = set(), 0
    for number, (size, channels, units, extent) in enumerate(SHAPES):
        rows, terms = (size - extent + 1) ** 2, channels * extent**2
        shape = _Shape(rows, terms, units, windows=1 < extent < size, packet=4)
        sharing, parts = shape.threads(4), shape.parts(4)
        divided = shape.is_divided_by_terms(sharing, parts)
        ways.add("pixel" if rows == 1 else "terms" if divided else "rows" if sharing > 1 else "alone")
        with np.load(RECORDED) as held:
            (alone,) = run(model(number), operands(number)[0], kernels=OPTIMIZED)
            differing += (alone != held[f"{number} packets of 4"]).any()
    assert ways == {"pixel", "terms", "rows", "alone"}
    assert differing > len(SHAPES) // 2


def test_more_parts_than_sixteen_are_added_three_at_a_time():
    random = np.random.default_rng(0)
    x, w = (random.normal(size=(size, 6000)).astype(np.float32) for size in (9, 70))
    assert _Shape(9, 6000, 70, windows=True, packet=4).parts(40) > 16
    exact = x.astype(np.float64) @ w.T.astype(np.float64)
    results = [contract(x, w, threads=threads, windows=True) for threads in (1, 2, 4, 40)]
    for y in results:
        assert np.abs(y - exact).max() < 1e-2
    assert len({y.tobytes() for y in results}) == 4


def test_one_row_is_added_term_by_term_until_there_are_many():
    random = np.random.default_rng(1)
    x, w = random.normal(size=(1, 300)).astype(np.float32), random.normal(size=(5, 300)).astype(np.float32)
    y = contract(x[:, :127], w[:, :127], threads=2, windows=False)
    assert_bit_exact(y, sum_products_float32(x[:, :127], w[:, :127]))
    assert (contract(x, w, threads=2, windows=False) != sum_products_float32(x, w)).any()


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 3), (2, 3, 0), (1, 0, 3), (0, 0, 0)])
def test_contractions_of_nothing_are_zeros(shape):
    rows, depth, units = shape
    x, w = np.ones((rows, depth), np.float32), np.ones((units, depth), np.float32)
    y = contract(x, w, threads=4, windows=False)
    assert (y.shape, y.dtype, y.any()) == ((rows, units), np.float32, False)


def test_shared_work_differs_from_a_product_of_one_thread_in_last_bits_only():
    random = np.random.default_rng(2)
    x, w = (random.normal(size=(size, 864)).astype(np.float32) for size in (256, 40))
    shared, alone = contract(x, w, threads=4, windows=True), product(x, w)
    assert (shared != alone).any()
    assert np.abs(shared - alone).max() < 1e-3
