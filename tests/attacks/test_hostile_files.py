"""Whatever the bytes, reading ends in a valid model or in one of our errors, soon and in little memory."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from quantlib.errors import QuantlibError
from quantlib.flatbuffer.names import described
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Model
from quantlib.model.show import show
from quantlib.model.validate import validate

Attack = Callable[[int], Iterator[bytes]]


def outcome(file: bytes) -> Model | QuantlibError:
    """Only our own errors are caught: anything else fails the test that asked."""
    try:
        return validate(read_model(file))
    except QuantlibError as error:
        return error


def test_the_seeds_are_valid(seeds: tuple[bytes, ...]) -> None:
    for seed in seeds:
        assert isinstance(outcome(seed), Model)


@pytest.mark.parametrize("stride", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_every_file_is_answered(attack: Attack, stride: int) -> None:
    answers: dict[type, int] = {}
    slowest = 0.0
    for file in attack(stride):
        start = time.process_time()
        answer = outcome(file)
        slowest = max(slowest, time.process_time() - start)
        answers[type(answer)] = answers.get(type(answer), 0) + 1
        if isinstance(answer, QuantlibError):
            text = str(answer)
            assert text.isprintable()
            assert len(text) < 1000
            assert answer.wanted is not None
    assert sum(answers.values()) >= 9
    if attack.__name__ not in ("truncated", "random_bytes"):
        assert len(answers) > 1, "an attack that always ends the same way attacks nothing"
    assert slowest < 10.0


def test_what_can_be_read_can_be_shown_and_written(attack: Attack) -> None:
    written = 0
    for file in attack(11):
        try:
            model = read_model(file)
            data = write_model(model)
        except QuantlibError:
            continue
        assert read_model(data) == model
        assert all(line.isprintable() for line in show(model, describe=described).splitlines())
        written += 1
    if attack.__name__ not in ("truncated", "random_bytes"):
        assert written


def test_bombs_take_memory_in_proportion_to_the_file(attacks: dict[str, Attack]) -> None:
    for file in attacks["bombs"](1):
        tracemalloc.start()
        outcome(file)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2**20 + 100 * len(file)


@pytest.mark.slow
def test_a_great_many_mutations_are_answered(seeds: tuple[bytes, ...]) -> None:
    choose = random.Random(5)
    for _ in range(100_000):
        file = bytearray(choose.choice(seeds))
        for _ in range(choose.randint(1, 6)):
            at = choose.randrange(len(file))
            match choose.randrange(4):
                case 0:
                    file[at] ^= 1 << choose.randrange(8)
                case 1:
                    file[at] = choose.choice((0, 1, 4, 127, 128, 255))
                case 2:
                    at -= at % 4
                    file[at : at + 4] = choose.randrange(-64, len(file)).to_bytes(4, "little", signed=True)
                case _:
                    other = choose.choice(seeds)
                    start = choose.randrange(len(other))
                    file[at : at + 16] = other[start : start + 16]
        outcome(bytes(file))
