import json
import subprocess
import sys

import numpy as np
import pytest

from quantlib.cli import digits
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.save import save_model
from quantlib.model.graph import TensorType
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.oracle.litert import is_available
from quantlib.runtime.execute import run
from quantlib.runtime.plan import make_plan
from quantlib.testing.assertions import assert_bit_exact
from quantlib.testing.single_operator import Graph, quantization

MODEL = str(digits.int8_model_path())

needs_litert = pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")


def quantlib(*arguments):
    command = [sys.executable, "-m", "quantlib", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).integers(-128, 128, (1, 8, 8), np.int8)


def test_inspect_shows_operators_tensors_sizes_and_multiply_adds():
    shown = quantlib("inspect", MODEL)
    assert shown.returncode == 0
    for word in ("RESHAPE", "CONV_2D", "MAX_POOL_2D", "FULLY_CONNECTED", "digits/conv2d/Relu"):
        assert word in shown.stdout


def test_inspect_as_json_counts_multiply_adds():
    report = json.loads(quantlib("inspect", MODEL, "--json").stdout)
    operators = {operator["name"]: operator for operator in report["operators"]}
    # 6 x 6 windows of 3 x 3 pixels, 64 filters; 576 numbers into 10 scores.
    assert operators["CONV_2D"]["multiply_adds"] == 6 * 6 * 9 * 64
    assert operators["FULLY_CONNECTED"]["multiply_adds"] == 576 * 10
    assert report["multiply_adds"] == 6 * 6 * 9 * 64 + 576 * 10
    assert report["bytes"] == digits.int8_model_path().stat().st_size
    assert len(report["tensors"]) == len(read_model(MODEL).subgraphs[0].tensors)


def test_run_saves_the_outputs_it_computed(image, tmp_path):
    np.save(tmp_path / "x.npy", image)
    ended = quantlib("run", MODEL, "--input", tmp_path / "x.npy", "--save", tmp_path / "y.npz")
    assert (ended.returncode, ended.stderr) == (0, "")
    (expected,) = run(read_model(MODEL), image)
    with np.load(tmp_path / "y.npz") as saved:
        assert_bit_exact(saved[saved.files[0]], expected)


def test_run_reads_inputs_by_name_from_an_npz_and_prints_json(image, tmp_path):
    model = read_model(MODEL)
    name = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].name
    np.savez(tmp_path / "x.npz", **{name: image, "unused": image})
    report = json.loads(quantlib("run", MODEL, "-i", tmp_path / "x.npz", "--json").stdout)
    (printed,) = report.values()
    (expected,) = run(model, image)
    assert printed == {"dtype": "int8", "shape": [1, 10], "values": expected.tolist()}


def test_the_same_seed_gives_the_same_answer():
    first, again, other = (quantlib("run", MODEL, "--random", seed).stdout for seed in (3, 3, 4))
    assert first == again != other


def test_trace_prints_every_tensor_on_standard_error():
    traced = quantlib("run", MODEL, "--random", 0, "--trace")
    assert traced.returncode == 0
    assert len(traced.stderr.splitlines()) == len(read_model(MODEL).subgraphs[0].operators)


@needs_litert
def test_compare_with_litert_ends_with_0_where_all_is_equal():
    ended = quantlib("compare", MODEL, "--random", 0)
    assert (ended.returncode, "all equal" in ended.stdout) == (0, True)


FLOAT_MODEL = str(digits.float_model_path())


@needs_litert
def test_compare_says_what_is_not_claimed_and_how_far_within_its_bound(tmp_path):
    model = read_model(FLOAT_MODEL)
    image = np.random.default_rng(0).random((1, 8, 8), np.float32)
    np.save(tmp_path / "x.npy", image)
    held = make_plan(model).run({model.subgraphs[0].inputs[0]: image}, keep_all=True)
    np.savez(tmp_path / "board.npz", **{str(index): array for index, array in held.items()})
    arguments = ("compare", FLOAT_MODEL, "-i", tmp_path / "x.npy", "--kernels", "tflite-2.14/optimized")
    arguments += ("--against", tmp_path / "board.npz")
    ended = quantlib(*arguments)
    assert ended.returncode == 1
    assert "not claimed, within" in ended.stdout
    assert "all of it not claimed and within bounds" in ended.stdout
    report = json.loads(quantlib(*arguments, "--json").stdout)
    assert (report["equal"], report["as_claimed"]) == (False, True)
    assert 0 < report["tensors"][-1]["bound_share"] <= 1


def test_inspect_and_run_name_the_operators_whose_bits_are_not_claimed():
    shown = quantlib("inspect", FLOAT_MODEL, "--kernels", "tflite-2.14/optimized")
    assert "tflite-2.14/optimized kernels: the bits of 3 of 5 operators claimed" in shown.stdout
    assert "FULLY_CONNECTED #4" in shown.stdout
    report = json.loads(
        quantlib("inspect", FLOAT_MODEL, "--kernels", "tflite-2.14/optimized", "--json").stdout
    )
    assert [one["operator"] for one in report["unclaimed"]] == [1, 4]
    ran = quantlib("run", FLOAT_MODEL, "--random", 0, "--kernels", "tflite-2.14/optimized")
    assert (ran.returncode, "CONV_2D #1" in ran.stderr, "CONV_2D" in ran.stdout) == (0, True, False)
    assert quantlib("run", FLOAT_MODEL, "--random", 0).stderr == ""


def test_compare_with_a_dump_ends_with_1_where_something_differs(image, tmp_path):
    model = read_model(MODEL)
    np.save(tmp_path / "x.npy", image)
    (y,) = run(model, image)
    name = model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].name
    np.savez(tmp_path / "board.npz", **{name: y + np.int8(1)})
    arguments = ("compare", MODEL, "-i", tmp_path / "x.npy", "--against", tmp_path / "board.npz")
    ended = quantlib(*arguments)
    assert ended.returncode == 1
    assert "FULLY_CONNECTED #4" in ended.stdout
    report = json.loads(quantlib(*arguments, "--json").stdout)
    assert (report["equal"], report["differing"]) == (False, 10)


def test_families_are_compared_with_each_other_explained_and_reproduced(tmp_path):
    # At 3 / 4 of a code every sum is a tie now and then, and the families round it differently.
    graph = Graph()
    x = graph.input((1, 8, 8, 1), TensorType.INT8, quantization(1.0))
    w = graph.constant(np.full((8, 1, 1, 1), 3, np.int8), TensorType.INT8, quantization(np.full(8, 0.25)))
    b = graph.constant(np.zeros(8, np.int32), TensorType.INT32, quantization(np.full(8, 0.25)))
    y = graph.output((1, 8, 8, 8), TensorType.INT8, quantization(1.5))
    graph.operator("CONV_2D", [x, w, b], [y], Conv2DOptions(stride_w=1, stride_h=1), version=3)
    save_model(graph.model(), tmp_path / "ties.tflite")
    arguments = ("compare", tmp_path / "ties.tflite", "--kernels", "reference", "optimized", "--explain")
    ended = quantlib(*arguments, "--reproducer", tmp_path / "out")
    assert ended.returncode == 1
    assert "half away from zero" in ended.stdout
    assert "half up" in ended.stdout
    assert (tmp_path / "out" / "000_conv_2d.tflite").is_file()
    again = quantlib(
        "compare",
        tmp_path / "out" / "000_conv_2d.tflite",
        "--input",
        tmp_path / "out" / "000_conv_2d.npz",
        "--kernels",
        "reference",
        "optimized",
        "--json",
    )
    assert json.loads(again.stdout)["differing"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "no such file.tflite"),
        ("run", __file__),
        ("inspect", __file__),
        ("compare", __file__),
        ("run", MODEL, "--input", __file__),
        ("run", MODEL, "--kernels", "other"),
        ("run", MODEL, "--no-such-option"),
        ("no-such-command",),
    ],
)
def test_wrong_usage_and_bad_files_end_with_2_and_one_line(arguments):
    ended = quantlib(*arguments)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr


def test_version_is_printed():
    assert quantlib("--version").stdout.startswith("quantlib ")


def test_demo_prints_accuracy_and_ends_with_0():
    report = json.loads(quantlib("demo", "--json").stdout)
    assert report["accuracy"] > 0.97
    assert report["elements"] > 0
    assert report["differing"] == 0
