"""What we set ourselves to reach, and what was reached."""

from __future__ import annotations

import math
import operator
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from measuring.bench import Answer, Bench
from measuring.tables import added, batch_ratio, number, row, shortest, table

Found = Mapping[str, Mapping[str, Answer]]
"""Answers by section and model."""

CONVOLUTIONAL = (
    "mobilenet_v2_1.0_224_quant",
    "tf2_mobilenet_v2_1.0_224_ptq",
    "vww_96_int8",
    "pretrainedResnet_quant",
    "kws_ref_model",
    "mobilenet_v1_0.25_128_quant",
)


@dataclass(frozen=True)
class Goal:
    """A number to get above, or below."""

    text: str
    must: float
    aim: float
    is_limit: bool
    value: Callable[[Bench, Found], float]

    def line(self, bench: Bench, found: Found) -> str | None:
        """As a row; None where it was not measured."""
        try:
            value = self.value(bench, found)
        except (KeyError, statistics.StatisticsError):
            return None
        if math.isnan(value):
            return None
        holds = operator.le if self.is_limit else operator.ge
        verdict = "aim met" if holds(value, self.aim) else "met" if holds(value, self.must) else "**missed**"
        sign = "≤" if self.is_limit else "≥"
        return row([self.text, f"{sign} {self.must:g}", f"{sign} {self.aim:g}", number(value), verdict])


def against_reference(*names: str) -> Callable[[Bench, Found], float]:
    """Geometric mean of LiteRT's reference kernels by ours."""

    def value(bench: Bench, found: Found) -> float:
        answers = [found["compare"][name] for name in names]
        ratios = [bench.best(one, "litert reference") / bench.best(one, "ours reference") for one in answers]
        return statistics.geometric_mean(ratios)

    return value


def against_optimized(*names: str) -> Callable[[Bench, Found], float]:
    """Ours by LiteRT's optimized kernels, the largest."""

    def value(bench: Bench, found: Found) -> float:
        answers = [found["compare"][name] for name in names]
        return max(bench.best(one, "ours optimized") / bench.best(one, "litert optimized") for one in answers)

    return value


def threads_of(bench: Bench, found: Found) -> float:
    """The median over models."""
    del bench
    times = [answer["times"] for answer in found["threads"].values() if answer.get("times")]
    return statistics.median(one["one"]["wall"] / one["several"]["wall"] for one in times)


def onnx_of(bench: Bench, found: Found) -> float:
    """The smallest over models."""
    answers = [answer for answer in found["onnx"].values() if "times" in answer]
    ratios = [bench.best(answer, "onnx") / bench.best(answer, "ours") for answer in answers]
    return min(ratios, default=math.nan)


def prepared(name: str, what: str) -> Callable[[Bench, Found], float]:
    """Milliseconds of preparation."""
    return lambda bench, found: 1e3 * shortest(bench, found["prepare"][name]["ours"], what)


UINT8, INT8 = "mobilenet_v2_1.0_224_quant", "tf2_mobilenet_v2_1.0_224_ptq"

GOALS = (
    Goal(
        "LiteRT ref / ours, convolutional nets, geometric mean",
        6,
        8,
        False,
        against_reference(*CONVOLUTIONAL),
    ),
    Goal("LiteRT ref / ours, ad01", 1, 1.2, False, against_reference("ad01_int8")),
    Goal(
        "LiteRT ref / ours, ad01, 256 samples",
        5,
        5,
        False,
        lambda bench, found: batch_ratio(bench, found["batch"]["ad01_int8"], "reference"),
    ),
    Goal("ours / LiteRT opt, MobileNetV2 uint8", 1.7, 1.3, True, against_optimized(UINT8)),
    Goal("ours / LiteRT opt, MobileNetV2 int8", 1.5, 1.15, True, against_optimized(INT8)),
    Goal("ours / LiteRT opt, kws", 1.6, 1.2, True, against_optimized("kws_ref_model")),
    Goal("ours / LiteRT opt, vww", 1.6, 1.2, True, against_optimized("vww_96_int8")),
    Goal("ours / LiteRT opt, ResNet-8", 2.2, 1.6, True, against_optimized("pretrainedResnet_quant")),
    Goal("two threads / one, batches, median", 1.7, 1.7, False, threads_of),
    Goal("onnx ReferenceEvaluator / ours, the smallest", 20, 40, False, onnx_of),
    Goal("compile_model, MobileNetV2 uint8, ms", 150, 60, True, prepared(UINT8, "compile")),
    Goal("compile_model, MobileNetV2 int8, ms", 150, 60, True, prepared(INT8, "compile")),
    Goal("read_model, 4 MB, ms", 10, 2, True, prepared(INT8, "parse")),
    Goal("import quantlib, ms", 20, 8, True, lambda _, found: 1e3 * found["import"]["all"]["seconds"]),
    Goal(
        "memory that MobileNetV2 adds, MB",
        60,
        30,
        True,
        lambda _, found: max(added(found["memory"][name]["ours"]) for name in (UINT8, INT8)) / 1e6,
    ),
)


def goals(bench: Bench, found: Found) -> list[str]:
    """The table of those that were measured."""
    lines = [line for goal in GOALS if (line := goal.line(bench, found)) is not None]
    return [*table("goal", "must", "aim", "reached", ""), *lines] if lines else []
