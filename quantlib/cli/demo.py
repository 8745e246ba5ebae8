"""``quantlib demo``: the main job on the shipped model, in seconds."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.cli import digits
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import Model
from quantlib.oracle.compare import Comparison, compare
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.runtime.interpreter import Interpreter

__all__ = ["run"]

SHOWN = 4
"""Digits drawn as text."""

COMPARED = 100
"""Images whose every tensor is compared with LiteRT's."""

SHADES = " .:-=+*#%@"
"""From no ink to all ink."""


def run(as_json: bool) -> int:
    """The command; its exit status: 0 if every tensor agrees, else 1.

    Parameters
    ----------
    as_json : bool
    """
    began = time.perf_counter()
    model = read_model(digits.int8_model_path())
    images, labels = digits.test_images()
    stored = digits.stored_images(model, images)
    say = _silent if as_json else _aloud
    say(
        f"digits_int8.tflite: {len(model.subgraphs[0].operators)} operators, {len(images)} test images of 8x8\n"
    )
    scores = _scores(model, stored)
    predictions = scores.argmax(axis=1)
    accuracy = float((predictions == labels).mean())
    seconds = time.perf_counter() - began
    say(_gallery(images[:SHOWN], predictions[:SHOWN], labels[:SHOWN]))
    say(f"\naccuracy {accuracy:.1%}, pure NumPy, {seconds:.2f} s\n")
    if is_available():
        against, results = _live(model, stored[:COMPARED])
    else:
        against, results = _recorded(model, stored)
        say("ai-edge-litert is not installed: compared with tensors recorded from it\n")
    differing = sum(result.differing for result in results)
    elements = sum(result.elements for result in results)
    tensors = sum(len(result.tensors) for result in results)
    say(
        f"{against}: {len(results)} images, {tensors} tensors, {elements} elements compared, {differing} differ\n"
    )
    for result in results:
        if not result.equal:
            say(f"{result}\n")
            break
    if as_json:
        report = {
            "accuracy": accuracy,
            "images": len(images),
            "against": against,
            "tensors": tensors,
            "elements": elements,
            "differing": differing,
            "predictions": predictions.tolist(),
        }
        sys.stdout.write(json.dumps(report) + "\n")
    return int(differing != 0)


def _scores(model: Model, stored: NDArray[Any]) -> NDArray[Any]:
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    image_index = interpreter.get_input_details()[0]["index"]
    scores_index = interpreter.get_output_details()[0]["index"]
    scores = []
    for image in stored:
        interpreter.set_tensor(image_index, image[None])
        interpreter.invoke()
        scores.append(interpreter.get_tensor(scores_index)[0])
    return np.stack(scores)


def _live(model: Model, stored: NDArray[Any]) -> tuple[str, list[Comparison]]:
    with LiteRT() as litert:
        results = [compare(model, image[None], litert=litert) for image in stored]
        return f"LiteRT {litert.version()}, reference kernels", results


def _recorded(model: Model, stored: NDArray[Any]) -> tuple[str, list[Comparison]]:
    recorded = digits.recorded_tensors("int8")
    count = len(next(iter(recorded.values())))
    results = [
        compare(model, stored[i][None], against={index: array[i] for index, array in recorded.items()})
        for i in range(count)
    ]
    return "recorded from LiteRT 2.3.0, reference kernels", results


def _gallery(images: NDArray[np.uint8], predictions: NDArray[Any], labels: NDArray[Any]) -> str:
    """Digits side by side, each with what the model takes it for."""
    rows = [
        "   ".join("".join(SHADES[int(p) * 9 // 16] * 2 for p in row) for row in rows)
        for rows in zip(*images, strict=True)
    ]
    pairs = zip(predictions, labels, strict=True)
    captions = "   ".join(
        f"{f'{found}' if found == true else f'{found} (is {true})':^16}" for found, true in pairs
    )
    return "\n".join([*rows, captions]) + "\n"


def _aloud(text: str) -> None:
    sys.stdout.write(text)


def _silent(text: str) -> None:
    del text
