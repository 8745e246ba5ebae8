"""Several variants of a model on the same samples, side by side.

Latencies are those of our own kernels in NumPy on this machine, variants taking turns sample by
sample. They say nothing about a device: read them as ratios, and only between runs of one table.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.compiler.engine import engine
from quantlib.errors import InvalidInputError
from quantlib.evaluation.cost import Cost, cost_of
from quantlib.evaluation.distance import Distance, DistanceSums
from quantlib.evaluation.reals import Samples, as_reals, input_values, sample_arrays
from quantlib.evaluation.tables import as_csv, as_json, as_text
from quantlib.kernel_sets import KernelSet
from quantlib.model.graph import Model
from quantlib.runtime.execute import initial_variables
from quantlib.runtime.plan import Binder, Plan, make_plan

__all__ = ["Evaluation", "Metric", "ModelEvaluation", "accuracy", "evaluate"]

Metric: TypeAlias = Callable[[tuple[NDArray[np.float64], ...], NDArray[Any]], float]
"""From the outputs (each stacked over the samples, as reals) and the labels to a number."""


@dataclass(frozen=True, slots=True)
class ModelEvaluation:
    """One line of an `Evaluation`.

    Parameters
    ----------
    name : str
    metric : float or None
        None without labels.
    cost : Cost
    milliseconds : float
        Median over the samples.
    latency_ratio : float
        To the first model.
    peak_bytes : int
        Most memory that one run took at once, beyond the model and its plan.
    distance : Distance or None
        Of the first output from the first model's; None for that model itself.
    """

    name: str
    metric: float | None
    cost: Cost
    milliseconds: float
    latency_ratio: float
    peak_bytes: int
    distance: Distance | None


@dataclass(frozen=True, slots=True)
class Evaluation(Mapping[str, ModelEvaluation]):
    """Models by name, in the order given; prints as a table.

    Parameters
    ----------
    metric : str
        What the metric is called.
    kernels : str
    samples : int
    rows : tuple of ModelEvaluation
    """

    metric: str
    kernels: str
    samples: int
    rows: tuple[ModelEvaluation, ...]

    def __getitem__(self, name: str) -> ModelEvaluation:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (row.name for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __str__(self) -> str:
        formats = {
            "model": "",
            self.metric: ".4f",
            "bytes": ",",
            "gzip_bytes": ",",
            "multiply_adds": ",",
            "milliseconds": ".3f",
            "latency_ratio": ".2f",
            "peak_bytes": ",",
            "sqnr_db": ".1f",
            "cosine": ".6f",
            "agreement": ".4f",
            "constants": "",
        }
        note = f"{self.samples} samples; latencies are of {self.kernels} kernels in NumPy, not of a device"
        rows = [
            {**record, "constants": _listed(row.cost.constant_bytes)}
            for record, row in zip(self._records(), self.rows, strict=True)
        ]
        return f"{as_text(rows, formats)}\n{note}"

    def to_json(self) -> str:
        """The evaluation as JSON; what is not finite as the text inf, -inf or nan."""
        report = {"metric": self.metric, "kernels": self.kernels, "samples": self.samples}
        return as_json({**report, "models": self._records()})

    def to_csv(self) -> str:
        """A head line, and a line per model."""
        return as_csv(self._records())

    def _records(self) -> list[dict[str, Any]]:
        nothing = {"sqnr_db": None, "cosine": None, "largest_difference": None, "agreement": None}
        return [
            {
                "model": row.name,
                self.metric: row.metric,
                **asdict(row.cost),
                "milliseconds": row.milliseconds,
                "latency_ratio": row.latency_ratio,
                "peak_bytes": row.peak_bytes,
                **(nothing if row.distance is None else asdict(row.distance)),
            }
            for row in self.rows
        ]


def accuracy(outputs: tuple[NDArray[np.float64], ...], labels: NDArray[Any]) -> float:
    """The share of samples whose first output is largest at the label.

    Parameters
    ----------
    outputs : tuple of float64 arrays (samples, ..., classes)
    labels : int array

    Raises
    ------
    InvalidInputError
        Not one label per row of the output.

    Examples
    --------
    >>> accuracy((np.array([[0.1, 0.9], [0.8, 0.2]]),), np.array([1, 1]))
    0.5
    """
    found = outputs[0].argmax(axis=-1)
    if found.size != labels.size:
        raise InvalidInputError("labels", f"{labels.size} labels", f"{found.size}, one per row of the output")
    return float(np.mean(found.reshape(-1) == labels.reshape(-1)))


def evaluate(
    models: Mapping[str, Model],
    samples: Samples,
    labels: ArrayLike | None = None,
    *,
    metric: Metric | None = None,
    kernels: str | KernelSet = "reference",
    custom: Mapping[str, Binder] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Accuracy, size, work, latency and distance of several models on the same samples.

    Models run as compiled programs, one sample at a time; latency and memory are those of the programs.

    Parameters
    ----------
    models : mapping of name to Model
        The first is what the others are held against: the float model.
    samples : array (samples, ...) or iterable of samples
        Reals; they are quantized for models that take codes. For models with several inputs each
        sample is a list of arrays, or a mapping of input name to array.
    labels : array_like, optional
        One per sample, as the metric wants them.
    metric : callable, optional
        `accuracy` if nothing is said; called once per model with the stacked outputs and the labels.
    kernels : str or KernelSet
    custom : mapping of custom code to binder, optional
    progress : callable, optional
        Called with the number of samples done so far.

    Returns
    -------
    Evaluation

    Raises
    ------
    InvalidInputError
        No models, no samples, samples or labels that do not fit.
    UnsupportedError, InvalidModelError, LimitExceededError
        A model cannot be run.

    Examples
    --------
    ::

        result = ql.quantize_model(model, ql.recipes.FullInteger(), ranges)
        print(ql.evaluate({"float": model, "int8": result.model}, images, labels))
    """
    if not models:
        raise InvalidInputError("models", "no models", "at least one")
    known = None if labels is None else np.asarray(labels)
    if known is None and metric is not None:
        raise InvalidInputError("labels", "none", "labels for the metric")
    runs = [_Run(name, model, kernels, custom) for name, model in models.items()]
    done = 0
    for number, sample in enumerate(sample_arrays(samples)):
        for run in runs:
            run.sample(sample, number, keeps=known is not None)
            if run is not runs[0]:
                run.compare(runs[0])
        done += 1
        if progress is not None:
            progress(done)
    if not done:
        raise InvalidInputError("samples", "no samples", "at least one")
    if known is not None and len(np.atleast_1d(known)) != done:
        raise InvalidInputError("labels", f"{len(np.atleast_1d(known))} labels", f"{done}, one per sample")
    judge = metric or accuracy
    rows = tuple(run.result(runs[0], judge, known) for run in runs)
    name = getattr(judge, "__name__", "metric")
    return Evaluation(name if name.isidentifier() else "metric", runs[0].plan.kernels.name, done, rows)


class _Run:
    """One model on its way through the samples."""

    def __init__(
        self, name: str, model: Model, kernels: str | KernelSet, custom: Mapping[str, Binder] | None
    ) -> None:
        self.name = name
        self.model = model
        self.plan: Plan = make_plan(model, kernels=kernels, custom=custom)
        self._program = engine(self.plan, {})
        self.outputs: tuple[NDArray[np.float64], ...] = ()
        self.seconds: list[float] = []
        self.peak_bytes = 0
        self._kept: list[tuple[NDArray[np.float64], ...]] = []
        self._sums = DistanceSums()

    def sample(self, sample: tuple[Any, ...] | Mapping[str, Any], number: int, *, keeps: bool) -> None:
        """Run one sample."""
        values = input_values(self.model, sample, number)
        if number == 0:
            self.peak_bytes = _peak_bytes(lambda: self._outputs(values))  # also warms up
        began = time.perf_counter()
        found = self._outputs(values)
        self.seconds.append(time.perf_counter() - began)
        subgraph = self.model.subgraphs[0]
        tensors = (subgraph.tensors[index] for index in subgraph.outputs)
        self.outputs = tuple(map(as_reals, tensors, found))
        if keeps:
            self._kept.append(self.outputs)

    def _outputs(self, values: Mapping[int, NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """By the compiled program, or operator by operator where shapes are not the file's."""
        subgraph = self.model.subgraphs[0]
        if all(values[index].shape == subgraph.tensors[index].shape for index in subgraph.inputs):
            return self._program(*(values[index] for index in subgraph.inputs))
        held = self.plan.run({**initial_variables(self.model, 0), **values})
        return tuple(held[index] for index in subgraph.outputs)

    def compare(self, first: _Run) -> None:
        """Hold this sample's first output against another model's."""
        if not self.outputs or not first.outputs or self.outputs[0].shape != first.outputs[0].shape:
            found = [tuple(output.shape for output in run.outputs[:1]) for run in (first, self)]
            raise InvalidInputError("models", f"{self.name!r}: outputs of shapes {found}", "equal shapes")
        self._sums.add(first.outputs[0], self.outputs[0])

    def result(self, first: _Run, judge: Metric, labels: NDArray[Any] | None) -> ModelEvaluation:
        """The line of the table."""
        seconds = statistics.median(self.seconds)
        judged = None
        if labels is not None:
            stacked = tuple(np.stack(series) for series in zip(*self._kept, strict=True))
            judged = float(judge(stacked, labels))
        return ModelEvaluation(
            self.name,
            judged,
            cost_of(self.model),
            seconds * 1e3,
            seconds / max(statistics.median(first.seconds), 1e-9),
            self.peak_bytes,
            None if self is first else self._sums.distance(),
        )


def _listed(constant_bytes: Mapping[str, int]) -> str:
    """Types and their bytes, most first."""
    most_first = sorted(constant_bytes.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {count:,}" for name, count in most_first)


def _peak_bytes(run: Callable[[], object]) -> int:
    """Most memory in use at once during one run."""
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        run()
        return max(tracemalloc.get_traced_memory()[1] - before, 0)
    finally:
        if not was_tracing:
            tracemalloc.stop()
