"""XNNPACK's dynamic quantization."""

import numpy as np

from quantlib.arithmetic import qd8


def test_a_row_is_spread_over_all_codes_with_zero_among_them():
    stored, scale = qd8.quantize_rows(np.array([[0.0, 1.0, 2.55], [-2.55, -1.0, 0.0]], np.float32))
    assert stored.tolist() == [[0, 100, 255], [-255, -100, 0]]
    np.testing.assert_allclose(scale, 0.01, rtol=1e-6)


def test_a_row_of_zeros_has_scale_one():
    stored, scale = qd8.quantize_rows(np.zeros((1, 3), np.float32))
    assert stored.tolist() == [[0, 0, 0]]
    assert scale.tolist() == [1]


def test_ties_go_to_the_even_code():
    stored, _ = qd8.quantize_rows(np.array([[0.5, 1.5, 2.5, 255.0]], np.float32))
    assert stored.tolist() == [[0, 2, 2, 255]]


def test_the_end_is_fused_where_the_processor_can():
    acc, scale = np.array([[3]]), np.float32(1 + 2**-12)
    factor, bias = np.float32(1 + 2**-12), np.float32(-3.0014648)
    exact = 3 * (1 + 2**-12) ** 2 + float(bias)
    fused = qd8.dequantize_sums(acc, scale, factor, bias, fma=True).item()
    apart = qd8.dequantize_sums(acc, scale, factor, bias, fma=False).item()
    assert fused == np.float32(exact)
    assert abs(apart - exact) > abs(fused - exact)
