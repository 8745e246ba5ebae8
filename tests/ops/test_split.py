"""SPLIT and SPLIT_V by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops.split import SplitOptions
from quantlib.ops.split_v import SplitVOptions
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph

FLOAT32, INT32, INT64 = TensorType.FLOAT32, TensorType.INT32, TensorType.INT64
X = np.arange(12, dtype=np.float32).reshape(2, 6)


def split(axis, parts, x=X, outputs=None, type=INT32):
    graph = Graph()
    inputs = [graph.constant(np.asarray(axis), type), graph.input(x.shape, FLOAT32)]
    made = [graph.output((), FLOAT32) for _ in range(parts if outputs is None else outputs)]
    graph.operator("SPLIT", inputs, made, SplitOptions(parts))
    return [y.tolist() for y in run(graph.model(), x)]


def split_v(sizes, axis, x=X, outputs=None, type=INT32):
    graph = Graph()
    inputs = [graph.input(x.shape, FLOAT32), graph.constant(np.asarray(sizes), type)]
    inputs.append(graph.constant(np.asarray(axis), INT32))
    count = len(sizes) if outputs is None else outputs
    graph.operator("SPLIT_V", inputs, [graph.output((), FLOAT32) for _ in range(count)], SplitVOptions(count))
    return [y.tolist() for y in run(graph.model(), x)]


def test_parts_are_equal_and_in_order():
    assert split(0, 2) == [[[0, 1, 2, 3, 4, 5]], [[6, 7, 8, 9, 10, 11]]]
    assert split([-1], 3) == [[[0, 1], [6, 7]], [[2, 3], [8, 9]], [[4, 5], [10, 11]]]
    assert split(1, 3, type=INT64) == split(1, 3)


def test_an_empty_axis_gives_empty_parts():
    assert split(1, 2, X[:, :0]) == [[[], []], [[], []]]


def test_split_c1_there_are_as_many_outputs_as_parts():
    with pytest.raises(InvalidModelError, match="num_splits: 2; wanted 3"):
        split(1, 2, outputs=3)


@pytest.mark.parametrize("axis", [2, -3])
def test_split_c2_the_axis_exists(axis):
    with pytest.raises(InvalidModelError, match=r"input 0 \(axis\)"):
        split(axis, 2)


def test_split_c2_the_axis_is_one_number():
    with pytest.raises(InvalidModelError, match=r"input 0 \(axis\): 2 values"):
        split([0, 1], 2)


def test_split_c3_the_number_of_parts_divides_the_extent():
    with pytest.raises(InvalidModelError, match="extent 6 along axis 1; wanted a multiple of 4"):
        split(1, 4)


def test_parts_have_the_given_sizes():
    assert split_v([1, 3, 2], 1, X[:1]) == [[[0]], [[1, 2, 3]], [[4, 5]]]
    assert split_v([0, 2], -2, type=INT64) == [[], X.tolist()]


def test_one_part_may_take_what_is_left():
    assert split_v([1, -1, 2], 1, X[:1]) == [[[0]], [[1, 2, 3]], [[4, 5]]]
    assert split_v([4, -1, 2], 1, X[:1]) == [[[0, 1, 2, 3]], [[]], [[4, 5]]]


@pytest.mark.parametrize("sizes", [[1, 2], [4, 3], [-1, -1], [7, -1], [-2, 8]])
def test_split_v_c3_the_parts_fill_the_axis(sizes):
    with pytest.raises(InvalidModelError, match=r"input 1 \(sizes\)"):
        split_v(sizes, 1)


def test_split_v_c1_there_is_a_size_for_every_output():
    with pytest.raises(InvalidModelError, match=r"input 1 \(sizes\): 2 values; wanted 3"):
        split_v([3, 3], 1, outputs=3)


def test_split_v_c2_the_axis_exists():
    with pytest.raises(InvalidModelError, match=r"input 2 \(axis\)"):
        split_v([3, 3], 2)
