"""MIRROR_PAD by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops.mirror_pad import MirrorPadMode, MirrorPadOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, INT16, INT32 = TensorType.FLOAT32, TensorType.INT8, TensorType.INT16, TensorType.INT32
REFLECT = MirrorPadOptions(MirrorPadMode.REFLECT)
SYMMETRIC = MirrorPadOptions(MirrorPadMode.SYMMETRIC)


def test_reflect_does_not_repeat_the_border(compute):
    out = compute("MIRROR_PAD", [([1, 2, 3], INT32), ([[2, 1]], INT32)], (INT32,), REFLECT)
    assert out.tolist() == [3, 2, 1, 2, 3, 2]


def test_symmetric_repeats_the_border(compute):
    out = compute("MIRROR_PAD", [([1, 2, 3], INT32), ([[2, 3]], INT32)], (INT32,), SYMMETRIC)
    assert out.tolist() == [2, 1, 1, 2, 3, 3, 2, 1]


@pytest.mark.parametrize(("options", "mode"), [(REFLECT, "reflect"), (SYMMETRIC, "symmetric")])
def test_every_axis_is_reflected(compute, options, mode):
    x = np.arange(24).reshape(2, 3, 4)
    rows = [[1, 0], [0, 2], [3, 1]]
    out = compute("MIRROR_PAD", [(x, INT32), (rows, TensorType.INT64)], (INT32,), options)
    assert np.array_equal(out, np.pad(x, rows, mode))


def test_a_scalar_stays(compute):
    assert compute("MIRROR_PAD", [(5, INT32), (np.empty((0, 2)), INT32)], (INT32,), REFLECT).tolist() == 5


def test_c1_codes_mean_the_same_in_both(compute):
    x, y, row = quantization(0.5, 1), quantization(0.25, 1), ([[0, 0]], INT32)
    with pytest.raises(InvalidModelError, match=r"scale 0.5; wanted 0.25"):
        compute("MIRROR_PAD", [([1], INT8, x), row], (INT8, y), REFLECT)
    with pytest.raises(InvalidModelError, match="zero_point 1; wanted 0"):
        compute("MIRROR_PAD", [([1], INT16, x), row], (INT16, x), REFLECT)


def test_c2_there_is_a_row_of_int32_or_int64_for_every_axis(compute):
    with pytest.raises(InvalidModelError, match=r"input 1 \(paddings\)"):
        compute("MIRROR_PAD", [([[1]], INT32), ([[0, 0]], INT32)], (INT32,), REFLECT)
    with pytest.raises(InvalidModelError, match=r"input 1 \(paddings\): INT16"):
        compute("MIRROR_PAD", [([1], INT32), ([[0, 0]], INT16)], (INT32,), REFLECT)


@pytest.mark.parametrize(
    ("options", "row"), [(REFLECT, [3, 0]), (REFLECT, [0, 3]), (SYMMETRIC, [4, 0]), (SYMMETRIC, [-1, 0])]
)
def test_c3_there_is_no_more_to_reflect_than_there_is(compute, options, row):
    with pytest.raises(InvalidModelError, match=r"wanted 0 \.\. "):
        compute("MIRROR_PAD", [([1, 2, 3], INT32), ([row], INT32)], (INT32,), options)


def test_an_unknown_mode_is_refused(compute):
    with pytest.raises(InvalidModelError, match="mode: 2; wanted 0, 1"):
        compute("MIRROR_PAD", [([1], INT32), ([[0, 0]], INT32)], (INT32,), MirrorPadOptions(2))  # type: ignore[arg-type]
