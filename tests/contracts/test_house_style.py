"""What the house asks of every file and no linter knows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "quantlib"
OPERATORS = sorted(path.stem for path in (PACKAGE / "ops").glob("[!_]*.py"))
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}


def hand_tests(operator: str) -> list[Path]:
    """Test files named after the operator, or after a family that it belongs to."""
    return [
        path
        for path in (ROOT / "tests" / "ops").glob("test_*.py")
        if path.stem == f"test_{operator}" or operator.upper() in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_random_models(operator: str):
    places = (PACKAGE / "testing" / "operators").glob("*.py")
    name = f'"{operator.upper()}"'
    assert any(name in path.read_text(encoding="utf-8") for path in places)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_tests_by_hand(operator: str):
    assert hand_tests(operator)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_file_says_formula_and_source(operator: str):
    docstring = ast.get_docstring(ast.parse((PACKAGE / "ops" / f"{operator}.py").read_bytes()))
    assert docstring is not None
    assert docstring.startswith(operator.upper())
    assert "Source:" in docstring


def test_no_file_has_a_name_that_says_nothing():
    assert not {path.stem.strip("_") for path in PACKAGE.rglob("*")} & SAY_NOTHING


def test_no_file_mentions_the_machine_it_was_written_on():
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *ROOT.glob("*.md")]:
        if path == Path(__file__):
            continue
        text = path.read_text(encoding="utf-8")
        assert not any(place in text for place in ("/home/", "/root/", "/work/", "/Users/")), path
