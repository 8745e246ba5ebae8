"""The named kernel families, as data: which arithmetic each operator uses in each.

An operator's body stands once, in its own file; what a family changes is the *named* rule that
turns an accumulator into output units. This room is the table of those names. A set answers for an
operator, or passes the question on to its fallback.

Source: LiteRT tflite/kernels/register_ref.cc (which kernels the reference resolver registers);
rules measured on ai-edge-litert 2.3.0, x86-64 with AVX2 and FMA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from quantlib.arithmetic import requantize
from quantlib.arithmetic.requantize import Requantizer
from quantlib.errors import UnsupportedError

__all__ = ["REFERENCE", "KernelSet", "kernel_set", "names"]


@dataclass(frozen=True, slots=True)
class KernelSet:
    """One family of kernels, of one release, on one kind of processor.

    Parameters
    ----------
    name : str
        What a caller types: ``kernels="reference"``.
    family : str
        Which kernels of an operator file serve it.
    requantizers : mapping of operator name, or (operator name, input type name), to a rule
        The more exact key wins; operators not named use `default`.
    default : Requantizer
    fallback : KernelSet, optional
        Who answers for operators that have no kernel of this family.
    release : str
        The runtime whose bits these are.
    """

    name: str
    family: str
    requantizers: Mapping[str | tuple[str, str], Requantizer] = field(
        default_factory=lambda: MappingProxyType({})
    )
    default: Requantizer = requantize.two_roundings
    fallback: KernelSet | None = None
    release: str = "ai-edge-litert 2.3.0"

    def requantizer(self, operator: str, input_type: str) -> Requantizer:
        """The rule for an operator whose first activation has the given type.

        Parameters
        ----------
        operator : str
            Builtin operator name, for example ``CONV_2D``.
        input_type : str
            Name of the element type, for example ``INT8``.

        Examples
        --------
        >>> REFERENCE.requantizer("FULLY_CONNECTED", "INT8").__name__
        'float64_half_away'
        >>> REFERENCE.requantizer("CONV_2D", "INT8").__name__
        'two_roundings'
        """
        exact = self.requantizers.get((operator, input_type))
        return exact or self.requantizers.get(operator, self.default)

    @property
    def families(self) -> tuple[str, ...]:
        """Families to search for a kernel, this one first."""
        return (self.family, *(self.fallback.families if self.fallback is not None else ()))


REFERENCE = KernelSet(
    name="reference",
    family="reference",
    requantizers=MappingProxyType(
        {
            "FULLY_CONNECTED": requantize.float64_half_away,
            ("CONV_2D", "INT16"): requantize.int64_one_rounding,
            ("DEPTHWISE_CONV_2D", "INT16"): requantize.int64_one_rounding,
            ("TRANSPOSE_CONV", "INT16"): requantize.int64_one_rounding,
            ("BATCH_MATMUL", "INT16"): requantize.int64_one_rounding,
        }
    ),
)
"""BUILTIN_REF: the kernels that say what an operator means."""

_SETS: Mapping[str, KernelSet] = MappingProxyType({REFERENCE.name: REFERENCE})


def names() -> tuple[str, ...]:
    """Names that `kernels=` accepts."""
    return tuple(_SETS)


def kernel_set(kernels: str | KernelSet) -> KernelSet:
    """The kernel set of that name; a kernel set is returned as it is.

    Parameters
    ----------
    kernels : str or KernelSet

    Raises
    ------
    UnsupportedError
        No set has that name.

    Examples
    --------
    >>> kernel_set("reference").release
    'ai-edge-litert 2.3.0'
    """
    if isinstance(kernels, KernelSet):
        return kernels
    if kernels not in _SETS:
        raise UnsupportedError("kernels", repr(kernels), " | ".join(map(repr, _SETS)))
    return _SETS[kernels]
