"""The inputs of the golden conversions: ranges of activations, weights and biases.

As in `recipes`: from raw PCG64 output and exact operations alone.
"""

from __future__ import annotations

import numpy as np

ACTIVATIONS = 100
"""Ranges per model."""

CHANNELS, DEPTH = 64, 24
"""Shape of the weights of one dense layer."""

GROUPS = {
    "converter.ranges": 100,
    "qat.ranges": 10,
    "converter.weights": 60,
    "converter.weights_per_tensor": 60,
    "dynamic_range.weights": 10,
    "int16x8.weights": 40,
    "float16.constants": 8,
}
"""How many models of each group were converted."""


class Bits:
    """Numbers drawn from raw PCG64 output."""

    def __init__(self, group, index):
        self._bits = np.random.PCG64(((100 + list(GROUPS).index(group)) << 32) + index)

    def below(self, bound, count):
        return (self._bits.random_raw(count) % np.uint64(bound)).astype(np.int64)

    def uniform(self, count):
        return (self._bits.random_raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def ranges(group, index):
    """float32 arrays low <= high, `ACTIVATIONS` of them."""
    bits = Bits(group, index)
    n = ACTIVATIONS
    scale = np.ldexp(1.0 + bits.uniform(n), bits.below(40, n) - 24)
    low, high = -bits.uniform(n) * scale, bits.uniform(n) * scale
    kind = bits.below(10, n)
    step = scale / 255
    codes = bits.below(255, n)
    # Zero points at ties: -low / step lies half way between two integers.
    low = np.where(kind < 3, -(codes + 0.5) * step, low)
    high = np.where(kind < 3, (255 - codes - 0.5) * step, high)
    high = np.where(kind == 3, low * 0.25, high)  # all negative
    low = np.where(kind == 4, high * 0.25, low)  # all positive
    low = np.where(kind == 5, 0.0, low)
    tiny = 1e-6 * (bits.below(5, n) + 8) / 10  # about the smallest width that is kept
    low, high = np.where(kind == 6, -tiny / 2, low), np.where(kind == 6, tiny / 2, high)
    low, high = np.where(kind == 7, 0.0, low), np.where(kind == 7, 1e-40, high)
    low, high = low.astype(np.float32), high.astype(np.float32)
    nudge = bits.below(3, n)
    low = np.where(nudge == 1, np.nextafter(low, np.float32(-1e30)), low)
    high = np.where(nudge == 2, np.nextafter(high, np.float32(1e30)), high)
    return low, high


def weights(group, index):
    """float32 weights (CHANNELS, DEPTH), biases (CHANNELS,) and the range of the input."""
    bits = Bits(group, index)
    shape = (CHANNELS, DEPTH)
    spread = np.ldexp(1.0 + bits.uniform(CHANNELS), bits.below(12, CHANNELS) - 8)
    if group.endswith("per_tensor"):
        spread = np.full(CHANNELS, spread[0])
    values = (2 * bits.uniform(CHANNELS * DEPTH).reshape(shape) - 1) * spread[:, np.newaxis]
    kind = bits.below(12, CHANNELS)[:, np.newaxis]
    largest = spread[:, np.newaxis]
    codes = bits.below(253, CHANNELS * DEPTH).reshape(shape) - 126.5
    values = np.where(kind < 5, codes * (largest / 127), values)  # ties
    values[:, 0] = np.where(kind[:, 0] < 5, spread, values[:, 0])
    if not group.endswith("per_tensor"):
        values = np.where(kind == 5, 0.0, values)
        values = np.where(kind == 6, values * 1e-8, values)  # below the smallest range
        values = np.where(kind == 7, largest, values)  # all equal
    w = values.astype(np.float32)
    near = bits.below(3, CHANNELS * DEPTH).reshape(shape)
    w = np.where(near == 1, np.nextafter(w, np.float32(-9)), w)
    w = np.where((near == 2) & (kind != 7), np.nextafter(w, np.float32(9)), w)
    w = np.where(kind == 7, w[:, :1], w) if not group.endswith("per_tensor") else w
    b = ((2 * bits.uniform(CHANNELS) - 1) * spread).astype(np.float32)
    # A bias that does not fit its scale would raise the weights' scale: not what is recorded here.
    b = np.where((kind[:, 0] == 5) | (kind[:, 0] == 6), np.float32(0), b)
    low, high = ranges("converter.ranges", index)
    return w, b, (min(float(low[1]), 0.0) - 0.5, max(float(high[1]), 0.0) + 0.25)


def constants(index):
    """4096 float32 numbers about float16's ties, ends and subnormals."""
    bits = Bits("float16.constants", index)
    grid = (bits.below(0x7C00, 1024).astype(np.uint16)).view(np.float16).astype(np.float64)
    ties = (grid + np.ldexp(1.0, np.maximum(np.frexp(grid)[1] - 12, -25))).astype(np.float32)
    wide = np.ldexp(1.0 + bits.uniform(1024), bits.below(80, 1024) - 40).astype(np.float32)
    values = np.concatenate(
        [ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, np.float32(np.inf)), wide]
    )
    values[:4] = 65504.0, 65519.996, 65520.0, 3.4028235e38
    return np.where(bits.below(2, len(values)) == 1, -values, values).astype(np.float32)
