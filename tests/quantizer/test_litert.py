"""What we write loads in LiteRT, and gives our own outputs bit for bit."""

import numpy as np
import pytest

from quantlib.cli import digits
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.save import save_model
from quantlib.oracle.litert import is_available
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8
from quantlib.testing.model_conformance import measure_model

pytestmark = pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")


@pytest.mark.parametrize(
    "recipe",
    [
        FullInteger(),
        FullInteger(np.uint8, np.uint8),
        FullInteger(np.int8, np.int8, per_channel=False),
        Int16x8(),
        Int16x8(np.int16, np.int16, bias=np.int32),
        DynamicRange(min_elements=0),
        Float16(),
    ],
    ids=lambda recipe: type(recipe).__name__,
)
def test_every_tensor_is_equal(recipe, tmp_path):
    model = read_model(digits.float_model_path())
    computed = {index for operator in model.subgraphs[0].operators for index in operator.outputs}
    tensors = model.subgraphs[0].tensors
    ranges = {tensors[index].name: (-4.0, 6.0) for index in (*computed, *model.subgraphs[0].inputs)}
    path = tmp_path / "quantized.tflite"
    save_model(quantize_model(model, recipe, ranges).model, path)
    row = measure_model(path)
    assert row.reason == ""
    assert row.elements > 0
    assert row.differing == 0, row.first
