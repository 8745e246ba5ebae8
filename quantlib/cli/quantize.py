"""``quantlib quantize``: a float model to a quantized one, and what stayed in float."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from quantlib.calibration.calibrate import calibrate
from quantlib.calibration.ranges import Ranges
from quantlib.cli.datasets import load_samples, sample_count, samples_of
from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.save import save_model
from quantlib.model.graph import Model
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8, Recipe
from quantlib.quantizer.requests import require_float

__all__ = ["run"]

RECIPES = ("full-integer", "int16x8", "dynamic-range", "float16")
"""The option's words."""


def run(
    file: Path,
    to: Path,
    recipe: str,
    *,
    samples: str,
    ranges: Path | None,
    input_type: str,
    output_type: str,
    per_tensor: bool,
    keep_float: Sequence[str],
    strict: bool,
    tf_compat: bool,
    as_json: bool,
) -> int:
    """The command; its exit status: 1 where nothing was changed.

    Parameters
    ----------
    file, to : Path
    recipe : str
        One of `RECIPES`.
    samples : str
        As `load_samples` takes it; empty for none.
    ranges : Path, optional
        JSON that ``quantlib calibrate`` wrote.
    input_type, output_type : str
    per_tensor : bool
        One scale for all weights of a layer.
    keep_float : sequence of str
    strict, tf_compat, as_json : bool
    """
    model = read_model(file)
    wanted = _recipe(recipe, input_type, output_type, per_channel=not per_tensor, strict=strict)
    needs_ranges = isinstance(wanted, FullInteger | Int16x8)
    known = _ranges(model, samples, ranges, tf_compat=tf_compat) if needs_ranges else None
    result = quantize_model(model, wanted, known, keep_float=keep_float)
    save_model(result.model, to)
    before, after = file.stat().st_size, to.stat().st_size
    if as_json:
        document = {"bytes_before": before, "bytes": after, **result.report.to_dict()}
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        sys.stdout.write(f"{before} -> {after} bytes\n{result.report}\n")
    return 0 if result.report.changed else 1


def _recipe(name: str, input_type: str, output_type: str, *, per_channel: bool, strict: bool) -> Recipe:
    if name == "full-integer":
        return FullInteger(input_type, output_type, per_channel=per_channel, strict=strict)
    if name == "int16x8":
        return Int16x8(input_type, output_type, per_channel=per_channel, strict=strict)
    if (input_type, output_type) != ("float32", "float32"):
        raise InvalidInputError("input-type", f"{input_type} and {output_type}", f"float32 with {name}")
    if name == "dynamic-range":
        return DynamicRange(per_channel=per_channel, strict=strict)
    if name == "float16":
        return Float16(strict=strict)
    raise InvalidInputError("recipe", name, ", ".join(RECIPES))


def _ranges(model: Model, samples: str, ranges: Path | None, *, tf_compat: bool) -> Ranges | None:
    """From a file, from samples, or None: what the model carries."""
    if ranges is not None:
        if samples:
            raise InvalidInputError("ranges", "both ranges and samples", "one of them")
        return Ranges.load(ranges)
    if not samples:
        return None
    require_float(model)
    stacked = load_samples(model, samples)
    return calibrate(model, samples_of(model, stacked, sample_count(stacked)), tf_compat=tf_compat)
