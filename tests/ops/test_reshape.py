"""RESHAPE, SQUEEZE, EXPAND_DIMS and SHAPE by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.ops._node import Node
from quantlib.ops.reshape import ReshapeOptions, resolve_shape
from quantlib.ops.shape import ShapeOptions
from quantlib.ops.squeeze import SqueezeOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, INT16, INT32, INT64 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)
X = np.arange(6).reshape(2, 3)


def test_the_shape_may_be_a_tensor_or_an_option(compute):
    assert compute("RESHAPE", [(X, INT32), ([3, 2], INT32)], (INT32,)).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert compute("RESHAPE", [(X, INT32)], (INT32,), ReshapeOptions((3, 2))).shape == (3, 2)


def test_the_tensor_goes_before_the_option(compute):
    assert compute("RESHAPE", [(X, INT32), ([6], INT32)], (INT32,), ReshapeOptions((3, 2))).shape == (6,)


@pytest.mark.parametrize("passed_over", [(6, INT32), ([6], INT64), ([[6]], INT32)])
def test_a_tensor_that_is_no_vector_of_int32_is_passed_over(compute, passed_over):
    out = compute("RESHAPE", [(X, INT32), passed_over], (INT32,), ReshapeOptions((3, -1)))
    assert out.shape == (3, 2)


@pytest.mark.parametrize(
    ("asked", "given", "meant"),
    [
        ((3, -1), (2, 3), (3, 2)),
        ((-1,), (), (1,)),
        ((), (1, 1), ()),
        ((0, -1), (0, 3), (0, 3)),
        ((-1, 5), (0, 3), (0, 5)),
        ((3, 0, -1), (0, 3), (3, 0, 1)),
    ],
)
def test_minus_one_takes_what_the_others_leave(asked, given, meant):
    assert resolve_shape(Node("RESHAPE", (), ()), asked, given) == meant


@pytest.mark.parametrize("asked", [(-1, -1), (-2, -3), (4, -1), (5,), (0, -1), ()])
def test_c1_c2_a_shape_holds_the_elements_and_leaves_one_open_at_most(asked):
    with pytest.raises(InvalidModelError, match="shape"):
        resolve_shape(Node("RESHAPE", (), ()), asked, (2, 3))


def test_c3_the_options_hold_eight_extents_at_most(compute):
    operands = [([7], INT32), ([1], INT32)]
    assert compute("RESHAPE", operands, (INT32,), ReshapeOptions((1,) * 8)).shape == (1,)
    with pytest.raises(InvalidModelError, match="9 extents; wanted at most 8"):
        compute("RESHAPE", operands, (INT32,), ReshapeOptions((1,) * 9))


def test_c2_the_type_stays(compute):
    with pytest.raises(InvalidModelError, match="FLOAT32; wanted INT32"):
        compute("RESHAPE", [(X, INT32), ([6], INT32)], (FLOAT32,))


@pytest.mark.parametrize("new_shape", [None, (), (0,)])
def test_no_extents_and_the_old_way_of_saying_so_make_a_scalar(compute, new_shape):
    assert compute("RESHAPE", [([[7]], INT32)], (INT32,), ReshapeOptions(new_shape)).shape == ()


def test_an_empty_shape_tensor_makes_a_scalar(compute):
    operands = [([[7]], INT32), (np.empty(0), INT32)]
    assert compute("RESHAPE", operands, (INT32,), constants=(1,)).tolist() == 7


def test_huge_extents_of_an_empty_tensor_are_refused(compute):
    with pytest.raises(LimitExceededError):
        compute("RESHAPE", [(np.empty((0, 3)), FLOAT32), ([2**31 - 1, 2**31 - 1, 0], INT32)], (FLOAT32,))


def test_squeeze_drops_what_is_named_or_all(compute):
    x = np.zeros((1, 2, 1, 3))
    for dims, shape in [(None, (2, 3)), ((), (2, 3)), ((0,), (2, 1, 3)), ((-2, 2), (1, 2, 3))]:
        assert compute("SQUEEZE", [(x, FLOAT32)], (FLOAT32,), SqueezeOptions(dims)).shape == shape


def test_squeeze_c1_at_most_eight_dimensions(compute):
    with pytest.raises((InvalidModelError, LimitExceededError), match="9"):
        compute("SQUEEZE", [(np.zeros((1,) * 9), FLOAT32)], (FLOAT32,))


def test_squeeze_c3_at_most_eight_axes_are_named(compute):
    x, dims = np.zeros((1,) * 8), (-8, -7, 2, 3, -4, 5, -2, 7, -8)
    assert compute("SQUEEZE", [(x, FLOAT32)], (FLOAT32,), SqueezeOptions(dims[:8])).shape == ()
    with pytest.raises(InvalidModelError, match="9 axes; wanted at most 8"):
        compute("SQUEEZE", [(x, FLOAT32)], (FLOAT32,), SqueezeOptions(dims))


@pytest.mark.parametrize("axis", [1, 4, -5])
def test_squeeze_c2_a_named_axis_exists_and_has_extent_1(compute, axis):
    with pytest.raises(InvalidModelError, match="squeeze_dims"):
        compute("SQUEEZE", [(np.zeros((1, 2, 1, 3)), FLOAT32)], (FLOAT32,), SqueezeOptions((axis,)))


@pytest.mark.parametrize(
    ("axis", "shape"), [(0, (1, 2, 3)), (2, (2, 3, 1)), (-1, (2, 3, 1)), ([-3], (1, 2, 3))]
)
def test_expand_dims_inserts_an_axis(compute, axis, shape):
    for type in (INT32, INT64):
        assert compute("EXPAND_DIMS", [(X, INT32), (axis, type)], (INT32,)).shape == shape


def test_expand_dims_c1_codes_mean_the_same_in_both(compute):
    x, y = quantization(0.5, 1), quantization(0.25, 1)
    with pytest.raises(InvalidModelError, match=r"scale 0.5; wanted 0.25"):
        compute("EXPAND_DIMS", [([1], INT8, x), (0, INT32)], (INT8, y))
    with pytest.raises(InvalidModelError, match="zero_point 1; wanted 0"):
        compute("EXPAND_DIMS", [([1], INT16, x), (0, INT32)], (INT16, x))


@pytest.mark.parametrize("axis", [3, -4, [0, 1]])
def test_expand_dims_c2_there_is_one_axis_and_a_place_for_it(compute, axis):
    with pytest.raises(InvalidModelError, match=r"input 1 \(axis\)"):
        compute("EXPAND_DIMS", [(X, INT32), (axis, INT32)], (INT32,))


@pytest.mark.parametrize("type", [INT32, INT64])
def test_shape_is_a_vector_of_extents(compute, type):
    out = compute("SHAPE", [(X, FLOAT32)], (type,), ShapeOptions(type))
    assert (out.tolist(), out.dtype) == ([2, 3], type.dtype)
    assert compute("SHAPE", [(1, FLOAT32)], (type,), ShapeOptions(type)).shape == (0,)


def test_shape_c1_its_type_is_int32_or_int64_and_the_outputs(compute):
    with pytest.raises(InvalidModelError, match="out_type: FLOAT32"):
        compute("SHAPE", [(X, FLOAT32)], (FLOAT32,), ShapeOptions(FLOAT32))
    with pytest.raises(InvalidModelError, match="output: INT64; wanted INT32"):
        compute("SHAPE", [(X, FLOAT32)], (INT64,), ShapeOptions(INT32))
