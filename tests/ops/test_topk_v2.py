"""TOPK_V2 by hand."""

import math

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph

FLOAT32, INT8, UINT8, INT16 = TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8, TensorType.INT16
INT32, INT64 = TensorType.INT32, TensorType.INT64


def top(x, k, type=FLOAT32, k_type=INT32, values=None, indices=INT32):
    graph = Graph()
    x, k = np.asarray(x, type.dtype), np.asarray(k, k_type.dtype)
    inputs = [graph.input(x.shape, type), graph.input(k.shape, k_type)]
    graph.operator("TOPK_V2", inputs, [graph.output((), values or type), graph.output((), indices)])
    return run(graph.model(), x, k)


@pytest.mark.parametrize("type", [FLOAT32, INT8, UINT8, INT16, INT32, INT64])
def test_the_largest_come_first_and_of_equals_the_leftmost(type):
    values, indices = top([[1, 5, 3, 5], [0, 0, 0, 9]], 3, type)
    assert values.tolist() == [[5, 5, 3], [9, 0, 0]]
    assert indices.tolist() == [[1, 3, 2], [3, 0, 1]]
    assert values.dtype == type.dtype
    assert indices.dtype == np.int32


def test_the_ends_of_the_range_are_ordered():
    low, high = -(2**63), 2**63 - 1
    assert top([low, 0, high, low], 4, INT64)[1].tolist() == [2, 1, 0, 3]
    assert top([-128, 127, -1], 3, INT8)[0].tolist() == [127, -1, -128]


def test_nan_comes_last_and_zeros_are_equal():
    values, indices = top([math.nan, -math.inf, 0.0, -0.0, math.nan], 5)
    assert indices.tolist() == [2, 3, 1, 0, 4]
    np.testing.assert_array_equal(values, [0, 0, -math.inf, math.nan, math.nan])


@pytest.mark.parametrize("k", [0, -3])
def test_none_are_none(k):
    values, indices = top([[1, 2]], k)
    assert values.shape == indices.shape == (1, 0)


def test_k_and_indices_may_have_16_bits():
    assert top([4, 8], [1], k_type=INT16, indices=INT16)[1].dtype == np.int16


def test_c1_more_than_there_are_is_refused():
    with pytest.raises(InvalidModelError, match="3; wanted at most 2"):
        top([1, 2], 3)


def test_c1_a_scalar_is_refused():
    with pytest.raises(InvalidModelError, match="a scalar"):
        top(1, 1)


def test_c2_several_numbers_or_another_type_are_refused():
    with pytest.raises(InvalidModelError, match="2 elements"):
        top([1, 2], [1, 1])
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32 or INT16"):
        top([1, 2], 1, k_type=INT64)


def test_c3_other_output_types_are_refused():
    with pytest.raises(InvalidModelError, match="INT8; wanted FLOAT32"):
        top([1, 2], 1, values=INT8)
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32 or INT16"):
        top([1, 2], 1, indices=INT64)


def test_c3_rows_longer_than_the_indices_are_refused():
    with pytest.raises(InvalidModelError, match="rows of 32768"):
        top(np.zeros(32768), 1, indices=INT16)


def test_types_without_a_kernel_are_named():
    with pytest.raises(UnsupportedError, match="BOOL"):
        top([True], 1, TensorType.BOOL)
