"""Where requantizers step: on both sides of every step the rule itself is asked."""

import numpy as np
import pytest

from quantlib.arithmetic import requantize, thresholds

RULES = (
    requantize.two_roundings,
    requantize.two_roundings_half_up,
    requantize.one_rounding,
    requantize.float64_half_away,
    requantize.float32_half_to_even,
    requantize.int64_one_rounding,
    requantize.half_up_in_blocks_of_8_channels,
)
LEVELS = np.arange(-300, 301)


def multipliers(rng: np.random.Generator, count: int) -> np.ndarray:
    """Ordinary ones, large and small ones, and powers of two, on which every tie is met."""
    ordinary = np.exp(rng.uniform(np.log(1e-5), np.log(4.0), count))
    powers = 2.0 ** rng.integers(-16, 3, count)
    return np.where(rng.random(count) < 0.3, powers, ordinary).astype(np.float32)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_level_is_reached_at_its_first_accumulator_and_not_one_before(rule):
    rng = np.random.default_rng(0)
    compared = 0
    for _ in range(60):
        channels = int(rng.integers(1, 20))
        bound = rule(multipliers(rng, channels))
        first = thresholds.first_reaching(bound, LEVELS, channels)
        assert first is not None
        inside = np.abs(first) < 2**27  # farther out the products of these multipliers may wrap
        acc = np.where(inside, first, 0).astype(np.int64)
        assert np.all((bound(acc) >= LEVELS[:, None]) | ~inside)
        assert np.all((bound(acc - 1) < LEVELS[:, None]) | ~inside)
        compared += int(np.count_nonzero(inside))
    assert compared > 100_000


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_multiplier_of_zero_reaches_zero_everywhere_and_nothing_more(rule):
    first = thresholds.first_reaching(rule(np.array([0.0, 0.5])), np.array([-1, 0, 1]), 2)
    assert first is not None
    assert first[:, 0].tolist() == [-np.inf, -np.inf, np.inf]


def test_tiny_multipliers_step_where_the_rule_steps():
    real = np.array([3e-8, 7e-8, 1e-7])
    for rule in (requantize.two_roundings, requantize.float64_half_away, requantize.float32_half_to_even):
        bound = rule(real)
        first = thresholds.first_reaching(bound, np.arange(1, 20))
        assert first is not None
        acc = first.astype(np.int64)
        assert np.array_equal(bound(acc) >= np.arange(1, 20)[:, None], np.ones_like(acc, bool))
        assert not np.any(bound(acc - 1) >= np.arange(1, 20)[:, None])


def test_accumulators_that_wrap_are_not_called_monotone():
    rule = requantize.two_roundings(64.0)
    assert not thresholds.is_monotone(rule, np.array([0]), np.array([2**28]))
    assert thresholds.is_monotone(rule, np.array([0]), np.array([2**20]))


def test_a_rule_nobody_knows_has_no_steps():
    assert thresholds.first_reaching(lambda acc: acc, LEVELS) is None
    assert thresholds.real_multiplier(lambda acc: acc) is None
    assert not thresholds.is_monotone(lambda acc: acc, np.array([0]), np.array([1]))


def test_blocks_of_elements_are_no_rule_of_channels():
    bound = requantize.half_up_in_blocks_of_16_elements(0.5)
    assert thresholds.first_reaching(bound, LEVELS) is None
