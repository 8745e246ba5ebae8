"""``quantlib calibrate``: the range of every tensor over samples, as a file to quantize with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from quantlib.calibration import observers
from quantlib.calibration.calibrate import calibrate
from quantlib.calibration.observers import Observer
from quantlib.cli.datasets import load_samples, sample_count, samples_of
from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.read import read_model

__all__ = ["named_observer", "run"]

OBSERVERS: dict[str, Callable[..., Observer]] = {
    "minmax": observers.MinMax,
    "moving-average": observers.MovingAverage,
    "percentile": observers.Percentile,
    "entropy": observers.Entropy,
    "mse": observers.MSE,
}
"""Observers by the option's words."""

WITH_NUMBER = {"moving-average", "percentile"}
"""Those that take a number after a colon."""


def run(
    file: Path,
    to: Path | None,
    samples: str,
    observer: str,
    by_pattern: list[str],
    kernels: str,
    *,
    count: int | None,
    tf_compat: bool,
    as_json: bool,
) -> int:
    """The command; its exit status.

    Parameters
    ----------
    file : Path
    to : Path, optional
        Where to write the ranges as JSON.
    samples : str
        As `load_samples` takes it.
    observer : str
    by_pattern : list of str
        ``pattern=observer`` each.
    kernels : str
    count : int, optional
        Use the first so many samples.
    tf_compat : bool
    as_json : bool
    """
    model = read_model(file)
    stacked = load_samples(model, samples)
    total = min(count or sample_count(stacked), sample_count(stacked))
    chosen = dict(_pattern_and_observer(each) for each in by_pattern)
    console = Console(stderr=True)
    with console.status("calibrating") as status:
        ranges = calibrate(
            model,
            samples_of(model, stacked, total),
            observer=named_observer(observer),
            observers=chosen,
            kernels=kernels,
            tf_compat=tf_compat,
            progress=lambda done: status.update(f"calibrating: {done} of {total} samples"),
        )
    if to is not None:
        ranges.save(to)
    sys.stdout.write(ranges.to_json() if as_json else f"{ranges}\n")
    return 0


def named_observer(text: str) -> Observer:
    """An observer from words such as ``minmax`` or ``percentile:99.9``.

    Parameters
    ----------
    text : str

    Raises
    ------
    InvalidInputError
        Other words, or a number that the observer does not take.

    Examples
    --------
    >>> named_observer("percentile:99.9"), named_observer("minmax")
    (Percentile(percentile=99.9), MinMax())
    """
    name, colon, number = text.partition(":")
    if name not in OBSERVERS or (colon and name not in WITH_NUMBER):
        wanted = ", ".join(f"{known}[:number]" if known in WITH_NUMBER else known for known in OBSERVERS)
        raise InvalidInputError("--observer", repr(text), f"one of {wanted}")
    if not colon:
        return OBSERVERS[name]()
    try:
        return OBSERVERS[name](float(number))
    except InvalidInputError:
        raise
    except ValueError:
        raise InvalidInputError("--observer", repr(text), f"{name}:number") from None


def _pattern_and_observer(text: str) -> tuple[str, Observer | None]:
    pattern, equals, name = text.rpartition("=")
    if not equals:
        raise InvalidInputError("--observer-for", repr(text), "pattern=observer")
    return pattern, None if name == "none" else named_observer(name)
