"""The published table: it covers every operator we run, and nothing claimed differs."""

import json
from pathlib import Path

import pytest

from quantlib.testing.conformance_page import Row, page
from quantlib.testing.model_conformance import ModelRow
from quantlib.testing.single_operator import generators

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def report():
    held = json.loads((DOCS / "conformance.json").read_text(encoding="utf-8"))
    held["rows"] = [Row(**row) for row in held["rows"]]
    held["models"] = [ModelRow(**row) for row in held["models"]]
    return held


def test_nothing_claimed_differs(report):
    wrong = [row for row in report["rows"] if row.claimed and (row.differing or row.refused)]
    assert wrong == []
    assert [row for row in report["models"] if row.broken or (row.differing and row.share is None)] == []


def test_nothing_lies_beyond_its_bound_and_what_is_not_claimed_says_why(report):
    rest = [row for row in report["rows"] if not row.claimed]
    assert [row for row in rest if row.beyond or (row.share or 0) > 1] == []
    assert all(row.cases >= 100 for row in rest)
    sums = [row for row in rest if row.operator in ("CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")]
    assert all(row.bound and row.share is not None for row in sums if row.configuration.startswith("float32"))
    assert all(row.reason for row in rest if row.refused)


def test_every_operator_and_configuration_was_measured_on_enough_models(report):
    measured = {
        (row.operator, row.configuration): row for row in report["rows"] if row.kernels == "reference"
    }
    assert set(generators()) == set(measured)
    assert all(row.cases >= 200 for row in measured.values() if row.claimed)


def test_the_page_is_the_data_and_was_not_edited(report):
    expected = page(report["rows"], report["models"], report["release"], report["processor"])
    assert (DOCS / "conformance.md").read_text(encoding="utf-8") == expected
