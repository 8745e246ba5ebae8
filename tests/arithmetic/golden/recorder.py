"""Record what runtimes make of models: ``python recorder.py models MODULE | answers NAME | collect MODULE``.

MODULE, beside this file, makes the models: ``cases()`` yields inputs and models, ``THREADS`` is how many the
kernels get. ``models`` writes them beside this file (an environment with quantlib), ``answers NAME`` runs them
(one with ai_edge_litert or tensorflow), ``collect`` leaves one file of answers, ``MODULE.npz``. NAME is one of
``packets of 4`` (ai-edge-litert 2.3.0) and ``packets of 8`` (TensorFlow 2.21), on x86-64 with 32 KB of first
data cache.
"""

import importlib
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MODELS = HERE / "models.npz"


def models(module: str):
    """In one file, for other environments."""
    from quantlib.flatbuffer.write import write_model

    made = importlib.import_module(module)
    held = {"threads": np.array(made.THREADS)}
    for number, (x, model) in enumerate(made.cases()):
        held[f"{number} x"] = x
        held[f"{number} model"] = np.frombuffer(write_model(model), np.uint8)
    np.savez(MODELS, **held)


def answers(name: str):
    """By the optimized kernels."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        from tensorflow.lite.python.interpreter import Interpreter, OpResolverType
    found = {}
    with np.load(MODELS) as held:
        for number in range(sum(key.endswith(" model") for key in held.files)):
            interpreter = Interpreter(
                model_content=held[f"{number} model"].tobytes(),
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                num_threads=int(held["threads"]),
            )
            interpreter.allocate_tensors()
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], held[f"{number} x"])
            interpreter.invoke()
            found[f"{number} {name}"] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    np.savez(HERE / f"answers {name}.npz", **found)


def collect(module: str):
    """One file of all answers."""
    together = {}
    for path in HERE.glob("answers *.npz"):
        with np.load(path) as held:
            together |= dict(held)
        path.unlink()
    MODELS.unlink()
    np.savez_compressed(HERE / f"{module}.npz", **together)


if __name__ == "__main__":
    {"models": models, "answers": answers, "collect": collect}[sys.argv[1]](*sys.argv[2:])
