"""``quantlib demo``: the main job on the shipped model, in seconds."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.quantize import quantize
from quantlib.cli import digits
from quantlib.cli.variants import agreement_with_litert, make_variants
from quantlib.evaluation.evaluate import Evaluation, evaluate
from quantlib.flatbuffer.read import read_model
from quantlib.model.graph import Model, TensorType
from quantlib.oracle.compare import compare
from quantlib.oracle.comparison import Comparison
from quantlib.oracle.litert import LiteRT, is_available
from quantlib.runtime.interpreter import Interpreter

__all__ = ["run"]

SHOWN = 4
"""Digits drawn as text."""

VALIDATED = 5
"""Images whose every tensor is compared with LiteRT's in each quantized variant."""

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
    evaluation, counts = _tutorial(images, labels, say)
    differing += sum(different for _, different in counts.values())
    if as_json:
        report = {
            "variants": json.loads(evaluation.to_json()),
            "variants_against_litert": {name: list(pair) for name, pair in counts.items()},
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


def _tutorial(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], say: Callable[[str], None]
) -> tuple[Evaluation, dict[str, tuple[int, int]]]:
    """Quantize the float model in every way, print the guide's table, ask LiteRT about each variant."""
    say(
        f"\nquantizing digits_float.tflite, calibrated on {len(digits.calibration_images())} training images\n\n"
    )
    calibration = digits.calibration_images().astype(np.float32) / np.float32(16)
    variants = make_variants(read_model(digits.float_model_path()), calibration)
    reals = images.astype(np.float32) / np.float32(16)
    with Console(stderr=True).status("evaluating"):
        evaluation = evaluate(variants, [[image[None]] for image in reals], labels)
    say(f"{evaluation}\n")
    if not is_available():
        return evaluation, {}
    counts = agreement_with_litert(variants, reals[:VALIDATED], _stored_image)
    words = ", ".join(f"{name} {differing} of {elements}" for name, (elements, differing) in counts.items())
    say(f"\nelements that differ from LiteRT's, {VALIDATED} images: {words}\n")
    return evaluation, counts


def _stored_image(model: Model, image: NDArray[np.float32]) -> NDArray[Any]:
    """An image as the model takes it: reals, or codes by its input's parameters."""
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]
    if tensor.type is TensorType.FLOAT32 or tensor.quantization is None:
        return image
    scale, zero_point = tensor.quantization.scale[0], tensor.quantization.zero_point[0]
    return quantize(image, QuantizationParameters(scale, zero_point, tensor.type.name.lower()))


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
