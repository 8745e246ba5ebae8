"""How fast compiled models run, beside LiteRT in the same process, and what else `compile_model` costs.

    python benchmarks/compiled.py [MODELS ...] [--only compare ...] [--profile] [--json FILE]

Every model gets child processes of its own. In them quantlib and LiteRT (reference, optimized and
XNNPACK kernels, one thread each) take turns, and each keeps its best call; nothing is timed before its
outputs have been equal bit for bit. Without MODELS those of the table below are taken from
``$QUANTLIB_SHARED/zoo`` (default ``../shared/zoo``), or, where there are none, the model shipped with
quantlib. Without ai-edge-litert our columns stand alone.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

FAMILIES = ("reference", "optimized", "xnnpack")

MODELS = (
    "mobilenet_v2_1.0_224_quant",
    "tf2_mobilenet_v2_1.0_224_ptq",
    "vww_96_int8",
    "pretrainedResnet_quant",
    "kws_ref_model",
    "ad01_int8",
    "mobilenet_v1_0.25_128_quant",
)

BATCHES = {"ad01_int8": 256, "kws_ref_model": 256, "pretrainedResnet_quant": 32, "vww_96_int8": 32}
"""Samples of the batch rows; other models have none unless asked by ``--batch``."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Bench:
    """What was asked for on the command line."""

    models: tuple[Path, ...]
    seconds: float
    rounds: int | None
    batch: int | None
    threads: int
    coretype: str
    clock: str
    fresh: int
    onnx_python: str

    def ask(self, question: str, python: str = sys.executable, **arguments: Any) -> Answer:
        """The answer of a child process, or ``{"error": its last line}``."""
        child = str(Path(__file__).with_name("compiled_children.py"))
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        environment.pop("OPENBLAS_CORETYPE", None)
        if self.coretype != "native":
            environment["OPENBLAS_CORETYPE"] = self.coretype
        done = subprocess.run(
            [python, child, question, json.dumps(arguments)],
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

    def timed(self, question: str, model: Path, **arguments: Any) -> Answer:
        """One whose contestants take turns."""
        return self.ask(question, model=str(model), seconds=self.seconds, rounds=self.rounds, **arguments)

    def batch_of(self, model: Path) -> int | None:
        """How many samples the batch rows of a model have."""
        return self.batch or BATCHES.get(model.stem)

    def best(self, answer: Answer, who: str) -> float:
        """Seconds of a contestant; not a number where it was not timed."""
        times = answer.get("times", {}).get(who)
        return float(times[self.clock]) if times else float("nan")


Section = Callable[[Bench], tuple[list[Answer], list[str]]]


def number(value: float, digits: int = 2) -> str:
    """A number for a table; nothing where there is none."""
    if math.isnan(value):
        return ""
    return f"{value:.{max(0, digits - (value >= 10) - (value >= 100))}f}"


def short(model: Path | str) -> str:
    """A model's name."""
    return Path(model).stem


def compare(bench: Bench) -> tuple[list[Answer], list[str]]:
    """One sample at a time."""
    lines = [
        "One sample, one thread; ms. Ratios compare the same bits: ours with the kernels that stand there.",
        "",
        "| model | ours ref | opt | xnn | LiteRT ref | opt | xnn | ref / ours | ours / opt | ours / xnn |",
        "|---|" + "---:|" * 9,
    ]
    answers = []
    for model in bench.models:
        answer = bench.timed("compare", model)
        answers.append({"model": short(model), **answer})
        if "error" in answer:
            lines.append(f"| {short(model)} | {answer['error']} |")
            continue
        ours = [bench.best(answer, f"ours {family}") for family in FAMILIES]
        theirs = [bench.best(answer, f"litert {family}") for family in FAMILIES]
        ratios = [theirs[0] / ours[0], ours[1] / theirs[1], ours[2] / theirs[2]]
        cells = [number(1e3 * value, 3) for value in (*ours, *theirs)] + [number(value) for value in ratios]
        for family in answer["wrong"]:
            cells[FAMILIES.index(family)] = "**not equal**"
        lines.append(f"| {short(model)} | {' | '.join(cells)} |")
        show(lines[-1])
    return answers, lines


def batch(bench: Bench) -> tuple[list[Answer], list[str]]:
    """Many samples at a time."""
    lines = [
        "Many samples; us per sample: ours at once, LiteRT one by one, LiteRT resized (where the model allows).",
        "",
        "| model, samples | kernels | ours | LiteRT | LiteRT resized | LiteRT's better / ours |",
        "|---|---|" + "---:|" * 4,
    ]
    answers = []
    for model in bench.models:
        size = bench.batch_of(model)
        if size is None:
            continue
        answer = bench.timed("batch", model, batch=size)
        answers.append({"model": short(model), "batch": size, **answer})
        if "error" in answer:
            lines.append(f"| {short(model)}, {size} | {answer['error']} |")
            continue
        for family in FAMILIES:
            if family in answer["wrong"]:
                lines.append(f"| {short(model)}, {size} | {family} | **not equal** |")
                continue
            found = [bench.best(answer, f"{who} {family}") for who in ("ours", "loop", "resized")]
            ratio = min((one for one in found[1:] if not math.isnan(one)), default=float("nan")) / found[0]
            cells = [number(1e6 * value / size, 2) for value in found]
            lines.append(f"| {short(model)}, {size} | {family} | {' | '.join(cells)} | {number(ratio)} |")
            show(lines[-1])
    return answers, lines


def threads(bench: Bench) -> tuple[list[Answer], list[str]]:
    """Batches on several threads."""
    lines = [
        f"{bench.threads} threads against one, our reference kernels. The last column is the same ratio for matrix",
        "products alone: what the machine had to give just then.",
        "",
        "| model, samples | samples at once | one thread, us per sample | threads | times as fast | matrix products |",
        "|---|" + "---:|" * 5,
    ]
    answers = []
    for model in bench.models:
        size = bench.batch_of(model) or 8
        answer = bench.timed("threads", model, batch=size, threads=bench.threads)
        answers.append({"model": short(model), "batch": size, **answer})
        if "error" in answer or answer["wrong"]:
            lines.append(f"| {short(model)}, {size} | {answer.get('error', '**not equal**')} |")
            continue
        wall = {who: times["wall"] for who, times in answer["times"].items()}
        cells = [
            number(1e6 * wall["one"] / size),
            number(1e6 * wall["several"] / size),
            number(wall["one"] / wall["several"]),
            number(wall["matrices one"] / wall["matrices several"]),
        ]
        lines.append(f"| {short(model)}, {size} | {answer['tile']} | {' | '.join(cells)} |")
        show(lines[-1])
    return answers, lines


def prepare(bench: Bench) -> tuple[list[Answer], list[str]]:
    """Reading and compiling."""
    lines = [
        f"Preparation, ms, the best of {bench.fresh} fresh processes. *First result* is everything after `import numpy`.",
        "",
        "| model | read_model | compile_model | first call | first result | LiteRT ref, load | first result |",
        "|---|" + "---:|" * 6,
    ]
    answers = []
    for model in bench.models:
        ours = [bench.ask("prepare", model=str(model)) for _ in range(bench.fresh)]
        theirs = [bench.ask("prepare_litert", model=str(model)) for _ in range(bench.fresh)]
        answers.append({"model": short(model), "ours": ours, "litert": theirs})
        if "error" in ours[0]:
            lines.append(f"| {short(model)} | {ours[0]['error']} |")
            continue
        names = ("parse", "compile", "first call", "first result")
        found = [min(one[name] for one in ours) for name in names]
        if "error" not in theirs[0]:
            found += [min(one[name] for one in theirs) for name in ("prepare", "first result")]
        lines.append(f"| {short(model)} | {' | '.join(number(1e3 * value, 2) for value in found)} |")
        show(lines[-1])
    return answers, lines


def imports(bench: Bench) -> tuple[list[Answer], list[str]]:
    """`import quantlib`."""
    answers = [bench.ask("imports") for _ in range(15)]
    middle = statistics.median(answer["seconds"] for answer in answers)
    schema = "imported" if any(answer["tflite"] for answer in answers) else "not imported"
    line = f"`import quantlib` after NumPy: {1e3 * middle:.1f} ms, median of 15 fresh processes; `tflite` is {schema}."
    return answers, [line]


def memory(bench: Bench) -> tuple[list[Answer], list[str]]:
    """Resident memory."""
    lines = [
        "Resident memory, MB: after imports, and what one run adds to that.",
        "",
        "| model | | imported | added | of that workspace |",
        "|---|---|" + "---:|" * 3,
    ]
    answers = []
    for model in bench.models:
        for who in ("ours", "litert"):
            for family in FAMILIES:
                answer = bench.ask("memory", model=str(model), who=who, family=family)
                answers.append({"model": short(model), "who": who, "family": family, **answer})
                name = f"{'quantlib' if who == 'ours' else 'LiteRT'} {family}"
                if "error" in answer or answer["imported"] is None:
                    lines.append(f"| {short(model)} | {name} | {answer.get('error', '')} |")
                    continue
                cells = [
                    number(answer["imported"] / 1e6),
                    number((answer["after"] - answer["imported"]) / 1e6),
                ]
                cells.append(number(answer["workspace"] / 1e6) if answer["workspace"] else "")
                lines.append(f"| {short(model)} | {name} | {' | '.join(cells)} |")
                show(lines[-1])
    return answers, lines


def onnx(bench: Bench) -> tuple[list[Answer], list[str]]:
    """onnx's ReferenceEvaluator."""
    lines = [
        "The convolutions a model starts with, as a chain of QLinearConv; ms.",
        "",
        "| model | convolutions | ours | onnx ReferenceEvaluator | times as fast | largest difference | elements equal |",
        "|---|" + "---:|" * 6,
    ]
    answers = []
    for model in bench.models:
        answer = bench.ask(
            "onnx", bench.onnx_python, model=str(model), seconds=bench.seconds, rounds=bench.rounds
        )
        answers.append({"model": short(model), **answer})
        if "error" in answer:
            lines.append(f"| {short(model)} | {answer['error']} |")
            continue
        ours, theirs = bench.best(answer, "ours"), bench.best(answer, "onnx")
        cells = [number(1e3 * ours, 3), number(1e3 * theirs, 3), number(theirs / ours)]
        cells += [str(answer["largest"]), f"{100 * answer['equal']:.2f} %"]
        lines.append(f"| {short(model)} | {answer['layers']} | {' | '.join(cells)} |")
        show(lines[-1])
    return answers, lines


SECTIONS: dict[str, Section] = {
    "compare": compare,
    "batch": batch,
    "threads": threads,
    "prepare": prepare,
    "import": imports,
    "memory": memory,
    "onnx": onnx,
}


def profile(bench: Bench, kernels: str) -> None:
    """Print where the time of one run goes."""
    for model in bench.models:
        answer = bench.ask(
            "profile", model=str(model), kernels=kernels, batch=bench.batch or 1, rounds=bench.rounds
        )
        if "error" in answer:
            print(f"{short(model)}: {answer['error']}")
            continue
        steps, totals = answer["steps"], {}
        whole = sum(seconds for step in steps for _, seconds in step["calls"])
        print(
            f"{short(model)}, {kernels}: {1e6 * answer['whole']:.1f} us, sum of calls {1e6 * whole:.1f} us\n"
        )
        for step in steps:
            seconds = sum(one for _, one in step["calls"])
            calls = " ".join(f"{name.rpartition('.')[2]} {1e6 * one:.1f}" for name, one in step["calls"])
            shape = "x".join(map(str, step["shape"]))
            place = f"{step['step']:3d} {step['operator']:18s}{step['part']:12s}{shape:>16s}"
            print(f"{place}{1e6 * seconds:9.1f} us {100 * seconds / whole:5.1f} %  {calls}")
            for name, one in step["calls"]:
                key = f"{step['operator']} {name}"
                totals[key] = totals.get(key, 0.0) + one
        print()
        for key, one in sorted(totals.items(), key=lambda item: -item[1])[:20]:
            print(f"{1e6 * one:9.1f} us {100 * one / whole:5.1f} %  {key}")
        print()


def show(line: str) -> None:
    """Say how far it has come."""
    print(line, file=sys.stderr, flush=True)


def default_models() -> tuple[Path, ...]:
    """The zoo's, or the shipped one."""
    zoo = Path(os.environ.get("QUANTLIB_SHARED", ROOT.parent / "shared")) / "zoo"
    found = tuple(path for path in (zoo / f"{name}.tflite" for name in MODELS) if path.exists())
    if found:
        return found
    from quantlib.cli import digits

    return (Path(digits.int8_model_path()),)


def head(bench: Bench) -> str:
    """Where, when and with what."""
    from importlib.metadata import PackageNotFoundError, version

    core = bench.ask("imports")
    try:
        litert = f"LiteRT {version('ai-edge-litert')}"
    except PackageNotFoundError:
        litert = "no LiteRT"
    asked = "" if bench.coretype == "native" else f" (asked for {bench.coretype})"
    today = dt.datetime.now(tz=dt.UTC).date()
    return (
        f"{today}, {platform.machine()}, Python {platform.python_version()}, NumPy {core.get('numpy')}, {litert}, "
        f"OpenBLAS kernels {core.get('core') or 'unknown'}{asked}; best {bench.clock} time of turns of "
        f"{bench.seconds:g} s per row"
    )


def parsed() -> tuple[Bench, argparse.Namespace]:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path, help="files, or names of the zoo")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--seconds", type=float, default=4.0, help="per row of a table")
    parser.add_argument("--repeat", type=int, help="so many turns instead")
    parser.add_argument("--batch", type=int, help="samples of the batch and thread rows")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--coretype", default="Haswell", help="OPENBLAS_CORETYPE, or `native`")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: of the calling thread")
    parser.add_argument("--fresh", type=int, default=5, help="processes per row of preparation")
    parser.add_argument("--onnx-python", default=sys.executable, help="a Python that has onnx")
    parser.add_argument("--profile", action="store_true", help="only the time of every step of a program")
    parser.add_argument("--kernels", default="reference", choices=FAMILIES, help="with --profile")
    parser.add_argument("--json", type=Path, help="everything that was measured, to a file")
    options = parser.parse_args()
    known = {path.stem: path for path in default_models()}
    models = tuple(known.get(str(given), given) for given in options.models) or tuple(known.values())
    bench = Bench(
        models,
        options.seconds,
        options.repeat,
        options.batch,
        options.threads,
        options.coretype,
        options.clock,
        options.fresh,
        options.onnx_python,
    )
    return bench, options


def main() -> None:
    """Print the tables."""
    bench, options = parsed()
    if options.profile:
        profile(bench, options.kernels)
        return
    title = head(bench)
    answers: Answer = {"head": title}
    text = [title]
    for name in options.only:
        answers[name], lines = SECTIONS[name](bench)
        text += ["", *lines]
    print("\n".join(text))
    if options.json:
        options.json.write_text(json.dumps(answers, indent=1))


if __name__ == "__main__":
    main()
