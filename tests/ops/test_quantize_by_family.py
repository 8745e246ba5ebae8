"""QUANTIZE, DEQUANTIZE and LEAKY_RELU where the kernel families differ."""

import numpy as np
import pytest

from quantlib.model.graph import TensorType
from quantlib.ops.leaky_relu import LeakyReluOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16 = TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8, TensorType.INT16
ONE, TWO = quantization(1.0), quantization(2.0)


@pytest.mark.parametrize(("kernels", "codes"), [("reference", [3] * 9), ("optimized", [2] * 8 + [3])])
def test_halves_go_to_even_in_blocks_of_eight_numbers(compute, kernels, codes):
    x = (np.full(9, 2.5), FLOAT32)
    assert compute("QUANTIZE", [x], (INT8, ONE), kernels=kernels).tolist() == codes


def test_xnnpack_has_no_leftovers_and_clamps_what_passes_its_registers(compute):
    x = ([2.5, np.inf, -np.inf, 1e30, np.nan], FLOAT32)
    out = compute("QUANTIZE", [x], (INT8, quantization(1.0, 5)), kernels="xnnpack")
    assert out.tolist() == [7, 127, -128, 127, 127]
    out = compute("QUANTIZE", [x], (INT8, quantization(1.0, 5)), kernels="optimized")
    assert out.tolist() == [8, -128, -128, -128, -128]


def test_sixteen_bits_are_left_to_the_optimized_kernel(compute):
    x = (np.full(9, 2.5), FLOAT32)
    assert compute("QUANTIZE", [x], (INT16, ONE), kernels="xnnpack").tolist() == [2] * 8 + [3]


def test_codes_are_rounded_half_up_in_blocks_of_sixteen(compute):
    x = (np.full(17, -6), INT8, quantization(0.25))  # -1.5
    assert compute("QUANTIZE", [x], (UINT8, quantization(1.0, 9)), kernels="optimized").tolist() == [
        8
    ] * 16 + [7]
    assert compute("QUANTIZE", [x], (UINT8, quantization(1.0, 9))).tolist() == [7] * 17


def test_codes_of_one_type_meet_a_factor_of_eight_fractional_bits(compute):
    x = ([127, -127], INT8, quantization(0.1))
    out = compute("QUANTIZE", [x], (INT8, ONE), kernels="xnnpack")  # 26 / 256 instead of 0.1
    assert out.tolist() == [13, -13]
    assert compute(
        "QUANTIZE", [([125], INT8, ONE)], (INT8, quantization(257.0)), kernels="xnnpack"
    ).tolist() == [0]


def test_numbers_are_made_from_two_products_in_blocks(compute):
    scale = np.float32(0.1)
    x = (np.full(9, 3), INT8, quantization(scale, 1))
    out = compute("DEQUANTIZE", [x], (FLOAT32,), kernels="optimized")
    block, exact = np.float32(3) * scale - scale, np.float32(2) * scale
    assert block != exact
    assert out.tolist() == [float(block)] * 8 + [float(exact)]
    assert compute("DEQUANTIZE", [x], (FLOAT32,), kernels="xnnpack").tolist() == [float(exact)] * 9


def test_xnnpack_flushes_subnormal_numbers(compute):
    x = ([1], INT8, quantization(np.float32(2e-38)))
    assert compute("DEQUANTIZE", [x], (FLOAT32,), kernels="xnnpack")[0] > 0
    y = ([-1e-40, -0.0, -1.0], FLOAT32)
    out = compute("LEAKY_RELU", [y], (FLOAT32,), LeakyReluOptions(-2.0), kernels="xnnpack")
    assert out[2] == 2.0
    assert np.signbit(out).tolist() == [True, True, False]


def test_slopes_have_eight_fractional_bits(compute):
    x = ([-127, -1, 2], INT8, ONE)
    out = compute("LEAKY_RELU", [x], (INT8, TWO), LeakyReluOptions(0.2), kernels="xnnpack")
    assert out.tolist() == [-13, 0, 1]  # 26 / 256 instead of 0.1; half of it is up
    out = compute("LEAKY_RELU", [x], (INT8, TWO), LeakyReluOptions(0.2))
    assert out.tolist() == [-13, 0, 1]
    out = compute("LEAKY_RELU", [([-3], INT8, ONE)], (INT8, TWO), LeakyReluOptions(1.0), kernels="xnnpack")
    assert out.tolist() == [-1]


def test_a_slope_of_zero_is_left_to_the_optimized_kernel(compute):
    x = ([-3, 3], INT8, ONE)
    out = compute("LEAKY_RELU", [x], (INT8, TWO), LeakyReluOptions(0.0), kernels="xnnpack")
    assert out.tolist() == [0, 2]


def test_a_negative_slope_is_rounded_with_its_sign_in_16_bits(compute):
    x = ([-5825], INT16, ONE)  # times -0.25: 1456.25, in two roundings 2913 / 2
    assert compute("LEAKY_RELU", [x], (INT16, ONE), LeakyReluOptions(-0.25)).tolist() == [1456]
    out = compute("LEAKY_RELU", [x], (INT16, ONE), LeakyReluOptions(-0.25), kernels="optimized")
    assert out.tolist() == [1457]
