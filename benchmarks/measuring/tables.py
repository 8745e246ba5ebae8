"""The tables of `compiled.py`: each section asks its questions, and says what came of them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable

from measuring.bench import Answer, Bench
from measuring.children import FAMILIES

Section = Callable[[Bench], tuple[dict[str, Answer], list[str]]]
"""A bench to its answers by model, and lines of Markdown."""


def table(*columns: str, texts: int = 1) -> list[str]:
    """The first two lines of a table; the first few columns are text."""
    return [row(columns), "|" + "---|" * texts + "---:|" * (len(columns) - texts)]


def row(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def number(value: float) -> str:
    """Three digits; nothing where there is no number."""
    if math.isnan(value):
        return ""
    return f"{value:.{max(0, 2 - max(0, math.floor(math.log10(value or 1))))}f}"


def one_sample(bench: Bench) -> tuple[dict[str, Answer], list[str]]:
    """One sample at a time, each family against LiteRT's."""
    answers = bench.timed("compare", {name: {} for name in bench.models})
    lines = [
        "**One sample, one thread**, ms: `program(x)` against LiteRT's set_tensor, invoke and get_tensor, with the",
        "reference, optimized and XNNPACK kernels of both. Ratios are between equal bits: ours with kernels of that kind.",
        "",
        *table(
            *("model", "ours ref", "ours opt", "ours xnn", "LiteRT ref", "opt", "xnn"),
            *("ref / ours", "ours / opt", "ours / xnn"),
        ),
    ]
    alone = []
    for name, answer in answers.items():
        if "error" in answer:
            lines.append(row([name, answer["error"]]))
            continue
        ours = [bench.best(answer, f"ours {family}") for family in FAMILIES]
        theirs = [bench.best(answer, f"litert {family}") for family in FAMILIES]
        cells = [milliseconds(seconds) for seconds in (*ours, *theirs)]
        cells += [number(theirs[0] / ours[0]), number(ours[1] / theirs[1]), number(ours[2] / theirs[2])]
        for family in answer["wrong"]:
            cells[list(FAMILIES).index(family)] = "**not equal**"
        lines.append(row([name, *cells]))
        invoke = [milliseconds(bench.best(answer, f"invoke {family}")) for family in FAMILIES]
        alone += [f"{name} {' / '.join(invoke)}"] if any(invoke) else []
    if alone:
        lines += ["", f"LiteRT's invoke alone, ms (ref / opt / xnn): {', '.join(alone)}."]
    return answers, lines


def milliseconds(seconds: float) -> str:
    """Four digits of a short time."""
    return "" if math.isnan(seconds) else f"{1e3 * seconds:.{3 if seconds < 0.01 else 1}f}"


def batches(bench: Bench) -> tuple[dict[str, Answer], list[str]]:
    """Many samples at a time."""
    sizes = {name: bench.batch_of(name) for name in bench.models}
    answers = bench.timed("batch", {name: {"batch": size} for name, size in sizes.items() if size})
    lines = [
        "**Many samples, one thread**, us per sample: ours at once, LiteRT one by one, LiteRT resized (where its",
        "outputs then are the same).",
        "",
        *table(
            "model, samples",
            "kernels",
            "ours",
            "LiteRT",
            "LiteRT resized",
            "LiteRT's better / ours",
            "ours / it",
            texts=2,
        ),
    ]
    for name, answer in answers.items():
        title = f"{name}, {sizes[name]}"
        if "error" in answer:
            lines.append(row([title, answer["error"]]))
            continue
        for family in FAMILIES:
            if family in answer["wrong"]:
                lines.append(row([title, family, "**not equal**"]))
                continue
            found = [bench.best(answer, f"{who} {family}") for who in ("ours", "loop", "resized")]
            ratio = batch_ratio(bench, answer, family)
            cells = [number(1e6 * value / (sizes[name] or 1)) for value in found]
            lines.append(row([title, family, *cells, number(ratio), number(1 / ratio)]))
    return answers, lines


def batch_ratio(bench: Bench, answer: Answer, family: str) -> float:
    """LiteRT's better time by ours."""
    ours, *theirs = (bench.best(answer, f"{who} {family}") for who in ("ours", "loop", "resized"))
    return min((one for one in theirs if not math.isnan(one)), default=math.nan) / ours


def threads(bench: Bench) -> tuple[dict[str, Answer], list[str]]:
    """Batches on several threads."""
    sizes = {name: bench.batch_of(name) or 4 for name in bench.models}
    asked = {name: {"batch": size, "threads": bench.threads} for name, size in sizes.items()}
    answers = bench.timed("threads", asked)
    lines = [
        f"**{bench.threads} threads** against one, our reference kernels, us per sample, wall time. The last columns are the same",
        "work divided among as many processes: what the machine had to give just then.",
        "",
        *table(
            *("model, samples", "samples at once", "one thread", "threads", "times as fast"),
            *("processes", "times as fast"),
        ),
    ]
    for name, answer in answers.items():
        title = f"{name}, {sizes[name]}"
        if "error" in answer or answer["wrong"]:
            lines.append(row([title, answer.get("error", "**not equal**")]))
            continue
        wall = {who: times["wall"] for who, times in answer["times"].items()}
        cells = [number(1e6 * wall["one"] / sizes[name])]
        for who in ("several", "processes"):
            seconds = wall.get(who, math.nan)
            cells += [number(1e6 * seconds / sizes[name]), number(wall["one"] / seconds)]
        lines.append(row([title, str(answer["tile"]), *cells]))
    return answers, lines


def preparation(bench: Bench) -> tuple[dict[str, Answer], list[str]]:
    """Reading and compiling."""
    lines = [
        f"**Preparation**, ms, the best of {bench.fresh} fresh processes. *First result* is everything after `import numpy`:",
        "importing quantlib or LiteRT, reading, compiling, one run. The columns before it are with everything imported.",
        "",
        *table(
            *("model", "read_model", "compile_model", "first call", "first result"),
            *("LiteRT ref, load", "LiteRT ref, first result"),
        ),
    ]
    answers: dict[str, Answer] = {}
    for name, path in bench.models.items():
        ours = [bench.ask("prepare", model=str(path)) for _ in range(bench.fresh)]
        theirs = [bench.ask("prepare_litert", model=str(path)) for _ in range(bench.fresh)]
        answers[name] = {"ours": ours, "litert": theirs}
        if "error" in ours[0]:
            lines.append(row([name, ours[0]["error"]]))
            continue
        found = [shortest(bench, ours, what) for what in ("parse", "compile", "first call", "first result")]
        found += [shortest(bench, theirs, what) for what in ("prepare", "first result")]
        lines.append(row([name, *(number(1e3 * value) for value in found)]))
    return answers, lines


def shortest(bench: Bench, answers: Iterable[Answer], what: str) -> float:
    """The best of several processes; not a number where one failed."""
    return min(float(answer[what][bench.clock]) if what in answer else math.nan for answer in answers)


def importing(bench: Bench) -> tuple[dict[str, Answer], list[str]]:
    """`import quantlib`."""
    found = [bench.ask("imports") for _ in range(15)]
    middle = statistics.median(answer["seconds"][bench.clock] for answer in found)
    schema = "imported" if any(answer["tflite"] for answer in found) else "not imported"
    text = f"{1e3 * middle:.1f} ms, the median of 15 fresh processes; `tflite` is {schema}."
    return {"all": {"seconds": middle, "each": found}}, [f"**`import quantlib`** after NumPy: {text}"]


def memory(bench: Bench) -> tuple[dict[str, Answer], list[str]]:
    """Resident memory."""
    lines = [
        "**Resident memory**, MB: what is there more after reading, compiling and one run than after importing quantlib",
        "or LiteRT. Some 12 MB of ours are modules that are imported when they are needed.",
        "",
        *table("model", "ours", "ours, peak", "LiteRT ref", "opt", "xnn"),
    ]
    answers: dict[str, Answer] = {}
    for name, path in bench.models.items():
        ours = bench.ask("memory", model=str(path), who="ours", family="reference")
        theirs = [bench.ask("memory", model=str(path), who="litert", family=family) for family in FAMILIES]
        answers[name] = {"ours": ours, **dict(zip(FAMILIES, theirs, strict=True))}
        sizes = [added(ours), added(ours, "peak"), *map(added, theirs)]
        lines.append(row([name, *(number(size / 1e6) for size in sizes)]))
    return answers, lines


def added(answer: Answer, when: str = "after") -> float:
    """Bytes that came since the imports; not a number where that is not known."""
    if "error" in answer or answer["imported"] is None:
        return math.nan
    return float(answer[when] - answer["imported"])


def onnx(bench: Bench) -> tuple[dict[str, Answer], list[str]]:
    """onnx's ReferenceEvaluator."""
    answers = bench.timed("onnx", {name: {} for name in bench.models}, bench.onnx_python)
    lines = [
        "**onnx's ReferenceEvaluator** on the convolutions a model starts with, as a chain of QLinearConv; ms. ONNX",
        "rounds otherwise: given the same codes, some results of a layer differ, never by more than one.",
        "",
        *table(*("model", "convolutions", "ours", "onnx", "times as fast", "codes equal")),
    ]
    for name, answer in answers.items():
        if "error" in answer:
            lines.append(row([name, answer["error"]]))
            continue
        if answer["wrong"]:
            lines.append(row([name, str(answer["layers"]), "**not equal**"]))
            continue
        ours, theirs = bench.best(answer, "ours"), bench.best(answer, "onnx")
        cells = [str(answer["layers"]), milliseconds(ours), milliseconds(theirs), number(theirs / ours)]
        lines.append(row([name, *cells, f"{100 * answer['equal']:.2f} %"]))
    return answers, lines


SECTIONS: dict[str, Section] = {
    "compare": one_sample,
    "batch": batches,
    "threads": threads,
    "prepare": preparation,
    "import": importing,
    "memory": memory,
    "onnx": onnx,
}
"""By the name that ``--only`` takes."""
