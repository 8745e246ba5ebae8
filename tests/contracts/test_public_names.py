"""What `import quantlib` gives, and what it costs."""

import json
import subprocess
import sys

import pytest

import quantlib

HEAVY = {"numpy", "tflite", "flatbuffers", "hypothesis", "rich", "typer", "ai_edge_litert", "asyncio"}


def loaded_by(code: str) -> set[str]:
    """Modules that a fresh interpreter has loaded after that code, over those it starts with."""
    program = (
        "import json, sys; before = set(sys.modules)\n"
        f"{code}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(answer.stdout))


def test_names_are_sorted_and_unique():
    assert quantlib.__all__ == sorted(set(quantlib.__all__))


@pytest.mark.parametrize("name", quantlib.__all__)
def test_every_public_name_is_there(name: str):
    value = getattr(quantlib, name)
    assert name == "__version__" or value.__doc__


def test_dir_shows_the_public_names():
    assert set(quantlib.__all__) <= set(dir(quantlib))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        quantlib.no_such_name  # noqa: B018


def test_star_import_gives_the_public_names():
    names: dict[str, object] = {}
    exec("from quantlib import *", names)  # noqa: S102
    assert set(quantlib.__all__) <= set(names)


def test_importing_the_package_loads_hardly_anything():
    loaded = loaded_by("import quantlib")
    assert not loaded & HEAVY
    ours = {name for name in loaded if name.startswith("quantlib")}
    assert ours <= {"quantlib", "quantlib._version", "quantlib.errors"}
    assert len(loaded) < 40  # dataclasses bring inspect, ast, ...


def test_quantizing_arrays_loads_no_model_format():
    loaded = loaded_by("import quantlib as ql; ql.quantize(0.5, ql.QuantizationParameters(scale=0.1))")
    assert "numpy" in loaded
    assert not loaded & (HEAVY - {"numpy", "asyncio"})
    rooms = {name.split(".")[1] for name in loaded if name.startswith("quantlib.")}
    assert rooms <= {"_version", "errors", "arithmetic", "affine"}


def test_running_a_model_loads_neither_litert_nor_the_test_libraries():
    code = (
        "import quantlib as ql; from quantlib.cli import digits\n"
        "import numpy as np\n"
        "ql.run(ql.read_model(digits.int8_model_path()), np.zeros((1, 8, 8), np.int8))"
    )
    assert not loaded_by(code) & (HEAVY - {"numpy", "flatbuffers", "tflite", "asyncio"})
