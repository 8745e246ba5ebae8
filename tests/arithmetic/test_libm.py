"""The float32 functions against the C library itself, and against bits recorded from it.

`golden/libm.npz` holds, for each function, inputs (float32) and the results of glibc 2.36 on x86-64.
Where that very library is at hand, a stride of all 2**32 bit patterns is compared with it; another
glibc may differ on purpose (newer ones round several functions correctly).
"""

import ctypes
import math
import platform
from pathlib import Path

import numpy as np
import pytest

from quantlib.arithmetic import libm

UNARY = ["expf", "expm1f", "tanhf"]
GOLDEN = Path(__file__).parent / "golden" / "libm.npz"
MEASURED_GLIBC = "2.36"


def host_function(name):
    """`name` of the C library as a function of float32 arrays."""
    if platform.libc_ver() != ("glibc", MEASURED_GLIBC) or platform.machine() != "x86_64":
        pytest.skip(f"needs glibc {MEASURED_GLIBC} on x86-64, found {platform.libc_ver()}")
    function = getattr(ctypes.CDLL("libm.so.6"), name)
    arguments = 2 if name == "powf" else 1
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float] * arguments
    elementwise = np.frompyfunc(function, arguments, 1)

    def over_arrays(*x):
        with np.errstate(all="ignore"):  # the library raises the processor's flags
            return elementwise(*x).astype(np.float32)

    return over_arrays


def patterns(start, stop, stride):
    return np.arange(start, stop, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)


def count_differences(got, wanted):
    assert got.dtype == np.float32
    differ = got.view(np.uint32) != wanted.view(np.uint32)
    return np.count_nonzero(differ & ~(np.isnan(got) & np.isnan(wanted)))


@pytest.mark.parametrize("name", UNARY)
def test_recorded_bits_are_reproduced(name):
    with np.load(GOLDEN) as golden:
        x, y = golden[f"{name}_x"], golden[f"{name}_y"]
    assert len(x) > 3000
    assert count_differences(getattr(libm, name)(x), y) == 0


@pytest.mark.parametrize("name", UNARY)
def test_the_host_library_gives_the_same_bits_on_a_stride_of_all_patterns(name):
    host = host_function(name)
    x = patterns(0, 1 << 32, 10_007)
    assert count_differences(getattr(libm, name)(x), host(x)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", UNARY)
def test_the_host_library_gives_the_same_bits_on_43_million_patterns(name):
    host = host_function(name)
    block = 1 << 20
    compared = 0
    for start in range(0, 1 << 32, 101 * block):
        x = patterns(start, min(start + 101 * block, 1 << 32), 101)
        assert count_differences(getattr(libm, name)(x), host(x)) == 0
        compared += x.size
    assert compared == -(-(1 << 32) // 101)


@pytest.mark.parametrize(
    ("name", "exact", "low", "high"),
    [
        ("expf", math.exp, -80, 80),
        ("expm1f", math.expm1, -30, 80),
        ("tanhf", math.tanh, -30, 30),
    ],
)
def test_results_are_within_two_units_of_the_function(name, exact, low, high):
    x = np.linspace(low, high, 20_001, dtype=np.float32)
    wanted = np.array([exact(v) for v in x.tolist()])
    got = getattr(libm, name)(x)
    unit = np.spacing(np.abs(wanted).astype(np.float32))
    assert np.max(np.abs(got - wanted) / unit) < 2.0


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("expf", [np.inf, -np.inf, np.nan, -0.0, 1e38], [np.inf, 0.0, np.nan, 1.0, np.inf]),
        ("expm1f", [np.inf, -np.inf, np.nan, -0.0, 1e38], [np.inf, -1.0, np.nan, -0.0, np.inf]),
        ("tanhf", [np.inf, -np.inf, np.nan, -0.0, 1e-45], [1.0, -1.0, np.nan, -0.0, 1e-45]),
    ],
)
def test_special_values_come_out_as_c_says(name, x, y):
    assert count_differences(getattr(libm, name)(x), np.array(y, np.float32)) == 0


@pytest.mark.parametrize("name", UNARY)
def test_any_shape_goes_in_and_comes_out_and_inputs_stay(name):
    function = getattr(libm, name)
    x = np.full((2, 0, 3), 0.5, np.float32)
    assert function(x).shape == (2, 0, 3)
    assert function(0.5).shape == ()
    x = np.array([[0.25, 0.5], [1.0, 2.0]], np.float32)
    kept = x.copy()
    np.testing.assert_array_equal(function(x).ravel(), function(x.ravel()))
    np.testing.assert_array_equal(x, kept)
