"""HARD_SWISH: a sigmoid-weighted line made of straight pieces.

    y = x · min(6, max(0, x + 3)) / 6

Codes stay in 16 bits: h = 128 (x − zx) is brought to output units, not yet shifted, by a 15-bit
multiplier, and multiplied by a ramp r in [0, 1], which is h rescaled so that 3.0 becomes 32768,
saturated, and moved up:

    y = clamp(zy + round((r · round(h · m)) / 2**15 · 2**shift))

(C1) y has the type of x.
(C2) The multiplier sx / (128 sy) of codes is below 1.

Codes are the same in every family. The optimized float32 kernel multiplies by 1/6: x itself in blocks of
four, the product where no block is full. XNNPACK's is its own (`quantlib.arithmetic.xnnpack`).

Source: LiteRT tflite/kernels/activations.cc (HardSwishPrepare), internal/reference/hard_swish.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import fixed_point, gemmlowp, xnnpack
from quantlib.model.graph import TensorType
from quantlib.ops._common_scale import rounding_shift_int16
from quantlib.ops._delegated import maps_float32
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule
from quantlib.ops._scale_limits import hard_swish_scale
from quantlib.ops._table import require_same_type

__all__ = ["HardSwishOptions"]


@dataclass(frozen=True, slots=True)
class HardSwishOptions:
    """Nothing to choose."""


rule("HARD_SWISH", scales_fit=hard_swish_scale)


_HIGH_RESOLUTION = 128
"""Subdivision of a code, as much as 16 bits allow."""


@kernel("HARD_SWISH", [TensorType.INT8, TensorType.UINT8])
def eight_bit(node: Node) -> Kernel:
    """Sixteen-bit fixed point."""
    require_same_type(node)
    x_value, y_value = node.input(0), node.output()
    fine_scale = np.float32(1 / _HIGH_RESOLUTION) * x_value.scale
    multiplier, shift = _multiplier_int16(fine_scale / y_value.scale)
    node.require(shift <= 0, "output", f"scale {y_value.scale}", f"more than {fine_scale}")
    ramp_multiplier, ramp_shift = _multiplier_int16(fine_scale / (np.float32(3) / np.float32(32768)))

    def run(x: Array) -> Array:
        fine = fixed_point.wrap_int16((x.astype(np.int64) - x_value.zero_point) * _HIGH_RESOLUTION)
        scaled = gemmlowp.saturating_rounding_doubling_high_mul_int16(fine, multiplier)
        ramp = _ramp(fine, ramp_multiplier, ramp_shift)
        product = ramp * scaled  # the ramp is never negative
        truncated = np.sign(product) * (np.abs(product) >> 15)
        y = fixed_point.wrap_int16(rounding_shift_int16(truncated, -shift) + y_value.zero_point)
        return fixed_point.saturate(y, *y_value.limits).astype(x.dtype)

    return run


@kernel("HARD_SWISH", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """The formula from left to right; of NaN both bounds are taken before it is multiplied back in."""
    require_same_type(node)
    zero, three, six = np.float32(0), np.float32(3), np.float32(6)

    def run(x: Array) -> Array:
        raised = x + three
        raised = np.where(zero < raised, raised, zero)
        return x * np.where(raised < six, raised, six) / six

    return run


@kernel("HARD_SWISH", [TensorType.FLOAT32], family="optimized")
def optimized_float32(node: Node) -> Kernel:
    """Blocks of four divide x first, what is left the product; both multiply by float32 1/6."""
    require_same_type(node)
    three, six, sixth = np.float32(3), np.float32(6), np.float32(1) / np.float32(6)
    zero = np.float32(0)

    def run(x: Array) -> Array:
        flat = x.ravel()
        raised = flat + three
        raised = np.where(zero < raised, raised, zero)
        ramp = np.where(raised < six, raised, six)
        in_block = np.arange(flat.size) < flat.size // 4 * 4
        return np.where(in_block, flat * sixth * ramp, flat * ramp * sixth).reshape(x.shape)

    return run


@kernel("HARD_SWISH", [TensorType.FLOAT32], family="xnnpack", when=maps_float32)
def xnnpack_float32(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack.hard_swish


def _multiplier_int16(real: np.float32) -> tuple[int, int]:
    multiplier, shift = fixed_point.quantize_multiplier(float(real))
    return int(gemmlowp.multiplier_to_int16(multiplier)), shift


def _ramp(fine: NDArray[np.int64], multiplier: int, shift: int) -> NDArray[np.int64]:
    """min(1, max(0, x / 6 + 1 / 2)), 0 .. 32767.

    To the left, all but one bit of the shift comes before the multiplication, so that saturation
    there cannot show.
    """
    ramp = fine
    if shift > 0:
        ramp = gemmlowp.saturating_shift_left_int16(ramp, shift - 1)
    ramp = gemmlowp.saturating_rounding_doubling_high_mul_int16(ramp, multiplier)
    if shift > 0:
        ramp = gemmlowp.saturating_shift_left_int16(ramp, 1)
    elif shift < 0:
        ramp = rounding_shift_int16(ramp, -shift)
    return (ramp + (1 << 15)) >> 1
