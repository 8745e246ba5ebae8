"""The harness for compiled models runs, and times no wrong answer. Times themselves are not tested."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantlib.cli import digits

ROOT = Path(__file__).parents[2]
FAMILIES = ("reference", "optimized", "xnnpack")


@pytest.fixture
def measuring(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return lambda name: importlib.import_module(f"measuring.{name}")


def run(*arguments, shared):
    command = [sys.executable, str(ROOT / "benchmarks" / "compiled.py"), *arguments]
    environment = {**os.environ, "QUANTLIB_SHARED": str(shared)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_one_command_measures_the_shipped_model(tmp_path):
    sections = ["compare", "batch", "threads", "prepare"]
    quickly = ["--repeat", "1", "--passes", "1", "--fresh", "1", "--batch", "2"]
    chosen = [f"--only={section}" for section in sections]
    text = run(*quickly, *chosen, "--json", str(tmp_path / "all.json"), shared=tmp_path)
    found = json.loads((tmp_path / "all.json").read_text())
    assert [name for name in found if name != "head"] == sections
    for section in sections:
        assert "error" not in found[section]["digits_int8"]
    for section in ("compare", "batch"):
        assert {f"ours {family}" for family in FAMILIES} <= set(found[section]["digits_int8"]["times"])
        assert found[section]["digits_int8"]["wrong"] == []
    assert text.count("| digits_int8") == 1 + len(FAMILIES) + 1 + 1


def test_the_profile_names_every_step(tmp_path):
    text = run("--profile", "--repeat", "1", shared=tmp_path)
    for operator in ("CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED"):
        assert operator in text


class Wrong:
    """LiteRT, were it to answer something else."""

    def __init__(self, data, family, batch=None):
        pass

    def __call__(self, *arrays):
        return (np.zeros((len(arrays[0]), 10), np.int8),)

    each = __call__


@pytest.mark.parametrize(("question", "more"), [("compare", {}), ("batch", {"batch": 2})])
def test_no_wrong_answer_is_timed(measuring, monkeypatch, question, more):
    children = measuring("children")
    monkeypatch.setattr(children, "LiteRT", Wrong)
    monkeypatch.setattr(children, "has_litert", lambda: True)
    answer = getattr(children, question)(model=digits.int8_model_path(), seconds=0.0, rounds=1, **more)
    assert answer["wrong"] == list(FAMILIES)
    assert answer["times"] == {}


@pytest.mark.parametrize(("question", "more"), [("compare", {}), ("batch", {"batch": 2})])
def test_without_litert_our_times_stand_alone(measuring, monkeypatch, question, more):
    children = measuring("children")
    monkeypatch.setattr(children, "has_litert", lambda: False)
    answer = getattr(children, question)(model=digits.int8_model_path(), seconds=0.0, rounds=1, **more)
    assert set(answer["times"]) == {f"ours {family}" for family in FAMILIES}


def test_of_several_passes_the_best_counts_but_an_error_stays(measuring):
    better = measuring("bench").better
    slow = {"times": {"ours": {"wall": 3.0, "cpu": 1.0}}, "wrong": []}
    fast = {"times": {"ours": {"wall": 2.0, "cpu": 1.5}}, "wrong": []}
    assert better(slow, fast)["times"] == {"ours": {"wall": 2.0, "cpu": 1.0}}
    assert better(fast, {"error": "died"}) == {"error": "died"}
    assert better({**slow, "wrong": ["xnnpack"]}, fast)["wrong"] == ["xnnpack"]


def test_everybody_has_a_turn_in_every_round(measuring):
    calls = {"a": 0, "b": 0}

    def count(name):
        calls[name] += 1

    best = measuring("turns").in_turns({name: lambda name=name: count(name) for name in calls}, 0.0, 3)
    for name, number in calls.items():
        assert best[name]["calls"] == number - 2  # but the first two of each
        assert best[name]["calls"] % 3 == 0


@pytest.mark.parametrize(
    ("value", "verdict"), [(9.0, "aim met"), (8.0, "aim met"), (7.0, "met"), (5.9, "**missed**")]
)
def test_a_goal_is_met_from_its_must_on(measuring, value, verdict):
    goal = measuring("goals").Goal("x", 6, 8, False, lambda bench, found: value)
    assert goal.line(None, {}).split(" | ")[-1] == f"{verdict} |"


def test_what_was_not_measured_is_no_goal(measuring):
    goals = measuring("goals")
    assert goals.goals(None, {}) == []
