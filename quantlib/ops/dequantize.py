"""DEQUANTIZE: codes, or half precision, to float32.

One scale: y = s · (x − z), the product in float64 and then rounded. Several: y = s[c] · (x − z[c]),
the product in float32. float16 is widened and has no parameters.

(C1) x is int8, uint8, int16, int4, uint4, int2 or float16; the output is float32.
(C2) int16: the zero point is 0.
(C3) Several scales run along `quantized_dimension`, one per index; not for int16 and float16.

A missing scale counts as 0.

Optimized, one scale: in blocks of 8 elements y = x · s + (−z · s), every step in float32. XNNPACK takes
int8 and uint8 with one scale and computes as the reference, but flushes subnormal results to zero.

Source: LiteRT tflite/kernels/dequantize.h, internal/reference/dequantize.h,
internal/reference/integer_ops/dequantize.h, internal/optimized/optimized_ops.h (Dequantize).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.flush import flush_denormals
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import has_byte_parameters
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._per_axis import along_axis
from quantlib.ops._registry import kernel
from quantlib.ops._runs import Blocks, InBlocks
from quantlib.ops._xnnpack_operands import MOST_DIMENSIONS

__all__: list[str] = []

_CODES = (
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT4,
    TensorType.UINT4,
    TensorType.INT2,
)


def _has_one_scale(node: Node) -> bool:
    return not node.input(0).is_per_axis


@kernel("DEQUANTIZE", _CODES, family="optimized", when=_has_one_scale)
def codes_in_blocks(node: Node) -> Kernel:
    """One scale, in vector blocks."""
    leftover = codes(node)
    scale = node.input(0).scale
    offset = np.float32(-node.input(0).zero_point * np.float64(scale))

    def block(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(x.astype(np.float32) * scale + offset, np.float32)

    return InBlocks(block, block, leftover, Blocks(8, 8))


@kernel(
    "DEQUANTIZE",
    [TensorType.INT8, TensorType.UINT8],
    family="xnnpack",
    when=lambda node: has_byte_parameters(node.input(0)) and len(node.input(0).shape) <= MOST_DIMENSIONS,
)
def codes_xnnpack(node: Node) -> Kernel:
    """One scale, subnormal numbers flushed."""
    reference = codes(node)
    return lambda x: flush_denormals(np.asarray(reference(x)))


@kernel("DEQUANTIZE", _CODES, when=_has_one_scale)
def codes(node: Node) -> Kernel:
    """One scale."""
    _require_float32(node)
    value = node.input(0)
    if value.type is TensorType.INT16:
        node.require(value.zero_point == 0, "input 0 quantization.zero_point", value.zero_point, 0)
    scale = np.float64(value.scale)

    def run(x: Array) -> Array:
        return np.asarray(scale * _difference(x, value.zero_point).astype(np.float64), np.float32)

    return run


@kernel("DEQUANTIZE", [one for one in _CODES if one is not TensorType.INT16])
def codes_per_axis(node: Node) -> Kernel:
    """One scale for every index along an axis."""
    _require_float32(node)

    def run(x: Array) -> Array:
        scales, zero_points = along_axis(node, "input 0", node.input(0), x.shape)
        return np.asarray(scales * _difference(x, zero_points).astype(np.float32), np.float32)

    return run


@kernel("DEQUANTIZE", [TensorType.FLOAT16], when=lambda node: not node.input(0).is_per_axis)
def float16(node: Node) -> Kernel:
    """Half precision, widened."""
    _require_float32(node)

    def run(x: Array) -> Array:
        return x.astype(np.float32)

    return run


def _difference(x: Array, zero_point: NDArray[np.int64] | int) -> NDArray[np.int64]:
    return fixed_point.wrap_int32(x.astype(np.int64) - zero_point)


def _require_float32(node: Node) -> None:
    node.require(
        node.output().type is TensorType.FLOAT32, "output", node.output().type.name, TensorType.FLOAT32.name
    )
