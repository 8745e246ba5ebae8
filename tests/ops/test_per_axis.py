"""Scales along an axis."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError
from quantlib.model.graph import Quantization, Tensor, TensorType
from quantlib.ops._node import Node, Value
from quantlib.ops._per_axis import along_axis

NODE = Node("QUANTIZE", (), ())


def value(scales, zero_points, axis):
    parameters = Quantization(np.asarray(scales, np.float32), np.asarray(zero_points, np.int64), axis)
    return Value(Tensor((2, 3), TensorType.INT8, quantization=parameters), 0)


def test_parameters_stand_along_their_axis():
    scales, zero_points = along_axis(NODE, "output", value([0.5, 1, 2], [1, 2, 3], 1), (2, 3))
    assert scales.tolist() == [[0.5, 1, 2]]
    assert zero_points.tolist() == [[1, 2, 3]]
    scales, _ = along_axis(NODE, "output", value([0.5, 1], [0, 0], 0), (2, 3, 4))
    assert scales.shape == (2, 1, 1)


def test_fewer_zero_points_mean_the_first_throughout():
    _, zero_points = along_axis(NODE, "output", value([0.5, 1, 2], [7], 1), (2, 3))
    assert zero_points.tolist() == [[7, 7, 7]]


def test_axis_and_extent_must_fit():
    with pytest.raises(InvalidModelError, match="output quantized_dimension: 2"):
        along_axis(NODE, "output", value([0.5, 1], [0, 0], 2), (2, 3))
    with pytest.raises(InvalidModelError, match="output scales: 2; wanted one for each of 3"):
        along_axis(NODE, "output", value([0.5, 1], [0, 0], 1), (2, 3))
