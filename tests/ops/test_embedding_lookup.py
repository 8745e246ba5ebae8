"""EMBEDDING_LOOKUP by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.testing.single_operator import quantization

FLOAT32, FLOAT16, INT4, INT8, UINT8, INT32, INT64 = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.INT4,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT32,
    TensorType.INT64,
)
TABLE = [[1, -2, 3], [4, 5, -6]]


def lookup(compute, indices, table, type, parameters=None, output=FLOAT32, limits=None):
    operands = [(indices, INT32), (table, type, parameters)]
    return compute("EMBEDDING_LOOKUP", operands, (output,), constants=(1,), limits=limits)


def test_rows_are_copied(compute):
    assert lookup(compute, [1, 0, 1], TABLE, INT32, output=INT32).tolist() == [TABLE[1], TABLE[0], TABLE[1]]
    codes = lookup(compute, [1], TABLE, INT8, quantization(0.5, 3), output=INT8)
    assert codes.tolist() == [TABLE[1]]


def test_rows_are_made_real(compute):
    assert lookup(compute, [1], TABLE, INT8, quantization(0.5)).tolist() == [[2, 2.5, -3]]
    assert lookup(compute, [1, 0], TABLE, INT8, quantization([2.0, 0.5])).tolist() == [
        [2, 2.5, -3],
        [2, -4, 6],
    ]


def test_products_are_float32(compute):
    out = lookup(compute, [0], [[100, 127]], INT8, quantization(0.1))
    assert out.tolist() == [[float(np.float32(code) * np.float32(0.1)) for code in (100, 127)]]


def test_without_a_scale_everything_is_zero(compute):
    assert lookup(compute, [1], TABLE, INT8).tolist() == [[0, 0, 0]]


def test_uint8_is_read_as_int8(compute):
    assert lookup(compute, [0], [[127, 128, 255]], UINT8, quantization(1.0)).tolist() == [[127, -128, -1]]


def test_rows_of_four_bits_start_with_a_byte(compute):
    even = [[1, 2, 3, 4], [5, 6, 7, -8]]
    assert lookup(compute, [0, 1], even, INT4, quantization(0.5)).tolist() == (np.array(even) / 2).tolist()
    # The second row begins in the middle of a byte, and is read from its front.
    assert lookup(compute, [0, 1], TABLE, INT4, quantization(1.0)).tolist() == [[1, -2, 3], [3, 4, 5]]


def test_float16_is_rounded_once_more(compute):
    out = lookup(compute, [0], [[3, 127]], INT8, quantization(1000.1), FLOAT16)
    assert out.tolist() == [[float(np.float16(np.float32(3) * np.float32(1000.1))), np.inf]]


@pytest.mark.parametrize("index", [-1, 2])
def test_c1_every_index_names_a_row(compute, index):
    with pytest.raises(InvalidModelError, match=rf"{index}; wanted 0 \.\. 1"):
        lookup(compute, [0, index], TABLE, INT32, output=INT32)


def test_c1_indices_are_a_vector_of_int32(compute):
    with pytest.raises(InvalidModelError, match=r"input 0 \(indices\): 2 dimensions"):
        lookup(compute, [[0]], TABLE, INT32, output=INT32)
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        compute("EMBEDDING_LOOKUP", [([0], INT64), (TABLE, INT32)], (INT32,))


def test_c2_the_table_has_rows(compute):
    with pytest.raises(InvalidModelError, match="1 dimensions; wanted 2 or more"):
        lookup(compute, [0], [1, 2], INT32, output=INT32)


def test_c3_real_numbers_come_from_symmetric_codes(compute):
    with pytest.raises(InvalidModelError, match="zero_point 3; wanted 0"):
        lookup(compute, [0], TABLE, INT8, quantization(0.5, 3))
    assert lookup(compute, [1], TABLE, INT8, quantization(0.5, 3), FLOAT16).tolist() == [[2, 2.5, -3]]


def test_c3_several_scales_are_those_of_rows(compute):
    with pytest.raises(InvalidModelError):
        lookup(compute, [0], TABLE, INT8, quantization([0.5, 1.0, 2.0], quantized_dimension=1))
    with pytest.raises(InvalidModelError, match="several scales"):
        lookup(compute, [0], TABLE, INT8, quantization([0.5, 1.0]), INT8)


def test_a_type_that_is_neither_is_refused(compute):
    with pytest.raises(InvalidModelError, match="output: FLOAT32; wanted INT32"):
        lookup(compute, [0], TABLE, INT32)


def test_too_many_rows_are_refused(compute):
    with pytest.raises(LimitExceededError):
        lookup(compute, np.zeros(100), TABLE, INT32, output=INT32, limits=Limits(tensor_bytes=1000))
