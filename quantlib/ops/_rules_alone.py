"""The rules of operators that have no file here, because nobody has written their kernels yet.

Whoever writes one of these operators moves its line there.

Source: LiteRT tflite/converter/ir/tfl_ops.td (traits and interfaces).
"""

from __future__ import annotations

from quantlib.ops._rule import Hybrid, Versions, rule

__all__: list[str] = []

RECURRENT = "layers with a state are not made integers here"
"""The converter has an integer form of LSTM and SVDF layers."""

_GATES = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16)
"""An LSTM's matrices after the first: of the input, of the output, peepholes, projection."""

_BACKWARD_GATES = (18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 33, *range(40, 48))


def _recurrent(operator: str, others: tuple[int, ...], hybrid_version: int) -> None:
    rule(
        operator,
        int8=False,
        why_not_int8=RECURRENT,
        hybrid=Hybrid(1, others, asymmetric_inputs=True),
        versions=Versions(hybrid=hybrid_version),
    )


_recurrent("LSTM", _GATES, 4)
_recurrent("UNIDIRECTIONAL_SEQUENCE_LSTM", _GATES, 3)
_recurrent("BIDIRECTIONAL_SEQUENCE_LSTM", (*_GATES, *_BACKWARD_GATES), 3)
_recurrent("UNIDIRECTIONAL_SEQUENCE_RNN", (2,), 3)
_recurrent("SVDF", (2,), 4)

rule("ADD_N", int8=False, same_scale=True)
rule("MATRIX_DIAG")
rule("MATRIX_SET_DIAG")
rule("SPARSE_TO_DENSE", versions=Versions(int8=3))
rule("UNIQUE")
