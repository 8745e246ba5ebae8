"""A subgraph while it is being quantized: values that know their users.

The model itself is immutable. A quantizer draws one `Graph` per subgraph, edits it, and
`quantlib.quantizer.redraw` makes a new model of it. Users are kept newest first, because the
converter's passes meet them in that order and some of its decisions depend on it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from quantlib.model.graph import Operator, Tensor, TensorType
from quantlib.ops._rule import Rule
from quantlib.quantizer.parameters import Parameters

__all__ = ["Graph", "Kind", "Step", "Use", "Value", "touches_reals"]

Range = tuple[float, float]


class Kind(enum.Enum):
    """What a step is."""

    OPERATOR = "operator"
    CONSTANT = "constant"
    QUANTIZE = "quantize"
    DEQUANTIZE = "dequantize"
    RETURN = "return"


@dataclass(slots=True, eq=False)
class Value:
    """One tensor.

    Parameters
    ----------
    tensor : Tensor
        As in the file; its type, quantization and buffer are superseded by the fields below.
    index : int
        Its index in the file; -1 for a value that was not there.
    type : TensorType
    parameters : Parameters, optional
        Set where the value is stored as integers that stand for reals.
    constant : ndarray, optional
        Real constants that may be quantized.
    stored : ndarray, optional
        What they were turned into.
    producer : Step, optional
        None for an input of the graph.
    uses : list of Use
        Newest first.
    """

    tensor: Tensor
    index: int
    type: TensorType
    parameters: Parameters | None = None
    constant: NDArray[Any] | None = None
    stored: NDArray[Any] | None = None
    producer: Step | None = None
    uses: list[Use] = field(default_factory=list)

    @property
    def is_real(self) -> bool:
        """Whether the value is float32."""
        return self.type is TensorType.FLOAT32

    @property
    def only_user(self) -> Step | None:
        """The one step that uses the value, once; None where there are more or none."""
        return self.uses[0].step if len(self.uses) == 1 else None

    def users(self) -> list[Step]:
        """The steps that use the value, newest first, once per use."""
        return [use.step for use in self.uses]

    def replace_uses(self, by: Value) -> None:
        """Let every user of this value use another; the order of users is reversed."""
        while self.uses:
            use = self.uses[0]
            use.step.set_input(use.position, by)


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One input of one step."""

    step: Step
    position: int


@dataclass(slots=True, eq=False)
class Step:
    """One operator, constant, quantization, dequantization, or the end of the graph.

    Parameters
    ----------
    kind : Kind
    inputs : list of Value or None
    outputs : list of Value
    source : Operator, optional
        The operator as in the file.
    name : str
        Operator name.
    position : int
        Place of the operator in the file.
    rule : Rule, optional
        How the operator is quantized; None: it stays in float.
    misfit : str, optional
        Why the operator's rule does not apply to this step.
    is_kept_float : bool
        Whether the caller wants it so.
    is_removable : bool
        Of a quantization: whether it only marks parameters and may be dropped.
    version : int
        Lowest operator version that the step needs now.
    options : mapping
        Options to change.
    """

    kind: Kind
    inputs: list[Value | None] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    source: Operator | None = None
    name: str = ""
    position: int = -1
    rule: Rule | None = None
    misfit: str | None = None
    is_kept_float: bool = False
    is_removable: bool = False
    version: int = 1
    options: dict[str, Any] = field(default_factory=dict)

    def set_input(self, position: int, value: Value | None) -> None:
        """Use another value as that input."""
        old = self.inputs[position]
        if old is not None:
            old.uses = [use for use in old.uses if not (use.step is self and use.position == position)]
        self.inputs[position] = value
        if value is not None:
            value.uses.insert(0, Use(self, position))

    def real_inputs(self) -> Iterator[tuple[int, Value]]:
        """Position and value of every float32 input."""
        for position, value in enumerate(self.inputs):
            if value is not None and value.is_real:
                yield position, value


@dataclass(slots=True, eq=False)
class Graph:
    """One subgraph.

    Parameters
    ----------
    inputs : list of Value
    constants : list of Step
        Every constant, as a step of its own.
    steps : list of Step
        In the order of execution, the last one of kind RETURN.
    ranges : dict of Value to (low, high)
    given : dict of Value to Parameters
        What marks in the model say; it goes before ranges.
    keeps_ranges : bool
        Whether values that stay in float keep their ranges in the file.
    """

    inputs: list[Value]
    constants: list[Step]
    steps: list[Step]
    ranges: dict[Value, Range]
    given: dict[Value, Parameters] = field(default_factory=dict)
    keeps_ranges: bool = False

    @property
    def end(self) -> Step:
        """The step that takes the graph's outputs."""
        return self.steps[-1]

    def all_steps(self) -> list[Step]:
        """Constants, then everything else."""
        return [*self.constants, *self.steps]

    def insert_after(self, place: Step | None, step: Step) -> None:
        """Put a step right after another; at the start for None or a constant."""
        at = 0 if place is None or place.kind is Kind.CONSTANT else self.steps.index(place) + 1
        self.steps.insert(at, step)

    def remove(self, step: Step) -> None:
        """Take a step out; nobody may use its outputs."""
        for position in range(len(step.inputs)):
            step.set_input(position, None)
        where = self.constants if step.kind is Kind.CONSTANT else self.steps
        where.remove(step)

    def quantize_step(
        self, place: Step | None, value: Value, parameters: Parameters, *, is_removable: bool
    ) -> Value:
        """Quantize a value right after a step; the result has no users yet."""
        return self._convert(Kind.QUANTIZE, place, value, parameters, is_removable=is_removable)

    def dequantize_step(self, place: Step | None, value: Value) -> Value:
        """Dequantize a value right after a step; the result has no users yet."""
        return self._convert(Kind.DEQUANTIZE, place, value, None, is_removable=False)

    def _convert(
        self,
        kind: Kind,
        place: Step | None,
        value: Value,
        parameters: Parameters | None,
        *,
        is_removable: bool,
    ) -> Value:
        type = TensorType.FLOAT32 if parameters is None else parameters.type
        step = Step(kind, inputs=[None], is_removable=is_removable)
        result = Value(value.tensor, -1, type, parameters, producer=step)
        step.outputs = [result]
        step.set_input(0, value)
        self.insert_after(place, step)
        return result

    def copy_constant(self, value: Value) -> Value:
        """Another constant with the same data and no users."""
        step = Step(Kind.CONSTANT)
        copy = Value(value.tensor, value.index, value.type, constant=value.constant, producer=step)
        step.outputs = [copy]
        self.constants.append(step)
        return copy


def touches_reals(step: Step) -> bool:
    """Whether an input or output of a step is float32."""
    return any(value is not None and value.is_real for value in (*step.inputs, *step.outputs))
