"""GATHER and GATHER_ND by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops.gather import GatherOptions

INT16, INT32, INT64 = TensorType.INT16, TensorType.INT32, TensorType.INT64
X = np.arange(24).reshape(2, 3, 4)


def gather(compute, indices, axis=0, batch_dims=0, x=X, type=INT32, limits=None):
    options = GatherOptions(axis, batch_dims)
    return compute("GATHER", [(x, INT32), (indices, type)], (INT32,), options, limits=limits)


def gather_nd(compute, indices, x=X, type=INT32, limits=None):
    return compute("GATHER_ND", [(x, INT32), (indices, type)], (INT32,), limits=limits)


@pytest.mark.parametrize("type", [INT16, INT32, INT64])
def test_slices_are_picked_along_an_axis(compute, type):
    assert np.array_equal(gather(compute, [1, 0, 1], type=type), X[[1, 0, 1]])
    assert np.array_equal(gather(compute, [[3, 3], [0, 1]], axis=-1, type=type), X[:, :, [[3, 3], [0, 1]]])


def test_one_index_drops_the_axis(compute):
    assert np.array_equal(gather(compute, 2, axis=1), X[:, 2])


def test_batches_have_indices_of_their_own(compute):
    out = gather(compute, [[2, 0], [1, 1]], axis=1, batch_dims=1)
    assert np.array_equal(out, np.stack([X[0, [2, 0]], X[1, [1, 1]]]))
    out = gather(compute, [[2, 0], [1, 1]], axis=2, batch_dims=1)
    assert np.array_equal(out, np.stack([X[0][:, [2, 0]], X[1][:, [1, 1]]]))


def test_batch_axes_may_be_counted_from_the_end(compute):
    indices = [[2, 0], [1, 1]]
    assert np.array_equal(
        gather(compute, indices, axis=1, batch_dims=-1), gather(compute, indices, axis=1, batch_dims=1)
    )
    assert np.array_equal(gather(compute, [2, 0], axis=1, batch_dims=1), np.stack([X[0, 2], X[1, 0]]))


def test_no_indices_give_nothing(compute):
    assert gather(compute, np.empty((0, 2))).shape == (0, 2, 3, 4)


@pytest.mark.parametrize("axis", [3, -4])
def test_gather_c3_the_axis_exists(compute, axis):
    with pytest.raises(InvalidModelError, match="axis"):
        gather(compute, [0], axis)


@pytest.mark.parametrize("batch_dims", [2, -3])
def test_gather_c4_batch_axes_come_before_the_axis(compute, batch_dims):
    with pytest.raises(InvalidModelError, match="batch_dims"):
        gather(compute, [[0, 0, 0], [0, 0, 0]], 1, batch_dims)


def test_gather_c4_batch_axes_agree(compute):
    with pytest.raises(InvalidModelError, match=r"leading extents \(2,\)"):
        gather(compute, [[0], [0], [0]], 1, 1)


@pytest.mark.parametrize("index", [-1, 3])
def test_gather_c5_every_index_lies_inside(compute, index):
    with pytest.raises(InvalidModelError, match=rf"{index}; wanted 0 \.\. 2"):
        gather(compute, [0, index], 1)


def test_a_product_that_is_too_large_is_refused(compute):
    with pytest.raises(LimitExceededError):
        gather(compute, np.zeros(100, np.int32), limits=Limits(tensor_bytes=1000))


@pytest.mark.parametrize("type", [INT16, INT32, INT64])
def test_vectors_of_indices_pick_elements_or_slices(compute, type):
    assert gather_nd(compute, [[1, 2, 0], [0, 1, 3]], type=type).tolist() == [20, 7]
    assert np.array_equal(gather_nd(compute, [[1], [0]], type=type), X[[1, 0]])
    assert np.array_equal(gather_nd(compute, [1, 2], type=type), X[1, 2])


def test_empty_vectors_pick_everything(compute):
    assert np.array_equal(gather_nd(compute, np.empty((2, 0))), np.stack([X, X]))


def test_gather_nd_c1_there_are_axes_to_index(compute):
    with pytest.raises(InvalidModelError, match="input 0: a scalar"):
        gather_nd(compute, [0], x=5)
    with pytest.raises(InvalidModelError, match=r"input 1 \(indices\): a scalar"):
        gather_nd(compute, 0)


def test_gather_nd_c2_a_vector_is_no_longer_than_there_are_axes(compute):
    with pytest.raises(InvalidModelError, match="vectors of 4; wanted at most 3"):
        gather_nd(compute, [0, 0, 0, 0])


@pytest.mark.parametrize(("vector", "axis"), [([0, 3], 1), ([-1, 0], 0), ([2, 0], 0)])
def test_gather_nd_c3_every_index_lies_inside(compute, vector, axis):
    with pytest.raises(InvalidModelError, match=f"for axis {axis}"):
        gather_nd(compute, vector)


def test_gather_nd_c4_there_is_something_to_pick(compute):
    with pytest.raises(InvalidModelError, match="an empty tensor"):
        gather_nd(compute, [[0]], x=X[:, :0])


def test_many_whole_copies_are_refused(compute):
    with pytest.raises(LimitExceededError):
        gather_nd(compute, np.empty((1000, 0)), limits=Limits(tensor_bytes=1000))
