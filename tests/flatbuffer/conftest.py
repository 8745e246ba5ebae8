"""Where the real models are, and LiteRT at arm's length."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SHARED = Path(os.environ.get("QUANTLIB_SHARED", _ROOT.parent / "shared"))

_CHILD = """
import hashlib, json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

for line in sys.stdin:
    path = json.loads(line)
    try:
        interpreter = Interpreter(
            model_path=path, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
        )
        interpreter.allocate_tensors()
        random = np.random.default_rng(0)
        for detail in interpreter.get_input_details():
            shape, dtype = detail["shape"], np.dtype(detail["dtype"])
            if dtype.kind == "f":
                value = random.uniform(-1, 1, shape)
            elif dtype.kind == "b":
                value = random.integers(0, 2, shape)
            else:
                value = random.integers(max(np.iinfo(dtype).min, -128), 127, shape)
            interpreter.set_tensor(detail["index"], value.astype(dtype))
        interpreter.invoke()
        outputs = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
        answer = [[str(o.dtype), list(o.shape), hashlib.sha256(o.tobytes()).hexdigest()] for o in outputs]
        del interpreter
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="session")
def model_files() -> list[Path]:
    """Every .tflite file of the shared folder: the real models, and TensorFlow's own conversions."""
    files = sorted([*_SHARED.glob("zoo/**/*.tflite"), *_SHARED.glob("converter/**/*.tflite")])
    if not files:
        pytest.skip(f"no real models in {_SHARED} (set QUANTLIB_SHARED)")
    return files


@pytest.fixture(scope="session")
def zoo_files(model_files: list[Path]) -> list[Path]:
    """The real models only."""
    return [path for path in model_files if "zoo" in path.parts]


@pytest.fixture(scope="module")
def ask_litert() -> Iterator[Callable[[Path], Any]]:
    """What LiteRT computes for a file and fixed inputs: digests of its outputs, or its complaint."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("ai-edge-litert is not installed")
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    stdin, stdout = child.stdin, child.stdout

    def ask(path: Path) -> Any:
        stdin.write(json.dumps(str(path)) + "\n")
        stdin.flush()
        answer = stdout.readline()
        assert answer, f"LiteRT died on {path}"
        return json.loads(answer)

    yield ask
    stdin.close()
    stdout.close()
    child.wait(60)
