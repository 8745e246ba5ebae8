"""Any number of samples: as if each had been given alone, or as the executor takes them all."""

import threading
from dataclasses import replace

import numpy as np
import pytest

import quantlib as ql
from quantlib.errors import InvalidInputError
from quantlib.model.graph import TensorType
from quantlib.ops._reduce import ReducerOptions
from quantlib.ops.add import AddOptions
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.ops.reshape import ReshapeOptions
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.testing.choices import SeededChoices
from quantlib.testing.float_graphs import float_graph
from quantlib.testing.integer_graphs import KINDS, integer_graph
from quantlib.testing.single_operator import Case, Graph, generators, quantization
from quantlib.testing.twisted import twisted, with_open_batch

FAMILIES = ("reference", "optimized", "xnnpack")
I8 = TensorType.INT8
P = quantization(0.05, -7)


def many(case: Case, times: int, seed: int = 0) -> list[np.ndarray]:
    """So many samples with the elements of a case's inputs in other orders."""
    random = np.random.default_rng(seed)
    return [
        np.concatenate([random.permutation(array.reshape(-1)).reshape(array.shape) for _ in range(times)])
        for array in case.inputs
    ]


def one_by_one(case: Case, inputs, times: int, kernels: str) -> list[np.ndarray]:
    """The executor's outputs for each sample alone, one after the other."""
    sizes = [array.shape[0] for array in case.inputs]
    runs = [
        ql.run(
            case.model,
            *(array[place * size : (place + 1) * size] for array, size in zip(inputs, sizes, strict=True)),
            kernels=kernels,
        )
        for place in range(times)
    ]
    joined = []
    for outputs in zip(*runs, strict=True):
        if len({output.shape[1:] for output in outputs}) > 1:
            raise InvalidInputError("inputs", "outputs of several shapes", "of one")
        joined.append(np.concatenate(list(map(np.atleast_1d, outputs))))
    return joined


def wrong(case: Case, times: int, kernels: str, outcome) -> list[str]:
    """In which ways a program of so many samples is not what the executor says."""
    if not case.inputs or any(array.ndim == 0 or array.shape[0] == 0 for array in case.inputs):
        return []
    inputs = many(case, times)
    alone = outcome(lambda: one_by_one(case, inputs, times, kernels))
    if isinstance(alone, str) and alone != "InvalidInputError":
        return []
    program = ql.compile_model(case.model, kernels=kernels)
    found = [
        f"{kernels}, {threads} threads"
        for threads in (1, 2)
        if outcome(lambda: program(*inputs, threads=threads)) != alone  # noqa: B023 - called here
    ]
    opened = with_open_batch(case, 1).model
    together = outcome(lambda: ql.run(opened, *inputs, kernels=kernels))
    answer = outcome(lambda: ql.compile_model(opened, kernels=kernels)(*inputs))
    if answer not in (together, alone) or (answer != together and not isinstance(together, str)):
        found.append(f"{kernels}, open")
    return found


def random_case(kind: str, seed: int) -> Case:
    choices = SeededChoices(seed)
    case = (
        float_graph(choices, 4 + seed % 9) if kind == "float" else integer_graph(choices, kind, 2 + seed % 8)
    )
    return twisted(choices, case) if seed % 2 else case


@pytest.mark.parametrize("kind", [*KINDS, "float"])
def test_samples_of_random_networks_are_as_the_executors(kind, outcome):
    for seed in range(4):
        for kernels in FAMILIES:
            assert wrong(random_case(kind, seed), 3, kernels, outcome) == [], seed


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, "float"])
def test_samples_of_hundreds_of_random_networks_are_as_the_executors(kind, outcome):
    for seed in range(2000, 2150):
        for kernels in FAMILIES:
            assert wrong(random_case(kind, seed), 2 + seed % 3, kernels, outcome) == [], seed


@pytest.mark.slow
@pytest.mark.parametrize("generator", generators().values(), ids=str)
def test_samples_of_single_operators_are_as_the_executors(generator, outcome):
    for seed in range(8):
        for kernels in FAMILIES:
            assert wrong(generator.make(SeededChoices(seed)), 3, kernels, outcome) == [], seed


@pytest.mark.parametrize("place", range(0, len(generators()), 9))
def test_samples_of_some_operators_are_as_the_executors(place, outcome):
    """Among them operators that mix samples or lose the first axis, which threads must not join."""
    generator = list(generators().values())[place]
    for seed in range(3):
        for kernels in FAMILIES:
            assert wrong(generator.make(SeededChoices(seed)), 3, kernels, outcome) == [], (generator, seed)


def a_network(parameters=P, width: int = 7) -> Case:
    """Small and per sample: a layer, a sum, a view, a dense layer, shares."""
    graph = Graph()
    random = np.random.default_rng(3)
    x = graph.input((1, 4, width, 3), I8, parameters)
    names = {}
    for name, shape, axis in (("conv", (3, 3, 3, 3), 0), ("dense", (10, 4 * width * 3), 0)):
        codes = random.integers(-127, 128, shape).astype(np.int8)
        names[name] = graph.constant(codes, I8, quantization(0.01, 0, axis))
    bias = graph.constant(np.array([5, -400, 90], np.int32), TensorType.INT32, quantization(0.0005))
    t, u = (graph.tensor((1, 4, width, 3), I8, quantization(0.1 * one, one)) for one in (1, 2))
    flat = graph.tensor((1, 4 * width * 3), I8, quantization(0.2, 2))
    dense, y = (graph.tensor((1, 10), I8, q) for q in (quantization(0.3, 1), quantization(1 / 256, -128)))
    graph.operator("CONV_2D", [x, names["conv"], bias], [t], Conv2DOptions(stride_w=1, stride_h=1), version=3)
    graph.operator("ADD", [t, x], [u], AddOptions(), version=2)
    shape = graph.constant(np.array([-1, 4 * width * 3], np.int32), TensorType.INT32)
    graph.operator("RESHAPE", [u, shape], [flat], ReshapeOptions((-1, 4 * width * 3)))
    graph.operator("FULLY_CONNECTED", [flat, names["dense"], -1], [dense], FullyConnectedOptions(), version=4)
    graph.operator("SOFTMAX", [dense], [y], SoftmaxOptions(1.0), version=2)
    graph.outputs += [y, u]
    return graph.finished(random.integers(-128, 128, (1, 4, width, 3)).astype(np.int8))


@pytest.mark.parametrize("kernels", FAMILIES)
def test_every_size_up_to_beyond_two_tiles_gives_the_samples_of_one(kernels):
    case = a_network(width=120)
    program = ql.compile_model(case.model, kernels=kernels)
    tile = program.tile
    assert tile > 1
    inputs = many(case, 2 * tile + 1)
    alone = one_by_one(case, inputs, 2 * tile + 1, kernels)
    for times in (0, 1, 2, 3, tile - 1, tile, tile + 1, 2 * tile + 1):
        for threads in (1, 3):
            found = program(*(array[:times] for array in inputs), threads=threads)
            for mine, theirs in zip(found, alone, strict=True):
                assert mine.dtype == theirs.dtype
                assert np.array_equal(mine, theirs[:times]), (times, threads)


def test_a_model_for_four_samples_takes_any_multiple_of_four():
    case = a_network()
    subgraph = case.model.subgraphs[0]
    four = tuple(
        replace(tensor, shape=(4, *tensor.shape[1:])) if tensor.shape[:1] == (1,) else tensor
        for tensor in subgraph.tensors
    )
    model = replace(case.model, subgraphs=(replace(subgraph, tensors=four),))
    inputs = many(case, 12)
    alone = one_by_one(case, inputs, 12, "reference")
    program = ql.compile_model(model)
    for mine, theirs in zip(program(*inputs), alone, strict=True):
        assert np.array_equal(mine, theirs)
    with pytest.raises(InvalidInputError):
        program(*(array[:6] for array in inputs))


def mean_of_samples(*, is_open: bool, is_scalar: bool = False) -> Graph:
    """MEAN over the first axis, or over everything."""
    graph = Graph()
    x = graph.tensor((1, 6), I8, P, shape_signature=(-1, 6) if is_open else None)
    graph.inputs.append(x)
    axes = graph.constant(np.array([0, 1] if is_scalar else [0], np.int32), TensorType.INT32)
    y = graph.output(() if is_scalar else (6,), I8, P)
    graph.operator("MEAN", [x, axes], [y], ReducerOptions(False), version=2)
    return graph


@pytest.mark.parametrize("is_scalar", [False, True])
def test_where_the_batch_is_open_samples_may_meet(is_scalar, outcome):
    model = mean_of_samples(is_open=True, is_scalar=is_scalar).model()
    codes = np.arange(30, dtype=np.int8).reshape(5, 6)
    for count in (0, 1, 2, 5):
        wanted = outcome(lambda: ql.run(model, codes[:count]))  # noqa: B023 - called here
        assert outcome(lambda: ql.compile_model(model)(codes[:count])) == wanted  # noqa: B023 - called here


@pytest.mark.parametrize(("is_scalar", "shape"), [(False, (30,)), (True, (5,))])
def test_where_it_is_not_open_each_sample_is_alone(is_scalar, shape):
    program = ql.compile_model(mean_of_samples(is_open=False, is_scalar=is_scalar).model())
    codes = np.arange(30, dtype=np.int8).reshape(5, 6)
    (y,) = program(codes)
    assert y.shape == shape
    assert np.array_equal(y, np.concatenate([np.atleast_1d(*program(row[None])) for row in codes]))
    (nothing,) = program(codes[:0])
    assert nothing.shape == (0,)
    assert nothing.dtype == np.int8


def test_constants_among_the_outputs_are_given_once_per_sample():
    graph = Graph()
    x = graph.input((1, 6), I8, P)
    y = graph.output((1, 6), I8, P)
    graph.operator("RELU", [x], [y])
    graph.outputs.append(graph.constant(np.arange(6, dtype=np.int8)[None], I8, P))
    program = ql.compile_model(graph.model())
    for count in (0, 1, 2, 300):
        assert [output.shape for output in program(np.zeros((count, 6), np.int8))] == [(count, 6)] * 2


def test_samples_whose_outputs_differ_in_shape_cannot_be_joined():
    graph = Graph()
    x = graph.input((2, 3), TensorType.FLOAT32)
    shape = graph.input((2,), TensorType.INT32)
    y = graph.output((2, 3), TensorType.FLOAT32)
    graph.operator("RESHAPE", [x, shape], [y], ReshapeOptions(()))
    program = ql.compile_model(graph.model())
    real = np.zeros((4, 3), np.float32)
    assert program(real, np.array([3, 2, 3, 2], np.int32))[0].shape == (6, 2)
    with pytest.raises(InvalidInputError, match="differ in shape"):
        program(real, np.array([3, 2, 1, 6], np.int32))


def test_blocks_of_the_optimized_kernels_begin_anew_with_every_sample():
    """Sums are large, so that they wrap in the blocks' registers of 16 bits and not in what is left over."""
    parted = 0
    for seed in range(6):
        random = np.random.default_rng(seed)
        graph = Graph()
        x, y = (graph.input((1, 37), I8, quantization(0.0625, 3)) for _ in "xy")
        z = graph.output((1, 37), I8, quantization(2.0 ** -(seed + 9), -20))
        graph.operator("ADD", [x, y], [z], AddOptions(), version=2)
        case = Case(graph.model(), tuple(random.integers(-128, 128, (1, 37)).astype(np.int8) for _ in "xy"))
        inputs = many(case, 40)
        (alone,) = one_by_one(case, inputs, 40, "optimized")
        (found,) = ql.compile_model(case.model, kernels="optimized")(*inputs)
        assert np.array_equal(found, alone)
        opened = with_open_batch(case, 1).model
        (together,) = ql.run(opened, *inputs, kernels="optimized")
        (found,) = ql.compile_model(opened, kernels="optimized")(*inputs)
        assert np.array_equal(found, together)
        parted += not np.array_equal(alone, together)
    assert parted > 0, "where blocks make no difference, nothing was shown"


def test_threads_share_a_program():
    case = a_network()
    program = ql.compile_model(case.model)
    inputs = [many(case, 1 + seed % 5, seed) for seed in range(8)]
    wanted = [program(*one) for one in inputs]
    wrong_ones: list[int] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        for turn in range(40):
            place = turn % len(inputs)
            found = program(*inputs[place])
            if any(not np.array_equal(*pair) for pair in zip(found, wanted[place], strict=True)):
                wrong_ones.append(place)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong_ones == []
