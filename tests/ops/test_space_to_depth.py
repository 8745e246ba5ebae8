"""SPACE_TO_DEPTH, DEPTH_TO_SPACE, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.ops.depth_to_space import DepthToSpaceOptions
from quantlib.ops.space_to_depth import SpaceToDepthOptions
from quantlib.testing.single_operator import quantization

FLOAT32, FLOAT16, INT8, INT16, INT32 = (
    TensorType.FLOAT32,
    TensorType.FLOAT16,
    TensorType.INT8,
    TensorType.INT16,
    TensorType.INT32,
)
IMAGE = np.arange(8).reshape(1, 2, 4, 1)  # rows 0 1 2 3 and 4 5 6 7


def to_batch(compute, x, blocks, paddings, type=INT32, parameters=None):
    operands = [(x, type, parameters), (blocks, INT32), (paddings, INT32)]
    return compute("SPACE_TO_BATCH_ND", operands, (type, parameters))


def to_space(compute, x, blocks, crops, type=INT32, parameters=None):
    operands = [(x, type, parameters), (blocks, INT32), (crops, INT32)]
    return compute("BATCH_TO_SPACE_ND", operands, (type, parameters))


def test_a_block_becomes_the_channels_of_one_pixel(compute):
    out = compute("SPACE_TO_DEPTH", [(IMAGE, INT32)], (INT32,), SpaceToDepthOptions(2))
    assert out.tolist() == [[[[0, 1, 4, 5], [2, 3, 6, 7]]]]


def test_channels_of_a_pixel_become_a_block(compute):
    out = compute(
        "DEPTH_TO_SPACE", [([[[[0, 1, 4, 5], [2, 3, 6, 7]]]], INT32)], (INT32,), DepthToSpaceOptions(2)
    )
    assert np.array_equal(out, IMAGE)


def test_pixels_of_several_channels_keep_them_together(compute):
    x = np.arange(2 * 6 * 9 * 5).reshape(2, 6, 9, 5)
    deep = compute("SPACE_TO_DEPTH", [(x, INT32)], (INT32,), SpaceToDepthOptions(3))
    assert deep.shape == (2, 2, 3, 45)
    assert deep[1, 1, 2].tolist() == x[1, 3:, 6:].reshape(-1).tolist()
    assert np.array_equal(compute("DEPTH_TO_SPACE", [(deep, INT32)], (INT32,), DepthToSpaceOptions(3)), x)


@pytest.mark.parametrize(
    ("operator", "options"),
    [("SPACE_TO_DEPTH", SpaceToDepthOptions), ("DEPTH_TO_SPACE", DepthToSpaceOptions)],
)
def test_depth_c1_c2_images_of_whole_blocks(compute, operator, options):
    with pytest.raises(InvalidModelError, match="3 dimensions; wanted 4"):
        compute(operator, [(IMAGE[0], INT32)], (INT32,), options(1))
    for size in (0, -2):
        with pytest.raises(InvalidModelError, match="block_size"):
            compute(operator, [(IMAGE, INT32)], (INT32,), options(size))
    for size in (3, 2**31 - 1):
        with pytest.raises(InvalidModelError, match="input 0"):
            compute(operator, [(IMAGE, INT32)], (INT32,), options(size))


def test_pixels_of_a_block_become_images(compute):
    out = to_batch(compute, IMAGE, [2, 2], [[0, 0], [0, 0]])
    assert out[..., 0].tolist() == [[[0, 2]], [[1, 3]], [[4, 6]], [[5, 7]]]
    assert np.array_equal(to_space(compute, out, [2, 2], [[0, 0], [0, 0]]), IMAGE)


def test_images_of_one_batch_stay_neighbours(compute):
    x = np.stack([IMAGE[0], IMAGE[0] + 10])
    out = to_batch(compute, x, [1, 2], [[0, 0], [0, 0]])
    assert out[:, 0, :, 0].tolist() == [[0, 2], [10, 12], [1, 3], [11, 13]]
    assert np.array_equal(to_space(compute, out, [1, 2], [[0, 0], [0, 0]]), x)


def test_three_dimensions_have_one_spatial_axis(compute):
    out = to_batch(compute, [[[1], [2]]], [2], [[1, 1]])
    assert out.tolist() == [[[0], [2]], [[1], [0]]]
    assert to_space(compute, out, [2], [[1, 1]]).tolist() == [[[1], [2]]]


def test_paddings_are_zero_points(compute):
    out = to_batch(compute, [[[1], [2]]], [1], [[1, 0]], INT8, quantization(0.5, -7))
    assert out.tolist() == [[[-7], [1], [2]]]
    out = to_batch(compute, [[[1], [2]]], [1], [[1, 0]], INT32, quantization(0.5, -7))
    assert out.tolist() == [[[0], [1], [2]]]


def test_paddings_of_float16_are_set_byte_by_byte(compute):
    out = to_batch(compute, [[[1]]], [1], [[1, 0]], FLOAT16, quantization(0.5, -7))
    assert out.tolist() == [[[-48928.0], [1.0]]]  # 0xF9F9


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ([-1, 0], [2, 3]),
        ([0, -2], [1]),
        ([-1, 2], [2, 3, 0, 0]),
        ([-5, 4], [0, 0]),
        ([2, -4], [0]),
        ([-1, -1], [2]),
    ],
)
def test_negative_paddings_crop(compute, row, kept):
    assert to_batch(compute, [[[1], [2], [3]]], [1], [row]).reshape(-1).tolist() == kept


def test_crops_are_cut_off(compute):
    x = np.arange(16).reshape(4, 2, 2, 1)
    out = to_space(compute, x, [2, 2], [[0, 1], [1, 0]])
    assert out[..., 0].tolist() == [[[4, 1, 5], [12, 9, 13], [6, 3, 7]]]
    assert to_space(compute, x, [2, 2], [[3, 1], [0, 0]]).shape == (1, 0, 4, 1)


def test_batch_c1_three_or_four_dimensions_and_one_meaning(compute):
    with pytest.raises(InvalidModelError, match="5 dimensions; wanted 3 or 4"):
        to_batch(compute, IMAGE[None], [1, 1, 1], [[0, 0]] * 3)
    with pytest.raises(InvalidModelError, match="zero_point 3; wanted 0"):
        to_space(compute, [[[1]]], [1], [[0, 0]], INT16, quantization(0.5, 3))
    operands = [([[[1]]], INT8, quantization(0.5)), ([1], INT32), ([[0, 0]], INT32)]
    with pytest.raises(InvalidModelError, match=r"scale 0.5; wanted 0.25"):
        compute("SPACE_TO_BATCH_ND", operands, (INT8, quantization(0.25)))


@pytest.mark.parametrize(("blocks", "rows"), [([1], [[0, 0]]), ([1, 1], [[0, 0]]), ([1, 1], [[0, 0, 0]] * 2)])
def test_batch_c2_there_are_parameters_for_every_spatial_axis(compute, blocks, rows):
    for run in (to_batch, to_space):
        with pytest.raises(InvalidModelError, match=r"input [12] \((block shape|margins)\)"):
            run(compute, IMAGE, blocks, rows)


@pytest.mark.parametrize("blocks", [[0, 1], [-1, -1], [3, 1], [1, 3]])
def test_batch_c3_blocks_divide_what_there_is(compute, blocks):
    for run in (to_batch, to_space):
        with pytest.raises(InvalidModelError, match=r"input [012]"):
            run(compute, IMAGE, blocks, [[0, 0], [0, 0]])


@pytest.mark.parametrize("row", [[-1, 0], [2, 1], [0, 3]])
def test_batch_c4_crops_leave_no_less_than_nothing(compute, row):
    with pytest.raises(InvalidModelError, match=r"input 2 \(crops\)"):
        to_space(compute, [[[1], [2]]], [1], [row])


def test_huge_paddings_and_blocks_are_refused_before_they_are_allocated(compute):
    with pytest.raises(LimitExceededError):
        to_batch(compute, [[[1]]], [1], [[0, 2**30]])
    with pytest.raises(LimitExceededError):
        to_batch(compute, np.empty((1, 0, 1)), [2**30], [[0, 0]])
