"""The rules of operators that have no file here, because nobody has written their kernels yet.

Whoever writes one of these operators moves its line there.

Source: LiteRT tflite/converter/ir/tfl_ops.td (traits and interfaces).
"""

from __future__ import annotations

from quantlib.ops._rule import Versions, rule

__all__: list[str] = []

rule("ADD_N", int8=False, same_scale=True)
rule("MATRIX_DIAG")
rule("MATRIX_SET_DIAG")
rule("SPARSE_TO_DENSE", versions=Versions(int8=3))
rule("UNIQUE")
