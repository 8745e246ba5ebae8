"""The evaluate command."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from quantlib.cli import digits
from quantlib.cli.commands import app

FLOAT, INT8 = digits.float_model_path(), digits.int8_model_path()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    images, labels = digits.test_images()
    path = tmp_path / "test.npz"
    np.savez(path, images=images[:10].astype(np.float32) / np.float32(16), labels=labels[:10])
    return path


def quantlib(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return ended.exit_code, ended.stdout, ended.stderr


def test_models_are_shown_side_by_side_and_written_as_csv(file: Path, tmp_path: Path):
    given = ("--samples", f"{file}:images", "--labels", f"{file}:labels", "--csv", tmp_path / "rows.csv")
    status, shown, _ = quantlib("evaluate", FLOAT, INT8, *given)
    assert status == 0
    assert re.search(r"^digits_float +[01]\.\d+ ", shown, re.MULTILINE)
    assert [line.split(",")[0] for line in (tmp_path / "rows.csv").read_text().splitlines()] == [
        "model",
        "digits_float",
        "digits_int8",
    ]


def test_json_without_labels_has_no_metric(file: Path):
    status, shown, _ = quantlib("evaluate", FLOAT, INT8, "-s", f"{file}:images", "-n", 2, "--json")
    report = json.loads(shown)
    assert status == 0
    assert report["samples"] == 2
    assert [row["accuracy"] for row in report["models"]] == [None, None]


def test_layers_are_shown_worst_first(file: Path):
    status, shown, _ = quantlib("evaluate", FLOAT, INT8, "-s", f"{file}:images", "-n", 2, "--layers")
    assert status == 0
    assert "CONV_2D" in shown
    assert "2 samples" in shown


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((FLOAT, "--layers", "-s", "{file}:images"), "--layers: 1 models"),
        ((FLOAT, FLOAT, "-s", "{file}:images"), "files: one file twice"),
        ((FLOAT, INT8, "-s", "{file}:images", "--labels", "{file}"), "--labels"),
        ((FLOAT, "-s", "{file}:images", "--kernels", "best"), "kernels"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(file: Path, arguments: tuple[object, ...], text: str):
    status, _, error = quantlib("evaluate", *(str(each).format(file=file) for each in arguments))
    assert status == 2
    assert text in error
