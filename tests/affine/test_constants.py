import numpy as np
import pytest

from quantlib.affine import constants

f32 = np.float32


def test_a_constant_range_contains_zero():
    assert constants.asymmetric_parameters(1.0, 2.55) == constants.asymmetric_parameters(0.0, 2.55)
    assert constants.asymmetric_parameters(-2.55, -1.0)[1] == 127


def test_a_constant_without_width_gets_a_millionth():
    scale, zero_point = constants.asymmetric_parameters(0.0, 0.0)
    assert scale == pytest.approx(1e-6 / 255, rel=1e-6)
    assert zero_point == 0  # -128 + 127.5, rounded away from zero


def test_biases_round_halves_away_from_zero():
    assert constants.store_bias(f32([0.5, -0.5, 1.5]), f32(1.0)).tolist() == [1, -1, 2]


def test_biases_saturate_and_nan_becomes_zero():
    b = f32([np.inf, -np.inf, np.nan, 1e30])
    assert constants.store_bias(b, f32(1)).tolist() == [2**31 - 1, -(2**31) + 1, 0, 2**31 - 1]
    wide = constants.store_bias(b, f32(1), np.int64)
    assert wide.dtype == np.int64
    assert wide.tolist()[:3] == [2**63 - 1024, -(2**63) + 1024, 0]


def test_weights_per_channel_use_the_reciprocal_in_float32():
    w = f32([[0.3, -0.3], [1.0, 0.5]])
    scale = f32([0.3 / 127, 1 / 127])
    expected = [[127, -127], [127, 64]]
    assert constants.store_per_channel(w, scale, 0).tolist() == expected
    assert constants.store_per_channel(np.ascontiguousarray(w.T), scale, 1).T.tolist() == expected


def test_weights_per_channel_wrap_before_they_are_clamped():
    assert constants.store_per_channel(f32([[129.0, 128.0]]), f32([1.0]), 0).tolist() == [[-127, -127]]


def test_weights_per_tensor_use_their_own_scale_unless_another_is_given():
    w = f32([1.0, 0.5])
    assert constants.store_per_tensor(w, 1 / 127).tolist() == [127, 64]
    assert constants.store_per_tensor(w, 0.1).tolist() == [10, 5]
    assert constants.store_per_tensor(f32([0.0, 0.0]), 1e-6 / 254).tolist() == [0, 0]


def test_weights_under_int16_stay_within_the_larger_magnitude():
    assert constants.store_within(f32([[1.0, 0.0], [0.0, 0.0]]), f32([4.0, 0.0]), 0).tolist() == [
        [32, 0],
        [0, 0],
    ]
    assert constants.store_within(f32(2.0), f32([2.0]), None).tolist() == 127


def test_int16_constants_leave_the_lowest_code():
    assert constants.store_int16(f32([-2.0, 1.0]), 1 / 32767).tolist() == [-32767, 32767]


def test_given_arrays_are_not_changed():
    w = f32([[1.0, -0.5]])
    constants.store_per_channel(w, f32([1 / 127]), 0)
    constants.store_bias(w, f32(1))
    assert w.tolist() == [[1.0, -0.5]]
