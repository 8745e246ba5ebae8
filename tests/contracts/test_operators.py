"""Every operator we run, against LiteRT, on random models: the same bits or it is not done."""

import pytest

from quantlib.kernel_sets import XNNPACK
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.testing.conformance import measure
from quantlib.testing.conformance_page import processor
from quantlib.testing.single_operator import Generator, generators

pytestmark = pytest.mark.skipif(not is_available(), reason="ai-edge-litert is not installed")


@pytest.fixture(scope="module")
def litert():
    with LiteRT() as running:
        yield running


@pytest.mark.parametrize("generator", generators().values(), ids=str)
def test_random_models_give_the_bits_of_the_reference_kernels(generator: Generator, litert: LiteRT):
    row = measure(litert, generator, 12)
    if row.claimed:
        assert (row.differing, row.refused) == (0, 0), row


def asks_avx512(generator: Generator) -> bool:
    """Whether XNNPACK's bits are reproduced for one kind of vectors alone."""
    return (generator.operator, generator.configuration.split()[0].upper()) in XNNPACK.by_avx512


@pytest.mark.parametrize("kernels", ["optimized", "xnnpack"])
@pytest.mark.parametrize("generator", generators().values(), ids=str)
def test_random_models_give_the_bits_of_the_faster_kernels(
    generator: Generator, kernels: str, litert: LiteRT
):
    if kernels == "xnnpack" and asks_avx512(generator) and "avx512f" not in processor().split():
        pytest.skip("reproduced for AVX-512, which this processor does not have")
    row = measure(litert, generator, 6, kernels=kernels, seed=500)
    assert row.beyond == 0, row
    if row.claimed:
        assert (row.differing, row.refused) == (0, 0), row


@pytest.mark.slow
@pytest.mark.parametrize("generator", generators().values(), ids=str)
def test_many_random_models_give_the_bits_of_the_reference_kernels(generator: Generator, litert: LiteRT):
    row = measure(litert, generator, 200, seed=1000)
    if row.claimed:
        assert (row.differing, row.refused) == (0, 0), row
