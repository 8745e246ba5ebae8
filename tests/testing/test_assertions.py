import numpy as np
import pytest

from quantlib.testing.assertions import assert_bit_exact, describe_difference, units_in_the_last_place


def test_equal_arrays_pass_whatever_their_layout():
    x = np.arange(12, dtype=np.int8).reshape(3, 4)
    assert_bit_exact(np.asfortranarray(x), x)


def test_any_nan_equals_any_nan():
    other_nan = np.array([0x7FC12345], np.uint32).view(np.float32)
    assert_bit_exact(other_nan, np.float32([np.nan]))


def test_zeros_of_different_sign_differ():
    with pytest.raises(AssertionError, match="1 of 1 elements differ"):
        assert_bit_exact(np.float32([0.0]), np.float32([-0.0]))


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (np.int16([1, 2]), "dtypes differ: actual int8, expected int16"),
        (np.int8([[1, 2]]), r"shapes differ: actual \(2,\), expected \(1, 2\)"),
    ],
)
def test_dtype_and_shape_are_part_of_the_bits(expected, message):
    with pytest.raises(AssertionError, match=message):
        assert_bit_exact(np.int8([1, 2]), expected)


def test_the_message_lists_the_first_differences_and_counts_the_rest():
    message = describe_difference(np.zeros(10, np.int8), np.full(10, 3, np.int8))
    assert message.splitlines()[0] == "10 of 10 elements differ (int8, shape (10,)); largest difference 3"
    assert message.splitlines()[1] == "  [0]: actual 0, expected 3"
    assert "and 5 more" in message


def test_the_message_names_the_channels_where_only_some_differ():
    x = np.zeros((4, 6), np.uint8)
    y = x.copy()
    y[:, 2] = 9
    assert "only in channels 2 of 6 along the last axis" in describe_difference(x, y)


def test_extreme_integers_are_measured_without_overflow():
    assert "largest difference 255" in describe_difference(np.int8([-128]), np.int8([127]))


def test_ulps_count_across_zero():
    tiny = np.float32(1e-45)
    assert units_in_the_last_place(np.float32([tiny]), np.float32([-tiny])).tolist() == [2.0]


def test_scalars_are_arrays_too():
    with pytest.raises(AssertionError, match=r"\[\]: ours 1, theirs 2"):
        assert_bit_exact(np.int8(1), np.int8(2), actual_name="ours", expected_name="theirs")
