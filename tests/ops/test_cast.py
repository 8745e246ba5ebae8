"""CAST by hand."""

import numpy as np
import pytest

from quantlib.errors import UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops.cast import truncate_and_saturate

FLOAT32, FLOAT16, FLOAT64, BOOL, COMPLEX64 = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.FLOAT64,
    TensorType.BOOL,
    TensorType.COMPLEX64,
)
INTEGERS = [TensorType[name] for name in ("INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64")]


@pytest.mark.parametrize("target", INTEGERS, ids=lambda type: type.name)
@pytest.mark.parametrize("source", [FLOAT32, FLOAT64], ids=lambda type: type.name)
def test_floats_are_truncated_and_saturated(compute, source, target):
    info = np.iinfo(target.dtype)
    x = [1.9, -0.9, 2.0**80, -(2.0**80), np.inf, -np.inf, np.nan]
    out = compute("CAST", [(x, source)], (target,))
    assert out.dtype == target.dtype
    assert out.tolist() == [1, 0, info.max, info.min, info.max, info.min, info.max]


def test_bounds_are_the_whole_numbers_that_fit():
    x = np.array([127.99, 128.0, -128.99, -129.0])
    assert truncate_and_saturate(x, -128, 127).tolist() == [127, 127, -128, -128]
    # 2**63 - 1 is no float64: the first one beyond is 2**63 itself.
    top = np.array([2.0**63 - 1024, 2.0**63])
    assert truncate_and_saturate(top, -(2**63), 2**63 - 1).tolist() == [2**63 - 1024, 2**63 - 1]


def test_integers_keep_their_low_bits(compute):
    x = [300, -1, 2**31, -(2**63)]
    assert compute("CAST", [(x, TensorType.INT64)], (TensorType.UINT8,)).tolist() == [44, 255, 0, 0]
    assert compute("CAST", [(x, TensorType.INT64)], (TensorType.INT32,)).tolist() == [300, -1, -(2**31), 0]


def test_integers_are_rounded_to_even_floats(compute):
    x = [2**24 + 1, 2**24 + 3]
    out = compute("CAST", [(x, TensorType.INT32)], (FLOAT32,))
    assert out.tolist() == [2**24, 2**24 + 4]


def test_half_precision_is_reached_in_two_roundings(compute):
    # 1 + 2**-11 + 2**-40: float32 loses the last term, and the tie then goes to the even 1.
    x = [1 + 2.0**-11 + 2.0**-40, 65520.0]
    assert compute("CAST", [(x, FLOAT64)], (FLOAT16,)).tolist() == [1.0, np.inf]


def test_only_zero_is_false(compute):
    x = [0.0, -0.0, 0.25, np.nan]
    assert compute("CAST", [(x, FLOAT32)], (BOOL,)).tolist() == [False, False, True, True]
    assert compute("CAST", [([256, 0], TensorType.INT32)], (BOOL,)).tolist() == [True, False]
    assert compute("CAST", [([True, False], BOOL)], (FLOAT16,)).tolist() == [1, 0]


def test_complex_numbers_have_a_real_part(compute):
    assert compute("CAST", [([2.5 + 3j], COMPLEX64)], (TensorType.INT8,)).tolist() == [2]
    assert compute("CAST", [([0 + 3j], COMPLEX64)], (BOOL,)).tolist() == [False]
    assert compute("CAST", [([7], TensorType.INT8)], (COMPLEX64,)).tolist() == [7 + 0j]
    assert compute("CAST", [([1 + 2j], COMPLEX64)], (COMPLEX64,)).tolist() == [1 + 2j]


@pytest.mark.parametrize(("name", "low", "high"), [("INT4", -8, 7), ("UINT4", 0, 15), ("INT2", -2, 1)])
def test_packed_types_meet_float32_alone(compute, name, low, high):
    type = TensorType[name]
    x = [1.9, -99, 99, np.nan]
    assert compute("CAST", [(x, FLOAT32)], (type,)).tolist() == [1, low, high, high]
    codes = np.arange(low, high + 1)
    out = compute("CAST", [(codes, type)], (FLOAT32,), constants=[0])
    assert out.tolist() == codes.tolist()
    with pytest.raises(UnsupportedError):
        compute("CAST", [([1.0], FLOAT16)], (type,))
    with pytest.raises(UnsupportedError):
        compute("CAST", [(codes, type)], (TensorType.INT8,), constants=[0])


def test_the_input_is_left_alone(compute):
    x = np.array([1.5, -1.5], np.float32)
    compute("CAST", [(x, FLOAT32)], (TensorType.INT8,))
    assert x.tolist() == [1.5, -1.5]
