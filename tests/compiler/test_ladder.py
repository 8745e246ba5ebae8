"""The ladder: what it proves is true of the specification, at sums aimed at its steps."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from quantlib.arithmetic import requantize, thresholds
from quantlib.compiler.bench import Bench
from quantlib.compiler.chain import Chain
from quantlib.compiler.ladder import Proved, _spelled_out, climb
from quantlib.compiler.requantizer import lay_passes
from quantlib.compiler.steps import Steps, Task
from quantlib.ops._accumulate import ToOutput

RULES = (
    requantize.two_roundings,
    requantize.two_roundings_half_up,
    requantize.float64_half_away,
    requantize.float32_half_to_even,
    requantize.half_up_in_blocks_of_8_channels,
)


def a_task(rng: np.random.Generator, rule) -> Task:
    """A layer's second half, with multipliers, biases and bounds as layers have them, or nastier."""
    channels = int(rng.integers(1, 40))
    real = np.exp(rng.uniform(np.log(3e-4), np.log(0.7), channels if rng.random() < 0.6 else 1))
    if rng.random() < 0.3:
        real = 2.0 ** rng.integers(-11, 0, real.shape)
    real = real.astype(np.float32)
    zero_point = int(rng.choice([-128, -3, 0, 17]))
    low = zero_point if rng.random() < 0.5 else -128
    to_output = ToOutput(rule(real), zero_point, low, 127, np.dtype(np.int8))
    reach = np.full(channels, int(rng.choice([3_000, 200_000, 2**22])))
    start = rng.integers(-50_000, 50_000, channels)
    return Task(to_output, start, -reach, reach, int(rng.choice([zero_point, 0])))


def sums_around_steps(task: Task) -> np.ndarray:
    """Sums two before every step to one after it, and both ends, shape (sums, channels)."""
    low, high = task.bounds
    levels = np.arange(low + 1, high + 1) + task.offset - task.to_output.zero_point
    first = thresholds.first_reaching(task.to_output.requantize, levels, task.channels)
    assert first is not None
    first = np.clip(np.broadcast_to(first - task.start, (levels.size, task.channels)), task.low, task.high)
    near = [first.astype(np.int64) + place for place in (-2, -1, 0, 1)]
    return np.clip(np.concatenate([*near, task.low[None], task.high[None]]), task.low, task.high)


def run(proved: Proved, sums: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Stored codes as a program computes them."""
    bench = Bench({}, {}, {}, {}, (), frozenset())
    y = np.empty(sums.shape, np.float32)
    lay_passes(bench, proved, sums.astype(dtype), y)
    for call in bench.calls:
        call()
    return y


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_proved_chain_gives_the_specification_around_every_step(rule):
    rng = np.random.default_rng(1)
    rungs: Counter[str] = Counter()
    for _ in range(40):
        task = a_task(rng, rule)
        proved = climb(task)
        rungs[proved.rung] += 1
        sums = sums_around_steps(task)
        assert np.array_equal(run(proved, sums), task(sums)), proved.rung
    assert rungs["float32"] + rungs["float32 with exceptions"] > 20


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_sums_in_float64_have_a_proof_too(rule):
    rng = np.random.default_rng(2)
    for _ in range(10):
        task = a_task(rng, rule)
        proved = climb(task, narrow=False)
        assert proved.rung in ("float64", "integer")
        sums = sums_around_steps(task)
        assert np.array_equal(run(proved, sums, np.float64), task(sums))


def wrong_by_trial(steps: Steps, chain: Chain) -> set[tuple[float, int]]:
    """Levels and channels of all steps at which a chain is wrong, every one of them tried."""
    first = np.broadcast_to(steps.first - steps.start, (steps.levels.size, steps.channels.size))
    first = np.clip(first, steps.low, steps.high + 1)
    late = ~(chain(first) >= steps.levels) & (first <= steps.high)
    early = (chain(first - 1) >= steps.levels) & (first > steps.low)
    level, channel = np.nonzero(late | early)
    return {(float(steps.levels[one, 0]), int(other)) for one, other in zip(level, channel, strict=True)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_that_need_no_trial_are_right(rule, dtype):
    """The chains of the ladder, and chains that are a little or entirely beside the steps."""
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(60):
        steps = Steps.of(a_task(rng, rule))
        if steps is None:
            continue
        spelled = _spelled_out(steps, dtype)
        chain, wrong = steps.fit(dtype, int(rng.integers(-3, 4)))
        tries = [(chain, wrong)] + ([(spelled, steps.wrong(spelled))] if spelled else [])
        for chain, _ in list(tries):
            (add, c), *others = chain.passes
            moved = replace(chain, passes=((add, c + dtype(rng.choice([0.2, -1, 30]))), *others))
            broken = replace(chain, passes=((add, np.full_like(c, np.nan)), *others))
            tries += [(moved, steps.wrong(moved)), (broken, steps.wrong(broken))]
        for chain, wrong in tries:
            pairs = {(float(k), int(c)) for k, c in zip(wrong.levels, wrong.channels, strict=True)}
            assert pairs == wrong_by_trial(steps, chain)
            found += len(pairs)
    assert found > 1000


def test_a_wrong_chain_is_never_called_proved():
    """Every rung was held against the specification: move a step, and the proof must move with it."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        task = a_task(rng, requantize.two_roundings)
        other = Task(task.to_output, task.start + 1, task.low, task.high, task.offset)
        sums = sums_around_steps(other)
        if np.array_equal(task(sums), other(sums)):
            continue
        assert not np.array_equal(run(climb(task), sums), other(sums))


def test_what_wraps_goes_to_the_specification():
    to_output = ToOutput(requantize.two_roundings(8.0), 0, -128, 127, np.dtype(np.int8))
    reach = np.array([2**30])
    task = Task(to_output, np.zeros(1, np.int64), -reach, reach, 0)
    proved = climb(task, narrow=False)
    assert proved.rung == "integer"
    sums = np.array([[2**29], [-(2**30)], [5]])
    assert np.array_equal(run(proved, sums, np.float64), task(sums))


def test_exceptions_are_few_and_right():
    """Double roundings on both sides of zero are what no affine chain can follow everywhere."""
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(60):
        task = a_task(rng, requantize.two_roundings)
        proved = climb(task)
        found += len(proved.exceptions)
        for channel, sum_, value in zip(
            proved.exceptions.channels, proved.exceptions.sums, proved.exceptions.values, strict=True
        ):
            sums = np.zeros((1, task.channels), np.int64)
            sums[0, channel] = int(sum_)
            assert task(sums)[0, channel] == value
    assert found > 0


def test_slack_is_the_room_between_steps():
    to_output = ToOutput(requantize.float64_half_away(0.0137), 0, -128, 127, np.dtype(np.int8))
    task = Task(to_output, np.zeros(1, np.int64), np.array([-20_000]), np.array([20_000]), 0)
    assert 0 < climb(task).slack <= 0.5
