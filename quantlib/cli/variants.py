"""The guide's judgement: every quantized variant of a float model, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.calibration.calibrate import calibrate
from quantlib.model.graph import Model
from quantlib.oracle.compare import compare
from quantlib.oracle.litert import LiteRT
from quantlib.quantizer import recipes
from quantlib.quantizer.quantize import quantize_model

__all__ = ["agreement_with_litert", "make_variants"]


def make_variants(model: Model, calibration: NDArray[np.float32]) -> dict[str, Model]:
    """A float model, and what post-training quantization makes of it.

    Parameters
    ----------
    model : Model
        With one float input.
    calibration : float32 array (samples, ...)
        The representative dataset; each sample goes in with a batch of one.

    Returns
    -------
    dict of name to Model
        The float model first.
    """

    def representative_dataset() -> Iterator[Sequence[NDArray[np.float32]]]:
        for sample in calibration:
            yield [sample[None]]

    ranges = calibrate(model, representative_dataset)
    chosen: Mapping[str, recipes.Recipe] = {
        "dynamic range": recipes.DynamicRange(),
        "float16": recipes.Float16(),
        "int8, float IO": recipes.FullInteger(),
        "int8, uint8 IO": recipes.FullInteger(input=np.uint8, output=np.uint8),
        "int8": recipes.FullInteger(input=np.int8, output=np.int8),
        "int16x8": recipes.Int16x8(),
    }
    made = {name: quantize_model(model, recipe, ranges).model for name, recipe in chosen.items()}
    return {"float": model, **made}


def agreement_with_litert(
    variants: Mapping[str, Model],
    samples: NDArray[np.float32],
    stored: Callable[[Model, NDArray[np.float32]], NDArray[Any]],
) -> dict[str, tuple[int, int]]:
    """For every variant: elements of all tensors compared with LiteRT's, and how many differ.

    Parameters
    ----------
    variants : mapping of name to Model
    samples : float32 array (samples, ...)
    stored : callable
        A model and a sample to what the model takes, codes or reals.

    Returns
    -------
    dict of name to (elements, differing)
    """
    counts = {}
    with LiteRT() as litert:
        for name, model in variants.items():
            results = [compare(model, stored(model, sample)[None], litert=litert) for sample in samples]
            counts[name] = (sum(one.elements for one in results), sum(one.differing for one in results))
    return counts
