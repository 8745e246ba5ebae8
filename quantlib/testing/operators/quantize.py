"""Random QUANTIZE models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.testing.choices import Choices, integers
from quantlib.testing.operators._operands import TYPES, Operands, input_quantization, shape
from quantlib.testing.single_operator import Case, cases, quantization

_INT4 = {"int4": TensorType.INT4, "uint4": TensorType.UINT4}


def _reals(choices: Choices, extents: tuple[int, ...], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ordinary values, exact ties, and what is no int32 in units of the scale."""
    random = choices.generator()
    units = random.normal(0, choices.choice((3.0, 60.0, 5000.0)), extents)
    manner = choices.choice(("ordinary", "ties", "beyond"))
    if manner == "ties":
        units = np.round(units) + 0.5
    elif manner == "beyond":
        special = np.array([np.nan, np.inf, -np.inf, 3e9, -3e9, 2.0**31, -(2.0**31), -0.0, 0.49999997])
        units = np.where(random.random(extents) < 0.5, random.choice(special, extents), units)
    return np.asarray(units.astype(np.float32) * scale, np.float32)


@cases(
    "QUANTIZE",
    "float32 to int8",
    "float32 to uint8",
    "float32 to int16",
    "float32 to int4",
    "float32 to uint4",
)
def per_tensor(choices: Choices, configuration: str) -> Case:
    """One scale; int16 with a zero point, too."""
    name = configuration.rsplit(maxsplit=1)[-1]
    type = TYPES.get(name) or _INT4[name]
    parameters = input_quantization(choices, type if name in TYPES else TensorType.INT8)
    if name not in TYPES:
        low = 0 if name == "uint4" else -8
        parameters = quantization(parameters.scale, choices.integer(low, low + 15))
    elif type is TensorType.INT16:
        parameters = quantization(
            parameters.scale, choices.choice((0, 0, 32767, choices.integer(-32768, 32767)))
        )
    operands = Operands(choices)
    operands.add(_reals(choices, shape(choices), parameters.scale[0]), TensorType.FLOAT32)
    return operands.finished("QUANTIZE", type, parameters, version=3)


@cases(
    "QUANTIZE",
    "float32 to int8 per channel",
    "float32 to uint8 per channel",
    "float32 to int16 per channel",
)
def per_channel(choices: Choices, configuration: str) -> Case:
    """One scale for each index along any axis."""
    type = TYPES[configuration.split()[2]]
    assert type.dtype is not None
    extents = tuple(choices.integer(1, 6) for _ in range(choices.integer(1, 4)))
    axis = choices.integer(0, len(extents) - 1)
    channels = extents[axis]
    random = choices.generator()
    exact = choices.choice((False, True))
    scales = 2.0 ** random.integers(-9, 3, channels) if exact else 10.0 ** random.uniform(-3, 1, channels)
    info = np.iinfo(type.dtype)
    zero_points = random.integers(int(info.min), int(info.max), channels, endpoint=True)
    parameters: Quantization = quantization(scales, zero_points, axis)
    aligned = parameters.scale.reshape([-1 if position == axis else 1 for position in range(len(extents))])
    operands = Operands(choices)
    operands.add(_reals(choices, extents, aligned), TensorType.FLOAT32)
    return operands.finished("QUANTIZE", type, parameters, version=3, shape=extents)


@cases(
    "QUANTIZE",
    "int8 to int8",
    "int8 to uint8",
    "int8 to int16",
    "uint8 to int8",
    "uint8 to uint8",
    "uint8 to int16",
    "int16 to int8",
    "int16 to int16",
    "int16 to int32",
    "int32 to int8",
    "int32 to int16",
)
def integer(choices: Choices, configuration: str) -> Case:
    """Scales far apart, close, equal, and powers of two; the step by 128 between int8 and uint8."""
    source, target = (TYPES[name] for name in configuration.split(" to "))
    assert source.dtype is not None
    first, second = input_quantization(choices, source), input_quantization(choices, target)
    manner = choices.choice(("as drawn", "equal", "extreme"))
    if manner == "equal":
        second = quantization(first.scale, second.zero_point)
        if {source, target} == {TensorType.INT8, TensorType.UINT8} and choices.choice((False, True)):
            step = 128 if target is TensorType.UINT8 else -128
            second = quantization(first.scale, first.zero_point + step)
    elif manner == "extreme":
        second = quantization(float(first.scale[0]) * 2.0 ** choices.integer(-36, 36), second.zero_point)
    small = {TensorType.INT8, TensorType.UINT8}
    if source is TensorType.INT16 and target in small and choices.choice((False, True)):
        first = quantization(first.scale, choices.integer(-32768, 32767))
    operands = Operands(choices)
    info = np.iinfo(source.dtype)
    most = 2**31 - 1 if source is not TensorType.INT32 else choices.choice((300, 70000, 2**31 - 1))
    low, high = max(int(info.min), -most - 1), min(int(info.max), most)
    operands.add(integers(choices, shape(choices), low, high, source.dtype), source, first)
    return operands.finished("QUANTIZE", target, second, version=3)
