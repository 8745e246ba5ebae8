"""Train the shipped digits network, quantize it, and write every file of this directory.

``python -m quantlib.cli.digits.train --csv digits.csv.gz`` where the file is scikit-learn's copy of
the UCI handwritten digits (65 columns: 64 pixels 0 .. 16, then the label); without ``--csv`` it is
taken from an installed scikit-learn. ``--record`` asks LiteRT for the tensors of the first test
images instead, and changes nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.cli import digits
from quantlib.cli.digits.integers import quantized
from quantlib.cli.digits.network import FILTERS, Weights, build
from quantlib.flatbuffer.read import read_model
from quantlib.flatbuffer.write import write_model
from quantlib.oracle.litert import LiteRT
from quantlib.runtime.execute import run
from quantlib.testing.golden import save_npz

__all__ = ["main", "train"]

TEST_IMAGES = 500
"""Held out, after one shuffle with seed 0; writers occur on both sides."""

CALIBRATION_IMAGES = 100
"""The first of the others."""

RECORDED = {"int8": 20, "float": 5}
"""Test images whose tensors are recorded, per model."""


def train(
    images: NDArray[np.float64],
    labels: NDArray[np.int64],
    *,
    epochs: int = 60,
    seed: int = 0,
    progress: Callable[[int, float], None] | None = None,
) -> Weights:
    """Weights that tell the digits apart: Adam on the cross-entropy, images shifted at random.

    Parameters
    ----------
    images : float64 array (n, 8, 8), 0 .. 1
    labels : int array (n,), 0 .. 9
    epochs : int
    seed : int
        The same seed gives the same weights on one machine; another machine's BLAS may round
        differently.
    progress : callable, optional
        Told the epoch and its mean loss.

    Returns
    -------
    Weights
        float32.
    """
    random = np.random.default_rng(seed)
    inputs = 9 * FILTERS
    values = [
        random.normal(0, np.sqrt(2 / 9), (9, FILTERS)),
        np.zeros(FILTERS),
        random.normal(0, np.sqrt(1 / inputs), (inputs, 10)),
        np.zeros(10),
    ]
    means = [np.zeros_like(value) for value in values]
    squares = [np.zeros_like(value) for value in values]
    step, batch = 0, 32
    for epoch in range(epochs):
        order = random.permutation(len(images))
        rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
        losses = []
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            loss, gradients = _loss(values, _shifted(images[chosen], random), labels[chosen], random)
            losses.append(loss)
            step += 1
            for index, gradient in enumerate(gradients):
                means[index] += 0.1 * (gradient - means[index])
                squares[index] += 0.001 * (gradient**2 - squares[index])
                spread = np.sqrt(squares[index] / (1 - 0.999**step)) + 1e-8
                values[index] -= rate * means[index] / (1 - 0.9**step) / spread
        if progress is not None:
            progress(epoch, float(np.mean(losses)))
    filters, filters_bias, dense, dense_bias = (value.astype(np.float32) for value in values)
    return Weights(
        np.ascontiguousarray(filters.T).reshape(FILTERS, 3, 3, 1),
        filters_bias,
        np.ascontiguousarray(dense.T),
        dense_bias,
    )


def _shifted(images: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Each batch moved by at most one pixel to every side, zeros coming in."""
    down, right = random.integers(0, 3, 2)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return padded[:, down : down + 8, right : right + 8]


def _loss(
    values: Sequence[NDArray[np.float64]],
    images: NDArray[np.float64],
    labels: NDArray[np.int64],
    random: np.random.Generator,
) -> tuple[float, list[NDArray[np.float64]]]:
    """Mean cross-entropy of one batch, with dropout before the dense layer, and its gradients."""
    filters, filters_bias, dense, dense_bias = values
    count = len(images)
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), (1, 2)).reshape(count, 36, 9)
    convolved = np.maximum(windows @ filters + filters_bias, 0)  # (n, 36, o)
    blocks = convolved.reshape(count, 3, 2, 3, 2, -1).swapaxes(2, 3)  # (n, 3, 3, 2, 2, o)
    blocks = blocks.reshape(count, 9, 4, -1)  # (n, 9, 4, o)
    largest = blocks.argmax(axis=2)[:, :, None]
    pooled = np.take_along_axis(blocks, largest, 2)[:, :, 0]  # (n, 9, o)
    kept = (random.random(pooled.shape) < 0.7) / 0.7
    flat = (pooled * kept).reshape(count, -1)
    scores = flat @ dense + dense_bias
    scores -= scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    shares /= shares.sum(axis=1, keepdims=True)
    rows = np.arange(count)
    loss = -np.mean(np.log(shares[rows, labels] + 1e-30))

    shares[rows, labels] -= 1
    of_scores = shares / count
    of_pooled = (of_scores @ dense.T).reshape(kept.shape) * kept
    of_blocks = np.zeros_like(blocks)
    np.put_along_axis(of_blocks, largest, of_pooled[:, :, None], 2)
    of_blocks = of_blocks.reshape(count, 3, 3, 2, 2, -1).swapaxes(2, 3)  # (n, 3, 2, 3, 2, o)
    of_convolved = of_blocks.reshape(convolved.shape) * (convolved > 0)
    of_filters = np.einsum("npk,npo->ko", windows, of_convolved, optimize=True)
    return float(loss), [of_filters, of_convolved.sum((0, 1)), flat.T @ of_scores, of_scores.sum(0)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 0 when the files are written."""
    parser = argparse.ArgumentParser(prog="python -m quantlib.cli.digits.train", description=__doc__)
    parser.add_argument("--csv", type=Path, help="the digits, plain or .gz")
    parser.add_argument("--record", action="store_true", help="only record LiteRT's tensors")
    parser.add_argument("--to", type=Path, default=digits.int8_model_path().parent, help="directory to write")
    chosen = parser.parse_args(arguments)
    if not chosen.record:
        _train_and_write(chosen.csv, chosen.to)
    _record(chosen.to)
    return 0


def _train_and_write(csv: Path | None, to: Path) -> None:
    images, labels = _digits(csv)
    order = np.random.default_rng(0).permutation(len(images))
    held_out, learned = order[:TEST_IMAGES], order[TEST_IMAGES:]
    weights = train(
        images[learned] / 16.0,
        labels[learned].astype(np.int64),
        progress=lambda epoch, loss: _say(f"epoch {epoch}: loss {loss:.4f}"),
    )
    model = build(weights)
    calibration = images[learned[:CALIBRATION_IMAGES]]
    (to / "digits_float.tflite").write_bytes(write_model(model))
    (to / "digits_int8.tflite").write_bytes(write_model(quantized(model, calibration)))
    save_npz(to / "test_images.npz", {"images": images[held_out], "labels": labels[held_out]})
    save_npz(to / "calibration_images.npz", {"images": calibration})


def _digits(csv: Path | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (n, 8, 8) and labels (n,)."""
    if csv is None:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        return bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    rows = np.loadtxt(csv, np.uint8, delimiter=",")
    return rows[:, :64].reshape(-1, 8, 8), rows[:, 64]


def _record(to: Path) -> None:
    """LiteRT's tensors of the first test images, and both models' accuracy in our kernels."""
    with np.load(to / "test_images.npz") as held:
        images, labels = held["images"], held["labels"]
    recorded: dict[str, NDArray[Any]] = {}
    with LiteRT() as litert:
        for name, count in RECORDED.items():
            data = (to / f"digits_{name}.tflite").read_bytes()
            model = read_model(data)
            stored = digits.stored_images(model, images)
            scores = np.stack([run(model, image[None])[0][0] for image in stored])
            _say(f"{name}: {len(data)} bytes, accuracy {np.mean(scores.argmax(axis=1) == labels):.1%}")
            answers = [litert.run(data, [image[None]]).tensors for image in stored[:count]]
            for index in sorted(answers[0]):
                recorded[f"{name} tensor {index}"] = np.stack([answer[index] for answer in answers])
    save_npz(to / "litert_reference.npz", recorded)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main())
