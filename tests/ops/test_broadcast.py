"""Operands: what broadcasts, what is refused."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import Tensor, TensorType
from quantlib.model.limits import Limits
from quantlib.ops._broadcast import (
    broadcast_shape,
    require_operands,
    require_same_elements,
    require_zero_points_of_zero,
)
from quantlib.ops._node import Node, Value
from quantlib.testing.single_operator import quantization


def node(*types, output=TensorType.INT8, limits=None):
    values = tuple(Value(Tensor(shape=(1,), type=one), index) for index, one in enumerate(types))
    more = {} if limits is None else {"limits": limits}
    return Node("ADD", values, (Value(Tensor(shape=(1,), type=output), 9),), **more)


def empty(*shape):
    return np.empty(shape, np.int8)


def test_missing_axes_and_extents_of_one_are_repeated():
    assert broadcast_shape(node(), empty(2, 1, 3), empty(4, 1)) == (2, 4, 3)


def test_an_extent_of_none_stays_none():
    assert broadcast_shape(node(), empty(0, 3), empty(1, 1)) == (0, 3)


def test_extents_that_differ_are_refused():
    with pytest.raises(InvalidModelError, match=r"ADD, inputs: shapes \[\(2,\), \(3,\)\]"):
        broadcast_shape(node(), empty(2), empty(3))


def test_nine_dimensions_broadcast_nowhere():
    nine = (1,) * 8 + (2,)
    generous = node(limits=Limits(rank=10))
    assert broadcast_shape(generous, empty(*nine), empty(*nine)) == nine
    with pytest.raises(UnsupportedError, match="LiteRT ends the process"):
        broadcast_shape(generous, empty(*nine), empty(2))


def test_a_result_beyond_the_limits_is_refused_before_it_is_made():
    limited = node(limits=Limits(tensor_bytes=1000))
    with pytest.raises(LimitExceededError):
        broadcast_shape(limited, empty(100, 1), empty(1, 100))


def test_shapes_may_differ_where_nothing_is_repeated():
    require_same_elements(node(), empty(1, 4), empty(4))
    with pytest.raises(UnsupportedError):
        require_same_elements(node(), empty(2, 1), empty(1, 2))


def test_operands_are_counted():
    with pytest.raises(InvalidModelError, match="inputs: 3; wanted 2"):
        require_operands(node(TensorType.INT8, TensorType.INT8, TensorType.INT8))


def test_operands_are_of_one_type():
    with pytest.raises(InvalidModelError, match="input 1: UINT8; wanted INT8"):
        require_operands(node(TensorType.INT8, TensorType.UINT8))
    with pytest.raises(InvalidModelError, match="output: INT16; wanted INT8"):
        require_operands(node(TensorType.INT8, TensorType.INT8, output=TensorType.INT16))
    require_operands(node(TensorType.INT8, TensorType.INT8, output=TensorType.INT16), output=False)


def test_zero_points_other_than_zero_are_named():
    parameters = quantization(0.5, 3)
    values = tuple(Value(Tensor((1,), TensorType.INT16, quantization=one), 0) for one in (None, parameters))
    with pytest.raises(InvalidModelError, match=r"input 1 quantization\.zero_point: 3; wanted 0"):
        require_zero_points_of_zero(Node("ADD", values, values[:1]))
    with pytest.raises(InvalidModelError, match=r"output quantization\.zero_point: 3; wanted 0"):
        require_zero_points_of_zero(Node("RELU", values[:1], values[1:]))
    require_zero_points_of_zero(Node("RELU", (None, values[0]), values[:1]))
