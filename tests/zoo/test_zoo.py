"""Real models: every tensor of every operator equal to LiteRT's, on two input distributions."""

import os
from pathlib import Path

import pytest

from quantlib.oracle.litert import is_available
from quantlib.testing.model_conformance import measure_model

SHARED = Path(os.environ.get("QUANTLIB_SHARED", Path(__file__).parents[3] / "shared"))
ZOO = SHARED / "zoo"

WAITING = {
    "keras_lstm_mnist_ptq": "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "keyword_scrambled": "SVDF",
    "model_invoking_error": "fake-op-double",
    "trained_lstm": "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "trained_lstm_int8": "UNIDIRECTIONAL_SEQUENCE_LSTM",
}
"""Models that nobody here runs yet, and the operator they wait for."""

pytestmark = [
    pytest.mark.zoo,
    pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed"),
    pytest.mark.skipif(not ZOO.is_dir(), reason=f"no models at {ZOO}; set QUANTLIB_SHARED"),
]


@pytest.mark.parametrize("kernels", ["reference", "optimized", "xnnpack"])
@pytest.mark.parametrize("path", sorted(ZOO.rglob("*.tflite")), ids=lambda path: path.stem)
def test_every_tensor_equals_litert(path: Path, kernels: str):
    row = measure_model(path, kernels=kernels)
    if path.stem in WAITING:
        assert "UnsupportedError" in row.reason
        assert WAITING[path.stem] in row.reason
        return
    assert row.reason == ""
    assert row.elements > 0
    assert row.broken == 0, row.first
    assert row.differing == 0, row.first
