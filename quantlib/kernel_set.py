"""One family of kernels as data: which arithmetic each operator uses, and what is not claimed of it.

An operator's body stands once, in its own file; what a family changes is the *named* rule that turns an
accumulator into output units. A set answers for an operator, or passes the question on to its fallback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from quantlib.arithmetic import requantize
from quantlib.arithmetic.bounds import Bound
from quantlib.arithmetic.profile import DEFAULT_PROFILE, Profile
from quantlib.arithmetic.requantize import Requantizer

__all__ = ["KernelSet"]

INTEGER_WEIGHTS = frozenset({"INT8", "UINT8", "INT4", "INT2"})
"""Weights whose sums are exact, so that their order does not matter."""


@dataclass(frozen=True, slots=True)
class KernelSet:
    """One family of kernels, of one release, on one kind of processor.

    Parameters
    ----------
    name : str
        What a caller types: ``kernels="reference"``.
    family : str
        What the oracle calls it: reference, optimized or xnnpack.
    searched : tuple of str
        Families of registered kernels to ask, in this order.
    requantizers : mapping of operator name, or (operator name, input type name), to a rule
        The more exact key wins; operators not named use `default`.
    default : Requantizer
    unclaimed : mapping of operator name, or (operator name, input type name), to Bound
        Nodes whose bits this family forms in ways that are not reproduced here, and how far its
        result may lie from ours. Of integer weights speaks ``FLOAT32 by integers``.
    by_avx512 : frozenset of (operator name, input type name)
        Of these, nodes that are reproduced, and claimed, for a processor with AVX-512
        (`Profile.vectors`).
    fused : mapping of (operator name, input type name, `Value.maker`) to Bound
        As `unclaimed`, where an operator is computed together with the one that makes an input.
    fallback : KernelSet, optional
        Who takes the nodes that this set has no kernel for, with its own rules.
    plain : frozenset of (operator name, input type name)
        Nodes whose kernels have no vector blocks in this release.
    profile : Profile
        Release and processor.
    """

    name: str
    family: str
    searched: tuple[str, ...]
    requantizers: Mapping[str | tuple[str, str], Requantizer] = field(
        default_factory=lambda: MappingProxyType({})
    )
    default: Requantizer = requantize.two_roundings
    unclaimed: Mapping[str | tuple[str, str], Bound] = field(default_factory=lambda: MappingProxyType({}))
    by_avx512: frozenset[tuple[str, str]] = frozenset()
    fused: Mapping[tuple[str, str, str], Bound] = field(default_factory=lambda: MappingProxyType({}))
    fallback: KernelSet | None = None
    plain: frozenset[tuple[str, str]] = frozenset()
    profile: Profile = DEFAULT_PROFILE

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
        >>> from quantlib.kernel_sets import OPTIMIZED, REFERENCE
        >>> REFERENCE.requantizer("FULLY_CONNECTED", "INT8").__name__
        'float64_half_away'
        >>> from quantlib.kernel_sets import OPTIMIZED, REFERENCE
        >>> REFERENCE.requantizer("CONV_2D", "INT8").__name__
        'two_roundings'
        >>> OPTIMIZED.requantizer("CONV_2D", "INT8").__name__
        'two_roundings_half_up'
        """
        exact = self.requantizers.get((operator, input_type))
        return exact or self.requantizers.get(operator, self.default)

    def bound(
        self, operator: str, input_type: str, weights_type: str = "", *, makers: Iterable[str] = ()
    ) -> Bound | None:
        """How far the family's own bits may lie from ours; None where they are claimed to be ours.

        Parameters
        ----------
        operator, input_type : str
            As for `requantizer`.
        weights_type : str
            Element type of the second input, if there is one.
        makers : iterable of str
            What makes its inputs (`Value.maker`).

        Examples
        --------
        >>> from dataclasses import replace
        >>> from quantlib.kernel_sets import OPTIMIZED, XNNPACK
        >>> print(OPTIMIZED.bound("LOCAL_RESPONSE_NORMALIZATION", "FLOAT32"))
        4 ulp
        >>> OPTIMIZED.bound("CONV_2D", "INT8"), OPTIMIZED.bound("CONV_2D", "FLOAT32", "INT8")  # hybrid
        (None, None)
        >>> print(XNNPACK.bound("ELU", "FLOAT32"))
        None
        >>> print(replace(XNNPACK, profile=Profile(vectors="other")).bound("ELU", "FLOAT32"))
        2 ulp
        """
        for maker in makers:
            if (operator, input_type, maker) in self.fused:
                return self.fused[operator, input_type, maker]
        is_hybrid = input_type == "FLOAT32" and weights_type in INTEGER_WEIGHTS
        node = operator, "FLOAT32 by integers" if is_hybrid else input_type
        reproduced = self.profile.vectors == "avx512f" and node in self.by_avx512
        return None if reproduced else self.unclaimed.get(node, self.unclaimed.get(operator))

    @property
    def chain(self) -> tuple[KernelSet, ...]:
        """The set and its fallbacks, in the order to ask."""
        return (self, *(self.fallback.chain if self.fallback is not None else ()))
