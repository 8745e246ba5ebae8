"""The inputs of the golden cases, from a case number alone.

The vectors beside this file keep only what TensorFlow answered. What it was asked is rebuilt here
from the raw output of a PCG64 generator (a stream that NumPy promises not to change) with
operations that IEEE 754 defines exactly; no distribution and no transcendental function is used.

A case is a dictionary of arguments. Input arrays hold, in shuffled order: uniform and bell-shaped
values, both zeros, subnormals, FLT_MAX, infinities, the ends of the range, and values at rounding
thresholds of the case with both float32 neighbours of each.
"""

from __future__ import annotations

import numpy as np

GROUPS = {
    "range_quantize": 9_000,
    "range_quantize_axis": 2_000,
    "range_dequantize": 6_000,
    "quantize_and_dequantize": 4_000,
    "fake_quant": 10_000,
    "fake_quant_gradient": 14_000,
    "to_float16": 1_000,
}
"""How many cases each group has."""

FULL_EVERY = 41
"""Of every so many cases the whole output is kept, of the others a digest."""

TYPES = ("int8", "uint8", "int16", "uint16", "int32")
RANGE_MODES = (
    ("MIN_COMBINED", "HALF_AWAY_FROM_ZERO", False),
    ("MIN_FIRST", "HALF_AWAY_FROM_ZERO", False),
    ("SCALED", "HALF_AWAY_FROM_ZERO", False),
    ("SCALED", "HALF_AWAY_FROM_ZERO", True),
    ("SCALED", "HALF_TO_EVEN", False),
    ("SCALED", "HALF_TO_EVEN", True),
)
RANGES = (
    (-1.0, 1.0), (0.0, 6.0), (-6.0, 0.0), (0.5, 3.0), (-3.0, -1.0), (0.0, 0.0), (1e-40, 1e-39),
    (-1e-5, 1e-5), (-1e38, 1e38), (2.0, 2.0), (-0.1, 6.3), (-1e-3, 127.0), (0.0, 1e-42),
    (0.0, 255.0), (-128.0, 127.0), (-1.0, 3.0), (-2.0, -2.0), (-1e-40, 1.0), (0.0, 3e38),
)  # fmt: skip


class Stream:
    """Numbers drawn from raw PCG64 output."""

    def __init__(self, group, index):
        self._bits = np.random.PCG64((list(GROUPS).index(group) << 32) + index)

    def raw(self, count):
        return self._bits.random_raw(count)

    def below(self, bound):
        return int(self._bits.random_raw() % bound)

    def choice(self, options):
        return options[self.below(len(options))]

    def uniform(self, count):
        """Multiples of 2**-53 in [0, 1)."""
        return (self.raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def bell(self, count):
        """Sums of four uniforms, centred."""
        return self.uniform(4 * count).reshape(4, -1).sum(axis=0) - 2.0

    def float32(self, low_exponent, high_exponent):
        """One number, log-uniform in magnitude."""
        mantissa = 1.0 + float(self.uniform(1)[0])
        exponent = low_exponent + self.below(high_exponent - low_exponent)
        return float(np.float32(np.ldexp(mantissa if self.below(2) else -mantissa, exponent)))


def real_range(stream):
    """A pair min <= max of float32 numbers."""
    if stream.below(2):
        return stream.choice(RANGES)
    exponent = stream.below(24) - 12
    ends = (stream.float32(exponent, exponent + 3), stream.float32(exponent, exponent + 3))
    return min(ends), max(ends)


def neighbours(values):
    """The float32 numbers, and those one ulp below and above."""
    with np.errstate(all="ignore"):
        near = np.asarray(values, np.float64).astype(np.float32)
        return np.concatenate(
            [near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))]
        )


def inputs(stream, low, high, steps, count):
    """At least `count` float32 numbers that mean trouble for this range and number of steps."""
    width = max(float(high) - float(low), 1e-30)
    spread = max(abs(low), abs(high), 1e-3)
    codes = (stream.raw(count) % np.uint64(min(steps, 2**32))).astype(np.float64)
    with np.errstate(all="ignore"):
        thresholds = np.concatenate(
            [
                low + (codes + 0.5) * (width / steps),
                (codes + 0.5 - (steps + 1) // 2) * (2 * spread / steps),
                (codes + 0.5) * (width / steps),
            ]
        )
        values = np.concatenate(
            [
                neighbours(thresholds[stream.raw(count) % np.uint64(len(thresholds))]),
                (low + stream.uniform(count) * width).astype(np.float32),
                (stream.bell(count) * spread).astype(np.float32),
                neighbours([0.0, low, high]),
                np.float32([-0.0, 1e-40, -1e-42, np.inf, -np.inf, 3.4028235e38, -3.4028235e38]),
            ]
        ).astype(np.float32)
    return values[np.argsort(stream.raw(len(values)), kind="stable")]


def case(group, index):
    """The arguments of one case, by the names of quantlib's function."""
    stream = Stream(group, index)
    return {
        "range_quantize": _range_quantize,
        "range_quantize_axis": _range_quantize_axis,
        "range_dequantize": _range_dequantize,
        "quantize_and_dequantize": _quantize_and_dequantize,
        "fake_quant": _fake_quant,
        "fake_quant_gradient": _fake_quant_gradient,
        "to_float16": _to_float16,
    }[group](stream)


def _steps(dtype):
    limits = np.iinfo(dtype)
    return limits.max - limits.min


def _range_quantize(stream):
    dtype, (mode, round_mode, narrow_range) = stream.choice(TYPES), stream.choice(RANGE_MODES)
    low, high = real_range(stream)
    return {
        "x": inputs(stream, low, high, _steps(dtype), 8 + stream.below(16)),
        "min_range": low,
        "max_range": high,
        "dtype": dtype,
        "mode": mode,
        "round_mode": round_mode,
        "narrow_range": narrow_range,
        "ensure_minimum_range": stream.choice((0.01, 0.01, 1e-6, 0.5)),
    }


def _range_quantize_axis(stream):
    dtype = stream.choice(TYPES)
    mode, round_mode, narrow_range = stream.choice([m for m in RANGE_MODES if m[0] != "MIN_FIRST"])
    ranges = [real_range(stream) for _ in range(1 + stream.below(4))]
    columns = [inputs(stream, low, high, _steps(dtype), 6) for low, high in ranges]
    axis = stream.below(2)
    return {
        "x": np.stack(columns, axis=axis),
        "min_range": np.float32([low for low, _ in ranges]),
        "max_range": np.float32([high for _, high in ranges]),
        "dtype": dtype,
        "mode": mode,
        "round_mode": round_mode,
        "narrow_range": narrow_range,
        "axis": axis,
        "ensure_minimum_range": stream.choice((0.01, 1e-6)),
    }


def _range_dequantize(stream):
    dtype = np.dtype(stream.choice(TYPES))
    mode, narrow_range = stream.choice(
        (("MIN_COMBINED", False), ("MIN_FIRST", False), ("SCALED", False), ("SCALED", True))
    )
    axis = stream.choice((None, None, None, 0, 1)) if mode != "MIN_FIRST" else None
    ranges = [real_range(stream) for _ in range(1 if axis is None else 1 + stream.below(4))]
    limits = np.iinfo(dtype)
    codes = stream.raw(len(ranges) * 40).view(np.int64).astype(dtype).reshape(len(ranges), -1)
    codes[:, :6] = (limits.min, limits.max, limits.min + 1, limits.max - 1, 0, 1)
    if axis is None:
        return {
            "q": codes[0], "min_range": ranges[0][0], "max_range": ranges[0][1],
            "mode": mode, "narrow_range": narrow_range,
        }  # fmt: skip
    return {
        "q": codes if axis == 0 else np.ascontiguousarray(codes.T),
        "min_range": np.float32([low for low, _ in ranges]),
        "max_range": np.float32([high for _, high in ranges]),
        "mode": mode,
        "narrow_range": narrow_range,
        "axis": axis,
    }


def _quantize_and_dequantize(stream):
    dtype = stream.choice((np.float32, np.float32, np.float64))
    signed, bits = bool(stream.below(2)), stream.choice((2, 3, 4, 7, 8, 8, 8, 12, 16))
    low, high = real_range(stream)
    if low == high == 0:
        low, high = -0.25, 0.5
    given = bool(stream.below(2))
    arguments = {
        "x": inputs(stream, low, high, (1 << bits) - 1, 8 + stream.below(16)).astype(dtype),
        "signed_input": signed,
        "num_bits": bits,
        "round_mode": stream.choice(("HALF_TO_EVEN", "HALF_UP")),
        "narrow_range": bool(stream.below(2)),
    }
    if given:
        return arguments | {"input_min": low, "input_max": high}
    x = arguments["x"]
    bound = dtype(min(4 * max(abs(low), abs(high), 1e-3), 1e38))
    x[~(np.abs(x) <= bound)] = bound  # a range taken from infinities is no range
    if stream.below(3) == 0:
        x = x[: x.size // 3 * 3].reshape(-1, 3)
        # Between 0.0, -0.0 and subnormals TensorFlow's maximum is any of them; its sign is an accident.
        x[np.abs(x) < 1e-30] = 0.25
        arguments |= {"x": x, "axis": stream.below(2)}
    return arguments


def _trainable_range(stream):
    low, high = real_range(stream)
    if abs(high) < 1.2e-38 and abs(low) < 1.2e-38:
        return 0.0, 0.0
    return (low, high) if low < high else (low - 1.0, high + 1.0)


def _fake_quant(stream):
    bits, narrow_range = 2 + stream.below(15), bool(stream.below(2))
    variant = stream.choice(("args", "vars", "per_channel"))
    ranges = [_trainable_range(stream) for _ in range(1 + stream.below(4))]
    if variant == "args":
        ranges = [(low, high) if low < high else (-6.0, 6.0) for low, high in ranges]
    common = {"num_bits": bits, "narrow_range": narrow_range, "variant": variant}
    steps = (1 << bits) - 1
    if variant != "per_channel":
        low, high = ranges[0]
        return common | {"x": inputs(stream, low, high, steps, 16), "min": low, "max": high}
    columns = [inputs(stream, low, high, steps, 6) for low, high in ranges]
    return common | {
        "x": np.stack(columns, axis=1),
        "min": np.float32([low for low, _ in ranges]),
        "max": np.float32([high for _, high in ranges]),
    }


def _fake_quant_gradient(stream):
    arguments = _fake_quant(stream)
    # Integers, so that float32 sums do not depend on the order.
    upstream = (stream.raw(arguments["x"].size) % np.uint64(201)).astype(np.float32) - np.float32(100)
    return arguments | {"dy": upstream.reshape(arguments["x"].shape)}


def _to_float16(stream):
    exponents = stream.raw(200) % np.uint64(60)
    magnitudes = np.ldexp(1.0 + stream.uniform(200), exponents.astype(np.int64) - 32)
    grid = (stream.raw(60) & np.uint64(0x7BFF)).astype(np.uint16).view(np.float16).astype(np.float64)
    ties = grid + np.ldexp(1.0, np.maximum(np.frexp(grid)[1] - 12, -25))
    special = [0.0, 65504.0, 65519.996, 65520.0, 65536.0, 3.4e38, np.inf, 2.0**-24, 2.0**-25, 2.0**-14]
    values = np.concatenate([magnitudes.astype(np.float32), neighbours(ties), neighbours(special)])
    signs = np.where(stream.raw(len(values)) & np.uint64(1), np.float32(-1), np.float32(1))
    return {"x": values * signs, "overflow": "inf"}
