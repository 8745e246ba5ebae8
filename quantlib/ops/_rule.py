"""What the quantizer must know about an operator, as data.

Operator files declare their rule with `rule`, next to the kernels that will read the integers. The
quantizer asks `rule_of` and names no operator itself; an operator without a rule stays in float.

============================  =================================================================
word                          meaning
============================  =================================================================
``same_scale``                inputs and outputs are rearranged, not computed: one scale for all
``fixed``                     the output's parameters do not depend on data
``weights``                   inputs that hold symmetric weights, and the axis of their scales
``bias``                      the input in units of the accumulator
``int16``                     what int16 activations with int8 weights do with the output
``hybrid``                    int8 weights under float activations
============================  =================================================================

Every other real input and output is an activation: one scale, from its range.

Source: LiteRT tflite/converter/ir/tfl_ops.td (traits and interfaces),
tflite/converter/tools/optimize/operator_property.cc (int16).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

__all__ = [
    "FLOAT_ONLY",
    "Bias",
    "Fixed",
    "Hybrid",
    "Int16",
    "Rule",
    "ScalesFit",
    "Versions",
    "rule",
    "rule_of",
    "rules",
]

FLOAT_ONLY = "the converter has no integer form of this operator"
"""Why an operator without a rule stays in float."""

Int16 = Literal["unsupported", "own scale", "same scale", "scale of output"]
"""How int16 activations get the output's parameters: not at all; from its own range; copied from
the input; from its own range, to which the inputs are then brought."""

ScalesFit = Callable[[Sequence[float], float, bool], bool]
"""From the real inputs' scales, the first real output's (0 without one) and whether activations are
int16 to whether the kernels take them."""

_NOTHING: Mapping[int, int | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Fixed:
    """Output parameters that do not depend on data, by activation type.

    Parameters
    ----------
    int8 : (scale, zero point)
    int16 : (scale, zero point), optional
    """

    int8: tuple[float, int]
    int16: tuple[float, int] | None = None


@dataclass(frozen=True, slots=True)
class Bias:
    """The input that is added to the accumulator.

    Parameters
    ----------
    position : int
    of : (int, int)
        The data and the weights, whose scales' product is the bias's scale.
    type_option : str, optional
        The option that repeats the bias's type for int16 activations.
    """

    position: int
    of: tuple[int, int]
    type_option: str | None = None


@dataclass(frozen=True, slots=True)
class Hybrid:
    """int8 weights under float activations (dynamic range).

    Parameters
    ----------
    position : int
        The input that may be stored in int8. Its scales run along the axis that `Rule.weights` says.
    others : tuple of int
        More such inputs. All of them that the operator has are stored in int8, or none is.
    asymmetric_inputs : bool
        Whether to set the option ``asymmetric_quantize_inputs``.
    weights_only : bool
        Whether no kernel multiplies integers: the weights are dequantized first.
    needs_channels : bool
        Whether the kernel reads a scale per channel, whatever the recipe says.
    """

    position: int
    others: tuple[int, ...] = ()
    asymmetric_inputs: bool = False
    weights_only: bool = False
    needs_channels: bool = False

    @property
    def positions(self) -> tuple[int, ...]:
        """All of them."""
        return (self.position, *self.others)


@dataclass(frozen=True, slots=True)
class Versions:
    """The lowest operator version that has the integer kernel; 1 where every version has.

    Examples
    --------
    >>> Versions(int8=2, int16=4).int16
    4
    """

    int8: int = 1
    int16: int = 1
    hybrid: int = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """How one operator is quantized.

    Parameters
    ----------
    operator : str
        Builtin operator name.
    int8 : bool
        Whether the operator runs on int8 activations.
    why_not_int8 : str
        What a report says of an operator that does not.
    same_scale : bool
        Whether all real inputs and outputs share scale and zero point (int8).
    fixed : Fixed, optional
    weights : mapping of input position to axis
        The axis of the scales, None for one scale.
    dense : bool
        Whether the weights are a dense layer's, for which recipes have a switch of their own.
    bias : Bias, optional
    int16 : str
    int16_options : mapping of option name to value
        Options to set for int16.
    hybrid : Hybrid, optional
    scales_fit : callable, optional
        Whether the kernels take certain scales.
    versions : Versions
    """

    operator: str
    int8: bool
    why_not_int8: str
    same_scale: bool
    fixed: Fixed | None
    weights: Mapping[int, int | None]
    dense: bool
    bias: Bias | None
    int16: Int16
    int16_options: Mapping[str, bool]
    hybrid: Hybrid | None
    scales_fit: ScalesFit | None
    versions: Versions


_NO_OPTIONS: Mapping[str, bool] = MappingProxyType({})
_EVERY_VERSION = Versions()
_pending: dict[str, Rule] = {}


def rule(
    operator: str,
    *,
    int8: bool = True,
    why_not_int8: str = FLOAT_ONLY,
    same_scale: bool = False,
    fixed: Fixed | None = None,
    weights: Mapping[int, int | None] = _NOTHING,
    dense: bool = False,
    bias: Bias | None = None,
    int16: Int16 = "unsupported",
    int16_options: Mapping[str, bool] = _NO_OPTIONS,
    hybrid: Hybrid | None = None,
    scales_fit: ScalesFit | None = None,
    versions: Versions = _EVERY_VERSION,
) -> Rule:
    """Register how an operator is quantized; see `Rule` for the words.

    Parameters
    ----------
    operator : str
        Builtin operator name.
    int8, why_not_int8, same_scale, fixed, weights, dense, bias, int16, int16_options, hybrid, scales_fit, versions
        As in `Rule`.

    Returns
    -------
    Rule

    Raises
    ------
    ValueError
        The operator has a rule already.
    """
    if operator in _pending:
        raise ValueError(f"{operator} has a rule already")
    made = Rule(
        operator,
        int8,
        why_not_int8,
        same_scale,
        fixed,
        MappingProxyType(dict(weights)),
        dense,
        bias,
        int16,
        MappingProxyType(dict(int16_options)),
        hybrid,
        scales_fit,
        versions,
    )
    _pending[operator] = made
    return made


@cache
def rules() -> Mapping[str, Rule]:
    """Every rule, by operator name.

    Examples
    --------
    >>> rules()["SOFTMAX"].fixed.int8
    (0.00390625, -128)
    """
    from quantlib.ops import _registry, _rules_alone

    _registry.entries()  # imports every operator's file
    assert _rules_alone.__name__
    return MappingProxyType(dict(sorted(_pending.items())))


def rule_of(operator: str) -> Rule | None:
    """The rule of an operator, None where it stays in float.

    Parameters
    ----------
    operator : str
        Builtin operator name, or the custom code of a custom operator.
    """
    return rules().get(operator)
