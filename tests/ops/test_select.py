"""SELECT, SELECT_V2 and WHERE by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, INT8, UINT8, INT32, INT64, BOOL = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)
X, Y = [[1, 2], [3, 4]], [[5, 6], [7, 8]]
both = pytest.mark.parametrize("operator", ["SELECT", "SELECT_V2"])


@both
def test_a_condition_for_every_element_or_for_all(compute, operator):
    each = [([[True, False], [False, True]], BOOL), (X, INT32), (Y, INT32)]
    assert compute(operator, each, (INT32,)).tolist() == [[1, 6], [7, 4]]
    for value, expected in ((True, X), (False, Y)):
        assert compute(operator, [(value, BOOL), (X, INT32), (Y, INT32)], (INT32,)).tolist() == expected


def test_one_dimension_chooses_slices_in_the_first_version(compute):
    operands = [([True, False], BOOL), (X, INT32), (Y, INT32)]
    assert compute("SELECT", operands, (INT32,)).tolist() == [[1, 2], [7, 8]]
    assert compute("SELECT_V2", operands, (INT32,)).tolist() == [[1, 6], [3, 8]]


def test_all_three_broadcast_in_the_second_version(compute):
    operands = [([[True], [False]], BOOL), ([1, 2], INT32), (9, INT32)]
    assert compute("SELECT_V2", operands, (INT32,)).tolist() == [[1, 2], [9, 9]]
    with pytest.raises(InvalidModelError):
        compute("SELECT", operands, (INT32,))
    with pytest.raises(InvalidModelError, match="shapes that broadcast"):
        compute("SELECT_V2", [([True] * 3, BOOL), ([1, 2], INT32), (9, INT32)], (INT32,))


def test_conditions_of_other_shapes_are_refused_in_the_first_version(compute):
    for condition in ([True], [True] * 3, [[True, False]]):
        with pytest.raises(InvalidModelError, match=r"input 0 \(condition\)"):
            compute("SELECT", [(condition, BOOL), (X, INT32), (Y, INT32)], (INT32,))


@both
@pytest.mark.parametrize(("stated", "expected"), [((), ()), ((1, 1, 1), (1, 1, 1))])
def test_one_element_takes_the_shape_that_the_file_states(operator, stated, expected):
    graph = Graph()
    inputs = [graph.input((1, 1), BOOL), graph.input((1,), INT32), graph.input((), INT32)]
    graph.operator(operator, inputs, [graph.output(stated, INT32)])
    arrays = np.array([[True]]), np.array([1], np.int32), np.array(2, np.int32)
    (y,) = run(graph.model(), *arrays)
    assert y.shape == expected
    assert y.item() == 1


@both
def test_codes_are_copied_whatever_their_scales(compute, operator):
    operands = [
        ([True, False], BOOL),
        ([1, 2], INT8, quantization(0.5, 1)),
        ([3, 4], INT8, quantization(2.0)),
    ]
    assert compute(operator, operands, (INT8, quantization(7.0, 5))).tolist() == [1, 4]


@both
def test_select_types(compute, operator):
    with pytest.raises(InvalidModelError, match=r"condition\): INT8; wanted BOOL"):
        compute(operator, [([1], INT8), ([1], INT32), ([1], INT32)], (INT32,))
    with pytest.raises(InvalidModelError, match="input 2: UINT8; wanted INT8"):
        compute(operator, [([True], BOOL), ([1], INT8), ([1], UINT8)], (INT8,))
    with pytest.raises(InvalidModelError, match="output: UINT8; wanted INT8"):
        compute(operator, [([True], BOOL), ([1], INT8), ([1], INT8)], (UINT8,))


def test_where_finds_coordinates_in_row_major_order(compute):
    out = compute("WHERE", [([[0, 1], [2, 0]], INT32)], (INT64,))
    assert out.dtype == np.int64
    assert out.tolist() == [[0, 1], [1, 0]]


def test_where_counts_nan_but_not_minus_zero(compute):
    assert compute("WHERE", [([np.nan, -0.0, 1.0], FLOAT32)], (INT64,)).tolist() == [[0], [2]]


def test_where_finds_nothing(compute):
    assert compute("WHERE", [([[False, False]], BOOL)], (INT64,)).shape == (0, 2)
    assert compute("WHERE", [(np.empty((0, 3)), FLOAT32)], (INT64,)).shape == (0, 2)


def test_where_needs_a_dimension(compute):
    with pytest.raises(InvalidModelError, match="no dimension"):
        compute("WHERE", [(True, BOOL)], (INT64,))


def test_where_types_and_limits(compute):
    with pytest.raises(UnsupportedError):
        compute("WHERE", [([1], TensorType.INT16)], (INT64,))
    with pytest.raises(InvalidModelError, match="output: INT32; wanted INT64"):
        compute("WHERE", [([1], INT32)], (INT32,))
    with pytest.raises(LimitExceededError):
        compute("WHERE", [(np.ones((10, 10)), INT8)], (INT64,), limits=Limits(tensor_bytes=500))
