"""Record what runtimes make of float convolutions with four threads: ``python contractions.py models|answers NAME|collect``.

As `matrix_products.py`, with CONV_2D.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RECORDED = HERE / "contractions.npz"

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
    from quantlib.model.graph import TensorType
    from quantlib.ops._window import Padding
    from quantlib.ops.conv_2d import Conv2DOptions
    from quantlib.testing.single_operator import Graph

    size, _, units, extent = SHAPES[number]
    graph, (image, filters) = Graph(), operands(number)
    x = graph.input(image.shape, TensorType.FLOAT32)
    w = graph.constant(filters, TensorType.FLOAT32)
    bias = graph.constant(np.zeros(units, np.float32), TensorType.FLOAT32)
    y = graph.output((1, size - extent + 1, size - extent + 1, units), TensorType.FLOAT32)
    options = Conv2DOptions(padding=Padding.VALID, stride_w=1, stride_h=1)
    graph.operator("CONV_2D", [x, w, bias], [y], options)
    return graph.model()


def models():
    """In files for other environments."""
    from quantlib.flatbuffer.write import write_model

    held = {str(number): np.frombuffer(write_model(model(number)), np.uint8) for number in range(len(SHAPES))}
    np.savez(HERE / "models.npz", **held)


def answers(name: str):
    """By the optimized kernels, with four threads."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        from tensorflow.lite.python.interpreter import Interpreter, OpResolverType
    found = {}
    with np.load(HERE / "models.npz") as held:
        for number in held.files:
            interpreter = Interpreter(
                model_content=held[number].tobytes(),
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                num_threads=4,
            )
            interpreter.allocate_tensors()
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], operands(int(number))[0])
            interpreter.invoke()
            found[f"{number} {name}"] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.savez(HERE / f"answers {name}.npz", **found)


def collect():
    """One file of all answers."""
    together = {}
    for path in HERE.glob("answers *.npz"):
        with np.load(path) as held:
            together |= dict(held)
        path.unlink()
    (HERE / "models.npz").unlink()
    np.savez_compressed(RECORDED, **together)


if __name__ == "__main__":
    {"models": models, "answers": answers, "collect": collect}[sys.argv[1]](*sys.argv[2:])
