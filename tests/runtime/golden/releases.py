"""Record what releases of the runtime make of one dense layer: ``python releases.py NAME=PYTHON ...``.

Each PYTHON is that of an environment with another release installed, for example
``litert-1.2=/path/to/bin/python``.
"""

import sys
from pathlib import Path

import numpy as np

from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Model, TensorType
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.oracle.litert import LiteRT
from quantlib.testing.single_operator import Graph, quantization

UNITS = 3000


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


def main() -> None:
    """Ask every release, write the answers beside this file."""
    model, zero = dense_layer(), np.zeros((1, 1), np.int8)
    answers = {}
    for argument in sys.argv[1:]:
        name, _, python = argument.partition("=")
        with LiteRT(python=python) as litert:
            answer = litert.run(write_model(model), [zero], preserve_all_tensors=False)
            answers[name] = answer.tensors[model.subgraphs[0].outputs[0]]
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **answers)


if __name__ == "__main__":
    main()
