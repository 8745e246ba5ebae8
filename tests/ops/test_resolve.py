"""Constants as the file holds them, parameters as kernels read them."""

import numpy as np

from quantlib.errors import Location
from quantlib.model.graph import Buffer, Model, Quantization, Tensor, TensorType
from quantlib.ops._node import Value
from quantlib.ops._resolve import constant_value


def value_of(shape, data):
    model = Model(3, (), (), (Buffer(), Buffer(None if data is None else memoryview(data))))
    return constant_value(model, Tensor(shape, TensorType.INT32, buffer=1), Location())


def test_an_empty_constant_is_an_empty_array():
    # What a converter writes for the shape of a scalar: a buffer with data, of which there are none.
    found = value_of((0,), b"")
    assert found is not None
    assert (found.shape, found.dtype) == ((0,), np.int32)


def test_a_buffer_without_data_is_no_constant():
    assert value_of((0,), None) is None
    assert value_of((2,), None) is None


def test_no_bytes_for_elements_means_computed_at_run_time():
    assert value_of((2,), b"") is None


def zero_point(scales, zero_points):
    quantization = Quantization(np.array(scales, np.float32), np.array(zero_points, np.int64))
    return Value(Tensor((1,), TensorType.UINT8, quantization=quantization), 0).zero_point


def test_a_zero_point_without_a_scale_is_not_read():
    assert zero_point([], [3]) == 0
    assert zero_point([0.5], [3]) == 3
    assert zero_point([0.5, 0.25], [3, 3]) == 0
