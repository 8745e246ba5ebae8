"""Replay of TensorFlow's answers: every case of `golden.recipes`, no element may differ."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from quantlib.affine.fake_quant import fake_quant, fake_quant_gradient
from quantlib.affine.float16 import to_float16
from quantlib.affine.quantize_and_dequantize import quantize_and_dequantize
from quantlib.affine.range_dequantize import range_dequantize
from quantlib.affine.range_quantize import range_quantize

GOLDEN = Path(__file__).with_name("golden")


def load(name):
    spec = importlib.util.spec_from_file_location(f"affine_golden_{name}", GOLDEN / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


recipes = load("recipes")


def gradient(variant, **arguments):
    parts = fake_quant_gradient(**arguments)
    return parts[:1] if variant == "args" else parts  # a constant range has no gradient


OURS = {
    "range_quantize": range_quantize,
    "range_quantize_axis": range_quantize,
    "range_dequantize": lambda **arguments: (range_dequantize(**arguments),),
    "quantize_and_dequantize": lambda **arguments: (quantize_and_dequantize(**arguments),),
    "fake_quant": lambda **arguments: (fake_quant(**arguments),),
    "fake_quant_gradient": gradient,
    "to_float16": lambda **arguments: (to_float16(**arguments),),
}


@pytest.fixture(scope="module")
def vectors():
    with np.load(GOLDEN / "tensorflow.npz", allow_pickle=False) as file:
        return dict(file)


def joined(outputs):
    return b"".join(np.ascontiguousarray(output).tobytes() for output in outputs)


def digest(outputs):
    return np.frombuffer(hashlib.blake2b(joined(outputs), digest_size=8).digest(), np.uint64)[0]


def first_difference(ours, theirs, arguments):
    at = 0
    for position, output in enumerate(ours):
        wanted = np.frombuffer(theirs[at : at + output.nbytes], output.dtype).reshape(output.shape)
        at += output.nbytes
        bits = np.dtype(f"u{output.itemsize}")
        different = np.argwhere(output.view(bits) != wanted.view(bits))
        if len(different):
            where = tuple(different[0])
            return (
                f"output {position}, element {where} of {len(different)} differing: "
                f"{output[where]!r}, TensorFlow {wanted[where]!r}; {arguments}"
            )
    return "equal"


@pytest.mark.parametrize("group", list(recipes.GROUPS))
def test_every_recorded_answer_of_tensorflow_is_reproduced(group, vectors):
    digests = vectors[f"{group}.digests"]
    assert len(digests) == recipes.GROUPS[group] == vectors[f"{group}.counts"][0]
    wrong = []
    for index in range(len(digests)):
        outputs = OURS[group](**recipes.case(group, index))
        if digest(outputs) != digests[index]:
            wrong.append(index)
    assert not wrong, f"{len(wrong)} of {len(digests)} cases differ, first: {wrong[:10]}"


@pytest.mark.parametrize("group", list(recipes.GROUPS))
def test_whole_outputs_locate_a_difference(group, vectors):
    ends = np.cumsum(vectors[f"{group}.sizes"])
    full = vectors[f"{group}.full"].tobytes()
    indices = range(0, recipes.GROUPS[group], recipes.FULL_EVERY)
    assert len(indices) == len(ends)
    for start, end, index in zip([0, *ends[:-1]], ends, indices, strict=True):
        arguments = recipes.case(group, index)
        assert first_difference(OURS[group](**arguments), full[start:end], arguments) == "equal"


def test_there_are_at_least_40000_cases():
    assert sum(recipes.GROUPS.values()) >= 40_000


def test_a_changed_element_is_noticed():
    arguments = recipes.case("fake_quant", 0)
    (output,) = OURS["fake_quant"](**arguments)
    changed = output.copy()
    changed.reshape(-1)[3] = np.nextafter(changed.reshape(-1)[3], np.float32(9))
    assert digest((output,)) != digest((changed,))
    assert "element" in first_difference((output,), changed.tobytes(), {})


def test_recipes_do_not_depend_on_numpy_distributions():
    # The recorded answers are worth nothing if the questions change.
    questions = hashlib.blake2b(digest_size=8)
    for group in recipes.GROUPS:
        for index in (0, 7, 500):
            for name, value in recipes.case(group, index).items():
                questions.update(name.encode())
                questions.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    assert questions.hexdigest() == "f246c0d80f130023"
