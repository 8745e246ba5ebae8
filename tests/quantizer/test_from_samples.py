"""From the raw samples: our own calibration and the converter's numbers.

TensorFlow's calibrator adds float sums in an order that its build, its processor and its threads decide.
We add in the same order, so that ranges, and with them all numbers, are the converter's.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from quantlib.calibration.calibrate import calibrate
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.read import read_model as read_unchecked
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import FullInteger, Int16x8

SHARED = Path(os.environ.get("QUANTLIB_SHARED", Path(__file__).parents[3] / "shared"))
CORPUS = SHARED / "converter"
RECIPES = {
    "int8": FullInteger(),
    "int8_u8": FullInteger(np.uint8, np.uint8),
    "int8_i8": FullInteger(np.int8, np.int8),
    "int8_pt": FullInteger(per_channel=False),
    "int16x8": Int16x8(),
    "int16x8_i16": Int16x8(np.int16, np.int16),
}
ON_PURPOSE = ("0391", "0561", "0206", "0933")
"""See test_corpus.py."""

pytestmark = [
    pytest.mark.zoo,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no conversions at {CORPUS}; set QUANTLIB_SHARED"),
]


def calibrated(model, samples):
    shape = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape
    dataset = [[np.asarray(sample, np.float32).reshape(shape)] for sample in samples]
    return calibrate(model, dataset, tf_compat=True)


def ulps(ours, theirs):
    steps = [np.frombuffer(data, np.int32).astype(np.int64) for data in (ours, theirs)]
    return int(np.abs(steps[0] - steps[1]).max(initial=0))


def check(found, most=0):
    """Everything equal, but for scales by so many units in the last place."""
    assert {what for what, _ in found.different} <= ({"scale"} if most else set())
    for _, ours, theirs in found.scales:
        assert len(ours) == len(theirs)
        assert ulps(ours, theirs) <= most


@pytest.mark.parametrize("net", ["mnist", "mbv1", "dscnn"])
def test_nets_have_the_converters_numbers_from_samples(walk, net):
    model = read_model(CORPUS / net / "float.tflite")
    with np.load(CORPUS / net / "calib_test.npz") as held:
        ranges = calibrated(model, held["calib"])
    for variant, recipe in RECIPES.items():
        ours = quantize_model(model, recipe, ranges).model
        check(walk(ours, read_model(CORPUS / net / f"{variant}.tflite")))


@pytest.mark.parametrize(
    "expected", sorted(CORPUS.glob("random_graphs/*_int8.tflite")), ids=lambda path: path.stem
)
def test_random_graphs_have_the_converters_numbers_from_samples(walk, expected):
    number, switches, _ = expected.stem.split("_")
    if number in ON_PURPOSE:
        pytest.skip("differs on purpose")
    model = read_model(expected.with_name(f"{number}_{switches}_float.tflite"))
    ranges = calibrated(model, np.load(expected.with_name(f"{number}_{switches}_data.npy")))
    recipe = FullInteger(per_channel=switches[0] == "0", per_channel_dense=switches[1] == "0")
    found = walk(quantize_model(model, recipe, ranges).model, read_unchecked(expected))
    check(found)
