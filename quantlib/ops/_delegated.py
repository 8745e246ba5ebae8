"""What the XNNPACK delegate asks of a tensor before it takes a node.

A node that fails is not an error: it falls to the optimized kernels.

Source: LiteRT tflite/delegates/xnnpack/xnnpack_delegate.cc (CheckTensor...)
"""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops._node import Node, Value

__all__ = [
    "has_byte_parameters",
    "maps_bytes",
    "maps_float16_by_avx512",
    "maps_float32",
    "maps_float32_by_avx512",
    "takes_float32_reduction",
    "takes_reduction",
]

_LARGEST_RANK = 6
"""Dimensions, and axes, that XNNPACK knows."""


def has_byte_parameters(value: Value) -> bool:
    """Whether a tensor holds int8 or uint8 codes with one scale.

    Parameters
    ----------
    value : Value
    """
    byte = value.type in (TensorType.INT8, TensorType.UINT8)
    return byte and value.scales.size == 1 and value.zero_points.size == 1 and value.quantized_dimension == 0


def maps_bytes(node: Node) -> bool:
    """Whether a node turns one tensor of codes into another: LOGISTIC, TANH, ELU.

    Parameters
    ----------
    node : Node
    """
    x, y = node.input(0), node.output()
    return has_byte_parameters(x) and has_byte_parameters(y) and len(x.shape) <= _LARGEST_RANK


def maps_float32(node: Node) -> bool:
    """Whether XNNPACK turns one float32 tensor into another, on a processor with fused multiply-add.

    Parameters
    ----------
    node : Node
    """
    x, y = node.input(0), node.output()
    real = x.type is TensorType.FLOAT32 and y.type is TensorType.FLOAT32
    return real and len(x.shape) <= _LARGEST_RANK and node.profile.fma


def maps_float16_by_avx512(node: Node) -> bool:
    """Whether XNNPACK turns one float16 tensor into another, on a processor with AVX-512.

    Parameters
    ----------
    node : Node
    """
    x, y = node.input(0), node.output()
    half = x.type is TensorType.FLOAT16 and y.type is TensorType.FLOAT16
    return half and len(x.shape) <= _LARGEST_RANK and node.profile.vectors == "avx512f"


def maps_float32_by_avx512(node: Node) -> bool:
    """Whether XNNPACK turns one float32 tensor into another, on a processor with AVX-512.

    Parameters
    ----------
    node : Node
    """
    return maps_float32(node) and node.profile.vectors == "avx512f"


def takes_reduction(node: Node) -> bool:
    """Whether a reduction of codes is taken: constant axes in a vector or scalar, one to six.

    Parameters
    ----------
    node : Node
    """
    return has_byte_parameters(node.input(0)) and has_byte_parameters(node.output()) and _has_axes(node)


def takes_float32_reduction(node: Node) -> bool:
    """Whether a reduction of float32 is taken.

    Parameters
    ----------
    node : Node
    """
    types = node.input(0).type, node.output().type
    return types == (TensorType.FLOAT32, TensorType.FLOAT32) and _has_axes(node)


def _has_axes(node: Node) -> bool:
    x, axis = node.input(0), node.input(1)
    if axis.type is not TensorType.INT32 or axis.constant is None or axis.constant.ndim > 1:
        return False
    named = axis.constant.reshape(-1).tolist()
    scalar = len(x.shape) == 0 and named == [0]
    return len(x.shape) <= _LARGEST_RANK and 1 <= len(named) <= _LARGEST_RANK and not scalar
