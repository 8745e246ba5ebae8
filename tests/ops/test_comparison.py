"""EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER and GREATER_EQUAL by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32, BOOL = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.BOOL,
)
COMPARISONS = {
    "EQUAL": np.equal,
    "NOT_EQUAL": np.not_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
}
each = pytest.mark.parametrize("operator", COMPARISONS)


@each
@pytest.mark.parametrize("name", ["FLOAT32", "FLOAT16", "INT32", "INT64"])
def test_numbers_are_compared_and_broadcast(compute, operator, name):
    type = TensorType[name]
    x, y = np.array([[1], [2]]), np.array([1, 2, 3])
    out = compute(operator, [(x, type), (y, type)], (BOOL,))
    assert out.dtype == np.bool_
    assert np.array_equal(out, COMPARISONS[operator](x, y))


@each
def test_nan_only_differs(compute, operator):
    x, y = [np.nan, np.nan, 1.0, -0.0], [np.nan, 1.0, np.nan, 0.0]
    out = compute(operator, [(x, FLOAT32), (y, FLOAT32)], (BOOL,))
    assert out[:3].tolist() == [operator == "NOT_EQUAL"] * 3
    assert out[3] == (operator in {"EQUAL", "LESS_EQUAL", "GREATER_EQUAL"})


@each
def test_codes_are_compared_by_what_they_stand_for(compute, operator):
    x, y = quantization(0.5, 1), quantization(0.25, -2)
    codes = [3, 3, 3]  # 1.0 against 0.75, 1.0, 1.25
    out = compute(operator, [(codes, INT8, x), ([1, 2, 3], INT8, y)], (BOOL,))
    assert np.array_equal(out, COMPARISONS[operator](1.0, np.array([0.75, 1.0, 1.25])))


@each
def test_codes_whose_numbers_are_close_compare_as_equal(compute, operator):
    # A unit of 1e-3 is 0.256 of the 256ths that are compared.
    tiny = quantization(1e-3)
    out = compute(operator, [([4, 4, 4], UINT8, tiny), ([3, 4, 5], UINT8, tiny)], (BOOL,))
    assert out.tolist() == [operator in {"EQUAL", "LESS_EQUAL", "GREATER_EQUAL"}] * 3


@each
def test_scales_above_one_leave_the_sign(compute, operator):
    wide = quantization(1.5)
    out = compute(operator, [([5, -5], INT8, wide), ([7, 7], INT8, wide)], (BOOL,))
    assert np.array_equal(out, COMPARISONS[operator](np.array([1, -1]), 1))


@each
def test_scales_that_litert_does_not_survive_are_refused(compute, operator):
    for parameters in (None, quantization(1.0)):
        with pytest.raises(UnsupportedError, match="ends the process"):
            compute(operator, [([1], INT8, parameters), ([1], INT8, quantization(0.5))], (BOOL,))
    enormous = quantization(1e8)
    with pytest.raises(UnsupportedError, match="shifts by a negative count"):
        compute(operator, [([127], INT8, enormous), ([1], INT8, enormous)], (BOOL,))


@each
def test_int16(compute, operator):
    out = compute(
        operator, [([1, 2], INT16, quantization(0.5)), ([2, 2], INT16, quantization(0.25))], (BOOL,)
    )
    scaled = operator in {"EQUAL", "NOT_EQUAL"}
    expected = ([0.5, 1], 0.5) if scaled else ([1, 2], 2)
    assert np.array_equal(out, COMPARISONS[operator](*map(np.array, expected)))


def test_int16_without_parameters(compute):
    operands = [([1, 2], INT16), ([2, 2], INT16)]
    assert compute("EQUAL", operands, (BOOL,)).tolist() == [False, True]
    assert compute("LESS", operands, (BOOL,)).tolist() == [True, False]
    with pytest.raises(UnsupportedError):
        compute("NOT_EQUAL", operands, (BOOL,))


def test_truth_values_are_equal_or_not(compute):
    operands = [([True, True, False], BOOL), ([True, False, False], BOOL)]
    assert compute("EQUAL", operands, (BOOL,)).tolist() == [True, False, True]
    assert compute("NOT_EQUAL", operands, (BOOL,)).tolist() == [False, True, False]
    with pytest.raises(UnsupportedError):
        compute("LESS", operands, (BOOL,))


@each
def test_types(compute, operator):
    with pytest.raises(InvalidModelError, match="input 1: INT32; wanted FLOAT32"):
        compute(operator, [([1], FLOAT32), ([1], INT32)], (BOOL,))
    with pytest.raises(InvalidModelError, match="output: FLOAT32; wanted BOOL"):
        compute(operator, [([1], FLOAT32), ([1], FLOAT32)], (FLOAT32,))


def test_logical_and_or(compute):
    operands = [([[True], [False]], BOOL), ([True, False], BOOL)]
    assert compute("LOGICAL_AND", operands, (BOOL,)).tolist() == [[True, False], [False, False]]
    assert compute("LOGICAL_OR", operands, (BOOL,)).tolist() == [[True, True], [True, False]]
    for operator in ("LOGICAL_AND", "LOGICAL_OR"):
        with pytest.raises(UnsupportedError):
            compute(operator, [([1], INT8), ([1], INT8)], (INT8,))
        with pytest.raises(InvalidModelError, match="input 1: INT8; wanted BOOL"):
            compute(operator, [([True], BOOL), ([1], INT8)], (BOOL,))
