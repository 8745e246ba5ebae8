"""What a layer's weights must be like, and the real multipliers that follow from them.

Source: LiteRT tflite/kernels/kernel_util.cc (PopulateConvolutionQuantizationParams,
GetQuantizedConvolutionMultipler).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import requantize
from quantlib.model.graph import TensorType
from quantlib.ops._node import Node, Value

__all__ = [
    "channel_multipliers",
    "has_narrow_bias",
    "legacy_multiplier",
    "require_bias",
    "require_quantized",
    "require_symmetric",
]


def channel_multipliers(node: Node, x: Value, w: Value, channels: int) -> NDArray[np.float64]:
    """x scale · w scale / y scale in float64, one per output channel or one for all.

    Parameters
    ----------
    node : Node
        Its first output is y.
    x, w : Value
    channels : int
        Output channels.

    Returns
    -------
    float64 array (channels,) or (1,)

    Raises
    ------
    InvalidModelError
        x or w is not quantized; the number of weight scales is neither 1 nor that of the channels;
        they run along another axis.
    """
    require_quantized(node, activations=x, weights=w)
    node.require(
        w.scales.size in (1, channels),
        "weights",
        f"{w.scales.size} scales",
        f"1 or {channels}, one per channel",
    )
    if w.is_per_axis:
        axis = w.quantized_dimension
        node.require(
            0 <= axis < len(w.shape) and w.shape[axis] == channels,
            "weights",
            f"quantized_dimension {axis} of shape {w.shape}",
            f"the axis of the {channels} output channels",
        )
    return requantize.multiplier_float64(x.scale, w.scales, node.output().scale)


def legacy_multiplier(node: Node, x: Value, w: Value, bias: Value | None) -> NDArray[np.float64]:
    """x scale · w scale / y scale with the product rounded to float32, one for all channels.

    Parameters
    ----------
    node : Node
        Its first output is y.
    x, w : Value
    bias : Value, optional

    Returns
    -------
    float64 array ()

    Raises
    ------
    InvalidModelError
        The bias's scale is not x scale · w scale: the bias is added to
        the accumulator as it is, so the difference of the two, in output units, may be at most 0.02.
    """
    y = node.output()
    if bias is not None:
        product = float(x.scale) * float(w.scale)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            difference = np.float64(abs(product - float(bias.scale))) / np.float64(y.scale)
        node.require(bool(difference <= 0.02), "bias", f"scale {bias.scale}", f"about {product}")
    return requantize.multiplier_float32_product(x.scale, w.scale, y.scale)


def has_narrow_bias(node: Node, declared: TensorType) -> bool:
    """Whether a layer of int16 activations has an int32 bias and int32 sums, rather than int64.

    Parameters
    ----------
    node : Node
    declared : TensorType
        The option `quantized_bias_type`; FLOAT32 is its default and says nothing.

    Raises
    ------
    InvalidModelError
        Another type.
    """
    known = (TensorType.FLOAT32, TensorType.INT32, TensorType.INT64)
    node.require(declared in known, "quantized_bias_type", declared.name, "INT32 or INT64")
    return declared is TensorType.INT32


def require_bias(
    node: Node,
    bias: Value | None,
    types: tuple[TensorType, ...],
    channels: int,
    *,
    symmetric: bool = True,
) -> None:
    """Refuse a bias of the wrong type or size, or with a zero point.

    Parameters
    ----------
    node : Node
    bias : Value, optional
    types : tuple of TensorType
    channels : int
    symmetric : bool
        Whether the zero point is looked at.

    Raises
    ------
    InvalidModelError
    """
    if bias is None:
        return
    wanted = " or ".join(kind.name for kind in types)
    node.require(bias.type in types, "bias", bias.type.name, wanted)
    node.require(not symmetric or bias.zero_point == 0, "bias", f"zero point {bias.zero_point}", "0")
    size = int(np.prod(bias.shape, dtype=object))
    node.require(size == channels, "bias", f"{size} elements", f"{channels}, one per output channel")


def require_quantized(node: Node, **values: Value) -> None:
    """Refuse tensors without a scale.

    Parameters
    ----------
    node : Node
    **values : Value
        By their role, for the error text.

    Raises
    ------
    InvalidModelError
    """
    for role, value in values.items():
        node.require(value.scales.size > 0, role, "no quantization parameters", "a scale")


def require_symmetric(node: Node, role: str, value: Value) -> None:
    """Refuse a zero point other than 0.

    Parameters
    ----------
    node : Node
    role : str
        For the error text.
    value : Value

    Raises
    ------
    InvalidModelError
    """
    node.require(not value.zero_points.any(), role, f"zero point {value.zero_points.tolist()}", "0")
