"""``quantlib inspect``: what is in a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from quantlib.errors import QuantlibError
from quantlib.flatbuffer.names import described
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import Model
from quantlib.model.limits import Limits
from quantlib.model.show import show
from quantlib.ops._registry import multiply_adds_of
from quantlib.ops._resolve import resolve
from quantlib.runtime.claims import Unclaimed, unclaimed

__all__ = ["multiply_adds", "run"]


def run(file: Path, as_json: bool, kernels: str | None = None) -> int:
    """The command; its exit status.

    Parameters
    ----------
    file : Path
    as_json : bool
    kernels : str, optional
        Also list the operators whose bits this kernel family does not claim.
    """
    model = read_model(file)
    found = () if kernels is None else unclaimed(model, kernels=kernels)
    if as_json:
        report = _report(model, file)
        if kernels is not None:
            report["unclaimed"] = [_claim(one) for one in found]
        sys.stdout.write(json.dumps(report) + "\n")
        return 0
    sys.stdout.write(show(model, multiply_adds, described) + "\n")
    if kernels is not None:
        count = len(model.subgraphs[0].operators)
        sys.stdout.write(
            f"{kernels} kernels: the bits of {count - len(found)} of {count} operators claimed\n"
        )
        sys.stdout.writelines(f"  {one}\n" for one in found)
    return 0


def multiply_adds(model: Model, subgraph_index: int, position: int) -> int | None:
    """Multiply-adds of one operator by the shapes in the file; None where it cannot be told.

    Parameters
    ----------
    model : Model
    subgraph_index, position : int
    """
    try:
        return multiply_adds_of(resolve(model, subgraph_index, position, Limits()))
    except (QuantlibError, IndexError, ValueError):
        return None  # the file may break any rule: it is only looked at


def _report(model: Model, file: Path) -> dict[str, Any]:
    operators = []
    tensors = []
    for number, subgraph in enumerate(model.subgraphs):
        for position, operator in enumerate(subgraph.operators):
            code = model.operator_codes[operator.opcode_index]
            operators.append(
                {
                    "subgraph": number,
                    "position": position,
                    "name": code.name,
                    "version": code.version,
                    "inputs": list(operator.inputs),
                    "outputs": list(operator.outputs),
                    "options": _plain(operator.options),
                    "multiply_adds": multiply_adds(model, number, position),
                }
            )
        for index, tensor in enumerate(subgraph.tensors):
            quantization = tensor.quantization
            known = tensor.buffer < len(model.buffers)
            tensors.append(
                {
                    "subgraph": number,
                    "index": index,
                    "name": tensor.name,
                    "type": tensor.type.name,
                    "shape": list(tensor.shape),
                    "scale": [] if quantization is None else quantization.scale.tolist(),
                    "zero_point": [] if quantization is None else quantization.zero_point.tolist(),
                    "constant_bytes": len(model.buffers[tensor.buffer]) if known else 0,
                }
            )
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        "description": model.description,
        "operators": operators,
        "tensors": tensors,
        "signatures": [signature.key for signature in model.signatures or ()],
        "multiply_adds": sum(operator["multiply_adds"] or 0 for operator in operators),
    }


def _claim(one: Unclaimed) -> dict[str, Any]:
    return {
        "operator": one.operator,
        "name": one.operator_name,
        "outputs": list(one.outputs),
        "reason": one.bound.reason,
        "bound": str(one.bound),
    }


def _plain(options: Any) -> Any:
    if options is None:
        return None
    return {
        name: value if isinstance(value, int | float | str | bool) else repr(value)
        for name, value in options.items()
    }
