"""The order of Eigen's sums, told by numbers that cancel. LiteRT's own are compared in conformance."""

import numpy as np
import pytest

from quantlib.arithmetic.eigen_sum import sum_rows


@pytest.mark.parametrize("size", [1, 2, 3])
def test_rows_shorter_than_a_packet_are_added_in_order(size):
    x = np.array([[1e8, 1, -1e8][:size]], np.float32)
    assert sum_rows(x).tolist() == [[1e8, 1e8, 0.0][size - 1]]


def test_lanes_of_a_packet_meet_two_apart():
    assert sum_rows(np.array([[1e8, 1, -1e8, 1]], np.float32)).tolist() == [2.0]
    assert sum_rows(np.array([[1e8, -1e8, 1, 1]], np.float32)).tolist() == [0.0]


def test_packets_alternate_between_two_totals():
    x = np.zeros((1, 16), np.float32)
    x[0, [0, 4, 8]] = 1e8, 1, -1e8  # packets 0 and 2 share a total, 1 does not
    assert sum_rows(x).tolist() == [1.0]
    x[0, [4, 8]] = -1e8, 1  # 1e8 swallows the third packet before the second is added
    assert sum_rows(x).tolist() == [0.0]


def test_an_odd_packet_and_the_rest_come_last():
    x = np.zeros((1, 13), np.float32)
    x[0, [0, 4, 8, 12]] = 1e8, -1e8, 1, 1
    assert sum_rows(x).tolist() == [2.0]


def test_a_row_that_begins_between_boundaries_adds_its_head_after_the_packets():
    rows = np.zeros((2, 9), np.float32)
    rows[1, [0, 4, 8]] = 1, 1e8, -1e8  # the second row begins 1 past a boundary: its head is 3 long
    assert sum_rows(rows).tolist() == [0.0, 0.0]
    rows[1, [0, 4, 5, 8]] = 1, 1e8, -1e8, 0
    assert sum_rows(rows).tolist() == [0.0, 1.0]
