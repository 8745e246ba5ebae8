"""CONCATENATION by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops._activation import Activation
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
)


def test_tensors_are_joined_along_the_axis(compute):
    operands = [([[1, 2]], INT32), ([[3, 4], [5, 6]], INT32)]
    assert compute("CONCATENATION", operands, (INT32,), ConcatenationOptions(0)).tolist() == [
        [1, 2],
        [3, 4],
        [5, 6],
    ]
    operands = [([[1], [2]], INT32), ([[3, 4], [5, 6]], INT32)]
    assert compute("CONCATENATION", operands, (INT32,), ConcatenationOptions(-1)).tolist() == [
        [1, 3, 4],
        [2, 5, 6],
    ]


def test_floats_keep_every_bit(compute):
    odd = np.array([0x7FC12345, 0x80000000, 0x00000001], np.uint32).view(np.float32)
    out = compute("CONCATENATION", [(odd, FLOAT32), (odd, FLOAT32)], (FLOAT32,))
    assert out.tobytes() == odd.tobytes() * 2


def test_uint8_codes_of_another_scale_are_rescaled(compute):
    twice, half = quantization(0.5, 10), quantization(0.125)
    # 0.5 · (12 − 10) = 1.0 = 0.25 · 4, and 0.125 · 2 = 0.25
    out = compute("CONCATENATION", [([12], UINT8, twice), ([2], UINT8, half)], (UINT8, quantization(0.25, 7)))
    assert out.tolist() == [11, 8]


def test_rescaled_halves_are_rounded_away_from_zero(compute):
    x = quantization(0.5, 128)  # codes 125, 127, 129, 131 stand for ∓1.5 and ∓0.5
    out = compute("CONCATENATION", [([125, 127, 129, 131], UINT8, x)], (UINT8, quantization(1.0, 100)))
    assert out.tolist() == [98, 99, 101, 102]


def test_rescaled_codes_saturate(compute):
    x = quantization(10.0, 128)
    out = compute("CONCATENATION", [([0, 255], UINT8, x)], (UINT8, quantization(1.0, 128)))
    assert out.tolist() == [0, 255]


def test_a_scale_that_overflows_gives_what_the_processor_gives(compute):
    # 1 · (1 / 1e-10) does not fit int32, which the conversion turns into its smallest.
    out = compute("CONCATENATION", [([0, 1], UINT8, quantization(1.0))], (UINT8, quantization(1e-10, 7)))
    assert out.tolist() == [7, 0]


def test_uint8_of_equal_parameters_is_copied(compute):
    codes = np.arange(256)
    parameters = quantization(0.3, 77)
    out = compute("CONCATENATION", [(codes, UINT8, parameters)], (UINT8, parameters))
    assert np.array_equal(out, codes)


def test_c1_types_ranks_and_other_extents_agree(compute):
    for other in (([[1.0]], FLOAT32), ([[[1]]], INT32), ([[1, 2]], INT32)):
        with pytest.raises(InvalidModelError):
            compute("CONCATENATION", [([[1]], INT32), other], (INT32,), ConcatenationOptions(0))


def test_c2_the_axis_exists(compute):
    for axis in (-2, 1):
        with pytest.raises(InvalidModelError, match="axis"):
            compute("CONCATENATION", [([1], INT32), ([1], INT32)], (INT32,), ConcatenationOptions(axis))


def test_c3_there_is_no_activation(compute):
    with pytest.raises(InvalidModelError, match="fused_activation_function: RELU"):
        compute("CONCATENATION", [([1], INT32)], (INT32,), ConcatenationOptions(0, Activation.RELU))


def test_c4_int8_codes_mean_the_same_everywhere(compute):
    one, other = quantization(0.5, 1), quantization(0.5, 2)
    assert compute("CONCATENATION", [([1], INT8, one), ([2], INT8, one)], (INT8, one)).tolist() == [1, 2]
    with pytest.raises(InvalidModelError, match="zero_point 2; wanted 1"):
        compute("CONCATENATION", [([1], INT8, one), ([2], INT8, other)], (INT8, one))


def test_c4_int16_has_no_zero_point_and_any_scale(compute):
    half, one = quantization(0.5), quantization(1.0)
    assert compute("CONCATENATION", [([1], INT16, half), ([2], INT16, one)], (INT16, one)).tolist() == [1, 2]
    with pytest.raises(InvalidModelError, match="zero_point 1; wanted 0"):
        compute("CONCATENATION", [([1], INT16, quantization(0.5, 1))], (INT16, half))


def test_c5_scalars_become_a_vector_as_they_are(compute):
    operands = [(100, UINT8, quantization(0.5)), (20, UINT8, quantization(0.25))]
    out = compute("CONCATENATION", operands, (UINT8, quantization(1.0)), constants=(0, 1))
    assert out.tolist() == [100, 20]


def test_empty_parts_add_nothing(compute):
    operands = [(np.empty((2, 0)), FLOAT32), ([[1], [2]], FLOAT32)]
    assert compute("CONCATENATION", operands, (FLOAT32,), ConcatenationOptions(1)).tolist() == [[1], [2]]


def test_too_much_is_refused_before_it_is_allocated(compute):
    operands = [(np.zeros(10), FLOAT32)] * 3
    with pytest.raises(LimitExceededError):
        compute("CONCATENATION", operands, (FLOAT32,), limits=Limits(tensor_bytes=100))
