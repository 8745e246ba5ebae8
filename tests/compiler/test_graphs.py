"""Programs of whole graphs: tensors that several parts read, views, borders, shapes found late."""

from collections.abc import Sequence

import numpy as np
import pytest

from quantlib.model.graph import TensorType
from quantlib.ops._pool import Pool2DOptions
from quantlib.ops._reduce import ReducerOptions
from quantlib.ops._window import Padding
from quantlib.ops.add import AddOptions
from quantlib.ops.concatenation import ConcatenationOptions
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.ops.pad import PadOptions
from quantlib.ops.reshape import ReshapeOptions
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.testing.choices import SeededChoices
from quantlib.testing.float_graphs import float_graph
from quantlib.testing.integer_graphs import KINDS, integer_graph
from quantlib.testing.single_operator import Graph, quantization
from quantlib.testing.twisted import twisted

I8 = TensorType.INT8
P = quantization(0.05, -7)
IMAGE = (1, 6, 5, 4)


class Network(Graph):
    """A graph of int8 tensors that have the same parameters unless said otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.random = np.random.default_rng(7)

    def x(self, shape: Sequence[int] = IMAGE, parameters=P) -> int:
        return self.input(shape, I8, parameters)

    def y(self, shape: Sequence[int], parameters=P) -> int:
        return self.tensor(shape, I8, parameters)

    def shape(self, index: int) -> tuple[int, ...]:
        return self.tensors[index].shape

    def numbers(self, values: object) -> int:
        return self.constant(np.array(values, np.int32), TensorType.INT32)

    def add_operator(
        self, name: str, inputs: Sequence[int], shape: Sequence[int], options=None, parameters=P, version=2
    ) -> int:
        y = self.y(shape, parameters)
        self.operator(name, inputs, [y], options, version=version)
        return y

    def conv(
        self, x: int, filters: int = 4, size: tuple[int, int] = (3, 3), stride: int = 1, padding=Padding.SAME
    ) -> int:
        n, h, w, c = self.shape(x)
        extents = [
            -(-one // stride) if padding is Padding.SAME else -(-(one - side + 1) // stride)
            for one, side in zip((h, w), size, strict=True)
        ]
        codes = self.random.integers(-127, 128, (filters, *size, c)).astype(np.int8)
        weights = self.constant(codes, I8, quantization([0.01] * filters))
        bias = self.constant(
            self.random.integers(-500, 500, filters).astype(np.int32),
            TensorType.INT32,
            quantization([0.0005] * filters),
        )
        options = Conv2DOptions(padding, stride, stride)
        return self.add_operator("CONV_2D", [x, weights, bias], (n, *extents, filters), options, version=3)

    def depthwise(self, x: int) -> int:
        n, h, w, c = self.shape(x)
        codes = self.random.integers(-127, 128, (1, 3, 3, c)).astype(np.int8)
        weights = self.constant(codes, I8, quantization([0.01] * c, 0, 3))
        bias = self.constant(np.arange(c, dtype=np.int32), TensorType.INT32, quantization([0.0005] * c))
        options = DepthwiseConv2DOptions(Padding.SAME, 1, 1, 1)
        return self.add_operator("DEPTHWISE_CONV_2D", [x, weights, bias], (n, h, w, c), options, version=3)

    def reshape(self, x: int, shape: Sequence[int]) -> int:
        options = ReshapeOptions(tuple(shape))
        return self.add_operator("RESHAPE", [x, self.numbers(shape)], shape, options, version=1)

    def sum(self, x: int, y: int, parameters=P) -> int:
        return self.add_operator("ADD", [x, y], self.shape(x), AddOptions(), parameters)

    def pool(self, name: str, x: int, size: int = 3, stride: int = 1, padding=Padding.SAME) -> int:
        n, h, w, c = self.shape(x)
        extents = [
            -(-one // stride) if padding is Padding.SAME else -(-(one - size + 1) // stride) for one in (h, w)
        ]
        options = Pool2DOptions(padding, stride, stride, size, size)
        return self.add_operator(name, [x], (n, *extents, c), options)

    def pad(self, x: int, margins: Sequence[tuple[int, int]]) -> int:
        shape = [one + sum(margin) for one, margin in zip(self.shape(x), margins, strict=True)]
        return self.add_operator("PAD", [x, self.numbers(margins)], shape, PadOptions())

    def join(self, parts: Sequence[int], axis: int) -> int:
        shape = list(self.shape(parts[0]))
        shape[axis] = sum(self.shape(part)[axis] for part in parts)
        return self.add_operator("CONCATENATION", parts, shape, ConcatenationOptions(axis))

    def dense(self, x: int, units: int) -> int:
        n, k = self.shape(x)
        weights = self.constant(
            self.random.integers(-127, 128, (units, k)).astype(np.int8), I8, quantization(0.01)
        )
        return self.add_operator(
            "FULLY_CONNECTED", [x, weights, -1], (n, units), FullyConnectedOptions(), version=4
        )

    def samples(self) -> list[np.ndarray]:
        """Codes for the inputs."""
        return [self.random.integers(-128, 128, self.shape(index)).astype(np.int8) for index in self.inputs]


def read_by_many(g: Network) -> None:
    """By a convolution with padding, by ADD, by one without, and by the caller."""
    t = g.conv(g.x())
    u = g.sum(t, t, quantization(0.1, 3))
    g.outputs += [t, g.conv(t), u, g.conv(t, 3, (1, 1)), g.conv(u, 2, (3, 1))]


def bordered_view(g: Network) -> None:
    """The memory of a tensor with a border above and below is needed again while a view is still read."""
    t = g.conv(g.x(), size=(1, 1))
    u = g.conv(t, size=(3, 1))
    view = g.reshape(t, (1, 120))
    v = g.conv(u, size=(1, 1))
    w = g.reshape(g.conv(v, size=(3, 1)), (1, 120))
    g.outputs += [g.sum(view, w)]


def view_of_an_input(g: Network) -> None:
    x = g.x()
    view = g.reshape(x, (1, 120))
    g.outputs += [view, x, g.conv(x), g.dense(view, 7)]


def views_of_views(g: Network) -> None:
    """All are one memory, which must last until the last of them was read."""
    t = g.conv(g.x())
    a = g.reshape(t, (1, 120))
    b = g.reshape(a, (1, 5, 6, 4))
    c = g.conv(b)
    d = g.conv(g.conv(c))
    g.outputs += [g.sum(g.reshape(d, (1, 120)), a)]


def input_and_outputs(g: Network) -> None:
    """An input, a constant, and one tensor twice among the outputs."""
    x = g.x()
    t = g.conv(x)
    g.outputs += [x, t, t, g.constant(np.arange(3, dtype=np.int8), I8, P), x]


def nothing_to_do(g: Network) -> None:
    g.outputs += [g.x(), g.x((2, 3))]


def padding_before_a_layer(g: Network) -> None:
    x = g.x()
    padded = g.pad(x, [(0, 0), (1, 2), (0, 1), (0, 0)])
    twice = g.pad(padded, [(0, 0), (0, 0), (2, 0), (1, 0)])
    g.outputs += [
        g.conv(padded, padding=Padding.VALID),
        g.conv(twice),
        twice,
        g.pad(x, [(1, 0), (0, 0), (0, 0), (0, 0)]),
    ]


def joined_with_borders(g: Network) -> None:
    a, b = g.conv(g.x()), g.conv(g.x())
    c = g.join([a, b, a], 3)
    d = g.join([a, b], 1)
    g.outputs += [g.conv(a), g.conv(b, size=(3, 1)), g.conv(c), g.depthwise(c), g.conv(d), g.join([c, c], 0)]


def pools_beside_layers(g: Network) -> None:
    """Windows of different sizes over one tensor want different borders."""
    t = g.conv(g.x())
    g.outputs += [
        g.pool("MAX_POOL_2D", t),
        g.pool("MAX_POOL_2D", t, 2, 2),
        g.conv(t, size=(5, 5)),
        g.pool("AVERAGE_POOL_2D", t, 3, 1),
        g.pool("AVERAGE_POOL_2D", t, 3, 2, Padding.VALID),
        g.pool("MAX_POOL_2D", t, 3, 2, Padding.VALID),
        g.conv(g.pool("MAX_POOL_2D", t)),
        g.depthwise(t),
    ]


def many_strides(g: Network) -> None:
    x = g.x((1, 9, 8, 3))
    for stride in (1, 2, 3):
        for size in ((1, 1), (2, 3), (4, 1)):
            for padding in (Padding.SAME, Padding.VALID):
                g.outputs.append(g.conv(x, 2, size, stride, padding))


def means(g: Network) -> None:
    t = g.conv(g.x())
    for axes, keep in (((1, 2), True), ((1, 2), False), ((3,), False), ((-1, 1), True), ((2,), False)):
        reduced = {axis % 4 for axis in axes}
        shape = [1 if a in reduced else e for a, e in enumerate(IMAGE) if keep or a not in reduced]
        y = g.add_operator("MEAN", [t, g.numbers(axes)], shape, ReducerOptions(keep), quantization(0.03, 5))
        g.outputs.append(y)
    g.outputs.append(g.conv(t))


def other_zero_points(g: Network) -> None:
    """Padding is another code in every layer."""
    x = g.x(parameters=quantization(0.05, -128))
    t = g.sum(x, x, quantization(0.1, 127))
    g.outputs += [
        g.conv(x),
        g.conv(t),
        g.conv(g.add_operator("RELU", [t], IMAGE, parameters=quantization(0.1, 127))),
    ]


def stale_mean(g: Network) -> None:
    """The file states a shape that the operator does not give."""
    x = g.x()
    g.outputs.append(g.add_operator("MEAN", [x, g.numbers((1, 2))], (1, 4), ReducerOptions(True)))


def stale_padding(g: Network) -> None:
    x = g.x()
    y = g.add_operator("PAD", [x, g.numbers([(0, 0), (1, 0), (0, 0), (0, 0)])], (1, 8, 5, 4), PadOptions())
    g.outputs += [y, g.conv(y)]


def stale_join(g: Network) -> None:
    x = g.x()
    g.outputs.append(g.add_operator("CONCATENATION", [x, x], IMAGE, ConcatenationOptions(3)))


def stale_view(g: Network) -> None:
    g.outputs.append(
        g.add_operator("RESHAPE", [g.x(), g.numbers((1, 120))], (120, 1), ReshapeOptions((1, 120)))
    )


def shape_unknown(g: Network) -> None:
    """The file says nothing of the shapes in between."""
    x = g.x()
    t = g.add_operator("LOGISTIC", [x], (), None, quantization(1 / 256, -128))
    g.outputs.append(g.add_operator("RELU", [t], (), None, quantization(1 / 256, -128)))


def wide_softmax(g: Network) -> None:
    x = g.x((3, 40), quantization(0.02, 9))
    g.outputs.append(
        g.add_operator("SOFTMAX", [x], (3, 40), SoftmaxOptions(1.0), quantization(1 / 256, -128))
    )


HANDMADE = (
    read_by_many,
    bordered_view,
    view_of_an_input,
    views_of_views,
    input_and_outputs,
    nothing_to_do,
    padding_before_a_layer,
    joined_with_borders,
    pools_beside_layers,
    many_strides,
    means,
    other_zero_points,
    stale_mean,
    stale_padding,
    stale_join,
    stale_view,
    shape_unknown,
    wide_softmax,
)


@pytest.mark.parametrize("draw", HANDMADE, ids=lambda draw: draw.__name__)
def test_a_program_of_this_graph_gives_the_executors_bits(draw, differences):
    network = Network()
    draw(network)
    assert differences(network.model(), *network.samples()) == []


def random_case(kind: str, seed: int):
    choices = SeededChoices(seed)
    case = (
        float_graph(choices, 4 + seed % 9) if kind == "float" else integer_graph(choices, kind, 4 + seed % 12)
    )
    return twisted(choices, case)


@pytest.mark.parametrize("kind", [*KINDS, "float"])
def test_random_networks_give_the_executors_bits(kind, differences):
    for seed in range(4):
        case = random_case(kind, seed)
        assert differences(case.model, *case.inputs) == [], seed


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, "float"])
def test_hundreds_of_random_networks_give_the_executors_bits(kind, differences):
    for seed in range(1000, 1300):
        case = random_case(kind, seed)
        assert differences(case.model, *case.inputs) == [], seed


def test_a_softmax_of_uint8_gives_no_heed_to_the_zero_point(differences):
    for zero_point in (0, 7, 255):
        graph = Graph()
        x = graph.input((3, 10), TensorType.UINT8, quantization(0.1, 3))
        y = graph.output((3, 10), TensorType.UINT8, quantization(1 / 256, zero_point))
        graph.operator("SOFTMAX", [x], [y], SoftmaxOptions(1.0), version=2)
        codes = np.random.default_rng(0).integers(0, 256, (3, 10)).astype(np.uint8)
        assert differences(graph.model(), codes) == []


def test_variables_begin_where_the_executor_begins(differences):
    graph = Graph()
    x = graph.input((1, 6), I8, P)
    state = graph.tensor((1, 6), I8, P, is_variable=True)
    y = graph.output((1, 6), I8, P)
    graph.operator("ADD", [x, state], [y], AddOptions(), version=2)
    assert differences(graph.model(), np.arange(6, dtype=np.int8)[None]) == []


def test_shapes_that_depend_on_what_is_computed(differences):
    graph = Graph()
    x = graph.input((2, 3), TensorType.FLOAT32)
    shape = graph.input((2,), TensorType.INT32)
    positive = graph.tensor((2, 3), TensorType.FLOAT32)
    y = graph.output((2, 3), TensorType.FLOAT32)
    graph.operator("RELU", [x], [positive])
    graph.operator("RESHAPE", [positive, shape], [y], ReshapeOptions(()))
    real = np.arange(-3, 3, dtype=np.float32).reshape(2, 3)
    for wanted in ((2, 3), (3, 2), (1, 6), (-1, 2), (4, 4)):
        assert differences(graph.model(), real, np.array(wanted, np.int32)) == []


def reversed_codes(node):
    """A caller's kernel that is not what its name says."""
    return lambda x, *others: np.flip(x).reshape(node.output().shape).copy()


@pytest.mark.parametrize("operator", ["RELU", "RESHAPE", "MAX_POOL_2D", "LOGISTIC"])
def test_a_kernel_of_the_callers_is_not_taken_for_the_builtin(operator, differences):
    graph = Graph()
    x = graph.input((1, 2, 2, 2), I8, P)
    y = graph.output((1, 8), I8, P)
    graph.operator(operator, [x], [y])
    codes = np.arange(8, dtype=np.int8).reshape(1, 2, 2, 2)
    assert differences(graph.model(), codes, custom={operator: reversed_codes}) == []
