import numpy as np
import pytest

from quantlib.affine.extrema import block_min_max, min_max
from quantlib.errors import InvalidInputError

SHAPES = [
    ((7,), 0), ((3, 5), 0), ((3, 5), 1), ((1000, 3), 1), ((5000, 7), 1), ((3, 70000), 0), ((2, 4, 300), 1),
    ((200, 9, 3), 0), ((30000, 5), 0), ((2, 30000, 4), 1), ((1, 1, 1), 2), ((70001,), 0), ((2, 3, 4, 5), 3),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize("layout", ["c", "f", "strided", "swapped"])
def test_tiles_and_wide_rows_find_what_numpy_finds(shape, axis, layout):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x = {"c": x, "f": np.asfortranarray(x), "strided": x[::-1], "swapped": x.astype(">f4")}[layout]
    others = tuple(i for i in range(x.ndim) if i != axis)
    low, high = min_max(x, axis)
    np.testing.assert_array_equal(low, x.min(axis=others))
    np.testing.assert_array_equal(high, x.max(axis=others))
    low, high = min_max(x)
    assert (low, high) == (x.min(), x.max())
    assert low.shape == high.shape == ()


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_nan_is_not_lost(shape, axis):
    x = np.zeros(shape, np.float32)
    x.reshape(-1)[-1] = np.nan
    assert np.isnan(min_max(x, axis)).any()
    assert np.isnan(min_max(x)).all()


def test_blocks():
    x = np.arange(24).reshape(2, 12)
    low, high = block_min_max(x, 1, 4)
    assert low.tolist() == [[0, 4, 8], [12, 16, 20]]
    assert high.tolist() == [[3, 7, 11], [15, 19, 23]]
    with pytest.raises(InvalidInputError):
        block_min_max(x, 1, 5)


def test_nothing_has_no_extremes():
    for call in (lambda: min_max([]), lambda: min_max(np.ones((0, 2)), 1), lambda: block_min_max([[]], 1, 1)):
        with pytest.raises(InvalidInputError) as caught:
            call()
        assert caught.value.argument == "data"
