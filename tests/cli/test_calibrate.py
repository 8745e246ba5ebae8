"""The calibrate command, and samples from files."""

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from quantlib.calibration.calibrate import calibrate
from quantlib.calibration.observers import MSE, Entropy, MovingAverage, Percentile
from quantlib.calibration.ranges import Ranges
from quantlib.cli import digits
from quantlib.cli.calibrate import named_observer
from quantlib.cli.commands import app
from quantlib.cli.datasets import load_labels, load_samples, samples_of
from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.read import read_model

MODEL = digits.float_model_path()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return digits.stored_images(read_model(MODEL), digits.calibration_images())[:20]


@pytest.fixture
def file(tmp_path: Path, images: np.ndarray) -> Path:
    path = tmp_path / "calibration.npz"
    np.savez(path, images=images, labels=np.arange(20))
    return path


def quantlib(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return ended.exit_code, ended.stdout, ended.stderr


def test_the_command_gives_the_ranges_and_writes_them(file: Path, images: np.ndarray, tmp_path: Path):
    status, shown, _ = quantlib("calibrate", MODEL, tmp_path / "r.json", "--samples", f"{file}:images")
    wanted = calibrate(read_model(MODEL), ([image[None]] for image in images))
    assert status == 0
    assert Ranges.load(tmp_path / "r.json") == wanted
    assert shown == f"{wanted}\n"


def test_json_is_what_the_file_holds(file: Path):
    status, shown, _ = quantlib("calibrate", MODEL, "-s", f"{file}:images", "--json", "-n", 3)
    assert status == 0
    ranges = Ranges.from_json(shown)
    assert ranges["serving_default_image:0"] == (0, 1)
    assert len(ranges) == 6  # the image, and what five operators compute


def test_an_observer_for_a_pattern_is_used(file: Path):
    given = ("--observer", "moving-average:0.5", "--observer-for", "*=none")
    status, shown, _ = quantlib("calibrate", MODEL, "-s", f"{file}:images", "--json", *given)
    assert status == 0
    assert Ranges.from_json(shown) == Ranges()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("-s", "{file}"), "--samples: .*arrays"),
        (("-s", "{file}:nothing"), "no array 'nothing'"),
        (("-s", "{file}x"), "--samples"),
        ((), "--samples"),
        (("-s", "{file}:labels"), "sample 0"),
        (("-s", "{file}:images", "--observer", "best"), "--observer: 'best'"),
        (("-s", "{file}:images", "--observer", "minmax:3"), "--observer: 'minmax:3'"),
        (("-s", "{file}:images", "--observer", "percentile:x"), "--observer: 'percentile:x'"),
        (("-s", "{file}:images", "--observer", "percentile:200"), "percentile: 200"),
        (("-s", "{file}:images", "--observer-for", "x"), "--observer-for: 'x'"),
        (("-s", "{file}:images", "--observer-for", "x=mse"), "pattern 'x'"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(file: Path, arguments: tuple[str, ...], text: str):
    status, _, error = quantlib("calibrate", MODEL, *(each.format(file=file) for each in arguments))
    assert status == 2
    assert re.search(text, error)
    assert error.startswith("quantlib: ")


@pytest.mark.parametrize(
    ("text", "observer"),
    [
        ("moving-average:0.5", MovingAverage(0.5)),
        ("percentile", Percentile()),
        ("entropy", Entropy()),
        ("mse", MSE()),
    ],
)
def test_observers_have_names(text: str, observer: object):
    assert named_observer(text) == observer


def test_samples_gain_the_batch_that_they_lack(file: Path, images: np.ndarray, tmp_path: Path):
    model = read_model(MODEL)
    np.save(tmp_path / "batched.npy", images[:, None])
    for text in (f"{file}:images", str(tmp_path / "batched.npy")):
        ((first,), *rest) = samples_of(model, load_samples(model, text), 5)
        assert len(rest) == 4
        assert np.array_equal(first, images[:1])


def test_labels_are_one_per_sample(file: Path):
    assert load_labels(f"{file}:labels", 4).tolist() == [0, 1, 2, 3]
    for text, count in ((f"{file}:labels", 21), (str(file), 1)):
        with pytest.raises(InvalidInputError, match="--labels"):
            load_labels(text, count)
