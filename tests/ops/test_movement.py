"""Parameters that arrive as tensors, checked before they are used."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.limits import Limits
from quantlib.ops._movement import check_shape, integer, integers, resolve_axis
from quantlib.ops._node import Node

NODE = Node("TILE", (), (), limits=Limits(tensor_bytes=1000))


def test_axes_count_from_either_end():
    assert [resolve_axis(NODE, "axis", axis, 3) for axis in (0, 2, -1, -3)] == [0, 2, 2, 0]


@pytest.mark.parametrize("axis", [3, -4, 2**31, -(2**31)])
def test_an_axis_that_does_not_exist_is_refused(axis):
    with pytest.raises(InvalidModelError, match=r"axis: .*; wanted -3 \.\. 2"):
        resolve_axis(NODE, "axis", axis, 3)


def test_a_scalar_has_no_axis():
    with pytest.raises(InvalidModelError, match="an axis to exist"):
        resolve_axis(NODE, "axis", 0, 0)


def test_vectors_are_vectors_of_the_length_wanted():
    assert integers(NODE, "size", np.array([3, -1], np.int64), 2) == (3, -1)
    with pytest.raises(InvalidModelError, match="size: 2 dimensions; wanted 1"):
        integers(NODE, "size", np.array([[3]]))
    with pytest.raises(InvalidModelError, match="size: 1 values; wanted 2"):
        integers(NODE, "size", np.array([3]), 2)


def test_one_number_may_have_any_shape():
    assert [integer(NODE, "axis", np.full(shape, 7)) for shape in ((), (1,), (1, 1))] == [7, 7, 7]
    with pytest.raises(InvalidModelError, match="axis: 0 values; wanted 1"):
        integer(NODE, "axis", np.array([], np.int32))


def test_a_shape_is_refused_before_it_is_allocated():
    check_shape(NODE, (10, 25), 4)
    with pytest.raises(LimitExceededError):
        check_shape(NODE, (10, 26), 4)
    with pytest.raises(InvalidModelError, match="no negative dimension"):
        check_shape(NODE, (10, -1), 4)
    with pytest.raises(InvalidModelError, match="extents up to 2147483647"):
        check_shape(NODE, (2**31, 0), 4)


def test_an_extent_of_0_excuses_no_other():
    check_shape(NODE, (0, 250), 4)
    with pytest.raises(LimitExceededError):
        check_shape(NODE, (2**30, 0, 2**30), 4)
