"""Ranges, scales and integers under int16 activations; TensorFlow 2.21's own numbers where it says so."""

import numpy as np
import pytest

from quantlib.errors import InvalidInputError
from quantlib.model.graph import TensorType
from quantlib.quantizer.symmetric import activation, constant, weights

PLUS, MINUS = 0.0, -0.0


def signs(ends):
    return [bool(np.signbit(end)) for end in ends]


def test_a_range_is_widened_to_zero_and_its_farther_end_makes_the_scale():
    made = activation((-2.0, -1.0))
    assert (made.type, made.min, made.max) == (TensorType.INT16, (-2.0,), (0.0,))
    assert made.scale == (float(np.float32(2) / np.float32(32767)),)


def test_parameters_are_the_same_whatever_their_ranges():
    assert activation((-2.0, 0.0)) == activation((0.0, 2.0))
    assert hash(activation((-2.0, 0.0))) == hash(activation((0.0, 2.0)))
    assert activation((-2.0, 0.0)).without_range().min == ()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_weights_have_the_smallest_and_largest_element_of_each_channel(axis):
    w = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    made, stored = weights(w, axis, None, None)
    others = tuple(i for i in range(3) if i != axis)
    assert made.min == tuple(w.min(axis=others).tolist())
    assert made.max == tuple(w.max(axis=others).tolist())
    assert np.abs(stored).max(axis=others).tolist() == [127] * w.shape[axis]


def test_of_zeros_of_both_signs_the_first_of_a_channel_is_kept():
    """The rows and what TensorFlow 2.21 made of them."""
    w = np.float32([[PLUS, MINUS, 1], [MINUS, PLUS, 1], [MINUS, -1, PLUS], [PLUS, -1, MINUS]])
    made, _ = weights(w, 0, None, None)
    assert made.min[:2] == (0.0, 0.0)
    assert made.max[2:] == (0.0, 0.0)
    assert signs(made.min[:2]) == [False, True]
    assert signs(made.max[2:]) == [True, False]


def test_of_zeros_without_channels_the_first_is_the_smallest_and_the_last_the_largest():
    """As TensorFlow 2.21 was seen to do."""
    made = constant(np.float32([PLUS, MINUS]), keeps_range=True)
    assert signs(made.min + made.max) == [False, True]


@pytest.mark.parametrize("axis", [None, 0])
def test_a_bias_without_room_makes_the_range_of_its_weights_symmetric(axis):
    w, bias = np.float32([[1e-6, -2e-6]]), np.float32([1000.0])
    made, stored = weights(w, axis, bias, np.float32(1))
    raised = float(np.float32(2 * 1000 / (2**31 - 1) * 127))
    assert (made.min, made.max) == ((-raised,), (raised,))
    assert made.scale == (float(np.float32(raised) / np.float32(127)),)
    assert stored.tolist() == [[1, -2]]


def test_constants_without_elements_have_no_range():
    assert constant(np.zeros(0, np.float32), keeps_range=True).min == ()
    with pytest.raises(InvalidInputError, match="at least one element"):
        weights(np.zeros((0, 2), np.float32), 0, None, None)
