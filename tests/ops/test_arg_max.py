"""ARG_MAX and ARG_MIN by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops.arg_max import ArgMaxOptions, ArgMinOptions

FLOAT32, INT8, UINT8, INT32, INT64, BOOL = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)
NAN, INF = np.nan, np.inf


def arg(compute, x, axis=0, type=FLOAT32, output=INT32, name="MAX", axis_type=INT32):
    options = ArgMaxOptions(output) if name == "MAX" else ArgMinOptions(output)
    return compute(f"ARG_{name}", [(x, type), (axis, axis_type)], (output,), options)


def both(compute, x, axis=0, type=FLOAT32):
    return [arg(compute, x, axis, type, name=name).tolist() for name in ("MAX", "MIN")]


def test_the_first_extremum_counts(compute):
    x = [[1, 3, 3], [3, 0, 0]]
    assert both(compute, x, 0, INT32) == [[1, 0, 0], [0, 1, 1]]
    assert both(compute, x, -1, INT32) == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("type", "low", "high"), [(INT8, -128, 127), (UINT8, 0, 255), (INT32, -(2**31), 2**31 - 1)]
)
def test_the_ends_of_a_type_are_in_order(compute, type, low, high):
    assert both(compute, [low + 1, high, low, high], type=type) == [1, 2]


def test_false_is_less_than_true(compute):
    assert both(compute, [False, True, True], type=BOOL) == [1, 0]


@pytest.mark.parametrize("output", [INT32, INT64])
def test_the_answer_has_the_type_asked_for(compute, output):
    out = arg(compute, [1.0, 2.0], output=output, axis_type=INT64)
    assert (out.tolist(), out.dtype) == (1, output.dtype)


def test_zeros_of_either_sign_are_equal(compute):
    assert both(compute, [[-0.0], [0.0]], 0) == [[0], [0]]
    assert both(compute, [-0.0, 0.0, -0.0, 0.0, 0.0]) == [0, 0]


def test_nan_loses(compute):
    column = [[NAN], [-INF], [NAN], [-INF], [INF]]
    assert both(compute, np.array(column) * [1, 1], 0) == [[4, 4], [1, 1]]
    assert both(compute, [NAN, -INF]) == [1, 1]
    assert both(compute, [NAN, NAN, NAN]) == [0, 0]
    assert both(compute, [NAN, INF, NAN]) == [1, 1]


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([NAN, NAN, 1, 2], [0, 0]),  # the first pair is NaN, and a NaN stays
        ([1, 2, NAN, NAN], [1, 0]),
        ([NAN, 1, NAN, 2], [0, 0]),
        ([1, NAN, 2, NAN], [2, 0]),
        ([1, NAN, 2, 9], [3, 0]),
        ([NAN, 1, 2, NAN, 0], [4, 4]),  # the rest beats a NaN
        ([NAN] * 8 + [3, NAN], [8, 8]),
        ([NAN, 1, 2, 3, 5, 0, 0, 0], [4, 5]),  # a lane skips its NaN
    ],
)
def test_nan_may_win_between_lanes(compute, x, expected):
    assert both(compute, x) == expected
    assert both(compute, np.reshape(x, (1, -1, 1)), 1) == [[[expected[0]]], [[expected[1]]]]


def test_without_nan_lanes_change_nothing(compute):
    random = np.random.default_rng(1)
    for extent in range(4, 40):
        x = random.integers(-3, 4, (20, extent)).astype(np.float32)
        assert both(compute, x, 1) == [np.argmax(x, 1).tolist(), np.argmin(x, 1).tolist()]


def test_c2_the_answer_is_int32_or_int64_and_the_outputs_type(compute):
    with pytest.raises(InvalidModelError, match="output_type: FLOAT32"):
        arg(compute, [1.0], output=FLOAT32)
    with pytest.raises(InvalidModelError, match="output: INT64; wanted INT32"):
        compute("ARG_MAX", [([1.0], FLOAT32), (0, INT32)], (INT64,), ArgMaxOptions(INT32))


@pytest.mark.parametrize("axis", [1, -2, [0, 0]])
def test_c3_there_is_one_axis_and_it_exists(compute, axis):
    with pytest.raises(InvalidModelError, match=r"input 1 \(axis\)"):
        arg(compute, [1.0], axis)


def test_c3_the_axis_is_not_empty(compute):
    with pytest.raises(InvalidModelError, match="no elements along axis 1"):
        arg(compute, np.empty((2, 0)), 1)
    assert arg(compute, np.empty((2, 0)), 0).shape == (0,)
