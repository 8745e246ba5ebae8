"""The same bits whatever the matrix library's kernels, its threads and NumPy's SIMD level."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes
import hashlib
import pathlib

import numpy as np

import quantlib as ql
from quantlib.testing.choices import SeededChoices
from quantlib.testing.integer_graphs import integer_graph
from quantlib.testing.model_conformance import inputs_for



def matrix_library():
    for path in pathlib.Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*"):
        name = getattr(ctypes.CDLL(str(path)), "scipy_openblas_get_corename64_", None)
        if name is not None:
            name.restype = ctypes.c_char_p
            return name().decode()
    return "unknown"


digest = hashlib.sha256()
sums = set()
for kind in ("int8", "uint8"):
    for seed in range(5):
        model = integer_graph(SeededChoices(seed), kind, 9).model
        for kernels in ("reference", "optimized", "xnnpack"):
            program = ql.compile_model(model, kernels=kernels)
            sums.update(one.sums for one in program.certificates())
            inputs = inputs_for(model, "uniform", seed)
            wanted = ql.run(model, *inputs, kernels=kernels)
            for mine, theirs in zip(program(*inputs), wanted, strict=True):
                assert np.array_equal(mine, theirs), (kind, seed, kernels)
                digest.update(mine.tobytes())
            many = [np.concatenate([array, array[..., ::-1], array]) for array in inputs]
            for threads in (1, 2):
                for output in program(*many, threads=threads):
                    digest.update(output.tobytes())
            digest.update(str(program.certificates()).encode())
assert "sgemm" in sums
print(digest.hexdigest())
print(matrix_library(), np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
"""

CORES = ("Haswell", "SkylakeX", "Nehalem", "Prescott")

LEVELS = "X86_V4 AVX512_ICL AVX512_SPR AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL X86_V3 AVX2 FMA3"
"""Names of NumPy 2.4 and of those before; a NumPy warns of names it does not know."""


configurations: set[str] = set()
"""Which kernels the processes ran on, as far as they could say."""


def digest(**environment: str) -> str:
    """What a fresh process makes of the script."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found, configuration = done.stdout.splitlines()
    configurations.add(configuration)
    return found


def dispatched() -> list[str]:
    """SIMD extensions that NumPy chose when it was loaded, those that can be switched off."""
    import numpy as np

    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return [name for name in LEVELS.split() if name in found]


@pytest.fixture(scope="module")
def here() -> str:
    return digest(OPENBLAS_NUM_THREADS="1")


def test_another_core_with_two_threads_and_a_lower_level_of_numpy_change_no_bit(here):
    lower = " ".join(dispatched())
    more = {"NPY_DISABLE_CPU_FEATURES": lower} if lower else {}
    assert digest(OPENBLAS_CORETYPE="Nehalem", OPENBLAS_NUM_THREADS="2", **more) == here
    if "unknown" not in "".join(configurations):
        assert len(configurations) > 1, "the settings must have had an effect"


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("core", CORES)
def test_no_core_type_changes_a_bit(here, core, threads):
    assert digest(OPENBLAS_CORETYPE=core, OPENBLAS_NUM_THREADS=threads) == here


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_level_of_numpy_changes_a_bit(here, count):
    names = dispatched()[:count]
    if len(names) < count:
        pytest.skip(f"this NumPy has {len(names)} SIMD levels to switch off")
    assert digest(NPY_DISABLE_CPU_FEATURES=" ".join(names), OPENBLAS_CORETYPE="Haswell") == here
