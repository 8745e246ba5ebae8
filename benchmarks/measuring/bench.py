"""Asking child processes, and keeping the best of what they answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

BATCHES = {"ad01_int8": 256, "kws_ref_model": 256, "pretrainedResnet_quant": 32, "vww_96_int8": 32}
"""Samples of the batch rows; other models have none unless asked by ``--batch``."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What was asked for on the command line."""

    models: Mapping[str, Path]
    seconds: float
    passes: int
    rounds: int | None
    batch: int | None
    threads: int
    coretype: str
    clock: str
    fresh: int
    onnx_python: str
    bytecode: str

    def ask(self, question: str, python: str = sys.executable, **arguments: Any) -> Answer:
        """The answer of a child process, or ``{"error": its last line}``."""
        paths = os.pathsep.join([str(ROOT), str(ROOT / "benchmarks")])
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": paths}
        # Imports are timed from bytecode, as everybody has it after the first time.
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": self.bytecode}
        environment.pop("OPENBLAS_CORETYPE", None)
        if self.coretype != "native":
            environment["OPENBLAS_CORETYPE"] = self.coretype
        done = subprocess.run(
            [python, "-m", "measuring.children", question, json.dumps(arguments)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
            return {"error": lines[-1]}
        answer: Answer = json.loads(done.stdout.splitlines()[-1])
        return answer

    def timed(
        self, question: str, asked: Mapping[str, Mapping[str, Any]], python: str = sys.executable
    ) -> dict[str, Answer]:
        """Answers by model, whose contestants take turns in every one of several passes over the models.

        Parameters
        ----------
        question : str
        asked : mapping of model to mapping
            What else the question takes.
        """
        answers: dict[str, Answer] = {}
        for number in range(self.passes):
            for name, more in asked.items():
                again = self.ask(
                    question,
                    python,
                    model=str(self.models[name]),
                    seconds=self.seconds / self.passes,
                    rounds=self.rounds,
                    **more,
                )
                answers[name] = better(answers[name], again) if name in answers else again
                print(f"{question} {name}: pass {number + 1}", file=sys.stderr, flush=True)
        return answers

    def batch_of(self, name: str) -> int | None:
        """How many samples the batch rows of a model have."""
        return self.batch or BATCHES.get(name)

    def best(self, answer: Answer, who: str) -> float:
        """Seconds of a contestant; not a number where it was not timed."""
        times = answer.get("times", {}).get(who)
        return float(times[self.clock]) if times else float("nan")


def better(one: Answer, other: Answer) -> Answer:
    """Of two answers the shorter times; but an error, or a wrong result, of either."""
    for answer in (one, other):
        if "error" in answer or answer.get("wrong"):
            return answer
    times = {who: _smaller(one["times"][who], other["times"][who]) for who in one["times"]}
    return {**other, "times": times}


def _smaller(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: min(one[name], other[name]) for name in one}
