"""Plain numbers: wrapping, and what activations do to them."""

import numpy as np
import pytest

from quantlib.ops._activation import Activation
from quantlib.ops._unquantized import clamp, wrapping


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.int64])
def test_integers_wrap_at_their_own_width(dtype):
    info = np.iinfo(dtype)
    top, bottom, one = (np.array([value], dtype) for value in (info.max, info.min, 1))
    assert wrapping(np.add)(top, one)[0] == info.min
    assert wrapping(np.subtract)(bottom, one)[0] == info.max
    assert wrapping(np.multiply)(bottom, -one)[0] == info.min


def test_scalars_wrap_without_a_warning():
    most = np.array(2**63 - 1, np.int64)
    assert wrapping(np.add)(most, most) == -2


def test_views_with_strides_are_read_as_they_stand():
    x = np.arange(6, dtype=np.int32)[::-2]
    assert wrapping(np.add)(x, x).tolist() == [10, 6, 2]


def test_integer_activations_clamp_the_number_itself():
    y = np.array([-9, -1, 0, 5, 7], np.int64)
    assert clamp(y, Activation.RELU).tolist() == [0, 0, 0, 5, 7]
    assert clamp(y, Activation.RELU6).tolist() == [0, 0, 0, 5, 6]
    assert clamp(y, Activation.RELU_N1_TO_1).tolist() == [-1, -1, 0, 1, 1]
    assert clamp(y, Activation.TANH).tolist() == y.tolist()


def test_minus_one_is_the_largest_bound_of_unsigned_numbers():
    y = np.array([0, 5, 2**32 - 1], np.uint32)
    assert clamp(y, Activation.RELU_N1_TO_1).tolist() == [1, 1, 1]


@pytest.mark.parametrize(("dtype", "largest"), [(np.float32, 3.4028234663852886e38), (np.float16, 65504)])
def test_infinities_become_the_largest_number_and_nan_stays(dtype, largest):
    y = np.array([np.inf, -np.inf, np.nan], dtype)
    assert clamp(y, Activation.NONE)[:2].tolist() == [largest, -largest]
    for activation in Activation:
        clamped = clamp(y, activation)
        assert clamped.dtype == dtype
        assert np.isnan(clamped[2])


def test_minus_zero_is_not_below_zero():
    assert np.signbit(clamp(np.array([-0.0], np.float32), Activation.RELU6)).tolist() == [True]
