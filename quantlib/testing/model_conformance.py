"""How often we agree with LiteRT on whole models: every tensor of every operator, counted.

``python -m quantlib.testing.model_conformance DIRECTORY`` runs each .tflite file below the directory
here and in LiteRT, on two input distributions, and prints a table. A model that one side cannot
run is listed with its reason.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import QuantlibError
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import Model, Tensor
from quantlib.oracle.compare import compare
from quantlib.oracle.comparison import Comparison
from quantlib.oracle.litert import LiteRT

__all__ = ["DISTRIBUTIONS", "ModelRow", "inputs_for", "main", "measure_model", "model_files", "table"]

DISTRIBUTIONS = ("uniform", "bell")
"""Full-range codes saturate early layers and hide rounding; bell-shaped ones do not."""


SHAPE_INPUTS = {"TRANSPOSE_CONV": 0, "RESHAPE": 1}
"""Which input of an operator states its output's shape: random numbers would be none."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model, one kernel family, all distributions.

    Parameters
    ----------
    name : str
    kernels : str
    operators : int
    tensors, elements, differing : int
        Summed over the distributions.
    reason : str
        Why it was not compared; empty if it was.
    first : str
        The first divergence, if any.
    broken : int
        Tensors that differ by more than is said of them.
    share : float, optional
        Of tensors that are not claimed: the largest difference as a share of what its bound allows.
    """

    name: str
    kernels: str
    operators: int
    tensors: int = 0
    elements: int = 0
    differing: int = 0
    reason: str = ""
    first: str = ""
    broken: int = 0
    share: float | None = None


def inputs_for(model: Model, distribution: str, seed: int = 0) -> list[NDArray[Any]]:
    """Random inputs of a model.

    Parameters
    ----------
    model : Model
    distribution : {"uniform", "bell"}
    seed : int

    Returns
    -------
    list of ndarray, one per input
    """
    random = np.random.default_rng(seed)
    shapes = _shapes_wanted(model)
    arrays = []
    for index in model.subgraphs[0].inputs:
        tensor = model.subgraphs[0].tensors[index]
        dtype = tensor.type.dtype
        if index in shapes:
            arrays.append(np.array(shapes[index], np.int32))
        elif dtype is None:
            arrays.append(np.zeros(tensor.shape, np.uint8))
        elif dtype.kind == "f":
            drawn = random.standard_normal if distribution == "bell" else random.random
            arrays.append(np.asarray(drawn(tensor.shape), dtype))
        else:
            arrays.append(_codes(tensor, dtype, distribution, random))
    return arrays


def _shapes_wanted(model: Model) -> dict[int, tuple[int, ...]]:
    """Inputs that an operator takes for its output's shape, and the shape that the file states."""
    wanted = {}
    for operator in model.subgraphs[0].operators:
        name = model.operator_codes[operator.opcode_index].name
        position = SHAPE_INPUTS.get(name)
        if position is not None and position < len(operator.inputs):
            wanted[operator.inputs[position]] = model.subgraphs[0].tensors[operator.outputs[0]].shape
    return wanted


def _codes(
    tensor: Tensor, dtype: np.dtype[Any], distribution: str, random: np.random.Generator
) -> NDArray[Any]:
    if dtype.kind == "b":
        return random.random(tensor.shape) < 0.5
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if dtype.itemsize <= 2 else (0, 4)
    if distribution == "uniform":
        return random.integers(low, high, tensor.shape, np.int64, endpoint=True).astype(dtype)
    bell = random.normal((low + high) / 2, (high - low) / 12, tensor.shape)
    return np.clip(np.rint(bell), low, high).astype(dtype)


def measure_model(path: Path, *, kernels: str = "reference", seed: int = 0) -> ModelRow:
    """Every tensor of one file compared, on every distribution.

    Parameters
    ----------
    path : Path
    kernels : str
    seed : int

    Returns
    -------
    ModelRow
    """
    try:
        model = read_model(path)
    except QuantlibError as error:
        return ModelRow(path.stem, kernels, 0, reason=str(error))
    row = ModelRow(path.stem, kernels, len(model.subgraphs[0].operators))
    for distribution in DISTRIBUTIONS:
        inputs = inputs_for(model, distribution, seed)
        try:
            result = _compared(model, inputs, kernels)
        except QuantlibError as error:
            return replace(row, reason=f"{type(error).__name__}: {error}")
        row = replace(
            row,
            tensors=row.tensors + len(result.tensors),
            elements=row.elements + result.elements,
            differing=row.differing + result.differing,
            first=row.first or str(result.first_divergence or ""),
            broken=row.broken + sum(one.breaks_claim for one in result.tensors),
            share=_largest([row.share, *(one.bound_share for one in result.tensors)]),
        )
    return row


def _largest(shares: Sequence[float | None]) -> float | None:
    return max((share for share in shares if share is not None), default=None)


def _compared(model: Model, inputs: Sequence[NDArray[Any]], kernels: str) -> Comparison:
    # A process per model: one model's damage must not reach the next.
    with LiteRT() as litert:
        return compare(model, *inputs, kernels=kernels, litert=litert)


def table(rows: Iterable[ModelRow]) -> str:
    """The rows as Markdown."""
    lines = [
        "| model | kernels | operators | tensors | elements | differing | |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        note = row.reason.split("; wanted")[0][:160] if row.reason else row.first
        if row.differing and row.share is not None and not row.broken:
            note = f"not claimed; at most {row.share:.2g} of the bounds; first {row.first}"
        cells = (row.name, row.kernels, row.operators, row.tensors, row.elements, row.differing, note)
        lines.append(
            "| " + " | ".join(str(cell).replace("|", "/").replace("\n", " ") for cell in cells) + " |"
        )
    return "\n".join(lines) + "\n"


def model_files(paths: Iterable[Path]) -> list[Path]:
    """The .tflite files that the paths name or hold, in order.

    Parameters
    ----------
    paths : iterable of Path
        Files, or directories searched to their depth.
    """
    found = (sorted(path.rglob("*.tflite")) if path.is_dir() else [path] for path in paths)
    return [file for files in found for file in files]


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 if nothing differs but what is not claimed, within its bounds; else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m quantlib.testing.model_conformance", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("paths", type=Path, nargs="+", help=".tflite files, or directories of them")
    parser.add_argument("--kernels", default="reference")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    rows = []
    for file in model_files(chosen.paths):
        row = measure_model(file, kernels=chosen.kernels, seed=chosen.seed)
        rows.append(row)
        note = row.reason or row.first
        sys.stdout.write(f"{row.name:40} {row.tensors:6} {row.elements:10} {row.differing:8}  {note[:200]}\n")
        sys.stdout.flush()
    sys.stdout.write(table(rows))
    return int(any(row.broken for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
