"""Float matrix products whose answers `recorder.py` records in `matrix_products.npz`."""

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.fully_connected import FullyConnectedOptions
from quantlib.testing.single_operator import Graph

THREADS = 1


def shapes():
    """(rows, depth, units): every kind of panel, few rows, one unit, small products, deep ones."""
    random = np.random.RandomState(11)
    for _ in range(100):
        depth = random.randint(1, 12) if random.randint(2) else random.randint(12, 60)
        yield random.randint(1, 14), depth, random.randint(1, 38)
    yield from (
        (1, 90, 7),
        (1, 331, 1),
        (6, 75, 1),
        (5, 690, 9),
        (9, 410, 20),
        (2, 3, 4),
        (4, 8, 3),
        (1, 3, 1),
    )


def operands(number: int, shape: tuple[int, int, int]):
    """x (rows, depth) and w (units, depth), from a generator that NumPy keeps as it is."""
    rows, depth, units = shape
    random = np.random.RandomState(number)
    return [random.standard_normal((size, depth)).astype(np.float32) for size in (rows, units)]


def cases():
    """Inputs and models of one FULLY_CONNECTED each, for the recorder."""
    for number, (rows, depth, units) in enumerate(shapes()):
        numbers, filters = operands(number, (rows, depth, units))
        graph = Graph()
        x = graph.input((rows, depth), TensorType.FLOAT32)
        w = graph.constant(filters, TensorType.FLOAT32)
        y = graph.output((rows, units), TensorType.FLOAT32)
        graph.operator("FULLY_CONNECTED", [x, w], [y], FullyConnectedOptions())
        yield numbers, graph.model()
