"""From a plan to parts: which operators have a faster form, and how tensors between them are stored."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import TypeAlias

from quantlib.compiler.part import Part
from quantlib.compiler.steps import code_bounds
from quantlib.compiler.storage import Codes, are_codes
from quantlib.errors import QuantlibError
from quantlib.model.graph import OPTIONAL
from quantlib.ops._accumulate import ToOutput
from quantlib.runtime.plan import Plan, Step

__all__ = ["Lowerer", "Lowering", "lower", "lowers"]


class Lowering:
    """What has been decided while a plan is lowered, step by step.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self._tensors = plan.model.subgraphs[plan.subgraph_index].tensors
        self._constants = plan.constants
        self._codes: dict[int, Codes] = {}

    @property
    def stored(self) -> Mapping[int, Codes]:
        """How tensors are stored, by index, as far as it has been asked."""
        return self._codes

    def has_codes(self, index: int) -> bool:
        """Whether a tensor is one of 8-bit codes that is computed or given, not constant."""
        return index != OPTIONAL and index not in self._constants and are_codes(self._tensors[index])

    def codes(self, index: int) -> Codes:
        """How a tensor's codes are stored; any code may occur where nobody said otherwise."""
        if index not in self._codes:
            low, high = (0, 255) if self._tensors[index].type.name == "UINT8" else (-128, 127)
            self._codes[index] = Codes.between(low, high, self._zero_point(index))
        return self._codes[index]

    def store(self, index: int, to_output: ToOutput) -> Codes:
        """Decide how the output of a layer is stored.

        XNNPACK's float32 rule is copied pass by pass, for which the offset must be the zero point.

        Parameters
        ----------
        index : int
        to_output : ToOutput
        """
        rule = to_output.requantize
        real = rule.keywords.get("real") if isinstance(rule, partial) else None
        in_float32 = real is not None and real.dtype.itemsize == 4
        low, high = code_bounds(to_output)
        codes = Codes.between(low, high, to_output.zero_point, centred=not in_float32)
        self._codes[index] = codes
        return self._codes[index]

    def set(self, index: int, codes: Codes) -> Codes:
        """Decide how a tensor is stored."""
        self._codes[index] = codes
        return codes

    def forget(self, indices: Iterable[int]) -> None:
        """Undo what was decided about tensors."""
        for index in indices:
            self._codes.pop(index, None)

    def _zero_point(self, index: int) -> int:
        quantization = self._tensors[index].quantization
        return (
            0 if quantization is None or not quantization.zero_point.size else int(quantization.zero_point[0])
        )


Lowerer: TypeAlias = Callable[[Lowering, Step], "Part | None"]
"""A step to its part, or None where it has no faster form than its kernel."""

_lowerers: dict[str, Lowerer] = {}


def lowers(*operators: str) -> Callable[[Lowerer], Lowerer]:
    """Register the decorated function for operators.

    Parameters
    ----------
    *operators : str
        Builtin operator names.
    """

    def register(function: Lowerer) -> Lowerer:
        for operator in operators:
            _lowerers[operator] = function
        return function

    return register


@cache
def lowerers() -> Mapping[str, Lowerer]:
    """Every registered function, by operator name."""
    import quantlib.compiler as room

    for module in pkgutil.iter_modules(room.__path__):
        importlib.import_module(f"{room.__name__}.{module.name}")
    return MappingProxyType(_lowerers)


def lower(plan: Plan, otherwise: Callable[[Step], Part]) -> tuple[tuple[Part, ...], Mapping[int, Codes]]:
    """The parts of a plan, and how its tensors are stored.

    Parameters
    ----------
    plan : Plan
    otherwise : callable
        The part of a step that has no faster form.
    """
    lowering = Lowering(plan)
    known = lowerers()
    parts = []
    for step in plan.steps:
        lowerer = None if step.is_custom else known.get(step.node.operator)
        parts.append(_lowered(lowerer, lowering, step) or otherwise(step))
    for index in range(len(plan.model.subgraphs[plan.subgraph_index].tensors)):
        if lowering.has_codes(index):
            lowering.codes(index)
    return tuple(parts), MappingProxyType(dict(lowering.stored))


def _lowered(lowerer: Lowerer | None, lowering: Lowering, step: Step) -> Part | None:
    """The part, unless the operator has none, or something about the model is not as it should be."""
    if lowerer is None or len(step.outputs) != 1:
        return None
    try:
        return lowerer(lowering, step)
    except QuantlibError:
        return None
    except Exception:  # noqa: BLE001 - the kernel says what is wrong, if it comes to that
        lowering.forget(step.outputs)
        return None
