"""Observers: merged in any order and grouping they give one range, and never more than was seen."""

import functools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantlib.calibration.histogram import KEPT_BITS, Histogram
from quantlib.calibration.observers import MSE, Entropy, MinMax, MovingAverage, Observer, Percentile
from quantlib.errors import InvalidInputError

OBSERVERS: list[Observer] = [
    MinMax(),
    MovingAverage(),
    MovingAverage(momentum=0.05),
    MovingAverage(momentum=0.0),
    Percentile(90.0),
    Entropy(bins=64, levels=16),
    MSE(num_bits=4, candidates=10),
]
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
ARRAYS = st.lists(FINITE, min_size=1, max_size=12).map(lambda values: np.array(values, np.float32))


def normal(count: int = 20_000) -> np.ndarray:
    return np.random.default_rng(5).standard_normal(count).astype(np.float32)


@pytest.mark.parametrize("observer", OBSERVERS, ids=repr)
@given(st.lists(st.tuples(ARRAYS, st.integers(0, 3)), min_size=3, max_size=6), st.randoms())
@settings(max_examples=40)
def test_merging_is_associative_and_commutative(observer, seen, random):
    states = [observer.observe(values, sample) for values, sample in seen]
    a, b, *_, c = states
    assert observer.merge(a, b) == observer.merge(b, a)
    assert observer.merge(observer.merge(a, b), c) == observer.merge(a, observer.merge(b, c))
    forwards = functools.reduce(observer.merge, states)
    random.shuffle(states)
    assert functools.reduce(observer.merge, states) == forwards


@pytest.mark.parametrize("observer", OBSERVERS, ids=repr)
@given(ARRAYS)
@settings(max_examples=60)
def test_a_range_lies_within_what_was_seen(observer, values):
    low, high = observer.range(observer.observe(values, 0))
    assert values.min() <= low <= high <= values.max()


@pytest.mark.parametrize("observer", OBSERVERS, ids=repr)
def test_a_state_survives_pickling(observer):
    state = observer.observe(normal(100), 3)
    assert pickle.loads(pickle.dumps(state)) == state


@pytest.mark.parametrize("observer", OBSERVERS, ids=repr)
def test_the_size_of_a_state_is_bounded(observer):
    states = [observer.observe(normal(1000) + sample, sample) for sample in range(400)]
    state = functools.reduce(observer.merge, states)
    assert len(pickle.dumps(state)) < 200_000


def test_the_moving_average_is_the_textbooks():
    observer = MovingAverage(momentum=0.9)
    tops = normal(2000).astype(np.float64)
    wanted = tops[0]
    for top in tops[1:]:
        wanted = 0.9 * wanted + 0.1 * top
    states = [observer.observe(np.float32([-1, 1]) * np.float32(abs(top)), i) for i, top in enumerate(tops)]
    low, high = observer.range(functools.reduce(observer.merge, states))
    wanted = functools.reduce(lambda mean, top: 0.9 * mean + 0.1 * top, np.abs(tops.astype(np.float32)))
    assert high == pytest.approx(float(wanted), abs=4 * 2.0**-24)
    assert low == -high
    assert len(functools.reduce(observer.merge, states)) == observer.length == 158


def test_bins_order_as_values_do():
    values = np.unique(normal(500).astype(np.float32))
    tops = [Histogram.of(values[: count + 1]) for count in range(0, 500, 50)]
    assert all(np.all(np.diff(one.bins.astype(np.int64)) > 0) for one in tops)
    lower, upper = Histogram.of(values).edges
    assert np.all(lower[1:] >= upper[:-1])
    assert np.all(lower <= upper)


@pytest.mark.parametrize("count", [1000, (1 << KEPT_BITS) + 1])
def test_every_value_is_counted_in_its_bin(count: int):
    values = normal(count)
    one = Histogram.of(values)
    assert one.counts.sum() == count
    assert (one.low, one.high) == (values.min(), values.max())
    lower, upper = one.edges
    found = np.histogram(values.astype(np.float64), np.append(lower, np.inf))[0]
    assert np.array_equal(found, one.counts)
    assert np.all((upper - lower) <= np.abs(lower + upper) * 2.0**-9 + 1e-37)


def test_small_and_large_arrays_are_counted_alike():
    values = normal((1 << KEPT_BITS) + 10)
    halves = np.array_split(values, 2)
    assert Histogram.of(values) == Histogram.of(halves[0]).merge(Histogram.of(halves[1]))


def test_magnitudes_share_out_every_value():
    values = normal()
    shared = Histogram.of(values).magnitudes(128)
    assert shared.sum() == pytest.approx(values.size)
    exact = np.histogram(np.abs(values), 128, (0, np.abs(values).max()))[0]
    assert np.abs(shared - exact).max() < 30  # of 600 in the fullest: values move within one of our bins


def test_magnitudes_leave_out_zeros_and_denormals():
    nothing = np.float32([0, -0.0, 1e-45, -1e-45])
    assert Histogram.of(nothing).magnitudes(4).tolist() == [0, 0, 0, 0]
    found = Histogram.of(np.append(nothing, np.float32([1, -4]))).magnitudes(4)
    assert found.sum() == pytest.approx(2)
    assert found[3] == pytest.approx(1)


def test_zeros_do_not_narrow_the_range_of_entropy():
    values = np.maximum(normal(), 0)
    zeros = np.zeros(10 * values.size, np.float32)
    assert Entropy().range(Histogram.of(np.append(values, zeros))) == Entropy().range(Histogram.of(values))
    assert Entropy().range(Histogram.of(zeros)) == (0, 0)


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9])
def test_a_percentile_leaves_out_no_more_than_it_may(percentile: float):
    values = normal()
    low, high = Percentile(percentile).range(Percentile(percentile).observe(values, 0))
    allowed = (100 - percentile) / 200 * values.size
    assert allowed * 0.5 < (values < low).sum() <= allowed
    assert allowed * 0.5 < (values > high).sum() <= allowed


def test_a_hundred_percent_is_everything():
    values = normal(100)
    assert Percentile(100.0).range(Histogram.of(values)) == (values.min(), values.max())


def test_entropy_cuts_an_outlier_off():
    low, high = Entropy().range(Histogram.of(np.append(normal(), np.float32(100))))
    assert -6 < low < -2.5
    assert 2.5 < high < 20


def test_mse_finds_the_optimum_of_a_normal_distribution():
    # The best uniform 4-bit quantizer of a normal distribution has its ends at 2.6 .. 2.8 sigma.
    low, high = MSE(num_bits=4).range(Histogram.of(normal(100_000)))
    assert 2.3 < high < 3.0
    assert -3.0 < low < -2.3


def test_mse_is_never_worse_than_minmax():
    values = np.append(normal(), np.float32(30)).astype(np.float64)

    def error(low: float, high: float) -> float:
        step = (high - low) / 255
        zero = np.rint(-low / step)
        codes = np.clip(np.rint(values / step) + zero, 0, 255)
        return float(np.mean(((codes - zero) * step - values) ** 2))

    low, high = MSE().range(Histogram.of(values.astype(np.float32)))
    assert error(low, high) < error(values.min(), values.max())


@pytest.mark.parametrize(
    "make",
    [
        lambda: MovingAverage(momentum=1.0),
        lambda: MovingAverage(momentum=float("nan")),
        lambda: Percentile(0.0),
        lambda: Percentile(100.5),
        lambda: Entropy(bins=64, levels=128),
        lambda: Entropy(levels=1),
        lambda: MSE(num_bits=1),
        lambda: MSE(candidates=1),
    ],
)
def test_options_that_make_no_sense_are_refused(make):
    with pytest.raises(InvalidInputError):
        make()
