"""FILL, RANGE, RANK, ZEROS_LIKE, ONE_HOT, BROADCAST_TO and BROADCAST_ARGS by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.ops.one_hot import OneHotOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, INT16, INT32, INT64, BOOL = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)


def evenly(compute, start, limit, delta, type=INT32):
    return compute("RANGE", [(start, type), (limit, type), (delta, type)], (type,))


def one_hot(compute, indices, depth, axis=-1, on=1, off=0, type=INT32, index_type=INT32):
    operands = [(indices, index_type), (depth, INT32), (on, type), (off, type)]
    return compute("ONE_HOT", operands, (type,), OneHotOptions(axis))


@pytest.mark.parametrize("type", [INT32, INT64])
def test_a_tensor_is_filled(compute, type):
    assert compute("FILL", [([2, 3], type), (7, INT8)], (INT8,)).tolist() == [[7] * 3] * 2
    assert compute("FILL", [([0, 3], type), (7, INT8)], (INT8,)).shape == (0, 3)
    assert compute("FILL", [(np.empty(0), type), (7, INT8)], (INT8,)).tolist() == 7


def test_fill_keeps_the_bits_of_a_nan(compute):
    nan = np.array(0x7FC12345, np.uint32).view(np.float32)
    out = compute("FILL", [([2], INT32), (nan, FLOAT32)], (FLOAT32,))
    assert out.view(np.uint32).tolist() == [0x7FC12345] * 2


def test_fill_c1_extents_are_a_vector_of_what_can_be(compute):
    for shape in ([-1, 2], [[2]]):
        with pytest.raises(InvalidModelError):
            compute("FILL", [(shape, INT32), (7, INT8)], (INT8,))
    for shape in ([2**30, 2], [2**62], [2**30, 0, 2**30]):
        with pytest.raises((LimitExceededError, InvalidModelError)):
            compute("FILL", [(shape, INT64), (7, INT8)], (INT8,))


def test_fill_c2_the_value_is_a_scalar_of_the_same_meaning(compute):
    with pytest.raises(InvalidModelError, match=r"input 1 \(value\): 1 dimensions; wanted 0"):
        compute("FILL", [([2], INT32), ([7], INT8)], (INT8,))
    with pytest.raises(InvalidModelError, match=r"scale 0.5; wanted 0.25"):
        compute("FILL", [([2], INT32), (7, INT8, quantization(0.5))], (INT8, quantization(0.25)))
    with pytest.raises(InvalidModelError, match="zero_point 1; wanted 0"):
        compute("FILL", [([2], INT32), (7, INT16, quantization(0.5, 1))], (INT16, quantization(0.5, 1)))


@pytest.mark.parametrize("type", [FLOAT32, INT32, INT64])
def test_numbers_lead_up_to_the_limit(compute, type):
    assert evenly(compute, 1, 8, 3, type).tolist() == [1, 4, 7]
    assert evenly(compute, 1, 7, 3, type).tolist() == [1, 4]
    assert evenly(compute, 5, -5, -4, type).tolist() == [5, 1, -3]
    assert evenly(compute, 5, 5, 2, type).shape == (0,)


def test_float32_sums_are_rounded_one_after_the_other(compute):
    expected, value = [], np.float32(0)
    for _ in range(10):
        expected.append(value)
        value = value + np.float32(0.1)
    assert evenly(compute, 0, 1, 0.1, FLOAT32).tolist() == [float(one) for one in expected]
    assert expected[8] != np.float32(8) * np.float32(0.1)


@pytest.mark.parametrize(
    ("start", "limit", "delta", "type"),
    [(0, 5, 0, INT32), (0, 5, -1, INT32), (5, 0, 1, INT64), (0, 5, np.nan, FLOAT32), (np.nan, 5, 1, FLOAT32)],
)
def test_range_c2_delta_leads_to_the_limit(compute, start, limit, delta, type):
    with pytest.raises(InvalidModelError, match=r"input 2 \(delta\)"):
        evenly(compute, start, limit, delta, type)


def test_range_c3_the_distance_fits_the_type(compute):
    with pytest.raises(InvalidModelError, match=r"input 1 \(limit\)"):
        evenly(compute, -(2**31), 2**31 - 1, 2**30, INT32)
    with pytest.raises(InvalidModelError, match="a finite number of steps"):
        evenly(compute, 0, np.inf, 1, FLOAT32)


@pytest.mark.parametrize(
    ("limit", "delta", "type"), [(2**31 - 1, 1, INT32), (2**62, 3, INT64), (1e30, 1e-3, FLOAT32)]
)
def test_too_many_numbers_are_refused_before_they_are_allocated(compute, limit, delta, type):
    with pytest.raises((LimitExceededError, InvalidModelError)):
        evenly(compute, 0, limit, delta, type)


def test_range_c1_start_limit_and_delta_are_scalars_of_one_type(compute):
    with pytest.raises(InvalidModelError, match="input 1: 1 dimensions; wanted 0"):
        evenly(compute, 0, [5], 1)
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        compute("RANGE", [(0, INT32), (5, INT64), (1, INT32)], (INT32,))


def test_rank_counts_dimensions(compute):
    ranks = [compute("RANK", [(np.zeros((1,) * rank), BOOL)], (INT32,)) for rank in range(4)]
    assert [(int(one), one.shape, one.dtype) for one in ranks] == [(n, (), np.int32) for n in range(4)]
    with pytest.raises(InvalidModelError, match="output: INT64; wanted INT32"):
        compute("RANK", [(1, BOOL)], (INT64,))


def test_zeros_have_the_shape_of_the_input(compute):
    out = compute("ZEROS_LIKE", [([[-0.0, np.nan]], FLOAT32)], (FLOAT32,))
    assert out.tolist() == [[0, 0]]
    assert not np.signbit(out).any()


def test_one_place_is_hot(compute):
    assert one_hot(compute, [2, 0], 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert one_hot(compute, [2, 0], 3, axis=0).tolist() == [[0, 1], [0, 0], [1, 0]]
    assert one_hot(compute, 1, 2, on=[5], off=-5).tolist() == [-5, 5]
    assert one_hot(compute, [1], 0).shape == (1, 0)


def test_indices_outside_are_nowhere_and_int64_wraps(compute):
    assert one_hot(compute, [-1, 3], 3).tolist() == [[0] * 3] * 2
    assert one_hot(compute, [2**32 + 1], 3, index_type=INT64).tolist() == [[0, 1, 0]]


@pytest.mark.parametrize("axis", [-2, 2])
def test_one_hot_c3_the_new_axis_has_a_place(compute, axis):
    with pytest.raises(InvalidModelError, match=r"axis: .*; wanted -1 \.\. 1"):
        one_hot(compute, [0], 2, axis)


def test_one_hot_c2_depth_on_and_off_are_one_element(compute):
    for arguments in (
        {"depth": [1, 2]},
        {"depth": 1, "on": [1, 2]},
        {"depth": 1, "off": [1, 2]},
        {"depth": -1},
    ):
        with pytest.raises(InvalidModelError):
            one_hot(compute, [0], **arguments)
    with pytest.raises(LimitExceededError):
        one_hot(compute, [0, 1], 2**30)


def test_axes_are_repeated_and_added(compute):
    out = compute("BROADCAST_TO", [([[1], [2]], INT32), ([2, 2, 3], INT64)], (INT32,))
    assert out.tolist() == [[[1, 1, 1], [2, 2, 2]]] * 2
    assert compute("BROADCAST_TO", [([5], INT32), ([0], INT32)], (INT32,)).shape == (0,)


@pytest.mark.parametrize("shape", [[3], [2, 3], [1, 1], [2, -1]])
def test_broadcast_to_c2_the_shape_can_be_reached(compute, shape):
    with pytest.raises(InvalidModelError):
        compute("BROADCAST_TO", [([[1, 2]], INT32), (shape, INT32)], (INT32,))


@pytest.mark.parametrize("shape", [[2**31 - 1, 2**31 - 1, 1], [2**40, 1], [2**30, 2**30, 0]])
def test_huge_shapes_are_refused_before_they_are_allocated(compute, shape):
    with pytest.raises((LimitExceededError, InvalidModelError)):
        compute("BROADCAST_TO", [([1], INT32), (shape, INT64)], (INT32,))


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ([2, 3], [2, 3], [2, 3]),
        ([1, 3], [2, 1], [2, 3]),
        ([5], [4, 1, 1], [4, 1, 5]),
        ([0], [1], [0]),
        ([], [7], [7]),
    ],
)
def test_shapes_broadcast_to_one(compute, first, second, together):
    for pair in ((first, second), (second, first)):
        out = compute("BROADCAST_ARGS", [(np.array(one), INT64) for one in pair], (INT64,))
        assert out.tolist() == together


def test_broadcast_args_c2_extents_agree(compute):
    with pytest.raises(InvalidModelError, match=r"input 1 \(shape\)"):
        compute("BROADCAST_ARGS", [([2, 3], INT32), ([2, 2], INT32)], (INT32,))


def test_broadcast_args_c1_shapes_are_vectors_of_one_type(compute):
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        compute("BROADCAST_ARGS", [([2], INT32), ([2], INT64)], (INT32,))
    with pytest.raises(InvalidModelError, match="0 dimensions; wanted 1"):
        compute("BROADCAST_ARGS", [(2, INT32), ([2], INT32)], (INT32,))
