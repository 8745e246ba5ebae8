"""Small float models with ranges, ways to look at what became of them, and to compare two."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from quantlib.model.graph import Model, Tensor, TensorType
from quantlib.model.tensor_rules import constant_data
from quantlib.testing.single_operator import Graph

F = TensorType.FLOAT32


class Net(Graph):
    """A model under construction whose activations have names and ranges."""

    def __init__(self):
        super().__init__()
        self.ranges = {}

    def real(self, name, shape, low=None, high=None):
        """A real tensor; with a range if one is given."""
        if low is not None:
            self.ranges[name] = (low, high)
        return self.tensor(shape, F, name=name)

    def real_input(self, name, shape, low=None, high=None):
        index = self.real(name, shape, low, high)
        self.inputs.append(index)
        return index

    def real_output(self, name, shape, low=None, high=None):
        index = self.real(name, shape, low, high)
        self.outputs.append(index)
        return index

    def weights(self, values):
        return self.constant(np.array(values, np.float32), F)

    def integers(self, values):
        return self.constant(np.array(values, np.int32), TensorType.INT32)


class Seen:
    """A quantized model, by names."""

    def __init__(self, model: Model):
        self.model = model
        self.subgraph = model.subgraphs[0]

    def operators(self) -> list[str]:
        codes = self.model.operator_codes
        return [codes[operator.opcode_index].name for operator in self.subgraph.operators]

    def count(self) -> Counter:
        return Counter(self.operators())

    def tensor(self, name: str) -> Tensor:
        return next(tensor for tensor in self.subgraph.tensors if tensor.name == name)

    def input_of(self, operator: str, position: int) -> Tensor:
        at = self.operators().index(operator)
        return self.subgraph.tensors[self.subgraph.operators[at].inputs[position]]

    def output_of(self, operator: str, position: int = 0) -> Tensor:
        at = self.operators().index(operator)
        return self.subgraph.tensors[self.subgraph.operators[at].outputs[position]]

    def data(self, tensor: Tensor) -> list:
        return (
            np.frombuffer(constant_data(self.model, tensor), tensor.type.dtype).reshape(tensor.shape).tolist()
        )

    def options(self, operator: str):
        return self.subgraph.operators[self.operators().index(operator)].options

    def version(self, operator: str) -> int:
        return next(code.version for code in self.model.operator_codes if code.name == operator)


class Comparison:
    """Two models walked side by side from their outputs; what was compared, and what differs."""

    def __init__(self, ours, theirs):
        self.models = ours, theirs
        self.graphs = ours.subgraphs[0], theirs.subgraphs[0]
        self.producers = [
            {tensor: operator for operator in graph.operators for tensor in operator.outputs}
            for graph in self.graphs
        ]
        self.compared, self.different = Counter(), []
        self.scales, self.constants, self.ranges = [], [], []

    def note(self, what, equal, where):
        self.compared[what] += 1
        if not equal:
            self.different.append((what, where))
        return equal

    def run(self):
        ours, theirs = self.graphs
        pending = [
            *zip(ours.outputs, theirs.outputs, strict=True),
            *zip(ours.inputs, theirs.inputs, strict=True),
        ]
        seen = set()
        while pending:
            pair = pending.pop()
            if pair not in seen and pair != (-1, -1):
                seen.add(pair)
                pending += self.compare(pair)
        for name in ("QUANTIZE", "DEQUANTIZE"):
            counts = [self.operators(side).count(name) for side in (0, 1)]
            self.note("count of QUANTIZE and DEQUANTIZE", counts[0] == counts[1], (name, counts))
        return self

    def operators(self, side):
        codes = self.models[side].operator_codes
        return [codes[operator.opcode_index].name for operator in self.graphs[side].operators]

    def compare(self, pair):
        tensors = [graph.tensors[index] for graph, index in zip(self.graphs, pair, strict=True)]
        where = (pair, tensors[0].name)
        same_type = self.note("type", tensors[0].type is tensors[1].type, where)
        held = [self.parameters(tensor) for tensor in tensors]
        self.note("scale", held[0][0] == held[1][0], where)
        self.scales.append((tensors[0].type.name, held[0][0], held[1][0]))
        self.note("zero point", held[0][1] == held[1][1], where)
        self.note("axis", held[0][2] == held[1][2], where)
        ranges = [self.range(tensor) for tensor in tensors]
        self.ranges.append((tensors[0].type.name, *ranges))
        self.note("range" if ranges[1] else "no range", ranges[0] == ranges[1], where)
        data = [constant_data(model, tensor) for model, tensor in zip(self.models, tensors, strict=True)]
        if None not in data:
            self.note(
                f"{tensors[0].type.name} constant", same_type and bytes(data[0]) == bytes(data[1]), where
            )
            self.constants.append((tensors[0].type, *map(bytes, data)))
            return []
        made = [producers.get(index) for producers, index in zip(self.producers, pair, strict=True)]
        if made == [None, None] and data == [None, None]:
            return []
        if not self.note("structure", None not in made and data == [None, None], where):
            return []
        names = [
            model.operator_codes[operator.opcode_index].name
            for model, operator in zip(self.models, made, strict=True)
        ]
        if not self.note("operator", names[0] == names[1], (where, names)):
            return []
        ours, theirs = made
        return [
            *zip(ours.inputs, theirs.inputs, strict=True),
            *zip(ours.outputs, theirs.outputs, strict=True),
        ]

    @staticmethod
    def range(tensor):
        held = tensor.quantization
        return b"" if held is None else held.min.tobytes() + held.max.tobytes()

    @staticmethod
    def parameters(tensor):
        held = tensor.quantization
        if held is None or held.scale.size == 0:
            return b"", [], 0
        axis = held.quantized_dimension if held.scale.size > 1 else 0
        return held.scale.tobytes(), held.zero_point.tolist(), axis


def parameters(tensor: Tensor) -> tuple:
    """Type, scales and zero points of a tensor, as plain values."""
    if tensor.quantization is None:
        return tensor.type.name, [], []
    quantization = tensor.quantization
    return tensor.type.name, quantization.scale.tolist(), quantization.zero_point.tolist()


def with_something_changed(model, rng):
    """The model with another shape, operator or operand somewhere."""
    subgraph = model.subgraphs[0]
    tensors, operators = list(subgraph.tensors), list(subgraph.operators)
    at, place = rng.randrange(len(tensors)), rng.randrange(len(operators))
    inputs = list(operators[place].inputs)
    kind = rng.randrange(4)
    if kind == 0:
        tensors[at] = replace(
            tensors[at], shape=tuple(rng.choice((0, 1, 2, 3)) for _ in range(rng.randint(0, 5)))
        )
    elif kind == 1:
        inputs[rng.randrange(len(inputs))] = rng.randrange(-1, len(tensors))
        operators[place] = replace(operators[place], inputs=tuple(inputs))
    elif kind == 2:
        operators[place] = replace(operators[place], inputs=tuple(inputs[: rng.randint(1, len(inputs))]))
    else:
        operators[place] = replace(operators[place], opcode_index=rng.randrange(len(model.operator_codes)))
    return replace(model, subgraphs=(replace(subgraph, tensors=tuple(tensors), operators=tuple(operators)),))


@pytest.fixture
def mutated():
    """A model and a generator to the model with something changed."""
    return with_something_changed


@pytest.fixture
def walk():
    """Two models compared: what was compared, and what differs."""
    return lambda ours, theirs: Comparison(ours, theirs).run()


@pytest.fixture
def net():
    return Net()


@pytest.fixture
def seen():
    return Seen


@pytest.fixture
def parameters_of():
    return parameters


@pytest.fixture
def dense():
    """x (-1, 1) -> FULLY_CONNECTED -> y (0, 2.55)."""
    net = Net()
    x = net.real_input("x", (1, 2), -1.0, 1.0)
    w = net.weights([[1.27, -0.5], [0.127, 0.0]])
    b = net.weights([0.5, -0.25])
    y = net.real_output("y", (1, 2), 0.0, 2.55)
    from quantlib.ops.fully_connected import FullyConnectedOptions

    net.operator("FULLY_CONNECTED", [x, w, b], [y], FullyConnectedOptions())
    return net


@pytest.fixture
def carrying():
    """A model that carries its ranges on its tensors."""

    def carry(net: Net) -> Model:
        from quantlib.model.graph import Quantization

        model = net.model()
        tensors = tuple(
            replace(
                tensor,
                quantization=Quantization(
                    min=np.float32([net.ranges[tensor.name][0]]), max=np.float32([net.ranges[tensor.name][1]])
                ),
            )
            if tensor.name in net.ranges
            else tensor
            for tensor in model.subgraphs[0].tensors
        )
        return replace(model, subgraphs=(replace(model.subgraphs[0], tensors=tensors),))

    return carry
