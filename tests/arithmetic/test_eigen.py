"""Eigen's functions against LiteRT 2.3.0.

`golden/eigen.npz` holds what its GELU (reference) and its LOGISTIC and TANH (optimized) give for 1003
float32, and for every fifth of them alone, where no packet is full.
"""

import math
from pathlib import Path

import numpy as np
import pytest

from quantlib.arithmetic import eigen, libm

GOLDEN = Path(__file__).parent / "golden" / "eigen.npz"
HALF = np.float32(0.5)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


def gelu(x):
    with np.errstate(invalid="ignore"):
        return HALF * x * eigen.erfc(x * np.float32(-math.sqrt(0.5)))


def gelu_approximate(x):
    with np.errstate(all="ignore"):
        inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * (x * (x * x)))
        return HALF * x * (np.float32(1) + eigen.tanh(inner))


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("gelu", gelu),
        ("gelu_approximate", gelu_approximate),
        ("logistic", eigen.logistic),
        ("tanh", eigen.tanh),
    ],
)
def test_long_vectors_come_out_as_from_litert(golden, name, function):
    np.testing.assert_array_equal(function(golden["x"]), golden[name])


def test_single_elements_come_out_as_from_litert(golden):
    x = golden["single_x"]
    one_by_one = np.array([[gelu(v[np.newaxis])[0], eigen.logistic(v[np.newaxis])[0]] for v in x])
    np.testing.assert_array_equal(one_by_one[:, 0], golden["single_gelu"])
    np.testing.assert_array_equal(one_by_one[:, 1], golden["single_logistic"])


def test_packets_and_single_elements_differ():
    x = np.linspace(-8, 8, 10_001, dtype=np.float32)
    for packet, scalar in [
        (eigen.logistic_packet, eigen.logistic_scalar),
        (eigen.erfc_packet, eigen.erfc_scalar),
        (eigen.exp_packet, libm.expf),
    ]:
        assert 0 < np.count_nonzero(packet(x) != scalar(x)) < 5000


@pytest.mark.parametrize("offset", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 8, 11])
def test_packets_begin_at_boundaries_of_16_bytes(offset, size):
    in_packet = eigen.by_packets(np.ones_like, np.zeros_like, np.zeros(size), offset=offset)
    buffer = np.arange(offset, offset + size) // 4
    wanted = [np.count_nonzero(buffer == group) == 4 for group in buffer]
    assert in_packet.astype(bool).tolist() == wanted


@pytest.mark.parametrize(
    ("function", "exact", "units"),
    [
        (eigen.tanh, math.tanh, 5.0),
        (eigen.logistic_packet, lambda v: 1 / (1 + math.exp(-v)), 6.0),
        (eigen.logistic_scalar, lambda v: 1 / (1 + math.exp(-v)), 2.5),
        (eigen.exp_packet, math.exp, 1.1),
        (eigen.erfc_packet, math.erfc, 7.5),
        (eigen.erfc_scalar, math.erfc, 7.5),
    ],
)
def test_results_lie_near_the_real_function(function, exact, units):
    x = np.linspace(-9, 9, 20_001, dtype=np.float32)
    wanted = np.array([exact(v) for v in x.tolist()])
    unit = np.spacing(np.abs(wanted).astype(np.float32))
    assert np.max(np.abs(function(x) - wanted) / unit) < units


def test_ends_are_reached_and_infinities_come_through():
    x = np.array([-np.inf, np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(eigen.tanh(x), [-1, 1, np.nan])
    np.testing.assert_array_equal(eigen.logistic_packet(x), [0, 1, np.nan])
    np.testing.assert_array_equal(eigen.logistic_scalar(x), [0, 1, np.nan])
    np.testing.assert_array_equal(eigen.exp_packet(x), [0, np.inf, np.nan])
    np.testing.assert_array_equal(eigen.erfc_packet(x), [2, 0, np.nan])
    np.testing.assert_array_equal(eigen.erfc_scalar(x), [2, 0, np.nan])
    assert eigen.tanh(x[0]).shape == ()
