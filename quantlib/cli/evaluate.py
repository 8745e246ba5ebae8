"""``quantlib evaluate``: models side by side on the same samples, or one model layer by layer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from quantlib.cli.datasets import load_labels, load_samples, sample_count, samples_of
from quantlib.errors import InvalidInputError
from quantlib.evaluation.evaluate import evaluate
from quantlib.evaluation.layers import layer_errors
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.save import replace_file
from quantlib.model.graph import Model

__all__ = ["run"]


def run(
    files: Sequence[Path],
    samples: str,
    labels: str | None,
    kernels: str,
    *,
    count: int | None,
    layers: bool,
    csv: Path | None,
    as_json: bool,
) -> int:
    """The command; its exit status.

    Parameters
    ----------
    files : sequence of Path
        The float model first; with `layers` it and one other.
    samples : str
        As `load_samples` takes it.
    labels : str, optional
        As `load_labels` takes it.
    kernels : str
    count : int, optional
        Use the first so many samples.
    layers : bool
        Tell the error of every layer instead.
    csv : Path, optional
        Write the rows there, too.
    as_json : bool

    Raises
    ------
    InvalidInputError
        Two files of one name, or with `layers` not two files.
    """
    if layers and len(files) != 2:
        raise InvalidInputError(
            "--layers", f"{len(files)} models", "two: the float one and the quantized one"
        )
    models = _named(files)
    first, *others = models.values()
    stacked = load_samples(first, samples)
    total = min(count or sample_count(stacked), sample_count(stacked))
    known = None if labels is None else load_labels(labels, total)
    chosen = samples_of(first, stacked, total)
    with Console(stderr=True).status("evaluating") as status:

        def progress(done: int) -> None:
            status.update(f"evaluating: {done} of {total} samples")

        result = (
            layer_errors(first, others[0], chosen, kernels=kernels, progress=progress)
            if layers
            else evaluate(models, chosen, known, kernels=kernels, progress=progress)
        )
    if csv is not None:
        replace_file(csv, result.to_csv().encode())
    sys.stdout.write(f"{result.to_json() if as_json else result}\n")
    return 0


def _named(files: Sequence[Path]) -> dict[str, Model]:
    """Models by the names of their files; by their paths where names are equal."""
    stems = [file.stem for file in files]
    names = stems if len(set(stems)) == len(stems) else [str(file) for file in files]
    if len(set(names)) != len(names):
        raise InvalidInputError("files", "one file twice", "different files")
    return {name: read_model(file) for name, file in zip(names, files, strict=True)}
