"""SLICE, STRIDED_SLICE, TRANSPOSE and TILE by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.ops.strided_slice import StridedSliceOptions

FLOAT32, INT32, INT64 = TensorType.FLOAT32, TensorType.INT32, TensorType.INT64
X = np.arange(24).reshape(2, 3, 4)


def box(compute, begin, size, type=INT32):
    return compute("SLICE", [(X, INT32), (begin, type), (size, type)], (INT32,))


def strided(compute, begin, end, strides, x=X, **masks):
    operands = [(x, INT32), (begin, INT32), (end, INT32), (strides, INT32)]
    return compute("STRIDED_SLICE", operands, (INT32,), StridedSliceOptions(**masks))


def test_a_box_is_cut_out(compute):
    assert box(compute, [1, 0, 2], [1, 2, 2]).tolist() == [[[14, 15], [18, 19]]]
    assert np.array_equal(box(compute, [0, 1, 1], [-1, -1, 1], INT64), X[:, 1:, 1:2])
    assert box(compute, [2, 0, 0], [-1, -1, -1]).shape == (0, 3, 4)


def test_slice_c2_begin_and_size_are_vectors_of_one_type(compute):
    operands = [(X, INT32), ([0, 0, 0], INT32), ([1, 1, 1], INT64)]
    with pytest.raises(InvalidModelError, match=r"input 2 \(size\): INT64; wanted INT32"):
        compute("SLICE", operands, (INT32,))
    with pytest.raises(InvalidModelError, match=r"input 1 \(begin\): 2 values; wanted 3"):
        box(compute, [0, 0], [1, 1])


@pytest.mark.parametrize(
    ("begin", "size"),
    [([-1, 0, 0], [1, 1, 1]), ([3, 0, 0], [0, 1, 1]), ([0, 0, 2], [1, 1, 3]), ([0, 0, 0], [-2, 1, 1])],
)
def test_slice_c3_the_box_lies_inside(compute, begin, size):
    with pytest.raises(InvalidModelError, match=r"input . \((begin|size)\)"):
        box(compute, begin, size)


@pytest.mark.parametrize("size", [2**63 - 1, -(2**63)])
def test_slice_c3_no_sum_overflows(compute, size):
    with pytest.raises(InvalidModelError, match=r"input 2 \(size\)"):
        box(compute, [1, 1, 1], [1, 1, size], INT64)


def test_strides_work_as_in_python(compute):
    assert np.array_equal(strided(compute, [1, 0, 3], [-2, 9, -5], [-1, 2, -3]), X[1:-2:-1, 0:9:2, 3:-5:-3])


def test_every_slice_of_a_short_axis_is_pythons(compute):
    x = np.arange(4)
    for begin in range(-6, 7):
        for end in range(-6, 7):
            for stride in (-5, -2, -1, 1, 2, 5):
                assert np.array_equal(strided(compute, [begin], [end], [stride], x), x[begin:end:stride])


def test_masks_start_at_the_front_and_go_to_the_end(compute):
    out = strided(compute, [1, 1, 1], [1, 1, 1], [1, -1, 2], begin_mask=0b110, end_mask=0b111)
    assert np.array_equal(out, X[1:, ::-1, ::2])


def test_axes_not_spoken_of_are_whole(compute):
    assert np.array_equal(strided(compute, [1], [2], [1]), X[1:2])


def test_an_ellipsis_stands_for_whole_axes(compute):
    out = strided(compute, [1, 7, 1], [2, 7, 3], [1, 7, 1], ellipsis_mask=0b10)
    assert np.array_equal(out, X[1:2, ..., 1:3])
    assert np.array_equal(strided(compute, [7, 1], [7, 3], [7, 1], ellipsis_mask=0b01), X[..., 1:3])


def test_a_new_axis_is_inserted(compute):
    out = strided(compute, [0, 0, 1], [0, 2, 2], [1, 1, 1], new_axis_mask=0b001)
    assert np.array_equal(out, X[None, 0:2, 1:2])


def test_the_ellipsis_goes_before_a_new_axis_in_the_same_place(compute):
    out = strided(compute, [0, 1], [0, 2], [1, 1], ellipsis_mask=0b01, new_axis_mask=0b01)
    assert np.array_equal(out, X[..., 1:2])


def test_a_shrunken_axis_gives_one_element(compute):
    assert np.array_equal(strided(compute, [1, -1], [0, 0], [1, 1], shrink_axis_mask=0b11), X[1, -1])
    everything = strided(compute, [1, 2, 3], [2, 3, 4], [1, 1, 1], shrink_axis_mask=0b111)
    assert everything.tolist() == 23


def test_an_index_too_small_gives_the_first_element(compute):
    assert strided(compute, [-9], [0], [1], np.arange(3), shrink_axis_mask=1).tolist() == 0


def test_with_offset_the_end_counts_from_begin(compute):
    out = strided(compute, [1, 0, 1], [1, 3, 3], [1, 2, 2], offset=True)
    assert np.array_equal(out, X[1:2, 0:3:2, 1:4:2])


def test_a_scalar_can_only_be_left_alone(compute):
    nothing = np.empty(0)
    assert strided(compute, nothing, nothing, nothing, 5).tolist() == 5


def test_strided_slice_c2_the_three_vectors_have_one_length(compute):
    with pytest.raises(InvalidModelError, match=r"input 2 \(end\): 1 values; wanted 2"):
        strided(compute, [0, 0], [1], [1, 1])
    with pytest.raises(InvalidModelError, match=r"input 3 \(strides\): 1 values; wanted 2"):
        strided(compute, [0, 0], [1, 1], [1])
    with pytest.raises(InvalidModelError, match="32; wanted at most 31"):
        strided(compute, [0] * 32, [0] * 32, [1] * 32)


@pytest.mark.parametrize("stride", [0, -(2**31)])
def test_strided_slice_c3_no_stride_is_0_or_the_smallest_int32(compute, stride):
    with pytest.raises(InvalidModelError, match=r"input 3 \(strides\)"):
        strided(compute, [0], [1], [stride])


def test_strided_slice_c4_there_is_one_ellipsis(compute):
    with pytest.raises(InvalidModelError, match="ellipsis_mask"):
        strided(compute, [0, 0], [1, 1], [1, 1], ellipsis_mask=0b11)


def test_strided_slice_c4_new_axes_are_spoken_of(compute):
    with pytest.raises(InvalidModelError, match="new_axis_mask"):
        strided(compute, [0], [1], [1], new_axis_mask=0b10)


@pytest.mark.parametrize(("begin", "stride"), [(2, 1), (5, 1), (0, -1)])
def test_strided_slice_c5_a_shrunken_axis_has_its_element(compute, begin, stride):
    with pytest.raises(InvalidModelError, match="0 elements taken; wanted 12"):
        strided(compute, [begin], [0], [stride], shrink_axis_mask=1)


def test_strided_slice_c6_offset_stays_inside(compute):
    with pytest.raises(InvalidModelError, match="elements taken"):
        strided(compute, [1, 0, 0], [2, 1, 1], [1, 1, 1], offset=True)
    with pytest.raises(InvalidModelError, match="elements taken"):
        # One element would be written where there is room for none.
        strided(compute, [0], [3], [-1], np.arange(4), offset=True, end_mask=1)
    with pytest.raises(InvalidModelError, match="offset"):
        strided(compute, [1], [1], [1], offset=True)


def test_axes_are_permuted(compute):
    out = compute("TRANSPOSE", [(X, INT32), ([2, 0, -2], INT32)], (INT32,))
    assert np.array_equal(out, X.transpose(2, 0, 1))


@pytest.mark.parametrize("permutation", [[0, 0, 1], [0, 1], [0, 1, 3], [-4, 1, 2], [[0, 1, 2]]])
def test_transpose_c2_every_axis_is_named_once(compute, permutation):
    with pytest.raises(InvalidModelError, match=r"input 1 \(permutation\)"):
        compute("TRANSPOSE", [(X, INT32), (permutation, INT32)], (INT32,))


def test_transpose_c2_the_permutation_is_int32(compute):
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        compute("TRANSPOSE", [(X, INT32), ([0, 1, 2], INT64)], (INT32,))


def test_transpose_c1_a_scalar_has_no_axes(compute):
    with pytest.raises(InvalidModelError, match=r"0 dimensions; wanted 1 \.\. 8"):
        compute("TRANSPOSE", [(5, INT32), (np.empty(0), INT32)], (INT32,))


def test_a_tensor_is_repeated_along_every_axis(compute):
    out = compute("TILE", [([[1, 2]], INT32), ([2, 3], INT64)], (INT32,))
    assert out.tolist() == [[1, 2, 1, 2, 1, 2]] * 2
    assert compute("TILE", [([1, 2], INT32), ([0], INT32)], (INT32,)).shape == (0,)
    assert compute("TILE", [(5, INT32), (np.empty(0), INT32)], (INT32,)).tolist() == 5


@pytest.mark.parametrize("multiples", [[1], [1, 2, 3], [-1, 1]])
def test_tile_c2_there_is_a_multiple_for_every_axis(compute, multiples):
    with pytest.raises(InvalidModelError, match=r"input 1 \(multiples\)"):
        compute("TILE", [([[1, 2]], INT32), (multiples, INT32)], (INT32,))


@pytest.mark.parametrize("multiples", [[2**31 - 1, 1], [2**20, 2**20], [2**62, 2**62]])
def test_huge_multiples_are_refused_before_anything_is_allocated(compute, multiples):
    with pytest.raises((LimitExceededError, InvalidModelError)):
        compute("TILE", [([[1, 2]], FLOAT32), (multiples, INT64)], (FLOAT32,))
