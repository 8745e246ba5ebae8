"""REVERSE_V2 and REVERSE_SEQUENCE by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops.reverse_sequence import ReverseSequenceOptions

INT32, INT64 = TensorType.INT32, TensorType.INT64
X = np.arange(24).reshape(2, 3, 4)


def reverse(compute, axes, x=X):
    return compute("REVERSE_V2", [(x, INT32), (axes, INT32)], (INT32,))


def sequences(compute, lengths, seq_dim, batch_dim, x=X, type=INT32):
    options = ReverseSequenceOptions(seq_dim, batch_dim)
    return compute("REVERSE_SEQUENCE", [(x, INT32), (lengths, type)], (INT32,), options)


def test_axes_are_turned_around(compute):
    assert np.array_equal(reverse(compute, [1]), X[:, ::-1])
    assert np.array_equal(reverse(compute, [2, -2]), X[:, ::-1, ::-1])
    assert np.array_equal(reverse(compute, [0, 1, 2]), X[::-1, ::-1, ::-1])


@pytest.mark.parametrize("axes", [[3], [-4], [[1]]])
def test_reverse_c2_axes_are_a_vector_and_exist(compute, axes):
    with pytest.raises(InvalidModelError, match=r"input 1 \(axes\)"):
        reverse(compute, axes)


@pytest.mark.parametrize("axes", [[0, 2], [1, 1], [1, -2], []])
def test_reverse_c3_axes_lie_side_by_side(compute, axes):
    with pytest.raises(InvalidModelError, match="axes side by side"):
        reverse(compute, np.array(axes, np.int32))


@pytest.mark.parametrize("type", [INT32, INT64])
def test_only_the_first_elements_are_reversed(compute, type):
    out = sequences(compute, [2, 4], 1, 0, X.reshape(2, 4, 3), type)
    x = X.reshape(2, 4, 3)
    assert np.array_equal(out[0], x[0][[1, 0, 2, 3]])
    assert np.array_equal(out[1], x[1][::-1])


def test_sequences_may_lie_before_the_batch(compute):
    out = sequences(compute, [0, 1, 2], 0, 1)
    assert np.array_equal(out[:, :2], X[:, :2])
    assert np.array_equal(out[:, 2], X[::-1, 2])


def test_lengths_below_one_reverse_nothing(compute):
    assert np.array_equal(sequences(compute, [-3, 0], 2, 0), X)


@pytest.mark.parametrize(("seq_dim", "batch_dim"), [(1, 1), (3, 0), (-1, 0), (0, 3), (0, -1)])
def test_sequence_c2_both_axes_exist_and_differ(compute, seq_dim, batch_dim):
    with pytest.raises(InvalidModelError, match=r"(seq|batch)_dim"):
        sequences(compute, [1, 1], seq_dim, batch_dim)


@pytest.mark.parametrize("lengths", [[1], [1, 2, 3], [4, 1], [1, 4], [1, 2**31 - 1]])
def test_sequence_c3_there_is_a_length_for_each_and_none_is_too_long(compute, lengths):
    with pytest.raises(InvalidModelError, match=r"input 1 \(lengths\)"):
        sequences(compute, lengths, 1, 0)
