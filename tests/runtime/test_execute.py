import dataclasses

import numpy as np
import pytest

import quantlib as ql
from quantlib.errors import InvalidInputError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops.reshape import ReshapeOptions
from quantlib.runtime.trace import Finished, Produced, Started
from quantlib.testing.assertions import assert_bit_exact
from quantlib.testing.single_operator import Graph


def reshape(type=TensorType.INT8, signature=None):
    graph = Graph()
    x = graph.input((2, 3), type)
    shape = graph.constant(np.int32([-1]), TensorType.INT32)
    graph.operator("RESHAPE", [x, shape], [graph.output((6,), type)], ReshapeOptions())
    model = graph.model()
    if signature is not None:
        first = dataclasses.replace(model.subgraphs[0].tensors[0], shape_signature=signature)
        subgraph = dataclasses.replace(model.subgraphs[0], tensors=(first, *model.subgraphs[0].tensors[1:]))
        model = dataclasses.replace(model, subgraphs=(subgraph,))
    return model


X = np.arange(6, dtype=np.int8).reshape(2, 3)


def test_an_output_is_the_caller_s_own_even_where_the_kernel_gave_a_view():
    x = X.copy()
    (y,) = ql.run(reshape(), x)
    y += 1
    assert_bit_exact(x, X)


def test_an_output_that_is_an_input_or_a_constant_is_a_copy():
    graph = Graph()
    x = graph.input((2,), TensorType.INT8)
    c = graph.constant(np.int8([5, 6]), TensorType.INT8)
    y = graph.output((2,), TensorType.INT8)
    graph.operator("RESHAPE", [x, graph.constant(np.int32([2]), TensorType.INT32)], [y])
    graph.outputs += [x, c]
    given = np.int8([1, 2])
    outputs = ql.run(graph.model(), given)
    for output in outputs:
        output[...] = 0
    assert_bit_exact(given, np.int8([1, 2]))
    assert_bit_exact(ql.run(graph.model(), given)[2], np.int8([5, 6]))


def test_inputs_go_by_name_too():
    (y,) = ql.run(reshape(), {"tensor_0": X})
    assert_bit_exact(y, X.reshape(-1))


@pytest.mark.parametrize(
    "inputs",
    [
        (),
        (X, X),
        ({"other": X},),
        (X.astype(np.uint8),),
        (X.astype(np.float32),),
        (X[:, :2],),
        (X[None],),
        (None,),
    ],
    ids=["none", "two", "name", "uint8", "float32", "shape", "rank", "None"],
)
def test_inputs_that_do_not_fit_are_refused_by_name(inputs):
    with pytest.raises(InvalidInputError, match="inputs"):
        ql.run(reshape(), *inputs)


def test_a_mapping_among_arrays_is_refused():
    for inputs in ((X, {"tensor_0": X}), ({"tensor_0": X}, {"tensor_0": X})):
        with pytest.raises(InvalidInputError, match="one mapping alone"):
            ql.run(reshape(), *inputs)


def test_open_dimensions_take_any_extent_and_only_these():
    model = reshape(signature=(-1, 3))
    (y,) = ql.run(model, np.zeros((5, 3), np.int8))
    assert y.shape == (15,)
    with pytest.raises(InvalidInputError):
        ql.run(model, np.zeros((5, 4), np.int8))


def test_byte_swapped_and_strided_inputs_are_read_by_value():
    model = reshape(TensorType.INT16)
    (y,) = ql.run(model, np.arange(12, dtype=">i2").reshape(2, 6)[:, ::2])
    assert_bit_exact(y, np.int16([0, 2, 4, 6, 8, 10]))


def test_a_watcher_is_told_of_every_step_in_order():
    events = []
    ql.run(reshape(), X, watch=events.append)
    assert [type(event) for event in events] == [Started, Produced, Finished]
    assert events[1].node.operator == "RESHAPE"
    assert_bit_exact(events[1].value, X.reshape(-1))


def test_custom_operators_are_given_per_call():
    graph = Graph()
    x = graph.input((2,), TensorType.FLOAT32)
    y = graph.output((2,), TensorType.FLOAT32)
    graph.operator("RELU", [x], [y])
    model = graph.model()
    code = dataclasses.replace(model.operator_codes[0], code=32, name="Twice", custom_code="Twice")
    model = dataclasses.replace(model, operator_codes=(code,))
    given = np.float32([1, -2])
    with pytest.raises(UnsupportedError, match="Twice"):
        ql.run(model, given)
    (twice,) = ql.run(model, given, custom={"Twice": lambda node: lambda x: x * np.float32(2)})
    assert_bit_exact(twice, np.float32([2, -4]))


def test_limits_are_asked_before_anything_is_computed():
    with pytest.raises(LimitExceededError):
        ql.run(reshape(), X, limits=ql.Limits(tensor_bytes=3))


def test_unknown_kernels_are_refused_with_what_there_is():
    with pytest.raises(UnsupportedError, match="'reference'"):
        ql.run(reshape(), X, kernels="fast")
