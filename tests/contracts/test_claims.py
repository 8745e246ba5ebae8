"""What a kernel set says it does not claim, and what the random models say, are one thing."""

from dataclasses import replace

import pytest

from quantlib.arithmetic.profile import Profile
from quantlib.kernel_sets import XNNPACK
from quantlib.runtime.plan import make_plan
from quantlib.testing.choices import SeededChoices
from quantlib.testing.single_operator import Generator, generators

EXACT_IN_PART = (
    "LOCAL_RESPONSE_NORMALIZATION float32",
    "CONV_2D float32 grouped",
)
"""Operators of which some configurations are exact; the kernel sets do not tell them apart."""


@pytest.mark.parametrize("kernels", ["optimized", "xnnpack"])
@pytest.mark.parametrize("generator", generators().values(), ids=str)
def test_what_is_measured_as_equal_is_claimed(generator: Generator, kernels: str):
    if kernels in generator.unclaimed or str(generator).startswith(EXACT_IN_PART):
        return
    for seed in range(3):
        case = generator.make(SeededChoices(seed))
        assert all(step.node.claimed for step in make_plan(case.model, kernels=kernels).steps)


@pytest.mark.parametrize("operator", ["CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"])
def test_float_sums_of_an_older_eigen_are_not_claimed(operator: str):
    case = generators()[operator, "float32"].make(SeededChoices(1))
    (step,) = make_plan(case.model, kernels="tflite-2.14/optimized").steps
    assert not step.node.claimed


@pytest.mark.parametrize(("operator", "type"), sorted(XNNPACK.by_avx512))
def test_what_depends_on_vectors_is_claimed_for_avx512_alone(operator: str, type: str):
    case = generators()[operator, type.lower()].make(SeededChoices(0))
    elsewhere = replace(XNNPACK, profile=Profile(vectors="other"))
    claimed = [make_plan(case.model, kernels=one).steps[0].node.claimed for one in (XNNPACK, elsewhere)]
    assert claimed == [True, False]
