"""The float32 functions against the C library itself, and against bits recorded from it.

`golden/libm.npz` holds, for each function, inputs (float32) and the results of glibc 2.36 on x86-64.
Where that very library is at hand, a stride of all 2**32 bit patterns is compared with it; another
glibc may differ on purpose (newer ones round several functions correctly).
"""

import ctypes
import math
import platform
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from quantlib.arithmetic import libm
from quantlib.arithmetic.libm.fused import fused_multiply_add, settle_ties

UNARY = ["cosf", "erfcf", "erff", "expf", "expm1f", "logf", "sinf", "tanhf"]
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
    assert len(x) >= 1500
    assert count_differences(getattr(libm, name)(x), y) == 0


@pytest.mark.parametrize("name", UNARY)
def test_the_host_library_gives_the_same_bits_on_a_stride_of_all_patterns(name):
    host = host_function(name)
    x = patterns(0, 1 << 32, 10_007)
    assert count_differences(getattr(libm, name)(x), host(x)) == 0


def test_recorded_powers_are_reproduced():
    with np.load(GOLDEN) as golden:
        (x, y), power = golden["powf_x"], golden["powf_y"]
    assert len(x) >= 1500
    assert count_differences(libm.powf(x, y), power) == 0


def test_the_host_library_gives_the_same_powers():
    host = host_function("powf")
    rng = np.random.default_rng(11)
    x = rng.integers(0, 1 << 32, 100_000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x = np.concatenate([x, np.exp(rng.normal(0, 3, 200_000)).astype(np.float32)])
    y = rng.normal(0, 4, x.size).astype(np.float32)
    y[::5] = np.trunc(y[::5])
    assert count_differences(libm.powf(x, y), host(x, y)) == 0


def test_the_host_library_gives_the_same_powers_of_and_to_special_values():
    host = host_function("powf")
    ends = [0.0, 1e-45, 1.2e-38, 0.5, 1 - 2.0**-24, 1.0, 1 + 2.0**-23, 1.5, 2.0, 3.0, 2.0**24 - 1]
    ends = np.array([*ends, 2.0**24, 2.0**25, 3.4e38, np.inf, np.nan], np.float32)
    values = np.concatenate([ends, -ends])
    x, y = np.meshgrid(values, values)
    assert count_differences(libm.powf(x, y), host(x, y)) == 0


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
    ("name", "exact", "low", "high", "units"),
    [
        ("expf", math.exp, -80, 80, 0.51),
        ("expm1f", math.expm1, -30, 80, 1.0),
        ("tanhf", math.tanh, -30, 30, 2.2),
        ("logf", math.log, 1e-3, 100, 0.82),
        ("erff", math.erf, -7, 7, 1.0),
        ("erfcf", math.erfc, -7, 8, 4.0),
        ("sinf", math.sin, -300, 300, 0.57),
        ("cosf", math.cos, -300, 300, 0.57),
    ],
)
def test_results_lie_near_the_real_function(name, exact, low, high, units):
    x = np.linspace(low, high, 20_001, dtype=np.float32)
    wanted = np.array([exact(v) for v in x.tolist()])
    got = getattr(libm, name)(x)
    unit = np.spacing(np.abs(wanted).astype(np.float32))
    assert np.max(np.abs(got - wanted) / unit) < units


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("expf", [np.inf, -np.inf, np.nan, -0.0, 1e38], [np.inf, 0.0, np.nan, 1.0, np.inf]),
        ("expm1f", [np.inf, -np.inf, np.nan, -0.0, 1e38], [np.inf, -1.0, np.nan, -0.0, np.inf]),
        ("tanhf", [np.inf, -np.inf, np.nan, -0.0, 1e-45], [1.0, -1.0, np.nan, -0.0, 1e-45]),
        ("logf", [np.inf, -np.inf, np.nan, -0.0, 1.0], [np.inf, np.nan, np.nan, -np.inf, 0.0]),
        ("erff", [np.inf, -np.inf, np.nan, -0.0, 1e-45], [1.0, -1.0, np.nan, -0.0, 1e-45]),
        ("erfcf", [np.inf, -np.inf, np.nan, -0.0, 29.0], [0.0, 2.0, np.nan, 1.0, 0.0]),
        ("sinf", [np.inf, -np.inf, np.nan, -0.0, 1e-45], [np.nan, np.nan, np.nan, -0.0, 1e-45]),
        ("cosf", [np.inf, -np.inf, np.nan, -0.0, 1e-45], [np.nan, np.nan, np.nan, 1.0, 1.0]),
    ],
)
def test_special_values_come_out_as_c_says(name, x, y):
    assert count_differences(getattr(libm, name)(x), np.array(y, np.float32)) == 0


@pytest.mark.parametrize("name", UNARY)
def test_any_shape_goes_in_and_comes_out_and_inputs_stay(name):
    function = getattr(libm, name)
    x = np.full((2, 0, 3), 0.5, np.float32)
    assert function(x).shape == (2, 0, 3)
    for value in (0.5, 1e-45, -200.0, 1e30, np.inf, np.nan):
        assert function(value).shape == ()
    x = np.array([[0.25, 0.5], [1.0, 2.0]], np.float32)
    kept = x.copy()
    np.testing.assert_array_equal(function(x).ravel(), function(x.ravel()))
    np.testing.assert_array_equal(x, kept)


def test_inputs_where_only_fused_arithmetic_gives_glibcs_bit():
    # All of 2**32: the two of expf at which a product rounded on its own ends on the other side.
    x = np.array([0x4202422F, 0xC27C65D9], np.uint32).view(np.float32)
    assert libm.expf(x).view(np.uint32).tolist() == [0x56FC9F1C, 0x11FA2993]


def test_expm1f_is_finite_up_to_the_last_float32_that_allows_it():
    x = np.array([0x42B17181, 0x42B17217, 0x42B17218], np.uint32).view(np.float32)
    assert libm.expm1f(x).view(np.uint32).tolist() == [0x7F7FB48F, 0x7F7FFF84, 0x7F800000]


def test_fused_multiply_add_rounds_the_exact_value_once():
    rng = np.random.default_rng(2008)
    count = 20_000
    a, b = rng.uniform(1, 2, (2, count)) * 2.0 ** rng.integers(-4, 5, (2, count))
    cancels = -a * b * (1 + rng.integers(-3, 4, count) * 2.0**-52)
    c = np.where(
        rng.random(count) < 0.5, cancels, rng.normal(size=count) * 2.0 ** rng.integers(-110, 110, count)
    )
    exact = [float(Fraction(p) * Fraction(q) + Fraction(r)) for p, q, r in zip(a, b, c, strict=True)]
    assert fused_multiply_add(a, b, c).tolist() == exact


def test_ties_are_settled_by_the_fused_value_alone():
    asked = []

    def evaluate(multiply_add, x):
        asked.append(x.tolist())
        tiny = multiply_add(1 + 2.0**-30, 1 + 2.0**-30, -1 - 2.0**-29)  # 0 plainly, 2**-60 fused
        return x + tiny * 2.0**8

    middle = 1 + 2.0**-24  # of two neighbouring float32; a tie goes down, anything above it up
    assert settle_ties(evaluate, np.array([1.0, middle, 1.5])).tolist() == [1.0, 1 + 2.0**-23, 1.5]
    assert asked == [[1.0, middle, 1.5], [middle]]
