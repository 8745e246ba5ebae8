"""The script that runs the tutorial's examples and writes the page anew."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "tutorial.py"


@pytest.fixture(scope="module")
def tutorial():
    spec = importlib.util.spec_from_file_location("tutorial", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_examples_get_the_output_they_have_now(tutorial):
    text = "# A\n\n```python\n>>> x = 2\n>>> for i in range(x):\n...     print(i)\nold\n\n```\n\n```python\n>>> x\n1\n\n```\n"
    made = "# A\n\n```python\n>>> x = 2\n>>> for i in range(x):\n...     print(i)\n0\n1\n\n```\n\n```python\n>>> x\n2\n\n```\n"
    assert tutorial.page(text) == made
    assert tutorial.page(made) == made


def test_other_data_take_the_place_of_the_first_block(tutorial):
    text = "<!-- data -->\n```python\n>>> x = 1\n\n```\n\n```python\n>>> x\n\n```\n"
    assert ">>> x = 5\n" in tutorial.page(text, ">>> x = 5\n")
    assert tutorial.page(text, ">>> x = 5\n").endswith("```python\n>>> x\n5\n\n```\n")


@pytest.mark.parametrize("names", [("x_train", "x_test", "y_test"), ("xtr", "xte", "yte")])
def test_mnist_is_found_under_either_names(tutorial, tmp_path, names):
    path = tmp_path / "mnist.npz"
    np.savez(path, **dict.fromkeys(names, np.zeros((2, 28, 28), np.uint8)))
    block = tutorial.mnist_block(tmp_path / "float.tflite", path)
    assert all(f"data['{name}']" in block for name in names)


def test_the_page_has_a_block_of_data_to_replace(tutorial):
    text = tutorial.PAGE.read_text(encoding="utf-8")
    assert text.count(tutorial.DATA) == 1
    assert len(tutorial.BLOCK.findall(text)) > 8
