import json

import numpy as np
import pytest

from quantlib.cli import commands, digits
from quantlib.flatbuffer.load import read_model
from quantlib.model.graph import TensorType

FLOAT = str(digits.float_model_path())


@pytest.fixture
def samples(tmp_path):
    path = tmp_path / "samples.npz"
    model = read_model(FLOAT)
    shape = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape
    np.savez(path, x=np.random.default_rng(0).uniform(0, 1, (4, *shape)).astype(np.float32))
    return f"{path}:x"


@pytest.fixture
def quantize(tmp_path, capsys):
    """The command's exit status, what it printed, and the model it wrote."""

    def run(*arguments):
        to = tmp_path / "out.tflite"
        with pytest.raises(SystemExit) as ended:
            commands.app(["quantize", FLOAT, str(to), *arguments])
        printed = capsys.readouterr()
        return ended.value.code, printed.out + printed.err, read_model(to) if to.exists() else None

    return run


def test_samples_make_integers(quantize, samples):
    status, printed, model = quantize("--samples", samples, "--input-type", "uint8", "--strict")
    assert status == 0
    assert "0 in float" in printed
    assert model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type is TensorType.UINT8


def test_ranges_from_a_file_serve_as_well(quantize, samples, tmp_path):
    ranges = tmp_path / "ranges.json"
    with pytest.raises(SystemExit):
        commands.app(["calibrate", FLOAT, str(ranges), "--samples", samples])
    status, printed, model = quantize("--recipe", "int16x8", "--ranges", str(ranges), "--json")
    assert status == 0
    report = json.loads(printed[printed.index('{"bytes') :])
    assert report["integer_operators"] > 0
    assert any(tensor.type is TensorType.INT16 for tensor in model.subgraphs[0].tensors)


def test_float16_needs_neither(quantize):
    status, printed, model = quantize("--recipe", "float16")
    assert status == 0
    assert " -> " in printed
    assert any(tensor.type is TensorType.FLOAT16 for tensor in model.subgraphs[0].tensors)


def test_the_exit_status_says_that_nothing_changed(quantize, samples):
    status, printed, _ = quantize("--samples", samples, "--keep-float", "*")
    assert status == 1
    assert "kept in float as asked" in printed


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--recipe", "int4"], "int4"),
        (["--recipe", "float16", "--input-type", "int8"], "input-type"),
        ([], "ranges"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(quantize, arguments, word):
    status, printed, model = quantize(*arguments)
    assert (status, model) == (2, None)
    assert word in printed
    assert printed.count("\n") == 1


def test_a_quantized_model_is_refused_before_it_is_calibrated(tmp_path, samples, capsys):
    with pytest.raises(SystemExit) as ended:
        commands.app(["quantize", str(digits.int8_model_path()), str(tmp_path / "x"), "--samples", samples])
    assert ended.value.code == 2
    assert "quantized already; wanted a model in float" in capsys.readouterr().err
