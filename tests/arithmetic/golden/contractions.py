"""Float convolutions whose answers, with four threads, `recorder.py` records in `contractions.npz`."""

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._window import Padding
from quantlib.ops.conv_2d import Conv2DOptions
from quantlib.testing.single_operator import Graph

THREADS = 4

SHAPES = (
    # image height and width, channels, filters, filter's height and width; stride 1, no padding
    (8, 400, 24, 1),  # terms shared out, no windows
    (9, 96, 32, 3),
    (6, 24, 41, 3),
    (7, 40, 3, 3),
    (24, 40, 3, 3),  # rows shared out
    (11, 48, 20, 5),
    (22, 30, 4, 1),
    (6, 48, 90, 3),
    (3, 130, 37, 3),  # one window
    (1, 300, 50, 1),  # one pixel
    (1, 70, 9, 1),
    (5, 9, 13, 2),  # too little to share
)


def operands(number: int):
    """Image (1, s, s, c) and filters (o, f, f, c), from a generator that NumPy keeps as it is."""
    size, channels, units, extent = SHAPES[number]
    random = np.random.RandomState(number)
    shapes = (1, size, size, channels), (units, extent, extent, channels)
    return [random.standard_normal(shape).astype(np.float32) for shape in shapes]


def model(number: int):
    """One CONV_2D without bias to speak of."""
    size, _, units, extent = SHAPES[number]
    graph, (image, filters) = Graph(), operands(number)
    x = graph.input(image.shape, TensorType.FLOAT32)
    w = graph.constant(filters, TensorType.FLOAT32)
    bias = graph.constant(np.zeros(units, np.float32), TensorType.FLOAT32)
    y = graph.output((1, size - extent + 1, size - extent + 1, units), TensorType.FLOAT32)
    options = Conv2DOptions(padding=Padding.VALID, stride_w=1, stride_h=1)
    graph.operator("CONV_2D", [x, w, bias], [y], options)
    return graph.model()


def cases():
    """Inputs and models, for the recorder."""
    for number in range(len(SHAPES)):
        yield operands(number)[0], model(number)
