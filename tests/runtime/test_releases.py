"""Kernel sets of older releases, held against what these releases answered."""

from pathlib import Path

import numpy as np
import pytest

from quantlib.runtime.claims import unclaimed
from quantlib.runtime.execute import run
from quantlib.testing.assertions import assert_bit_exact
from tests.runtime.golden.releases import dense_layer, operators

RECORDED = Path(__file__).parent / "golden" / "releases.npz"
SETS = ("reference", "optimized", "litert-1.2/reference", "tflite-2.14/reference", "tflite-2.14/optimized")


@pytest.fixture(scope="module")
def recorded():
    with np.load(RECORDED) as held:
        return dict(held)


@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("operator", operators())
def test_a_release_s_operators_are_reproduced(recorded, kernels, operator):
    case = operators()[operator]
    (y,) = run(case.model, *case.inputs, kernels=kernels)
    assert_bit_exact(y, recorded[f"{kernels} {operator}"])


@pytest.mark.parametrize("operator", operators())
def test_what_was_recorded_tells_the_releases_apart(recorded, operator):
    answers = {recorded[f"{kernels} {operator}"].tobytes() for kernels in SETS}
    assert len(answers) > 1


def test_the_dense_layer_changed_with_litert_1_3(recorded):
    changed = recorded["reference dense"] != recorded["litert-1.2/reference dense"]
    assert 0 < np.count_nonzero(changed) < changed.size // 20
    assert_bit_exact(recorded["tflite-2.14/reference dense"], recorded["litert-1.2/reference dense"])


def test_tflm_rounds_as_the_older_reference_kernels(recorded):
    (y,) = run(dense_layer(), np.zeros((1, 1), np.int8), kernels="tflm")
    assert_bit_exact(y, recorded["litert-1.2/reference dense"])


def test_what_an_older_release_does_in_a_way_of_its_own_is_not_claimed():
    case = operators()["int16 dense"]
    assert unclaimed(case.model, kernels="litert-1.2/reference") == ()
    (dense,) = unclaimed(case.model, kernels="tflite-2.14/reference")
    assert "no bound known" in str(dense)
