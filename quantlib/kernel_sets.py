"""The named kernel families, as data: which arithmetic each operator uses in each.

An operator's body stands once, in its own file; what a family changes is the *named* rule that
turns an accumulator into output units. This room is the table of those names. A set answers for an
operator, or passes the question on to its fallback.

Source: LiteRT tflite/kernels/register_ref.cc (which kernels the reference resolver registers);
rules measured on ai-edge-litert 2.3.0, x86-64 with AVX-512 and FMA.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from quantlib.arithmetic import requantize
from quantlib.arithmetic.bounds import AnyOrder, Bound, Unknown, WithinUlp
from quantlib.arithmetic.profile import Profile
from quantlib.arithmetic.requantize import Requantizer
from quantlib.errors import UnsupportedError
from quantlib.kernel_set import KernelSet

__all__ = [
    "LITERT_1_2_REFERENCE",
    "OPTIMIZED",
    "REFERENCE",
    "TENSORFLOW_2_21_OPTIMIZED",
    "TFLITE_2_14_OPTIMIZED",
    "TFLITE_2_14_REFERENCE",
    "TFLM",
    "XNNPACK",
    "KernelSet",
    "kernel_set",
    "names",
]


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

_XNNPACK_FUNCTIONS: Mapping[str | tuple[str, str], Bound] = MappingProxyType(
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
    fused=MappingProxyType(
        {
            ("SUM", "FLOAT32", "SQUARE"): AnyOrder("squares while it adds, with fused multiply-add"),
            ("MEAN", "FLOAT32", "SQUARE"): AnyOrder("squares while it adds, with fused multiply-add"),
            ("BATCH_MATMUL", "FLOAT32", "DEQUANTIZE"): AnyOrder("scales sums of codes, not the codes"),
            **{
                (operator, "FLOAT32", "shared float16"): AnyOrder("weights that not only layers read")
                for operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
            },
        }
    ),
    default=requantize.float32_half_to_even,
    fallback=OPTIMIZED,
)
"""BUILTIN, what most people run: XNNPACK for the nodes its delegate takes, optimized for the rest."""

_OTHER_CASTS: Mapping[str | tuple[str, str], Bound] = {
    ("CAST", type): Unknown("numbers that the other type does not hold")
    for type in ("COMPLEX64", "FLOAT16", "FLOAT32", "FLOAT64")
}
"""Of builds whose compiler turns such numbers into integers of its own."""

_UNTIL_1_2: Mapping[str | tuple[str, str], Bound] = {
    **{
        (operator, "FLOAT32"): Unknown("NaN and zeros of both signs")
        for operator in ("ARG_MAX", "ARG_MIN", "RELU6", "TOPK_V2")
    },
    **_OTHER_CASTS,
    "BATCH_MATMUL": Unknown("broadcasting of its own"),
    "EMBEDDING_LOOKUP": Unknown("rows of codes"),
    ("EQUAL", "INT16"): Unknown("scales of its own"),
    "LEAKY_RELU": Unknown("results at the end of the codes"),
    "REDUCE_PROD": Unknown("a last bit"),
}
"""Where random models of that release, 60 of every configuration, were not all equal."""

LITERT_1_2_REFERENCE = replace(
    REFERENCE,
    name="litert-1.2/reference",
    requantizers=MappingProxyType({("FULLY_CONNECTED", "INT16"): requantize.int64_one_rounding, **_WIDE}),
    unclaimed=MappingProxyType(_UNTIL_1_2),
    profile=Profile(release=(1, 2, 0)),
)
"""BUILTIN_REF of ai-edge-litert 1.2, the last whose dense layers requantize in fixed point."""

_IN_2_14: Mapping[str | tuple[str, str], Bound] = {
    **_UNTIL_1_2,
    **{
        (operator, "FLOAT32 by integers"): Unknown("dynamic range of its own")
        for operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    },
    **{
        (operator, "INT16"): Unknown("a last bit")
        for operator in ("FULLY_CONNECTED", "SUB", "TRANSPOSE_CONV")
    },
    **{("FLOOR_DIV", type): Unknown("codes of its own") for type in ("INT8", "INT16")},
    "EXP": Unknown("a last bit"),
    "GELU": Unknown("a function of its own"),
    "REVERSE_V2": Unknown("several axes"),
}

TFLITE_2_14_REFERENCE = replace(
    LITERT_1_2_REFERENCE,
    name="tflite-2.14/reference",
    unclaimed=MappingProxyType(_IN_2_14),
    profile=Profile(runtime="tflite", release=(2, 14, 0)),
)
"""BUILTIN_REF of tflite-runtime 2.14."""

TFLITE_2_14_OPTIMIZED = replace(
    OPTIMIZED,
    name="tflite-2.14/optimized",
    requantizers=MappingProxyType(
        {
            ("CONV_2D", "INT8"): requantize.two_roundings_half_up,
            ("FULLY_CONNECTED", "INT8"): requantize.two_roundings_half_up,
            ("FULLY_CONNECTED", "INT16"): requantize.int64_one_rounding,
            **_WIDE,
        }
    ),
    unclaimed=MappingProxyType(
        {
            **OPTIMIZED.unclaimed,
            **_IN_2_14,
            **{
                (operator, "FLOAT32"): AnyOrder("another release of Eigen")
                for operator in ("CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
            },
            **{
                (operator, "FLOAT32"): Unknown("a function of its own")
                for operator in ("FLOOR", "HARD_SWISH", "LOGISTIC", "TANH")
            },
            "MEAN": Unknown("another rounding of images"),
        }
    ),
    plain=frozenset(
        (operator, type)
        for operator in ("ADD", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "MUL", "QUANTIZE", "TRANSPOSE_CONV")
        for type in ("INT16", "UINT8", "INT8", "FLOAT32")
        if type != "FLOAT32" or operator == "QUANTIZE"
    ),
    profile=Profile(runtime="tflite", release=(2, 14, 0)),
)
"""BUILTIN_WITHOUT_DEFAULT_DELEGATES of tflite-runtime 2.14 on x86, built without vector blocks."""

TENSORFLOW_2_21_OPTIMIZED = replace(
    OPTIMIZED,
    name="tensorflow-2.21/optimized",
    unclaimed=MappingProxyType(
        {
            **OPTIMIZED.unclaimed,
            **{
                (operator, "FLOAT32"): Unknown("NaN and zeros of both signs")
                for operator in ("ARG_MAX", "ARG_MIN", "TOPK_V2")
            },
            **_OTHER_CASTS,
            **{
                (operator, "FLOAT32"): Unknown("a function of its own")
                for operator in ("GELU", "L2_POOL_2D", "LOCAL_RESPONSE_NORMALIZATION")
            },
            ("MEAN", "INT8"): Unknown("another rounding of images"),
        }
    ),
    profile=Profile(runtime="tflite", release=(2, 21, 0), float_packet=8, num_threads=4),
)
"""BUILTIN_WITHOUT_DEFAULT_DELEGATES of TensorFlow 2.21 itself, whose converter calibrates with it.

Measured on 12 random models of each of 661 configurations, one thread: 1 229 479 elements, and none
differs where nothing is said here."""

TFLM = replace(LITERT_1_2_REFERENCE, name="tflm", profile=Profile(runtime="tflm", release=()))
"""The reference kernels of TFLite Micro: every requantization in fixed point, rounded twice."""

_SETS: Mapping[str, KernelSet] = MappingProxyType(
    {
        one.name: one
        for one in (
            REFERENCE,
            OPTIMIZED,
            XNNPACK,
            LITERT_1_2_REFERENCE,
            TFLITE_2_14_REFERENCE,
            TFLITE_2_14_OPTIMIZED,
            TENSORFLOW_2_21_OPTIMIZED,
            TFLM,
        )
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
