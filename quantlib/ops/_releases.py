"""The first release whose kernels take what the quantizer writes, for the file's own claim.

Converted files say in their metadata which runtime they need at least, as text in 16 bytes. A
quantized file needs a later one than the float file it was made of.

Source: LiteRT tflite/converter/tools/versioning/runtime_version.cc
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from quantlib.model.graph import OperatorCode

__all__ = ["CLAIM", "RELEASES", "claimed_release"]

CLAIM = "min_runtime_version"
"""Name of the metadata."""

CLAIM_BYTES = 16

_BY_RELEASE: Mapping[str, str] = {
    "1.14.0": (
        "ADD/2 ARG_MAX/2 ARG_MIN/2 AVERAGE_POOL_2D/2 BATCH_TO_SPACE_ND/2 "
        "BIDIRECTIONAL_SEQUENCE_LSTM/3 CONCATENATION/2 CONV_2D/3 DEPTHWISE_CONV_2D/3 DEQUANTIZE/2 "
        "EMBEDDING_LOOKUP/3 EQUAL/2 FULLY_CONNECTED/4 GATHER/2 GREATER/2 GREATER_EQUAL/2 "
        "L2_NORMALIZATION/2 LESS/2 LESS_EQUAL/2 LOGISTIC/2 LOG_SOFTMAX/2 MAXIMUM/2 MAX_POOL_2D/2 "
        "MEAN/2 MINIMUM/2 MUL/2 PACK/2 PAD/2 PADV2/2 QUANTIZE/1 REDUCE_MAX/2 REDUCE_MIN/2 RELU6/2 "
        "RESIZE_BILINEAR/2 RESIZE_NEAREST_NEIGHBOR/2 SLICE/2 SOFTMAX/2 SPACE_TO_BATCH_ND/2 "
        "SPACE_TO_DEPTH/2 SPLIT/2 STRIDED_SLICE/2 SUB/2 TANH/2 TOPK_V2/2 TRANSPOSE/2 UNPACK/2"
    ),
    "1.15.0": "DEQUANTIZE/3 QUANTIZE/2 SPARSE_TO_DENSE/3 SUM/2",
    "2.1.0": "RELU/2",
    "2.2.0": "TRANSPOSE_CONV/2",
    "2.3.0": (
        "BATCH_MATMUL/2 DEPTHWISE_CONV_2D/6 LEAKY_RELU/2 LSTM/4 MIRROR_PAD/2 SPLIT_V/2 SVDF/4 "
        "TRANSPOSE_CONV/3 UNIDIRECTIONAL_SEQUENCE_LSTM/3 UNIDIRECTIONAL_SEQUENCE_RNN/3"
    ),
    "2.4.0": "ABS/2 CONV_2D/5",
    "2.5.0": (
        "BATCH_MATMUL/4 BROADCAST_TO/3 DEPTH_TO_SPACE/2 FILL/3 GATHER_ND/3 REVERSE_V2/3 RSQRT/2 "
        "SQUARED_DIFFERENCE/2"
    ),
    "2.6.0": "REDUCE_PROD/2",
    "2.8.0": "TILE/3",
    "2.9.0": "GELU/2",
    "2.12.0": "EXP/2",
    "2.15.0": "LOG/2",
    "2.17.0": "FULLY_CONNECTED/12",
    "2.21.0": "SQRT/2",
}
"""Operators and versions that rules name, and QUANTIZE and DEQUANTIZE."""

RELEASES: Mapping[tuple[str, int], str] = {
    (name, int(version)): release
    for release, entries in _BY_RELEASE.items()
    for name, _, version in (entry.partition("/") for entry in entries.split())
}
"""The first release with a certain version of an operator."""


def claimed_release(claim: bytes, codes: Iterable[OperatorCode]) -> bytes:
    """A claim that also holds for certain operators.

    Parameters
    ----------
    claim : bytes
        As the float file has it.
    codes : iterable of OperatorCode
        Of the new model. Operators that are not listed need what they needed.

    Returns
    -------
    bytes
        16 of them; `claim` itself where it is no release.

    Examples
    --------
    >>> codes = OperatorCode(3, "CONV_2D", 3), OperatorCode(22, "RESHAPE", 1)
    >>> claimed_release(b"1.11.0", codes)[:6], len(claimed_release(b"1.11.0", codes))
    (b'1.14.0', 16)
    """
    text = claim.rstrip(b"\0").decode("ascii", "replace")
    if not all(part.isdecimal() and len(part) < 9 for part in text.split(".")):
        return claim
    releases = [
        text,
        *(RELEASES[code.name, code.version] for code in codes if (code.name, code.version) in RELEASES),
    ]
    return max(releases, key=_numbers).encode().ljust(CLAIM_BYTES, b"\0")


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
