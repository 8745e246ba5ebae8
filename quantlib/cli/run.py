"""``quantlib run``: a model once, its outputs shown or saved."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from quantlib.cli.progress import operators_progress
from quantlib.cli.samples import load_inputs, random_inputs
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.save import replace_file
from quantlib.model.graph import Model
from quantlib.runtime import execute
from quantlib.runtime.trace import Event, Produced, Started

__all__ = ["run"]


def run(
    file: Path,
    inputs: Sequence[Path],
    seed: int | None,
    kernels: str,
    save: Path | None,
    trace: bool,
    as_json: bool,
) -> int:
    """The command; its exit status.

    Parameters
    ----------
    file : Path
    inputs : sequence of Path
        With none, random inputs of `seed` (0 if None).
    seed : int, optional
    kernels : str
    save : Path, optional
    trace, as_json : bool
    """
    model = read_model(file)
    arrays = load_inputs(model, inputs) if inputs else random_inputs(model, seed or 0)
    doubtful: list[str] = []
    with operators_progress(len(model.subgraphs[0].operators), "running") as progress:

        def watch(event: Event) -> None:
            progress(event)
            if trace and isinstance(event, Produced):
                sys.stderr.write(f"{_traced(model, event)}\n")
            if isinstance(event, Started) and event.node.bound is not None:
                doubtful.append(f"{event.node.operator} #{event.node.position} (within {event.node.bound})")

        outputs = execute.run(model, *arrays, kernels=kernels, watch=watch)
    if doubtful:
        named = ", ".join(doubtful)
        sys.stderr.write(f"quantlib: bits not claimed to be those of the {kernels} kernels: {named}\n")
    indices = model.subgraphs[0].outputs
    names = [model.subgraphs[0].tensors[index].name or f"tensor_{index}" for index in indices]
    if save is not None:
        buffer = io.BytesIO()
        np.savez(buffer, **dict(zip(names, outputs, strict=True)))  # type: ignore[arg-type]
        replace_file(save, buffer.getvalue())
    if as_json:
        report = {
            name: {"dtype": str(array.dtype), "shape": list(array.shape), "values": array.tolist()}
            for name, array in zip(names, outputs, strict=True)
        }
        sys.stdout.write(json.dumps(report) + "\n")
        return 0
    for name, array in zip(names, outputs, strict=True):
        with np.printoptions(threshold=40, edgeitems=6, linewidth=100):
            sys.stdout.write(f"{name!r} {array.dtype} {list(array.shape)}\n{array}\n")
    return 0


def _traced(model: Model, event: Produced) -> str:
    name = model.subgraphs[event.node.subgraph].tensors[event.tensor].name
    value: Any = event.value
    ends = f"{value.min()} .. {value.max()}" if value.size else "empty"
    return f"{event.node.position:4} {event.node.operator:24} {value.dtype!s:8} {list(value.shape)} {ends} {name!r}"
