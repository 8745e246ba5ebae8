"""PACK and UNPACK by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops.pack import PackOptions
from quantlib.ops.unpack import UnpackOptions
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, INT8, INT32 = TensorType.FLOAT32, TensorType.INT8, TensorType.INT32
ROWS = [([1, 2, 3], INT32), ([4, 5, 6], INT32)]


def unpack(x, num, axis, parameters=(None, None)):
    graph = Graph()
    inputs = [graph.input(np.shape(x), INT8, parameters[0])]
    outputs = [graph.output((), INT8, parameters[1]) for _ in range(num)]
    graph.operator("UNPACK", inputs, outputs, UnpackOptions(num, axis))
    return [y.tolist() for y in run(graph.model(), np.asarray(x, np.int8))]


def test_tensors_are_stacked_along_a_new_axis(compute):
    assert compute("PACK", ROWS, (INT32,), PackOptions(2, 0)).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert compute("PACK", ROWS, (INT32,), PackOptions(2, 1)).tolist() == [[1, 4], [2, 5], [3, 6]]
    assert compute("PACK", ROWS, (INT32,), PackOptions(2, -1)).tolist() == [[1, 4], [2, 5], [3, 6]]


def test_scalars_become_a_vector(compute):
    assert compute("PACK", [(1, INT32), (2, INT32)], (INT32,), PackOptions(2)).tolist() == [1, 2]


def test_pack_c1_every_input_has_one_type_and_shape(compute):
    with pytest.raises(InvalidModelError, match="values_count: 3; wanted 2"):
        compute("PACK", ROWS, (INT32,), PackOptions(3))
    for other in (([1, 2], INT32), ([1, 2, 3], FLOAT32)):
        with pytest.raises(InvalidModelError):
            compute("PACK", [ROWS[0], other], (INT32,), PackOptions(2))


@pytest.mark.parametrize("axis", [2, -3])
def test_pack_c2_the_new_axis_has_a_place(compute, axis):
    with pytest.raises(InvalidModelError, match="axis"):
        compute("PACK", ROWS, (INT32,), PackOptions(2, axis))


def test_pack_c3_codes_mean_the_same_everywhere(compute):
    one, other = quantization(0.5), quantization(0.25)
    with pytest.raises(InvalidModelError, match=r"scale 0.5; wanted 0.25"):
        compute("PACK", [([1], INT8, one)], (INT8, other), PackOptions(1))


def test_slices_are_handed_out():
    x = [[1, 2, 3], [4, 5, 6]]
    assert unpack(x, 2, 0) == [[1, 2, 3], [4, 5, 6]]
    assert unpack(x, 3, -1) == [[1, 4], [2, 5], [3, 6]]
    assert unpack([1, 2], 2, 0) == [1, 2]


def test_unpack_c1_there_is_an_output_for_every_slice():
    with pytest.raises(InvalidModelError, match="input 0: 3 slices; wanted 2"):
        unpack([1, 2, 3], 2, 0)


@pytest.mark.parametrize("axis", [1, -2])
def test_unpack_c2_the_axis_exists(axis):
    with pytest.raises(InvalidModelError, match="axis"):
        unpack([1, 2], 2, axis)


def test_unpack_c3_there_is_something_to_hand_out():
    with pytest.raises(InvalidModelError, match="an empty tensor"):
        unpack(np.empty((2, 0)), 2, 0)


def test_unpack_c4_codes_mean_the_same_everywhere():
    with pytest.raises(InvalidModelError, match="zero_point 2; wanted 1"):
        unpack([1], 1, 0, (quantization(0.5, 1), quantization(0.5, 2)))
