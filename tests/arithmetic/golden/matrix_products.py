"""Record what runtimes make of float matrix products: ``python matrix_products.py models|answers NAME|collect``.

``models`` writes models beside this file (an environment with quantlib), ``answers NAME`` runs them (one with
ai_edge_litert or tensorflow), ``collect`` leaves one file of answers, ``matrix_products.npz``. NAME is one of
``packets of 4`` (ai-edge-litert 2.3.0) and ``packets of 8`` (TensorFlow 2.21), on x86-64 with 32 KB of first
data cache.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RECORDED = HERE / "matrix_products.npz"


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


def models():
    """One FULLY_CONNECTED each."""
    from quantlib.flatbuffer.write import write_model
    from quantlib.model.graph import TensorType
    from quantlib.ops.fully_connected import FullyConnectedOptions
    from quantlib.testing.single_operator import Graph

    held = {}
    for number, (rows, depth, units) in enumerate(shapes()):
        numbers, filters = operands(number, (rows, depth, units))
        graph = Graph()
        x = graph.input((rows, depth), TensorType.FLOAT32)
        w = graph.constant(filters, TensorType.FLOAT32)
        y = graph.output((rows, units), TensorType.FLOAT32)
        graph.operator("FULLY_CONNECTED", [x, w], [y], FullyConnectedOptions())
        held[f"{number} x"] = numbers
        held[f"{number} model"] = np.frombuffer(write_model(graph.model()), np.uint8)
    np.savez(HERE / "models.npz", **held)


def answers(name: str):
    """By the optimized kernels."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        from tensorflow.lite.python.interpreter import Interpreter, OpResolverType
    found = {}
    with np.load(HERE / "models.npz") as held:
        for key in held.files:
            number, kind = key.split()
            if kind == "model":
                interpreter = Interpreter(
                    model_content=held[key].tobytes(),
                    experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                    num_threads=1,
                )
                interpreter.allocate_tensors()
                interpreter.set_tensor(interpreter.get_input_details()[0]["index"], held[f"{number} x"])
                interpreter.invoke()
                found[f"{number} {name}"] = interpreter.get_tensor(
                    interpreter.get_output_details()[0]["index"]
                )
    np.savez(HERE / f"answers {name}.npz", **found)


def collect():
    """One file of all."""
    together = {}
    for path in (HERE / "models.npz", *HERE.glob("answers *.npz")):
        with np.load(path) as held:
            together |= {key: held[key] for key in held.files if "packets" in key}
        path.unlink()
    np.savez_compressed(RECORDED, **together)


if __name__ == "__main__":
    {"models": models, "answers": answers, "collect": collect}[sys.argv[1]](*sys.argv[2:])
