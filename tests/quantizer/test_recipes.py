import numpy as np
import pytest

from quantlib.errors import InvalidInputError
from quantlib.model.graph import TensorType
from quantlib.quantizer.recipes import DynamicRange, FullInteger, Int16x8


@pytest.mark.parametrize("given", [np.int8, "int8", np.dtype("int8"), TensorType.INT8])
def test_types_are_understood_however_they_are_spelled(given):
    assert FullInteger(input=given).input is TensorType.INT8


@pytest.mark.parametrize("given", [np.int16, "text", object(), None, TensorType.INT4])
def test_other_types_are_refused_by_name(given):
    with pytest.raises(InvalidInputError, match=r"output: .*; wanted float32 or int8 or uint8"):
        FullInteger(output=given)


def test_int16_takes_int16_ends_and_two_kinds_of_bias():
    assert Int16x8("int16", bias="int32").bias is TensorType.INT32
    for wrong in ({"input": np.int8}, {"bias": np.int16}):
        with pytest.raises(InvalidInputError):
            Int16x8(**wrong)


def test_elements_are_counted_from_0():
    assert DynamicRange(min_elements=0).min_elements == 0
    for wrong in (-1, 1.5, "many", True):
        with pytest.raises(InvalidInputError, match="min_elements"):
            DynamicRange(min_elements=wrong)


def test_recipes_are_values():
    assert FullInteger(np.int8) == FullInteger("int8")
    assert len({FullInteger(), FullInteger(), Int16x8()}) == 2
