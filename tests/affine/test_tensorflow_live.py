"""The golden cases' generators, past the recorded cases, against TensorFlow where it is installed.

TensorFlow must be started with TF_ENABLE_ONEDNN_OPTS=0: oneDNN's kernels round differently.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

INSTALLED = importlib.util.find_spec("tensorflow") is not None
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not INSTALLED, reason="TensorFlow is not installed"),
    pytest.mark.skipif(
        os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0", reason="TF_ENABLE_ONEDNN_OPTS is not 0"
    ),
]


def load(path):
    spec = importlib.util.spec_from_file_location(f"affine_live_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HERE = Path(__file__).parent
golden = load(HERE / "test_golden.py")


@pytest.fixture(scope="module")
def tensorflow():
    return load(HERE / "golden" / "generate.py")


@pytest.mark.parametrize("group", list(golden.recipes.GROUPS))
def test_tensorflow_gives_the_same_bits_on_fresh_cases(group, tensorflow):
    @settings(max_examples=2000, deadline=None, database=None)
    @given(st.integers(20_000, 2**31 - 1))
    def compare(index):
        arguments = golden.recipes.case(group, index)
        theirs, _ = tensorflow.ANSWERS[group](**golden.recipes.case(group, index))
        ours = golden.OURS[group](**arguments)
        assert golden.first_difference(ours, golden.joined(theirs), arguments) == "equal"

    compare()
