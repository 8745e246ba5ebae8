"""Real float models, every recipe: what we write runs in LiteRT and is equal on every tensor."""

import os
from pathlib import Path

import numpy as np
import pytest

from quantlib.calibration.calibrate import calibrate
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.oracle.compare import compare
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8
from quantlib.testing.model_conformance import inputs_for

ZOO = Path(os.environ.get("QUANTLIB_SHARED", Path(__file__).parents[3] / "shared")) / "zoo"
MODELS = ("ad01_fp32", "hello_world_float", "pretrainedResnet", "vww_96_float")
RECIPES = (
    FullInteger(strict=True),
    FullInteger(np.int8, np.uint8, per_channel=False, strict=True),
    Int16x8(strict=True),
    DynamicRange(),
    Float16(),
)

pytestmark = [
    pytest.mark.zoo,
    pytest.mark.skipif(not ZOO.is_dir(), reason=f"no models at {ZOO}; set QUANTLIB_SHARED"),
    pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed"),
]


@pytest.mark.parametrize("name", MODELS)
def test_real_models_run_in_litert_and_are_equal(name):
    model = read_model(ZOO / f"{name}.tflite")
    ranges = calibrate(model, [inputs_for(model, "bell", seed) for seed in range(2)])
    with LiteRT() as litert:
        for recipe in RECIPES:
            made = read_model(write_model(quantize_model(model, recipe, ranges).model))
            found = compare(made, *inputs_for(made, "bell"), litert=litert)
            assert found.elements > 0
            assert found.differing == 0, f"{recipe}: {found.first_divergence}"
