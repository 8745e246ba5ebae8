"""XNNPACK's order of summation for AVX-512, against what LiteRT 2.3.0 gave there."""

import math
import zlib

import numpy as np
import pytest

from quantlib.arithmetic.xnnpack_sum import sum_exponentials, sum_rows


def rows(count, width):
    i = np.arange(count * width)
    x = np.ldexp((i * 7919 % 2003 - 1001) * np.float32(0.01), i % 13 - 6)
    return x.astype(np.float32).reshape(count, width)


@pytest.mark.parametrize(
    ("width", "digest"),
    [
        (1, 0x7C9ADF1D),
        (15, 0x70B67FD5),
        (16, 0xFD52C2AF),
        (17, 0xD2DB4E6E),
        (32, 0x0104E558),
        (48, 0xCFBE87BF),
        (63, 0x63092D7B),
        (64, 0x11C051B5),
        (100, 0x10F73AC9),
        (1001, 0x8186C1C8),
    ],
)
def test_sums_of_9_rows_have_the_bits_of_litert(width, digest):
    assert zlib.crc32(sum_rows(rows(9, width)).tobytes()) == digest


def positioned(size, **numbers):
    """A row of zeros but for what is named: ``at0=1e8``."""
    row = np.zeros((1, size), np.float32)
    for name, value in numbers.items():
        row[0, int(name.removeprefix("at"))] = value
    return row


def test_a_third_vector_joins_the_first_total_before_the_totals_meet():
    # 1e8 (first total) - 1e8 (second) + 1 (third vector): 1 is lost in the first total.
    row = positioned(48, at0=1e8, at16=-1e8, at32=1)
    assert sum_rows(row).tolist() == [0]
    assert sum_exponentials(row).tolist() == [1]


def test_what_fills_no_vector_is_added_after_the_totals_met():
    row = positioned(33, at0=1e8, at16=-1e8, at32=1)
    assert sum_rows(row).tolist() == [1]
    assert sum_exponentials(row).tolist() == [1]


@pytest.mark.parametrize(("near", "far"), [(8, 4), (4, 2), (2, 1)])
def test_lanes_fold_in_halves(near, far):
    assert sum_rows(positioned(16, at0=1e8, **{f"at{near}": -1e8, f"at{far}": 1})).tolist() == [1]
    assert sum_rows(positioned(16, at0=1e8, **{f"at{near}": 1, f"at{far}": -1e8})).tolist() == [0]


@pytest.mark.parametrize("summed", [sum_rows, sum_exponentials])
def test_denormals_are_zeros_on_the_way_too(summed):
    least = np.float32(2.0**-126)
    assert summed(positioned(40, at0=1e-40, at20=least)).tolist() == [float(least)]
    # 1.5 least - least is denormal; as 0 it leaves nothing to add.
    row = positioned(80, at0=least * np.float32(1.5), at8=-least, at4=least)
    assert summed(row).tolist() == [float(least)]


@pytest.mark.parametrize("summed", [sum_rows, sum_exponentials])
def test_one_number_that_is_not_finite_decides(summed):
    assert np.isnan(summed(positioned(50, at49=math.nan, at0=math.inf)))[0]
    assert summed(positioned(50, at20=-math.inf)).tolist() == [-math.inf]


@pytest.mark.parametrize("summed", [sum_rows, sum_exponentials])
def test_rows_do_not_touch_each_other_and_none_is_none(summed):
    x = rows(7, 77)
    assert summed(x).tolist() == [float(summed(x[row : row + 1])[0]) for row in range(7)]
    assert summed(x[:0]).shape == (0,)
