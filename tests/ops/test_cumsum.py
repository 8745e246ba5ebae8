"""CUMSUM by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops.cumsum import CumsumOptions

FLOAT32, INT32, INT64, INT8 = TensorType.FLOAT32, TensorType.INT32, TensorType.INT64, TensorType.INT8


@pytest.mark.parametrize(
    ("exclusive", "reverse", "expected"),
    [
        (False, False, [1, 3, 6]),
        (True, False, [0, 1, 3]),
        (False, True, [6, 5, 3]),
        (True, True, [5, 3, 0]),
    ],
)
def test_four_ways(compute, exclusive, reverse, expected):
    options = CumsumOptions(exclusive, reverse)
    for type in (FLOAT32, INT32, INT64):
        assert compute("CUMSUM", [([1, 2, 3], type), (0, INT32)], (type,), options).tolist() == expected


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_any_axis(compute, axis):
    x = np.arange(24).reshape(2, 3, 4)
    y = compute("CUMSUM", [(x, INT32), ([axis], INT32)], (INT32,))
    assert np.array_equal(y, np.cumsum(x, axis=axis))


def test_integers_wrap(compute):
    assert compute("CUMSUM", [([2**31 - 1, 1], INT32), (0, INT32)], (INT32,)).tolist() == [
        2**31 - 1,
        -(2**31),
    ]


def test_reals_are_added_in_order_from_zero(compute):
    x = [-0.0, 1e8, 1, -1e8]
    y = compute("CUMSUM", [(x, FLOAT32), (0, INT32)], (FLOAT32,))
    assert y.tolist() == [0, 1e8, 1e8, 0]
    assert not np.signbit(y[0])
    assert compute("CUMSUM", [(x, FLOAT32), (0, INT32)], (FLOAT32,), CumsumOptions(reverse=True))[0] == 0


def test_nothing_gives_nothing(compute):
    assert compute("CUMSUM", [(np.ones((2, 0)), FLOAT32), (1, INT32)], (FLOAT32,)).shape == (2, 0)


@pytest.mark.parametrize(("x", "axis"), [([1], 1), ([1], -2), ([1], [0, 0]), (1, 0)])
def test_c1_another_axis_is_refused(compute, x, axis):
    with pytest.raises(InvalidModelError):
        compute("CUMSUM", [(x, FLOAT32), (axis, INT32)], (FLOAT32,))


def test_c1_an_axis_of_another_type_is_refused(compute):
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        compute("CUMSUM", [([1], FLOAT32), (0, INT64)], (FLOAT32,))


def test_c2_another_output_type_is_refused(compute):
    with pytest.raises(InvalidModelError, match="INT32; wanted FLOAT32"):
        compute("CUMSUM", [([1], FLOAT32), (0, INT32)], (INT32,))


def test_types_without_a_kernel_are_named(compute):
    with pytest.raises(UnsupportedError, match="INT8"):
        compute("CUMSUM", [([1], INT8), (0, INT32)], (INT8,))
