"""Names of the format's numbers."""

from __future__ import annotations

from quantlib.flatbuffer.names import described, enumerators, operator_name
from quantlib.model.graph import Record, TensorType


def test_element_types_are_named_alike_everywhere() -> None:
    assert enumerators("TensorType") == {int(member): member.name for member in TensorType}


def test_every_operator_up_to_the_newest_has_a_name() -> None:
    assert not [code for code in range(210) if operator_name(code).startswith("BUILTIN_")]
    assert operator_name(210) == "BUILTIN_210"


def test_enumerators_in_options_are_named_and_unknown_ones_stay_numbers() -> None:
    options = Record("Conv2DOptions", (("padding", 0), ("stride_w", 0), ("fused_activation_function", 99)))
    assert described(options) == {"padding": "SAME", "stride_w": 0, "fused_activation_function": 99}
    assert described(Record("BuiltinOptions 222", (("x", 1),))) == {"x": 1}
