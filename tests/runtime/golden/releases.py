"""Record what releases of the runtime make of a few operators: ``python releases.py NAME=PYTHON ...``.

Each NAME is that of a kernel set, each PYTHON that of an environment with its release installed, for
example ``litert-1.2/reference=/path/to/bin/python``.
"""

import sys
from pathlib import Path

import numpy as np

from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Model, TensorType
from quantlib.ops.add import AddOptions
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.ops.mul import MulOptions
from quantlib.oracle.litert import LiteRT
from quantlib.testing.single_operator import Case, Graph, quantization

UNITS = 3000
INT8 = TensorType.INT8


def dense_layer() -> Model:
    """A layer whose sums are its biases, of either sign, at a multiplier of 0.003."""
    graph = Graph()
    x = graph.input((1, 1), TensorType.INT8, quantization(0.5))
    w = graph.constant(np.ones((UNITS, 1), np.int8), TensorType.INT8, quantization(0.25))
    sums = np.random.default_rng(2024).integers(-42000, 42000, UNITS, np.int32)
    b = graph.constant(sums, TensorType.INT32, quantization(0.125))
    y = graph.output((1, UNITS), TensorType.INT8, quantization(np.float32(0.125 / 0.003)))
    graph.operator("FULLY_CONNECTED", [x, w, b], [y], FullyConnectedOptions(), version=4)
    return graph.model()


def operators() -> dict[str, Case]:
    """Operators that releases and families compute in several ways, on operands that show it."""
    random = np.random.default_rng(7)
    codes = random.integers(-128, 128, (2, 1500), np.int8)
    x, y = quantization(0.5, 3), quantization(0.125, -5)
    made = {"dense": Case(dense_layer(), (np.zeros((1, 1), np.int8),))}
    for name, options, output in (
        ("ADD", AddOptions(pot_scale_int16=False), quantization(0.001, 1)),
        ("MUL", MulOptions(), quantization(1e-4, 100)),
    ):
        graph = Graph()
        operands = [graph.input((1500,), INT8, parameters) for parameters in (x, y)]
        graph.operator(name, operands, [graph.output((1500,), INT8, output)], options, version=2)
        made[name] = Case(graph.model(), tuple(codes))
    graph = Graph()
    real = graph.input((1500,), TensorType.FLOAT32)
    graph.operator("QUANTIZE", [real], [graph.output((1500,), INT8, quantization(0.25, 3))])
    made["QUANTIZE"] = Case(graph.model(), (random.integers(-300, 300, 1500).astype(np.float32) / 8,))
    graph = Graph()
    wide = graph.input((1, 1), TensorType.INT16, quantization(0.5))
    w = graph.constant(np.ones((UNITS, 1), np.int8), INT8, quantization(0.25))
    sums = random.integers(-(10**6), 10**6, UNITS, np.int32)
    b = graph.constant(sums, TensorType.INT32, quantization(0.125))
    narrow = FullyConnectedOptions(quantized_bias_type=TensorType.INT32)
    output = graph.output((1, UNITS), TensorType.INT16, quantization(np.float32(0.125 / 0.03)))
    graph.operator("FULLY_CONNECTED", [wide, w, b], [output], narrow, version=4)
    made["int16 dense"] = Case(graph.model(), (np.zeros((1, 1), np.int16),))
    return made


def main() -> None:
    """Ask every release, write the answers beside this file."""
    answers = {}
    for argument in sys.argv[1:]:
        name, _, python = argument.partition("=")
        with LiteRT(python=python) as litert:
            for operator, case in operators().items():
                family = name.split("/")[-1]
                data = write_model(case.model)
                answer = litert.run(data, case.inputs, kernels=family, preserve_all_tensors=False)
                answers[f"{name} {operator}"] = answer.tensors[case.model.subgraphs[0].outputs[0]]
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **answers)


if __name__ == "__main__":
    main()
