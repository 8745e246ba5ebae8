"""The float digits network made integer, with the numbers the TensorFlow converter would choose.

Activation ranges are those seen over calibration images in our own reference kernels, so the result
follows from the float file and the images alone, bit for bit, on every machine. Image and scores have
parameters of their own; pooling and reshaping pass on those of what they are given. (No bias here
comes near the converter's rule for biases that overflow.)

Source: LiteRT tflite/converter/quantization (post-training int8); formulas compared with TensorFlow
2.21's converter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.weights import quantize_bias, quantize_weights
from quantlib.cli.digits import stored_images
from quantlib.cli.digits.network import Weights, build
from quantlib.model.graph import Model, Quantization, TensorType
from quantlib.runtime.execute import run
from quantlib.runtime.trace import Event, Produced

__all__ = ["quantized"]


def quantized(model: Model, images: NDArray[np.uint8]) -> Model:
    """The float network as an int8 network: int8 in and out, int8 weights, int32 biases.

    Parameters
    ----------
    model : Model
        From `quantlib.cli.digits.network.build`, float.
    images : uint8 array (n, 8, 8), 0 .. 16
        For calibration.

    Returns
    -------
    Model
    """
    image, activation, scores = (
        QuantizationParameters.from_range(low, high) for low, high in _ranges(model, images)
    )
    filters, filters_bias, dense, dense_bias = _constants(model)
    stored_filters, of_filters = quantize_weights(filters, 0)
    stored_dense, of_dense = quantize_weights(dense, 0)
    stored_bias, of_bias = quantize_bias(filters_bias, image.scale, of_filters.scale)
    stored_dense_bias, of_dense_bias = quantize_bias(dense_bias, activation.scale, of_dense.scale)
    weights = Weights(stored_filters, stored_bias, stored_dense, stored_dense_bias)
    parameters = (image, activation, scores, of_filters, of_bias, of_dense, of_dense_bias)
    return build(weights, TensorType.INT8, [_as_written(one) for one in parameters])


def _ranges(model: Model, images: NDArray[np.uint8]) -> list[tuple[np.float32, np.float32]]:
    """Smallest and largest value of the image, the convolution's output and the scores."""
    real = stored_images(model, images)
    lows, highs = {"image": real.min()}, {"image": real.max()}

    def watch(event: Event) -> None:
        if isinstance(event, Produced):
            name = event.node.operator
            lows[name] = min(lows.get(name, np.float32(0)), event.value.min())
            highs[name] = max(highs.get(name, np.float32(0)), event.value.max())

    for image in real:
        run(model, image[None], watch=watch)
    # Ranges are widened to contain 0 in any case, so starting from 0 changes nothing.
    return [(lows[name], highs[name]) for name in ("image", "CONV_2D", "FULLY_CONNECTED")]


def _constants(model: Model) -> list[NDArray[np.float32]]:
    """The weights in the order of `Weights`."""
    tensors = {tensor.name: tensor for tensor in model.subgraphs[0].tensors}
    names = ("conv2d/kernel", "conv2d/bias", "dense/kernel", "dense/bias")
    chosen = [tensors[f"digits/{name}"] for name in names]
    return [
        np.frombuffer(model.buffers[tensor.buffer].data or b"", "<f4").reshape(tensor.shape)
        for tensor in chosen
    ]


def _as_written(parameters: QuantizationParameters) -> Quantization:
    return Quantization(np.atleast_1d(parameters.scale), np.atleast_1d(parameters.zero_point))
