"""Small float models with ranges, and a way to look at what became of them."""

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


def parameters(tensor: Tensor) -> tuple:
    """Type, scales and zero points of a tensor, as plain values."""
    if tensor.quantization is None:
        return tensor.type.name, [], []
    quantization = tensor.quantization
    return tensor.type.name, quantization.scale.tolist(), quantization.zero_point.tolist()


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
