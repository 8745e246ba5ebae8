"""QUANTIZE: numbers to codes, or codes to codes of another scale.

From float32: y = clamp(zo + round(x / so)), the division in float32, halves away from zero. What is
not an int32 after rounding, NaN included, becomes INT32_MIN before zo is added, as the processor has
it: +∞ is usually the smallest code.

From integers: y = clamp(zo + requantize(x − zx)).

(C1) The output has a scale.
(C2) float32 → int8, uint8, int16, int4, uint4; int8, uint8 → int8, uint8, int16; int16 → int8, int16,
     int32; int32 → int8, int16.
(C3) int16 → int16: both zero points are 0.
(C4) Several output scales run along `quantized_dimension`, one per index. They are allowed from
     float32 to int8, uint8 and int16.

Several scales on either side of an integer conversion count as no scale: the multiplier is then 0.

Optimized, from float32 with one scale to 8 and 16 bits: blocks of 8 elements multiply by 1 / so in
float32 and round halves to even; what is left over divides in float64. Between 8-bit types blocks of 16
round half up twice.

XNNPACK, from float32 to 8 bits with one scale: as such a block, but what is beyond its registers, and
NaN, is clamped on the right side: +∞ is the largest code. Between equal 8-bit types whose ratio sx / so
is 2**-8 .. 2**7: an integer factor of 8 fractional bits, rounded half up.

Source: LiteRT tflite/kernels/quantize.cc, internal/reference/quantize.h, internal/reference/requantize.h,
internal/optimized/optimized_ops.h (AffineQuantize, Requantize);
tflite/delegates/xnnpack/xnnpack_delegate.cc (VisitUnaryNode); measured.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point, requantize, rounding
from quantlib.arithmetic.flush import flush_denormals
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._broadcast import require_zero_points_of_zero
from quantlib.ops._delegated import has_byte_parameters
from quantlib.ops._node import Array, Kernel, Node, Value
from quantlib.ops._per_axis import along_axis
from quantlib.ops._registry import kernel
from quantlib.ops._runs import Blocks, InBlocks, in_registers
from quantlib.ops._xnnpack_operands import MOST_DIMENSIONS, eight_fractional_bits

__all__: list[str] = []

_FROM_FLOAT32 = (
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT4,
    TensorType.UINT4,
)
_FROM_8_BITS = (TensorType.INT8, TensorType.UINT8, TensorType.INT16)
_FROM_INTEGERS = {
    TensorType.INT8: _FROM_8_BITS,
    TensorType.UINT8: _FROM_8_BITS,
    TensorType.INT16: (TensorType.INT8, TensorType.INT16, TensorType.INT32),
    TensorType.INT32: (TensorType.INT8, TensorType.INT16),
}
_EIGHT_BITS = (TensorType.INT8, TensorType.UINT8)
_INT16_MAX = np.float32(2**15 - 1)
_LIMITS_OF_4_BITS = {TensorType.INT4: (-8, 7), TensorType.UINT4: (0, 15)}


@kernel("QUANTIZE", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Numbers to codes."""
    output = _output(node, _FROM_FLOAT32)
    low, high = _LIMITS_OF_4_BITS.get(output.type) or output.limits
    if output.is_per_axis and output.type in _LIMITS_OF_4_BITS:
        raise node.unsupported("output", f"{output.type.name} with several scales", "one")

    def run(x: Array) -> Array:
        scales: NDArray[np.float32] | np.float32 = output.scale
        zero_points: NDArray[np.int64] | int = output.zero_point
        if output.is_per_axis:
            scales, zero_points = along_axis(node, "output", output, x.shape)
        with np.errstate(all="ignore"):
            units = rounding.round_half_away_from_zero(np.asarray(x / scales, np.float32))
        codes = fixed_point.wrap_int32(rounding.float_to_int32(units) + zero_points)
        return fixed_point.saturate(codes, low, high).astype(output.dtype)

    return run


def _has_one_scale(node: Node) -> bool:
    return node.output().scales.size == 1 and node.output().type in _FROM_8_BITS


@kernel("QUANTIZE", [TensorType.FLOAT32], family="optimized", when=_has_one_scale)
def float32_in_blocks(node: Node) -> Kernel:
    """Numbers to codes, in vector blocks."""
    output = _output(node, _FROM_FLOAT32)
    scale = np.float64(output.scale)

    def codes(units: NDArray[Any]) -> Array:
        y = fixed_point.wrap_int32(rounding.float_to_int32(units) + output.zero_point)
        return fixed_point.saturate(y, *output.limits).astype(output.dtype)

    def block(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return codes(rounding.round_half_to_even(x * np.float32(1 / scale)))

    def leftover(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return codes(rounding.round_half_away_from_zero(x.astype(np.float64) / scale))

    return InBlocks(block, block, leftover, Blocks(8, 8))


def _is_delegated(node: Node) -> bool:
    return has_byte_parameters(node.output()) and len(node.input(0).shape) <= MOST_DIMENSIONS


@kernel("QUANTIZE", [TensorType.FLOAT32], family="xnnpack", when=_is_delegated)
def float32_xnnpack(node: Node) -> Kernel:
    """Numbers to codes of 8 bits, saturating in every register."""
    output = node.output()
    inverse = np.float32(1) / output.scale

    def run(x: Array) -> Array:
        with np.errstate(all="ignore"):
            units = flush_denormals(x) * inverse
        units = np.where(units < _INT16_MAX, units, _INT16_MAX)  # NaN, too
        stored = fixed_point.saturate(
            rounding.float_to_int32(rounding.round_half_to_even(units)), -(2**15), 2**15 - 1
        )
        moved = fixed_point.saturate(stored + output.zero_point, -(2**15), 2**15 - 1)
        return fixed_point.saturate(moved, *output.limits).astype(output.dtype)

    return run


@kernel("QUANTIZE", list(_FROM_INTEGERS))
def integers(node: Node) -> Kernel:
    """Codes to codes."""
    return _between_integers(node, node.requantizer)


@kernel(
    "QUANTIZE",
    _EIGHT_BITS,
    family="optimized",
    when=lambda node: node.output().type in _EIGHT_BITS,
)
def codes_in_blocks(node: Node) -> Kernel:
    """Codes of 8 bits to codes of 8 bits, in vector blocks."""

    def in_blocks(real: ArrayLike) -> requantize.Requantize:
        return requantize.ByPosition(
            in_registers(requantize.two_roundings_half_up(real), real),
            requantize.two_roundings(real),
            partial(requantize.elements_in_blocks, 16),
        )

    return _between_integers(node, in_blocks)


def _is_delegated_between_codes(node: Node) -> bool:
    x_value, output = node.input(0), node.output()
    if not (_is_delegated(node) and has_byte_parameters(x_value) and x_value.type is output.type):
        return False
    with np.errstate(all="ignore"):
        return bool(2.0**-8 <= x_value.scale / output.scale <= 2.0**7)


@kernel("QUANTIZE", _EIGHT_BITS, family="xnnpack", when=_is_delegated_between_codes)
def codes_xnnpack(node: Node) -> Kernel:
    """Codes of 8 bits to codes of the same type."""
    return _between_integers(node, eight_fractional_bits)


def _between_integers(node: Node, requantizer: requantize.Requantizer) -> Accumulating:
    x_value = node.input(0)
    output = _output(node, _FROM_INTEGERS[x_value.type])
    if x_value.type is output.type is TensorType.INT16:
        require_zero_points_of_zero(node)
    with np.errstate(divide="ignore", invalid="ignore"):
        real = np.float64(x_value.scale) / np.float64(output.scale)

    def accumulate(x: Array) -> NDArray[np.int64]:
        return fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)

    return Accumulating(accumulate, ToOutput.of(node, requantizer(real)))


def _output(node: Node, types: tuple[TensorType, ...]) -> Value:
    output = node.output()
    if output.type not in types:
        raise node.unsupported("output", output.type.name, ", ".join(one.name for one in types))
    node.require(output.scales.size > 0, "output", "no scale", "a scale")
    return output
