"""Models side by side: every number of the table against one worked out here."""

import csv
import dataclasses
import gzip
import io
import json
import math

import numpy as np
import pytest

from quantlib.cli import digits
from quantlib.errors import InvalidInputError
from quantlib.evaluation.cost import cost_of
from quantlib.evaluation.distance import DistanceSums
from quantlib.evaluation.evaluate import Evaluation, accuracy, evaluate
from quantlib.evaluation.reals import as_reals, as_stored, input_values
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Model, Quantization, Tensor, TensorType
from quantlib.runtime.execute import run

COUNT = 25


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    return {"float": read_model(digits.float_model_path()), "int8": read_model(digits.int8_model_path())}


@pytest.fixture(scope="module")
def samples() -> np.ndarray:
    return digits.test_images()[0][:COUNT].astype(np.float32) / np.float32(16)


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return digits.test_images()[1][:COUNT]


@pytest.fixture(scope="module")
def evaluation(models: dict[str, Model], samples: np.ndarray, labels: np.ndarray) -> Evaluation:
    return evaluate(models, samples, labels)


def scores(model: Model, samples: np.ndarray) -> np.ndarray:
    (output,) = model.subgraphs[0].outputs
    stored = [as_stored(model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]], x[None]) for x in samples]
    return np.concatenate([as_reals(model.subgraphs[0].tensors[output], run(model, x)[0]) for x in stored])


@pytest.mark.parametrize("name", ["float", "int8"])
def test_accuracy_is_the_share_of_right_answers(evaluation, models, samples, labels, name):
    right = scores(models[name], samples).argmax(axis=1) == labels
    assert evaluation[name].metric == right.mean() > 0.8


def test_distance_is_from_the_first_model(evaluation, models, samples):
    wanted, found = (scores(model, samples) for model in models.values())
    distance = evaluation["int8"].distance
    assert evaluation["float"].distance is None
    noise = ((found - wanted) ** 2).sum()
    assert distance.sqnr_db == pytest.approx(10 * math.log10((wanted**2).sum() / noise))
    assert distance.largest_difference == np.abs(found - wanted).max()
    cosine = (wanted * found).sum() / np.linalg.norm(wanted) / np.linalg.norm(found)
    assert distance.cosine == pytest.approx(cosine)
    assert distance.agreement == (wanted.argmax(1) == found.argmax(1)).mean()


def test_cost_is_that_of_the_file(evaluation, models):
    for name, model in models.items():
        data = write_model(model)
        cost = evaluation[name].cost
        assert (cost.bytes, cost.gzip_bytes) == (len(data), len(gzip.compress(data)))
        assert cost.multiply_adds == 6 * 6 * 9 * 64 + 576 * 10
    weights = 3 * 3 * 64 + 576 * 10
    assert evaluation["int8"].cost.constant_bytes["INT8"] == weights
    assert evaluation["float"].cost.constant_bytes["FLOAT32"] == 4 * (weights + 64 + 10)


def test_a_buffer_that_two_tensors_share_counts_once(models):
    model = models["float"]
    (graph,) = model.subgraphs
    twice = dataclasses.replace(graph, tensors=(*graph.tensors, graph.tensors[2]))
    assert (
        cost_of(dataclasses.replace(model, subgraphs=(twice,))).constant_bytes
        == cost_of(model).constant_bytes
    )


def test_latencies_are_ratios_to_the_first(evaluation):
    first, second = evaluation.rows
    assert first.latency_ratio == 1
    assert second.latency_ratio == pytest.approx(second.milliseconds / first.milliseconds)
    assert all(row.milliseconds > 0 and row.peak_bytes > 0 for row in evaluation.rows)


def test_a_model_has_no_distance_from_itself(models, samples):
    found = evaluate({"one": models["float"], "two": models["float"]}, samples[:2])["two"]
    assert found.distance.sqnr_db == math.inf
    assert found.distance.agreement == 1
    assert found.metric is None


def test_a_metric_of_the_callers_sees_stacked_outputs_and_labels(models, samples, labels):
    def mean_score(outputs, given):
        assert outputs[0].shape == (3, 1, 10)
        assert given.tolist() == labels[:3].tolist()
        return outputs[0].mean()

    found = evaluate(models, samples[:3], labels[:3], metric=mean_score)
    assert found.metric == "mean_score"
    assert found["float"].metric == pytest.approx(scores(models["float"], samples[:3]).mean())


def test_samples_come_stacked_listed_or_by_name(models, samples):
    name = models["float"].subgraphs[0].tensors[0].name
    forms = [samples[:2], [[x[None]] for x in samples[:2]], [{name: x} for x in samples[:2]]]
    found = [evaluate(models, form)["int8"].distance for form in forms]
    assert found[0] == found[1] == found[2]


def test_codes_are_taken_as_they_are(models, samples):
    model = models["int8"]
    (index,) = model.subgraphs[0].inputs
    codes = as_stored(model.subgraphs[0].tensors[index], samples[0])
    assert codes.dtype == np.int8
    for given in (codes, samples[0]):
        assert np.array_equal(input_values(model, (given,), 0)[index], codes[None])


def test_reals_of_per_axis_codes():
    quantization = Quantization([0.5, 2.0], [0, 1], quantized_dimension=1)
    tensor = Tensor((1, 2), TensorType.INT8, quantization=quantization)
    assert as_reals(tensor, np.int8([[3, 3]])).tolist() == [[1.5, 4.0]]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (({},), "models: no models"),
        ((None, np.zeros((0, 8, 8), np.float32)), "samples: no samples"),
        ((None, 3), "samples: int"),
        ((None, np.zeros((1, 9, 8), np.float32)), "samples, sample 0, inputs, tensor 0"),
        ((None, [[1, 2]]), "sample 0: 2 arrays; wanted 1"),
        ((None, [{"x": 1}]), r"sample 0: \['x'\]"),
        ((None, None, [1]), f"labels: 1 labels; wanted {COUNT}"),
    ],
)
def test_what_does_not_fit_is_refused(models, samples, arguments, text):
    given = [
        ours if theirs is None else theirs for ours, theirs in zip((models, samples), arguments, strict=False)
    ]
    given += [samples] * (len(given) < 2)
    with pytest.raises(InvalidInputError, match=text):
        evaluate(*given, *arguments[2:])


def test_a_metric_without_labels_is_refused(models, samples):
    with pytest.raises(InvalidInputError, match="labels"):
        evaluate(models, samples, metric=accuracy)


def test_accuracy_wants_a_label_per_row():
    with pytest.raises(InvalidInputError, match="2 labels; wanted 1"):
        accuracy((np.zeros((1, 3)),), np.zeros(2))


def test_the_table_names_every_model_and_says_what_latencies_are(evaluation):
    lines = str(evaluation).splitlines()
    assert lines[0].split()[:3] == ["model", "accuracy", "bytes"]
    assert [line.split()[0] for line in lines[1:3]] == ["float", "int8"]
    assert "not of a device" in lines[3]
    assert "INT8 6,336, INT32 " in lines[2]
    assert len(evaluation) == 2
    with pytest.raises(KeyError):
        evaluation["other"]


def test_json_and_csv_hold_the_same(evaluation):
    report = json.loads(evaluation.to_json())
    rows = list(csv.DictReader(io.StringIO(evaluation.to_csv())))
    assert report["samples"] == COUNT
    assert [row["model"] for row in rows] == [row["model"] for row in report["models"]]
    assert float(rows[1]["sqnr_db"]) == report["models"][1]["sqnr_db"] == evaluation["int8"].distance.sqnr_db
    assert int(rows[1]["constant_bytes INT8"]) == report["models"][1]["constant_bytes"]["INT8"]


def test_json_of_an_infinite_distance_is_json(models, samples):
    report = evaluate({"one": models["float"], "two": models["float"]}, samples[:1]).to_json()
    assert json.loads(report)["models"][1]["sqnr_db"] == "inf"


def test_distances_of_nothing_and_of_noise_alone():
    sums = DistanceSums()
    assert math.isnan(sums.distance().cosine)
    sums.add(np.zeros((0, 3)), np.zeros((0, 3)))
    sums.add(np.zeros(3), np.ones(3))
    assert sums.distance().sqnr_db == -math.inf
    assert sums.distance().largest_difference == 1
