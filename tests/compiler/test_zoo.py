"""Real models: a program gives the executor's bits, alone and in batches."""

import os
from pathlib import Path

import numpy as np
import pytest

import quantlib as ql
from quantlib.errors import QuantlibError
from quantlib.testing.model_conformance import inputs_for

SHARED = Path(os.environ.get("QUANTLIB_SHARED", Path(__file__).parents[3] / "shared"))
ZOO = SHARED / "zoo"
FAMILIES = ("reference", "optimized", "xnnpack")

pytestmark = [
    pytest.mark.zoo,
    pytest.mark.skipif(not ZOO.is_dir(), reason=f"no models at {ZOO}; set QUANTLIB_SHARED"),
]


def as_bytes(arrays):
    """What two outcomes are compared by."""
    return [(array.dtype, array.shape, array.tobytes()) for array in arrays]


@pytest.mark.parametrize("kernels", FAMILIES)
@pytest.mark.parametrize("path", sorted(ZOO.rglob("*.tflite")), ids=lambda path: path.stem)
def test_a_program_of_a_real_model_gives_the_executors_bits(path: Path, kernels: str):
    model = ql.read_model(path)
    samples = [inputs_for(model, "uniform", 1), inputs_for(model, "bell", 2)]
    try:
        wanted = [ql.run(model, *sample, kernels=kernels) for sample in samples]
    except QuantlibError as error:
        with pytest.raises(type(error)):
            ql.compile_model(model, kernels=kernels)(*samples[0])
        return
    program = ql.compile_model(model, kernels=kernels)
    found = [program(*sample) for sample in samples]
    assert list(map(as_bytes, found)) == list(map(as_bytes, wanted))

    if any(array.ndim == 0 for array in samples[0]):
        return
    both = [np.concatenate(pair) for pair in zip(*samples, strict=True)]
    try:
        together = ql.run(model, *both, kernels=kernels)  # the file leaves the batch open
    except QuantlibError:
        together = [np.concatenate(list(map(np.atleast_1d, pair))) for pair in zip(*wanted, strict=True)]
    assert as_bytes(program(*both, threads=2)) == as_bytes(together)
