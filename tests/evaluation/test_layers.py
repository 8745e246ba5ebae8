"""Layer errors: a layer that was spoilt is found, and not taken for those after it."""

import dataclasses
import json
import math

import numpy as np
import pytest

from quantlib.calibration.calibrate import calibrate
from quantlib.cli import digits
from quantlib.errors import InvalidInputError
from quantlib.evaluation.layers import LayerErrors, layer_errors
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import Model
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import FullInteger

CONVOLUTION = "digits/conv2d/Relu"


@pytest.fixture(scope="module")
def reference() -> Model:
    return read_model(digits.float_model_path())


@pytest.fixture(scope="module")
def samples(reference: Model) -> np.ndarray:
    return digits.stored_images(reference, digits.calibration_images())[:6]


def quantized(reference: Model, samples: np.ndarray, **changes: object) -> Model:
    ranges = calibrate(reference, list(samples[:, None]))
    spoilt = ranges.replace({CONVOLUTION: (0, 40)}) if changes.pop("spoilt", False) else ranges
    return quantize_model(reference, FullInteger(**changes), spoilt).model


def by_tensor(errors: LayerErrors) -> dict[str, tuple[float, float]]:
    return {row.tensor: (row.isolated.sqnr_db, row.accumulated.sqnr_db) for row in errors.rows}


def test_every_layer_of_a_sound_model_is_precise(reference, samples):
    errors = layer_errors(reference, quantized(reference, samples), samples)
    assert [row.operator for row in errors.rows].count("CONV_2D") == 1
    assert len(errors.rows) == 5
    assert all(isolated > 35 and accumulated > 33 for isolated, accumulated in by_tensor(errors).values())
    assert errors.suggestions() == ()
    assert "no layer stands out" in str(errors)


def test_a_spoilt_layer_is_worst_by_itself_and_those_after_it_are_not(reference, samples):
    sound, spoilt = (
        by_tensor(layer_errors(reference, quantized(reference, samples, spoilt=each), samples))
        for each in (False, True)
    )
    assert spoilt[CONVOLUTION][0] < sound[CONVOLUTION][0] - 10
    (scores,) = [reference.subgraphs[0].tensors[at].name for at in reference.subgraphs[0].outputs]
    # What comes out at the end suffers; so does the last layer by itself, whose input is as coarse.
    assert spoilt[scores][1] < sound[scores][1] - 5
    assert min(spoilt, key=lambda tensor: spoilt[tensor][0]) != "digits/reshape/Reshape"
    assert spoilt["digits/reshape/Reshape"] == sound["digits/reshape/Reshape"]


def test_rows_are_sorted_the_worst_first(reference, samples):
    errors = layer_errors(reference, quantized(reference, samples, spoilt=True), samples)
    isolated = [row.isolated.sqnr_db for row in errors.rows]
    assert isolated == sorted(isolated)


def test_the_first_layer_has_the_same_error_both_ways(reference, samples):
    errors = by_tensor(layer_errors(reference, quantized(reference, samples), samples))
    assert errors["digits/reshape/Reshape"][0] == errors["digits/reshape/Reshape"][1]


@pytest.mark.parametrize("stored", [np.float32, np.int8, np.uint8])
def test_conversions_at_the_ends_change_nothing(reference, samples, stored):
    model = quantized(reference, samples, input=stored, output=stored)
    errors = layer_errors(reference, model, samples)
    assert len(errors.rows) == 5
    assert by_tensor(errors) == by_tensor(layer_errors(reference, quantized(reference, samples), samples))


def test_a_model_has_no_error_against_itself(reference, samples):
    errors = layer_errors(reference, reference, samples)
    assert {row.isolated.sqnr_db for row in errors.rows} == {math.inf}
    assert errors.suggestions() == ()
    assert json.loads(errors.to_json())["layers"][0]["isolated"]["sqnr_db"] == "inf"


def test_suggestions_are_patterns_that_the_quantizer_takes(reference, samples):
    errors = layer_errors(reference, quantized(reference, samples), samples)
    row = errors.rows[-1]
    bad = dataclasses.replace(
        row,
        tensor="a[0]*",
        isolated=dataclasses.replace(row.isolated, sqnr_db=10.0),
    )
    assert LayerErrors(1, (bad, *errors.rows)).suggestions() == ("a[[]0][*]",)
    assert LayerErrors(1, (bad, *errors.rows)).suggestions(0) == ()


def test_a_suggestion_kept_in_float_brings_precision_back(reference, samples):
    ranges = calibrate(reference, list(samples[:, None])).replace({CONVOLUTION: (0, 400)})
    model = quantize_model(reference, FullInteger(), ranges).model
    suggested = layer_errors(reference, model, samples).suggestions()
    assert CONVOLUTION in suggested
    better = quantize_model(reference, FullInteger(), ranges, keep_float=suggested).model
    gained = [by_tensor(layer_errors(reference, each, samples))[CONVOLUTION][0] for each in (model, better)]
    assert gained[1] > gained[0] + 20


def test_csv_has_a_line_per_layer(reference, samples):
    lines = layer_errors(reference, reference, samples[:1]).to_csv().splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("position,operator,tensor,isolated sqnr_db")


def test_models_that_do_not_correspond_are_refused(reference, samples):
    (graph,) = reference.subgraphs
    shorter = dataclasses.replace(graph, operators=graph.operators[:-1], outputs=graph.operators[-2].outputs)
    other = dataclasses.replace(reference, subgraphs=(shorter,), signatures=None)
    with pytest.raises(InvalidInputError, match="no operator as operator 4; wanted FULLY_CONNECTED"):
        layer_errors(reference, other, samples)


def test_no_samples_are_refused(reference):
    with pytest.raises(InvalidInputError, match="no samples"):
        layer_errors(reference, reference, [])
