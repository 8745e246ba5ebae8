"""What a program takes, gives and keeps."""

import contextlib
import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest

import quantlib as ql
from quantlib.compiler import Certificate
from quantlib.errors import InvalidInputError, LimitExceededError, UnsupportedError
from quantlib.model.graph import Model, OperatorCode, TensorType
from quantlib.model.limits import Limits
from quantlib.ops.add import AddOptions
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.testing.choices import SeededChoices
from quantlib.testing.integer_graphs import integer_graph
from quantlib.testing.single_operator import Graph, generators, quantization

I8 = TensorType.INT8
P = quantization(0.05, -7)
SHAPE = (1, 6, 5, 3)


def a_model() -> Model:
    """CONV_2D and SOFTMAX, and a sum of two inputs."""
    graph = Graph()
    random = np.random.default_rng(1)
    x, y = graph.input(SHAPE, I8, P), graph.input(SHAPE, I8, quantization(0.1, 3))
    w = graph.constant(random.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8), I8, quantization([0.01] * 4))
    b = graph.constant(np.arange(4, dtype=np.int32) * 99, TensorType.INT32, quantization([0.0005] * 4))
    t = graph.tensor((1, 6, 5, 4), I8, quantization(0.04, 2))
    graph.operator("CONV_2D", [x, w, b], [t], Conv2DOptions(stride_w=1, stride_h=1), version=3)
    shares = graph.output((1, 6, 5, 4), I8, quantization(1 / 256, -128))
    graph.operator("SOFTMAX", [t], [shares], SoftmaxOptions(1.0), version=2)
    total = graph.output(SHAPE, I8, quantization(0.15, 0))
    graph.operator("ADD", [x, y], [total], AddOptions(), version=2)
    return graph.model()


MODEL = a_model()
PROGRAM = ql.compile_model(MODEL)
INPUTS = tuple(np.random.default_rng(2).integers(-128, 128, SHAPE).astype(np.int8) for _ in range(2))
WANTED = ql.run(MODEL, *INPUTS)


def are_wanted(outputs) -> bool:
    return all(
        mine.dtype == theirs.dtype and np.array_equal(mine, theirs)
        for mine, theirs in zip(outputs, WANTED, strict=True)
    )


def other_order(array: np.ndarray) -> np.ndarray:
    return np.asfortranarray(array)


def strided(array: np.ndarray) -> np.ndarray:
    return np.repeat(array, 2, axis=2)[:, :, ::2]


def backwards(array: np.ndarray) -> np.ndarray:
    return array[:, ::-1].copy()[:, ::-1]


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


class Codes(np.ndarray):
    """A class of somebody's own."""


@pytest.mark.parametrize("lay", [other_order, strided, backwards, read_only, lambda array: array.view(Codes)])
def test_how_an_array_lies_in_memory_does_not_matter(lay):
    assert are_wanted(PROGRAM(*map(lay, INPUTS)))
    doubled = PROGRAM(*(lay(np.concatenate([array, array])) for array in INPUTS))
    assert are_wanted([output[:1] for output in doubled])
    assert are_wanted([output[1:] for output in doubled])


def test_inputs_may_be_named():
    names = [MODEL.subgraphs[0].tensors[index].name for index in MODEL.subgraphs[0].inputs]
    assert are_wanted(PROGRAM(dict(zip(names, INPUTS, strict=True))))
    assert are_wanted(PROGRAM(dict(zip(names[::-1], INPUTS[::-1], strict=True))))


def test_numbers_of_the_other_byte_order_are_taken():
    case = generators()["RELU", "float32"].make(SeededChoices(1))
    (wanted,) = ql.run(case.model, *case.inputs)
    (found,) = ql.compile_model(case.model)(*(array.astype(">f4") for array in case.inputs))
    assert found.dtype == np.float32
    assert found.dtype.isnative
    assert np.array_equal(found, wanted, equal_nan=True)


def test_lists_are_taken_where_their_numbers_have_the_type():
    graph = Graph()
    x, y = graph.input((2,), TensorType.INT64), graph.output((2,), TensorType.INT64)
    graph.operator("ADD", [x, x], [y], AddOptions())
    assert ql.compile_model(graph.model())([3, 4])[0].tolist() == [6, 8]


def test_inputs_are_never_written_to():
    before = [array.copy() for array in INPUTS]
    PROGRAM(*INPUTS)
    PROGRAM(*(np.concatenate([array] * 3) for array in INPUTS))
    assert all(np.array_equal(*pair) for pair in zip(INPUTS, before, strict=True))


@pytest.mark.parametrize("times", [1, 2])
def test_outputs_are_the_callers_own(times):
    """Arrays that may be written to, that no later call changes and that share no memory."""
    graph = Graph()
    x = graph.input((1, 6), I8, P)
    y = graph.output((1, 6), I8, quantization(1 / 256, -128))
    graph.operator("LOGISTIC", [x], [y])
    constant = graph.constant(np.arange(6, dtype=np.int8)[None], I8, P)
    graph.outputs += [x, y, constant]
    for model in (graph.model(), MODEL):
        program = ql.compile_model(model)
        given = INPUTS if model is MODEL else (np.arange(6, dtype=np.int8)[None],)
        inputs = [np.concatenate([array] * times) for array in given]
        first = program(*inputs)
        kept = [output.copy() for output in first]
        for place, output in enumerate(first):
            assert output.flags.writeable
            assert not any(np.shares_memory(output, array) for array in inputs)
            assert not any(np.shares_memory(output, other) for other in first[:place])
        program(*(array[..., ::-1] for array in inputs))
        assert all(np.array_equal(*pair) for pair in zip(first, kept, strict=True))
        for output in first:
            output[...] = 1
        assert all(np.array_equal(*pair) for pair in zip(program(*inputs), kept, strict=True))


WRONG = {
    "too few": (INPUTS[:1], {}),
    "too many": ((*INPUTS, INPUTS[0]), {}),
    "another type": ((INPUTS[0].astype(np.uint8), INPUTS[1]), {}),
    "real numbers": ((INPUTS[0].astype(np.float32), INPUTS[1]), {}),
    "a list of Python's integers": ((INPUTS[0].tolist(), INPUTS[1]), {}),
    "another shape": ((INPUTS[0][:, :5], INPUTS[1]), {}),
    "a dimension less": ((INPUTS[0][0], INPUTS[1]), {}),
    "two samples of one and three of the other": (
        (np.repeat(INPUTS[0], 2, axis=0), np.repeat(INPUTS[1], 3, axis=0)),
        {},
    ),
    "a wrong name": (({"x": INPUTS[0], "y": INPUTS[1]},), {}),
    "one name": (({"tensor_0": INPUTS[0]},), {}),
    "no threads": (INPUTS, {"threads": 0}),
    "fewer than no threads": (INPUTS, {"threads": -1}),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_taken_is_refused(what):
    inputs, more = WRONG[what]
    with pytest.raises(InvalidInputError):
        PROGRAM(*inputs, **more)
    assert are_wanted(PROGRAM(*INPUTS))


def test_real_numbers_are_not_taken_for_strings():
    graph = Graph()
    graph.input((2,), TensorType.STRING)
    x, y = graph.input((1, 6), I8, P), graph.output((1, 6), I8, P)
    graph.operator("RELU", [x], [y])
    with pytest.raises(InvalidInputError):
        ql.compile_model(graph.model())(np.zeros(2), np.zeros((1, 6), np.int8))


def test_what_the_executor_refuses_is_refused_when_it_is_compiled():
    strange = OperatorCode(32, "nobody has it", 1, "nobody has it")
    model = replace(MODEL, operator_codes=(strange, *MODEL.operator_codes[1:]))
    with pytest.raises(UnsupportedError):
        ql.compile_model(model)


@pytest.mark.parametrize("limits", [Limits(tensor_bytes=50), Limits(total_tensor_bytes=90), Limits(rank=3)])
def test_limits_on_what_a_file_states_hold(limits):
    with pytest.raises(LimitExceededError):
        ql.run(MODEL, *INPUTS, limits=limits)
    with pytest.raises(LimitExceededError):
        ql.compile_model(MODEL, limits=limits)


def test_limits_on_work_hold():
    program = ql.compile_model(MODEL, limits=Limits(multiply_adds=1000))
    with pytest.raises(LimitExceededError):
        program(*INPUTS)


@pytest.mark.parametrize("kernels", ["reference", "optimized", "xnnpack"])
def test_a_program_can_be_pickled(kernels):
    program = ql.compile_model(MODEL, kernels=kernels)
    again = pickle.loads(pickle.dumps(program))
    wanted = ql.run(MODEL, *INPUTS, kernels=kernels)
    assert all(np.array_equal(*pair) for pair in zip(again(*INPUTS), wanted, strict=True))
    assert again.certificates() == program.certificates()


def doubled(node):
    """A caller's kernel."""
    return lambda x: (x * 2).astype(x.dtype)


def test_a_program_with_a_kernel_of_the_callers_can_be_pickled():
    graph = Graph()
    x, y = graph.input((1, 6), I8, P), graph.output((1, 6), I8, P)
    graph.operator("RELU", [x], [y])
    program = ql.compile_model(graph.model(), custom={"RELU": doubled}, limits=Limits(rank=4))
    again = pickle.loads(pickle.dumps(program))
    assert again(np.arange(6, dtype=np.int8)[None])[0].tolist() == [[0, 2, 4, 6, 8, 10]]


def test_there_is_a_certificate_for_every_operator():
    for seed in range(6):
        case = integer_graph(SeededChoices(seed), "int8", 9)
        certificates = ql.compile_model(case.model).certificates()
        operators = case.model.subgraphs[0].operators
        assert [one.position for one in certificates] == list(range(len(operators)))
        names = [case.model.operator_codes[operator.opcode_index].name for operator in operators]
        assert [one.operator for one in certificates] == names
        assert all(one.argument for one in certificates)
        assert pickle.loads(pickle.dumps(certificates)) == certificates


def test_certificates_print_a_line_each():
    certificates = PROGRAM.certificates()
    lines = str(certificates).splitlines()
    assert len(lines) == len(certificates) == 3
    for line, certificate in zip(lines, certificates, strict=True):
        assert isinstance(certificate, Certificate)
        assert line == str(certificate)
        assert certificate.operator in line
        assert certificate.rung in line
    assert certificates[0].sums == "sgemm"
    assert "partial sums below" in lines[0]
    assert certificates[2].steps == 2**16


def test_workspaces_of_few_sizes_are_kept():
    program = ql.compile_model(MODEL)
    for times in range(1, 40):
        program(*(np.repeat(array, times, axis=0) for array in INPUTS))
    most = program.bytes
    for times in range(40, 60):
        program(*(np.repeat(array, times, axis=0) for array in INPUTS))
    assert 0 < program.bytes <= most


def test_no_warning_escapes():
    """Nothing that NumPy remarks on reaches a caller who makes errors of it."""
    cases = [generator.make(SeededChoices(11)) for generator in list(generators().values())[::7]]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for case in cases:
            with contextlib.suppress(ql.QuantlibError):
                ql.compile_model(case.model)(*case.inputs)
