"""SCATTER_ND and DYNAMIC_UPDATE_SLICE by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType

FLOAT32, INT8, UINT8, INT32, INT64, BOOL = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)


def scatter(compute, indices, updates, shape, type=INT32):
    return compute("SCATTER_ND", [(indices, INT32), (updates, type), (shape, INT32)], (type,))


def overwrite(compute, x, update, start, type=INT32):
    return compute("DYNAMIC_UPDATE_SLICE", [(x, INT32), (update, INT32), (start, type)], (INT32,))


def test_elements_and_slices_find_their_place(compute):
    assert scatter(compute, [[3], [1]], [7, 8], [5]).tolist() == [0, 8, 0, 7, 0]
    assert scatter(compute, [[1]], [[7, 8]], [2, 2]).tolist() == [[0, 0], [7, 8]]
    assert scatter(compute, [[1, 0]], [7], [2, 2]).tolist() == [[0, 0], [7, 0]]


def test_updates_of_one_place_add_up(compute):
    assert scatter(compute, [[0], [0], [0]], [100, 20, 8], [2], INT8).tolist() == [-128, 0]
    assert scatter(compute, [[0], [0]], [200, 100], [1], UINT8).tolist() == [44]
    assert scatter(compute, [[0], [0]], [True, True], [2], BOOL).tolist() == [True, False]


def test_float32_updates_add_up_in_order(compute):
    big = 2.0**24
    assert scatter(compute, [[0]] * 3, [big, 1, -big], [1], FLOAT32).tolist() == [0]
    assert scatter(compute, [[0]] * 3, [big, -big, 1], [1], FLOAT32).tolist() == [1]


def test_minus_zero_is_added_to_zero(compute):
    assert not np.signbit(scatter(compute, [[0]], [-0.0], [1], FLOAT32)).any()


def test_empty_vectors_add_to_everything(compute):
    assert scatter(compute, np.empty((2, 0)), [[1, 2], [10, 20]], [2]).tolist() == [11, 22]


def test_no_updates_leave_zeros(compute):
    assert scatter(compute, np.empty((0, 1)), np.empty(0), [3]).tolist() == [0, 0, 0]


def test_scatter_c1_there_are_vectors_and_updates(compute):
    with pytest.raises(InvalidModelError, match=r"input 0 \(indices\): a scalar"):
        scatter(compute, 0, [1], [1])
    with pytest.raises(InvalidModelError, match=r"input 1 \(updates\): a scalar"):
        scatter(compute, [0], 1, [1])
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        compute("SCATTER_ND", [([[0]], INT64), ([1], INT32), ([1], INT32)], (INT32,))


@pytest.mark.parametrize(
    ("indices", "updates", "shape"),
    [([[0]], [1, 2], [3]), ([[0]], [[1, 2]], [3, 3]), ([[0, 0]], [1], [3]), ([[0]], [1], [[3]])],
)
def test_scatter_c2_updates_fit_where_they_go(compute, indices, updates, shape):
    with pytest.raises(InvalidModelError, match=r"input \d"):
        scatter(compute, indices, updates, shape)


@pytest.mark.parametrize(("vector", "axis"), [([2, 0], 0), ([0, 3], 1), ([-1, 0], 0)])
def test_scatter_c3_every_index_lies_inside(compute, vector, axis):
    with pytest.raises(InvalidModelError, match=f"for axis {axis}"):
        scatter(compute, [vector], [1], [2, 3])


def test_a_huge_shape_is_refused_before_it_is_allocated(compute):
    with pytest.raises(LimitExceededError):
        scatter(compute, [[0]], [1], [2**31 - 1])


def test_a_box_is_overwritten(compute):
    assert overwrite(compute, [[1, 2, 3], [4, 5, 6]], [[8, 9]], [1, 1]).tolist() == [[1, 2, 3], [4, 8, 9]]


@pytest.mark.parametrize(("start", "expected"), [(-5, [8, 9, 3]), (2, [1, 8, 9]), (2**62, [1, 8, 9])])
def test_the_box_is_moved_inside(compute, start, expected):
    assert overwrite(compute, [1, 2, 3], [8, 9], [start], INT64).tolist() == expected


def test_an_empty_update_changes_nothing(compute):
    assert overwrite(compute, [1, 2], np.empty(0), [0]).tolist() == [1, 2]


def test_the_input_is_not_written_to(compute):
    x = np.array([1, 2, 3], np.int32)
    overwrite(compute, x, [9], [0])
    assert x.tolist() == [1, 2, 3]


@pytest.mark.parametrize(("update", "start"), [([1, 2, 3], [0]), ([[1]], [0]), ([1], [0, 0])])
def test_update_c1_c2_the_update_fits_and_has_a_start_for_every_axis(compute, update, start):
    with pytest.raises(InvalidModelError, match=r"input [12]"):
        overwrite(compute, [1, 2], update, start)
