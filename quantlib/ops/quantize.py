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

Source: LiteRT tflite/kernels/quantize.cc, internal/reference/quantize.h, internal/reference/requantize.h.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, rounding
from quantlib.model.graph import TensorType
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._broadcast import require_zero_points_of_zero
from quantlib.ops._node import Array, Kernel, Node, Value
from quantlib.ops._per_axis import along_axis
from quantlib.ops._registry import kernel

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


@kernel("QUANTIZE", list(_FROM_INTEGERS))
def integers(node: Node) -> Kernel:
    """Codes to codes."""
    x_value = node.input(0)
    output = _output(node, _FROM_INTEGERS[x_value.type])
    if x_value.type is output.type is TensorType.INT16:
        require_zero_points_of_zero(node)
    with np.errstate(divide="ignore", invalid="ignore"):
        real = np.float64(x_value.scale) / np.float64(output.scale)

    def accumulate(x: Array) -> NDArray[np.int64]:
        return fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)

    return Accumulating(accumulate, ToOutput.of(node, node.requantizer(real)))


def _output(node: Node, types: tuple[TensorType, ...]) -> Value:
    output = node.output()
    if output.type not in types:
        raise node.unsupported("output", output.type.name, ", ".join(one.name for one in types))
    node.require(output.scales.size > 0, "output", "no scale", "a scale")
    return output
