"""Denormals taken for zeros; the bits at the edge are those LiteRT 2.3.0 gave."""

import numpy as np

from quantlib.arithmetic import xnnpack
from quantlib.arithmetic.flush import flush_denormals, multiply_flushed

SMALLEST = np.float32(2.0**-126)
LARGEST_DENORMAL = np.float32(2.0**-126 - 2.0**-149)


def test_denormals_become_zeros_of_their_sign_and_nothing_else_changes():
    x = np.array([LARGEST_DENORMAL, -1e-45, SMALLEST, -SMALLEST, np.inf, np.nan, -0.0], np.float32)
    y = flush_denormals(x)
    assert y.tolist()[:4] == [0, 0, float(SMALLEST), -float(SMALLEST)]
    assert np.signbit(y).tolist()[:2] == [False, True]
    assert y[2:].tobytes() == x[2:].tobytes()


def test_a_product_that_is_denormal_before_it_is_rounded_to_a_denormal_is_zero():
    below = np.float32(1 - 2.0**-24)
    assert float(SMALLEST * below) == float(SMALLEST)  # IEEE rounds the denormal up
    assert multiply_flushed(SMALLEST, below) == 0


def test_a_product_that_24_bits_round_up_to_a_normal_number_stays():
    # (1 - 2**-24) (1 + 2**-23) is 1 + 2**-24 - 2**-47; (1 - 2**-24)**2 falls below 1 - 2**-24.
    near = np.float32(1 - 2.0**-24)
    assert multiply_flushed(SMALLEST * np.float32(1 + 2.0**-23), near) == SMALLEST
    assert multiply_flushed(SMALLEST * np.float32(2) * near, np.float32(0.5) * near) == 0


def test_gelu_halves_the_number_at_the_edge_to_zero():
    x = np.array([0x00FFFFFF, 0x01000000], np.uint32).view(np.float32)
    assert xnnpack.gelu(x).view(np.uint32).tolist() == [0, 0x00800000]
