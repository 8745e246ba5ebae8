"""The shipped example: a small network for handwritten digits, float and int8, and images for it.

Trained by `quantlib.cli.digits.train` on the UCI handwritten digits (1797 images of 8×8, values
0 .. 16, CC BY 4.0; see NOTICE).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.quantize import quantize
from quantlib.model.graph import Model

__all__ = [
    "calibration_images",
    "float_model_path",
    "int8_model_path",
    "recorded_tensors",
    "stored_images",
    "test_images",
]

_ROOM = Path(str(resources.files(__name__)))


def float_model_path() -> Path:
    """Path of the float model: float32 images (1, 8, 8), pixels / 16, to float32 scores (1, 10).

    Examples
    --------
    >>> float_model_path().name
    'digits_float.tflite'
    """
    return _ROOM / "digits_float.tflite"


def int8_model_path() -> Path:
    """Path of the int8 model: int8 images (1, 8, 8) to int8 scores (1, 10).

    Examples
    --------
    >>> int8_model_path().stat().st_size < 30_000
    True
    """
    return _ROOM / "digits_int8.tflite"


def test_images() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images that the training never saw, and what they show.

    Returns
    -------
    images : uint8 array (500, 8, 8), 0 .. 16
    labels : uint8 array (500,), 0 .. 9

    Examples
    --------
    >>> images, labels = test_images()
    >>> images.shape, int(images.max()), sorted(set(labels.tolist())) == list(range(10))
    ((500, 8, 8), 16, True)
    """
    with np.load(_ROOM / "test_images.npz") as held:
        return np.asarray(held["images"]), np.asarray(held["labels"])


test_images.__test__ = False  # type: ignore[attr-defined] # pytest would take it for a test


def calibration_images() -> NDArray[np.uint8]:
    """Images for calibration, of those the training saw.

    Returns
    -------
    uint8 array (100, 8, 8), 0 .. 16

    Examples
    --------
    >>> calibration_images().shape
    (100, 8, 8)
    """
    with np.load(_ROOM / "calibration_images.npz") as held:
        return np.asarray(held["images"])


def stored_images(model: Model, images: NDArray[np.uint8]) -> NDArray[Any]:
    """Images as a model's input takes them: sixteenths, as reals or as codes.

    Parameters
    ----------
    model : Model
        The float or the int8 model.
    images : uint8 array (n, 8, 8), 0 .. 16

    Returns
    -------
    float32 or int8 array (n, 8, 8)

    Examples
    --------
    >>> from quantlib.flatbuffer.read import read_model
    >>> stored_images(read_model(int8_model_path()), np.array([[[0, 8, 16]]], np.uint8)).tolist()
    [[[-128, -1, 127]]]
    """
    real = images.astype(np.float32) / np.float32(16)
    (index,) = model.subgraphs[0].inputs
    parameters = model.subgraphs[0].tensors[index].quantization
    if parameters is None:
        return real
    return quantize(real, QuantizationParameters(parameters.scale[0], parameters.zero_point[0]))


def recorded_tensors(model: Literal["float", "int8"]) -> Mapping[int, NDArray[Any]]:
    """Every tensor that LiteRT's reference kernels computed for the first test images.

    For machines that have no LiteRT; recorded from ai-edge-litert 2.3.0.

    Parameters
    ----------
    model : {"float", "int8"}

    Returns
    -------
    mapping of tensor index to array (images, ...)
        20 images for the int8 model, 5 for the float model; the tensor's own batch of 1 is the
        second dimension.

    Examples
    --------
    >>> scores = max(recorded_tensors("int8"))
    >>> recorded_tensors("int8")[scores].shape
    (20, 1, 10)
    """
    with np.load(_ROOM / "litert_reference.npz") as held:
        prefix = f"{model} tensor "
        return {int(name.removeprefix(prefix)): held[name] for name in held.files if name.startswith(prefix)}
