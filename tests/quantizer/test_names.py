"""The quantizer knows rules, not operators."""

from pathlib import Path

import pytest

import quantlib.quantizer
from quantlib.ops._rule import rules

ROOM = Path(quantlib.quantizer.__file__).parent
OWN = {"QUANTIZE", "DEQUANTIZE"}
"""What the quantizer itself puts into graphs."""


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.stem)
def test_no_operator_is_named(path):
    words = set(
        path.read_text(encoding="utf-8").replace("(", " ").replace('"', " ").replace("`", " ").split()
    )
    assert not (words & set(rules())) - OWN
