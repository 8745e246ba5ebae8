"""``quantlib compare``: every tensor, ours against another engine's."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quantlib.cli.samples import load_inputs, random_inputs
from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.read import read_model
from quantlib.oracle import compare as comparing
from quantlib.oracle.comparison import Comparison
from quantlib.oracle.tensor_comparison import TensorComparison

__all__ = ["run"]


def run(
    file: Path,
    inputs: Sequence[Path],
    seed: int | None,
    kernels: Sequence[str],
    against: str | None,
    *,
    explain: bool,
    reproducer: Path | None,
    as_json: bool,
) -> int:
    """The command; its exit status: 0 equal, 1 different.

    Parameters
    ----------
    file : Path
    inputs : sequence of Path
        With none, random inputs of `seed` (0 if None).
    seed : int, optional
    kernels : sequence of str
        Kernel sets.
    against : str, optional
        ``litert``, the name of a kernel set, or the path of an .npz. None: the first kernel set
        against the others, or a single one against LiteRT.
    explain : bool
        Print why the first difference comes about.
    reproducer : Path, optional
        Directory to write a one-operator model to that shows it.
    as_json : bool
    """
    from rich.console import Console

    model = read_model(file)
    arrays = load_inputs(model, inputs) if inputs else random_inputs(model, seed or 0)
    results = []
    with Console(stderr=True).status("comparing"):
        for ours, theirs in _pairs(kernels, against):
            other: Any = _dump(Path(theirs)) if theirs.endswith(".npz") else theirs
            results.append(comparing.compare(model, *arrays, kernels=ours, against=other))
    reports = []
    for result in results:
        written = result.reproducer(reproducer) if reproducer is not None and not result.equal else None
        reason = result.explain() if explain and not result.equal else None
        if as_json:
            reports.append(_report(result, reason, written))
        else:
            _print(result, reason, written)
    if as_json:
        everything = reports[0] if len(reports) == 1 else {"comparisons": reports}
        sys.stdout.write(json.dumps(everything) + "\n")
    return int(not all(result.equal for result in results))


def _pairs(kernels: Sequence[str], against: str | None) -> list[tuple[str, str]]:
    if against is not None:
        return [(ours, against) for ours in kernels]
    first, *others = kernels
    return [(first, other) for other in others] or [(first, "litert")]


def _report(result: Comparison, reason: str | None, written: Path | None) -> dict[str, Any]:
    return {
        "kernels": result.kernels,
        "against": result.against,
        "equal": result.equal,
        "as_claimed": result.as_claimed,
        "elements": result.elements,
        "differing": result.differing,
        "tensors": [_plain(row) for row in result.tensors],
        "unavailable": list(result.unavailable),
        "explanation": reason,
        "reproducer": None if written is None else str(written),
    }


def _plain(row: TensorComparison) -> dict[str, Any]:
    """A row's fields and its verdict; JSON has no NaN and no infinity, so they become text."""
    fields = {**dataclasses.asdict(row), "breaks_claim": row.breaks_claim}
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }


def _print(result: Comparison, reason: str | None, written: Path | None) -> None:
    for row in result.tensors:
        if row.differing:
            sys.stdout.write(f"{row}\n")
    sys.stdout.write(f"{result}\n")
    if result.unavailable:
        sys.stdout.write(f"not shown by {result.against}: {', '.join(map(repr, result.unavailable))}\n")
    if reason is not None:
        sys.stdout.write(f"{reason}\n")
    if written is not None:
        sys.stdout.write(f"wrote {written}\n")


def _dump(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError) as error:
        raise InvalidInputError("--against", f"{path}: {error}", "an .npz file") from error
