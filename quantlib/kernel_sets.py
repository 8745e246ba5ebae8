"""The named kernel families, as data: which arithmetic each operator uses in each.

An operator's body stands once, in its own file; what a family changes is the *named* rule that
turns an accumulator into output units. This room is the table of those names. A set answers for an
operator, or passes the question on to its fallback.

Source: LiteRT tflite/kernels/register_ref.cc (which kernels the reference resolver registers);
rules measured on ai-edge-litert 2.3.0, x86-64 with AVX-512 and FMA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from quantlib.arithmetic import requantize
from quantlib.arithmetic.bounds import AnyOrder, Bound, WithinUlp
from quantlib.arithmetic.profile import DEFAULT_PROFILE, Profile
from quantlib.arithmetic.requantize import Requantizer
from quantlib.errors import UnsupportedError

__all__ = [
    "LITERT_1_2_REFERENCE",
    "OPTIMIZED",
    "REFERENCE",
    "TFLITE_2_14_REFERENCE",
    "TFLM",
    "XNNPACK",
    "KernelSet",
    "kernel_set",
    "names",
]


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
    unclaimed : mapping of (operator name, input type name) to Bound
        Nodes whose bits this family forms in ways that are not reproduced here, unless their
        weights are integers; and how far its result may lie from ours.
    by_avx512 : frozenset of (operator name, input type name)
        Of these, nodes that are reproduced, and claimed, for a processor with AVX-512
        (`Profile.vectors`).
    of_squares : mapping of (operator name, input type name) to Bound
        As `unclaimed`, where SQUARE, or MUL of a tensor with itself, makes the input.
    fallback : KernelSet, optional
        Who takes the nodes that this set has no kernel for, with its own rules.
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
    unclaimed: Mapping[tuple[str, str], Bound] = field(default_factory=lambda: MappingProxyType({}))
    by_avx512: frozenset[tuple[str, str]] = frozenset()
    of_squares: Mapping[tuple[str, str], Bound] = field(default_factory=lambda: MappingProxyType({}))
    fallback: KernelSet | None = None
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
        >>> REFERENCE.requantizer("FULLY_CONNECTED", "INT8").__name__
        'float64_half_away'
        >>> REFERENCE.requantizer("CONV_2D", "INT8").__name__
        'two_roundings'
        >>> OPTIMIZED.requantizer("CONV_2D", "INT8").__name__
        'two_roundings_half_up'
        """
        exact = self.requantizers.get((operator, input_type))
        return exact or self.requantizers.get(operator, self.default)

    def bound(
        self, operator: str, input_type: str, weights_type: str = "", *, squares: bool = False
    ) -> Bound | None:
        """How far the family's own bits may lie from ours; None where they are claimed to be ours.

        Parameters
        ----------
        operator, input_type : str
            As for `requantizer`.
        weights_type : str
            Element type of the second input, if there is one.
        squares : bool
            Whether the activation is a square of something, and the family may square while it sums.

        Examples
        --------
        >>> print(OPTIMIZED.bound("CONV_2D", "FLOAT32", "FLOAT32"))
        2 γ Σ|x·w|
        >>> OPTIMIZED.bound("CONV_2D", "INT8"), OPTIMIZED.bound("CONV_2D", "FLOAT32", "INT8")  # hybrid
        (None, None)
        >>> print(XNNPACK.bound("ELU", "FLOAT32"))
        None
        >>> print(replace(XNNPACK, profile=Profile(vectors="other")).bound("ELU", "FLOAT32"))
        2 ulp
        """
        if squares and (operator, input_type) in self.of_squares:
            return self.of_squares[operator, input_type]
        node = operator, input_type
        reproduced = self.profile.vectors == "avx512f" and node in self.by_avx512
        return None if reproduced or weights_type in INTEGER_WEIGHTS else self.unclaimed.get(node)

    @property
    def chain(self) -> tuple[KernelSet, ...]:
        """The set and its fallbacks, in the order to ask."""
        return (self, *(self.fallback.chain if self.fallback is not None else ()))


_WIDE: Mapping[str | tuple[str, str], Requantizer] = {
    (operator, "INT16"): requantize.int64_one_rounding
    for operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "BATCH_MATMUL")
}

REFERENCE = KernelSet(
    name="reference",
    family="reference",
    searched=("reference",),
    requantizers=MappingProxyType({"FULLY_CONNECTED": requantize.float64_half_away, **_WIDE}),
)
"""BUILTIN_REF: the kernels that say what an operator means."""

OPTIMIZED = KernelSet(
    name="optimized",
    family="optimized",
    searched=("optimized", "reference"),
    unclaimed=MappingProxyType(
        {
            **{
                (operator, "FLOAT32"): AnyOrder("matrix libraries add in an order of their own")
                for operator in ("CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
            },
            ("LOCAL_RESPONSE_NORMALIZATION", "FLOAT32"): WithinUlp(
                4, "Eigen's power function", "1500 random models, 75 550 elements: 3 ulp"
            ),
        }
    ),
    requantizers=MappingProxyType(
        {
            "CONV_2D": requantize.two_roundings_half_up,
            "FULLY_CONNECTED": requantize.two_roundings_half_up,
            ("FULLY_CONNECTED", "INT16"): requantize.float64_half_away,
            ("DEPTHWISE_CONV_2D", "INT8"): requantize.half_up_in_blocks_of_8_channels,
            ("TRANSPOSE_CONV", "INT8"): requantize.half_up_in_blocks_of_8_channels,
            ("TRANSPOSE_CONV", "UINT8"): requantize.half_up_in_blocks_of_16_elements,
            **_WIDE,
        }
    ),
)
"""BUILTIN_WITHOUT_DEFAULT_DELEGATES: kernels for speed, where an operator has them."""

_SWEPT = "every 1021st float32 in the domain"
_ALL_FLOAT16 = "every finite float16"
_VECTORS = "polynomials that depend on the processor's vectors"
_ROOTS = "estimates that depend on the processor's vectors"
_ESTIMATE = "rcpps, an estimate that vendors form each in their way and that 2 224 of 65 536 results show"

_XNNPACK_FUNCTIONS: Mapping[tuple[str, str], Bound] = MappingProxyType(
    {
        ("ELU", "FLOAT32"): WithinUlp(2, _VECTORS, _SWEPT),
        ("EXP", "FLOAT32"): WithinUlp(64, _VECTORS, _SWEPT, domain=(-88.0, 88.0)),
        ("LOGISTIC", "FLOAT32"): WithinUlp(8, _VECTORS, _SWEPT, domain=(-1e25, 1e25)),
        ("RSQRT", "FLOAT32"): WithinUlp(4, _ROOTS, _SWEPT, domain=(1.2e-38, 8.5e37)),
        ("SQRT", "FLOAT32"): WithinUlp(4, _ROOTS, _SWEPT, domain=(1.2e-38, 8.5e37)),
        ("SOFTMAX", "FLOAT32"): WithinUlp(32, _VECTORS, "rows of 3 to 20 000, 400 000 elements"),
        ("SUM", "FLOAT32"): AnyOrder("as many partial sums as vectors hold"),
        ("MEAN", "FLOAT32"): AnyOrder("as many partial sums as vectors hold"),
        ("COS", "FLOAT16"): WithinUlp(1, _VECTORS, _ALL_FLOAT16),
        ("GELU", "FLOAT16"): WithinUlp(8, _VECTORS, _ALL_FLOAT16, domain=(-1.25, 65504.0)),
        ("LOGISTIC", "FLOAT16"): WithinUlp(3, _ESTIMATE, _ALL_FLOAT16),
        ("SIN", "FLOAT16"): WithinUlp(1, _VECTORS, _ALL_FLOAT16),
        ("SOFTMAX", "FLOAT16"): WithinUlp(8, _VECTORS, "rows of 3 to 20 000, 400 000 elements"),
        ("TANH", "FLOAT16"): WithinUlp(1, _VECTORS, _ALL_FLOAT16),
    }
)

XNNPACK = KernelSet(
    name="xnnpack",
    family="xnnpack",
    searched=("xnnpack",),
    unclaimed=_XNNPACK_FUNCTIONS,
    by_avx512=frozenset(
        [
            (operator, "FLOAT32")
            for operator in ("ELU", "EXP", "LOGISTIC", "RSQRT", "SQRT", "SOFTMAX", "SUM", "MEAN")
        ]
        + [(operator, "FLOAT16") for operator in ("COS", "GELU", "SIN", "SOFTMAX", "TANH")]
    ),
    of_squares=MappingProxyType(
        {
            (operator, "FLOAT32"): AnyOrder("squares while it adds, with fused multiply-add")
            for operator in ("SUM", "MEAN")
        }
    ),
    default=requantize.float32_half_to_even,
    fallback=OPTIMIZED,
)
"""BUILTIN, what most people run: XNNPACK for the nodes its delegate takes, optimized for the rest."""

LITERT_1_2_REFERENCE = replace(
    REFERENCE,
    name="litert-1.2/reference",
    requantizers=MappingProxyType({("FULLY_CONNECTED", "INT16"): requantize.int64_one_rounding, **_WIDE}),
    profile=Profile(release=(1, 2, 0)),
)
"""BUILTIN_REF of ai-edge-litert 1.2, the last whose dense layers requantize in fixed point."""

TFLITE_2_14_REFERENCE = replace(
    LITERT_1_2_REFERENCE,
    name="tflite-2.14/reference",
    profile=Profile(runtime="tflite", release=(2, 14, 0)),
)
"""BUILTIN_REF of tflite-runtime 2.14."""

TFLM = replace(LITERT_1_2_REFERENCE, name="tflm", profile=Profile(runtime="tflm", release=()))
"""The reference kernels of TFLite Micro: every requantization in fixed point, rounded twice."""

_SETS: Mapping[str, KernelSet] = MappingProxyType(
    {
        one.name: one
        for one in (REFERENCE, OPTIMIZED, XNNPACK, LITERT_1_2_REFERENCE, TFLITE_2_14_REFERENCE, TFLM)
    }
)


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
    >>> kernel_set("reference").profile.release
    (2, 3, 0)
    """
    if isinstance(kernels, KernelSet):
        return kernels
    if kernels not in _SETS:
        raise UnsupportedError("kernels", repr(kernels), " | ".join(map(repr, _SETS)))
    return _SETS[kernels]
