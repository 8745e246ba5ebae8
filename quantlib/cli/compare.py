"""``quantlib compare``: every tensor, ours against another engine's."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quantlib.cli.samples import load_inputs, random_inputs
from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.read import read_model
from quantlib.oracle import compare as comparing

__all__ = ["run"]


def run(
    file: Path, inputs: Sequence[Path], seed: int | None, kernels: str, against: str, as_json: bool
) -> int:
    """The command; its exit status: 0 equal, 1 different.

    Parameters
    ----------
    file : Path
    inputs : sequence of Path
        With none, random inputs of `seed` (0 if None).
    seed : int, optional
    kernels : str
    against : str
        ``litert``, the name of a kernel set, or the path of an .npz.
    as_json : bool
    """
    from rich.console import Console

    model = read_model(file)
    arrays = load_inputs(model, inputs) if inputs else random_inputs(model, seed or 0)
    other: Any = _dump(Path(against)) if against.endswith(".npz") else against
    with Console(stderr=True).status("comparing"):
        result = comparing.compare(model, *arrays, kernels=kernels, against=other)
    if as_json:
        report = {
            "kernels": result.kernels,
            "against": result.against,
            "equal": result.equal,
            "elements": result.elements,
            "differing": result.differing,
            "tensors": [dataclasses.asdict(row) for row in result.tensors],
            "unavailable": list(result.unavailable),
        }
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        for row in result.tensors:
            if row.differing:
                sys.stdout.write(f"{row}\n")
        sys.stdout.write(f"{result}\n")
        if result.unavailable:
            sys.stdout.write(f"not shown by {result.against}: {', '.join(map(repr, result.unavailable))}\n")
    return 0 if result.equal else 1


def _dump(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError) as error:
        raise InvalidInputError("--against", f"{path}: {error}", "an .npz file") from error
