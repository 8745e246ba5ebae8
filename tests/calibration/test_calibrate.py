"""Calibration of small models: what is seen, by whom, and what is refused."""

import dataclasses
import functools
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from quantlib.calibration.calibrate import calibrate
from quantlib.calibration.observers import MinMax, MovingAverage, Percentile
from quantlib.calibration.ranges import Ranges
from quantlib.calibration.shared_memory import overwritten_inputs
from quantlib.cli import digits
from quantlib.errors import InvalidInputError
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import (
    Buffer,
    Model,
    Operator,
    OperatorCode,
    Signature,
    Subgraph,
    Tensor,
    TensorType,
)

SHARED = Path(os.environ.get("QUANTLIB_SHARED", "../shared"))
CODES = {"ADD": 0, "RELU": 19, "RESHAPE": 22, "LOG": 73, "NEG": 59, "SOFTMAX": 25}


def model_of(
    *steps: tuple[str, tuple[str, ...], str], inputs: str = "x", outputs: str, size: int = 2
) -> Model:
    """A graph of operators on vectors, each given as name, inputs and output."""
    names = list(dict.fromkeys([*inputs, *(name for _, given, made in steps for name in (*given, made))]))
    codes = sorted({name for name, _, _ in steps})
    tensors = tuple(Tensor((size,), TensorType.FLOAT32, name=name) for name in names)
    operators = tuple(
        Operator(codes.index(code), tuple(map(names.index, given)), (names.index(made),))
        for code, given, made in steps
    )
    graph = Subgraph(tensors, tuple(map(names.index, inputs)), tuple(map(names.index, outputs)), operators)
    signature = Signature("serve", tuple((f"{name}_in", names.index(name)) for name in inputs), (), 0)
    opcodes = tuple(OperatorCode(CODES[code], code) for code in codes)
    return Model(3, opcodes, (graph,), (Buffer(),), signatures=(signature,))


RELU = model_of(("RELU", ("x",), "y"), outputs="y")
SUM = model_of(("ADD", ("a", "b"), "y"), inputs="ab", outputs="y")
ONE, TWO = np.float32([1, -1]), np.float32([2, 5])


@functools.cache
def digits_model() -> Model:
    return read_model(digits.float_model_path())


def digits_samples(count: int = 12) -> Iterator[list[np.ndarray]]:
    for image in digits.stored_images(digits_model(), digits.calibration_images()[:count]):
        yield [image[None]]


def test_every_real_tensor_has_the_range_of_its_values():
    ranges = calibrate(RELU, lambda: iter([[ONE], [TWO]]))
    assert ranges == Ranges({"x": (-1, 5), "y": (0, 5)})


@pytest.mark.parametrize(
    "sample",
    [
        [ONE, TWO],
        (ONE, TWO),
        {"a": ONE, "b": TWO},
        {"b_in": TWO, "a_in": ONE},
        ("serve", {"a_in": ONE, "b_in": TWO}),
    ],
)
def test_samples_come_in_every_shape_that_the_converter_takes(sample: object):
    ranges = calibrate(SUM, [sample])
    assert dict(ranges) == {"a": (-1, 1), "b": (2, 5), "y": (3, 4)}


def test_a_lone_array_is_the_only_input():
    assert calibrate(RELU, [ONE])["x"] == (-1, 1)


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        ([ONE], "sample 1: 1 arrays; wanted 2"),
        ({"a": ONE}, r"sample 1: inputs \['a'\]"),
        (("other", {"a": ONE}), "sample 1: signature 'other'"),
        ([ONE, TWO.astype(np.float64)], "sample 1, inputs, tensor 1 'b': dtype float64"),
        ([ONE, np.float32([1, 2, 3])], "sample 1, inputs, tensor 1 'b': shape"),
        (3, "sample 1: int"),
    ],
)
def test_a_sample_that_does_not_fit_is_named(sample: object, text: str):
    with pytest.raises(InvalidInputError, match=text):
        calibrate(SUM, [[ONE, TWO], sample])


@pytest.mark.parametrize("dataset", [list, 3, "x", {"x": ONE}])
def test_no_samples_and_no_dataset_are_refused(dataset: object):
    with pytest.raises(InvalidInputError, match="representative_dataset"):
        calibrate(RELU, dataset)  # type: ignore[arg-type]


@pytest.mark.parametrize(("value", "found"), [(np.nan, "NaN"), (np.inf, "an infinity")])
def test_what_is_not_finite_is_refused_by_name(value: float, found: str):
    with pytest.raises(InvalidInputError, match=f"sample 1, subgraph 0, tensor 0 'x': {found}"):
        calibrate(RELU, [[ONE], [np.float32([value, 1])]])


def test_an_infinity_that_the_model_computes_is_refused_unless_nobody_looks():
    model = model_of(("LOG", ("x",), "y"), outputs="y")
    with pytest.raises(InvalidInputError, match="'y': an infinity"):
        calibrate(model, [np.float32([0, 1])])
    assert dict(calibrate(model, [np.float32([0, 1])], observers={"y": None})) == {"x": (0, 1)}


def test_nan_is_skipped_where_tensorflow_skips_it():
    ranges = calibrate(RELU, [np.float32([np.nan, 3])], tf_compat=True)
    assert ranges["x"] == (3, 3)


def test_observers_are_chosen_by_pattern_and_the_first_match_wins():
    samples = [np.float32([0, 1]), np.float32([0, 3])]
    ranges = calibrate(RELU, samples, observers={"[y]": MovingAverage(0.5), "*": MinMax()})
    assert dict(ranges) == {"x": (0, 3), "y": (0, 2)}


def test_a_pattern_that_fits_nothing_is_refused():
    with pytest.raises(InvalidInputError, match="pattern 'z'"):
        calibrate(RELU, [ONE], observers={"z": MinMax()})


def test_a_maximum_starts_where_tensorflow_starts_it():
    assert calibrate(RELU, [-TWO])["x"] == (-5, -2)
    assert calibrate(RELU, [-TWO], tf_compat=True)["x"] == (-5, np.finfo(np.float32).tiny)


def test_the_converter_s_habits_come_with_its_order_of_sums():
    images = digits.calibration_images()[:20].astype(np.float32) / np.float32(16)
    dataset = [[image.reshape(1, 8, 8)] for image in images]
    scores = digits_model().subgraphs[0].tensors[digits_model().subgraphs[0].outputs[0]].name
    ours, theirs, same = (
        calibrate(digits_model(), dataset, tf_compat=tf_compat, kernels=kernels)[scores]
        for tf_compat, kernels in ((False, None), (True, None), (True, "tensorflow-2.21/optimized"))
    )
    assert theirs == same != ours
    assert theirs == pytest.approx(ours, rel=1e-6)


def test_an_overwritten_input_counts_the_output_only_where_asked():
    steps = (("RELU", ("x",), "r"), ("ADD", ("r", "x"), "s"), ("NEG", ("s",), "y"))
    model = model_of(*steps, outputs="y")
    assert overwritten_inputs(model, 0) == {2: 1}
    sample = np.float32([1, 4])
    assert calibrate(model, [sample])["r"] == (1, 4)
    assert calibrate(model, [sample], tf_compat=True)["r"] == (1, 8)


def test_inputs_outputs_shared_and_tiny_tensors_are_never_overwritten():
    of_input = model_of(("ADD", ("x", "x"), "s"), ("NEG", ("s",), "y"), outputs="y")
    to_output = model_of(("RELU", ("x",), "r"), ("ADD", ("r", "x"), "y"), outputs="y")
    used_twice = model_of(
        ("RELU", ("x",), "r"),
        ("ADD", ("r", "x"), "s"),
        ("ADD", ("s", "r"), "t"),
        ("NEG", ("t",), "y"),
        outputs="y",
    )
    tiny = model_of(
        ("RELU", ("x",), "r"), ("ADD", ("r", "x"), "s"), ("NEG", ("s",), "y"), outputs="y", size=1
    )
    assert overwritten_inputs(of_input, 0) == overwritten_inputs(to_output, 0) == {}
    assert overwritten_inputs(used_twice, 0) == {3: 2}
    assert overwritten_inputs(tiny, 0) == {}


@pytest.mark.parametrize("per_task", [1, 5, 100])
def test_threads_give_the_same_ranges(per_task: int):
    observers = {"*conv*": Percentile(99.0), "*dense*": MovingAverage()}
    alone = calibrate(digits_model(), digits_samples, observers=observers)
    with ThreadPoolExecutor(2) as executor:
        shared = calibrate(
            digits_model(), digits_samples, observers=observers, executor=executor, samples_per_task=per_task
        )
    assert shared == alone
    assert list(shared) == list(alone)


def test_processes_give_the_same_ranges():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        shared = calibrate(digits_model(), digits_samples, executor=executor)
    assert shared == calibrate(digits_model(), digits_samples)


def test_dask_gives_the_same_ranges():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(1, processes=False, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        shared = calibrate(digits_model(), digits_samples, executor=executor)
    assert shared == calibrate(digits_model(), digits_samples)


def test_an_error_in_a_worker_arrives():
    with ThreadPoolExecutor(1) as executor, pytest.raises(InvalidInputError, match="sample 2"):
        calibrate(RELU, [ONE, ONE, TWO[:1]], executor=executor, samples_per_task=2)


def test_samples_are_drawn_only_as_they_are_needed():
    drawn = 0

    def dataset() -> Iterator[np.ndarray]:
        nonlocal drawn
        for _ in range(5000):
            drawn += 1
            yield ONE

    seen = []

    def progress(done: int) -> None:
        seen.append(drawn - done)
        if done >= 200:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as executor, pytest.raises(KeyboardInterrupt):
        calibrate(RELU, dataset, executor=executor, samples_per_task=4, progress=progress)
    assert max(seen) <= 16 * 4


def test_progress_counts_every_sample():
    counts: list[int] = []
    calibrate(RELU, [ONE] * 3, progress=counts.append)
    assert counts == [1, 2, 3]


def test_samples_are_not_written_to():
    sample = ONE.copy()
    sample.flags.writeable = False
    calibrate(RELU, [sample])


def accumulating_model() -> Model:
    """A variable that every sample is added to."""
    model = model_of(("ADD", ("x", "state"), "state"), ("RELU", ("state",), "y"), outputs="y")
    (graph,) = model.subgraphs
    tensors = tuple(dataclasses.replace(one, is_variable=one.name == "state") for one in graph.tensors)
    return dataclasses.replace(model, subgraphs=(dataclasses.replace(graph, tensors=tensors),))


@pytest.mark.parametrize(
    ("options", "largest"),
    [
        ({}, 2),
        ({"tf_compat": True}, 6),
        ({"tf_compat": True, "reset_state_between_samples": True}, 2),
        ({"reset_state_between_samples": False}, 6),
    ],
)
def test_state_is_reset_between_samples_unless_tensorflow_would_not(options: dict[str, bool], largest: float):
    samples = [np.float32([2, 1])] * 3
    assert calibrate(accumulating_model(), samples, **options)["y"][1] == largest


def test_state_that_is_kept_cannot_be_shared_out():
    with ThreadPoolExecutor(1) as executor, pytest.raises(InvalidInputError, match="executor"):
        calibrate(accumulating_model(), [ONE], executor=executor, reset_state_between_samples=False)


def _random_graphs() -> list[Path]:
    return sorted((SHARED / "converter" / "random_graphs").glob("*_calib.tflite"))


@pytest.mark.zoo
def test_ranges_are_those_of_tensorflows_calibrator():
    files = _random_graphs()
    if not files:
        pytest.skip("no QUANTLIB_SHARED with TensorFlow's conversions")
    tensors = 0
    for file in files:
        model = read_model(Path(str(file).replace("_calib", "_float")))
        samples = np.load(str(file).replace("_calib.tflite", "_data.npy"), allow_pickle=False)
        ranges = calibrate(model, ([sample] for sample in samples), tf_compat=True)
        for key, (low, high) in Ranges.from_model(read_model(file)).items():
            tensors += 1
            assert ranges[key] == (low, high), (file, key)
    assert tensors == 1239
