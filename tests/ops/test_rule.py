import pytest

from quantlib.ops import _rule
from quantlib.ops._registry import entries
from quantlib.ops._rule import rule, rule_of, rules
from quantlib.testing.single_operator import operator_code


def test_an_operator_has_one_rule():
    with pytest.raises(ValueError, match="CONV_2D"):
        rule("CONV_2D" if rules() else "")


def test_every_rule_belongs_to_an_operator_of_the_format():
    assert all(operator_code(name) >= 0 for name in rules())


def test_operators_that_the_converter_leaves_in_float_have_no_rule():
    assert [name for name in ("ELU", "SIN", "COS", "NEG", "POW", "CUMSUM", "custom") if rule_of(name)] == []


def test_a_bias_belongs_to_weights_with_an_axis():
    for found in rules().values():
        if found.bias is not None:
            assert found.bias.of[1] in found.weights
            assert found.bias.position not in found.weights


def test_fixed_outputs_contain_their_zero_point():
    for found in rules().values():
        if found.fixed is not None:
            assert -128 <= found.fixed.int8[1] <= 127
            assert found.fixed.int16 is None or found.fixed.int16[1] == 0


def test_versions_are_at_least_one():
    for found in rules().values():
        assert min(found.versions.int8, found.versions.int16, found.versions.hybrid) >= 1


def test_every_rule_without_a_kernel_stands_apart():
    recurrent = {f"{way}DIRECTIONAL_SEQUENCE_LSTM" for way in ("UNI", "BI")} | {"LSTM", "SVDF"}
    recurrent.add("UNIDIRECTIONAL_SEQUENCE_RNN")
    apart = {"ADD_N", "MATRIX_DIAG", "MATRIX_SET_DIAG", "SPARSE_TO_DENSE", "UNIQUE"} | recurrent
    assert set(rules()) - set(entries()) == apart


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        rules()["CONV_2D"] = None  # type: ignore[index]
    assert "rule" in _rule.__all__
