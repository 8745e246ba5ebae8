"""Kernel sets of older releases, held against what these releases answered."""

from pathlib import Path

import numpy as np
import pytest

from quantlib.runtime.execute import run
from quantlib.testing.assertions import assert_bit_exact
from tests.runtime.golden.releases import dense_layer

RECORDED = Path(__file__).parent / "golden" / "releases.npz"


@pytest.fixture(scope="module")
def recorded():
    with np.load(RECORDED) as held:
        return dict(held)


@pytest.mark.parametrize("kernels", ["reference", "litert-1.2/reference", "tflite-2.14/reference"])
def test_a_release_s_dense_layer_is_reproduced(recorded, kernels):
    (y,) = run(dense_layer(), np.zeros((1, 1), np.int8), kernels=kernels)
    assert_bit_exact(y, recorded[kernels])


def test_the_dense_layer_changed_with_litert_1_3(recorded):
    changed = recorded["reference"] != recorded["litert-1.2/reference"]
    assert 0 < np.count_nonzero(changed) < changed.size // 20
    assert_bit_exact(recorded["tflite-2.14/reference"], recorded["litert-1.2/reference"])


def test_tflm_rounds_as_the_older_reference_kernels(recorded):
    (y,) = run(dense_layer(), np.zeros((1, 1), np.int8), kernels="tflm")
    assert_bit_exact(y, recorded["litert-1.2/reference"])
