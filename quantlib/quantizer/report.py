"""What a quantizer did not do, and why.

TensorFlow's converter leaves operators in float without a word. Here every one is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FloatOperator", "FloatTensor", "Report"]

LONGEST_NAME = 64
"""Names of fused layers are those of all their parts; the text shows the beginning, fields the whole."""


@dataclass(frozen=True, slots=True)
class FloatOperator:
    """An operator that still computes in float.

    Parameters
    ----------
    subgraph, operator : int
        Where it stands in the model that was given.
    name : str
        Operator name.
    output : str, optional
        Name of its first output.
    reason : str
    """

    subgraph: int
    operator: int
    name: str
    output: str | None
    reason: str

    def __str__(self) -> str:
        at = f"subgraph {self.subgraph}, " if self.subgraph else ""
        output = "" if self.output is None else f" -> {_short(self.output)!r}"
        return f"{at}operator {self.operator} {self.name}{output}: {self.reason}"


@dataclass(frozen=True, slots=True)
class FloatTensor:
    """A tensor of the new model that still holds floats.

    Parameters
    ----------
    subgraph, tensor : int
        Where it stands in the new model.
    name : str, optional
    reason : str
    """

    subgraph: int
    tensor: int
    name: str | None
    reason: str

    def __str__(self) -> str:
        at = f"subgraph {self.subgraph}, " if self.subgraph else ""
        name = "" if self.name is None else f" {_short(self.name)!r}"
        return f"{at}tensor {self.tensor}{name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a model.

    Parameters
    ----------
    integer_operators : int
        How many operators have integer inputs, weights or outputs now; QUANTIZE and DEQUANTIZE do
        not count.
    converted_constants : int
        How many constants are stored in another type.
    float_operators : tuple of FloatOperator
    float_tensors : tuple of FloatTensor
    """

    integer_operators: int
    converted_constants: int
    float_operators: tuple[FloatOperator, ...]
    float_tensors: tuple[FloatTensor, ...]

    @property
    def changed(self) -> bool:
        """Whether the new model differs from the old in more than order."""
        return bool(self.integer_operators or self.converted_constants)

    def to_dict(self) -> Mapping[str, Any]:
        """Everything as plain dicts, lists and numbers, for JSON."""
        return {
            "integer_operators": self.integer_operators,
            "converted_constants": self.converted_constants,
            "float_operators": [
                {name: getattr(entry, name) for name in FloatOperator.__slots__}
                for entry in self.float_operators
            ],
            "float_tensors": [
                {name: getattr(entry, name) for name in FloatTensor.__slots__} for entry in self.float_tensors
            ],
        }

    def __str__(self) -> str:
        head = f"{self.integer_operators} operators with integers, {len(self.float_operators)} in float; "
        head += f"{self.converted_constants} constants converted, {len(self.float_tensors)} tensors in float"
        lines = [head]
        lines += [f"  {entry}" for entry in self.float_operators]
        lines += [f"  {entry}" for entry in self.float_tensors]
        return "\n".join(lines)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
