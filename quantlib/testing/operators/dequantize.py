"""Random DEQUANTIZE models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices, integers
from quantlib.testing.operators._operands import TYPES, Operands, input_quantization, numbers, shape
from quantlib.testing.single_operator import Case, Graph, cases, quantization

_LIMITS = {
    TensorType.INT8: (-128, 127),
    TensorType.UINT8: (0, 255),
    TensorType.INT16: (-32768, 32767),
    TensorType.INT4: (-8, 7),
    TensorType.UINT4: (0, 15),
    TensorType.INT2: (-2, 1),
}
_PACKED = {"int4": TensorType.INT4, "uint4": TensorType.UINT4, "int2": TensorType.INT2}


@cases("DEQUANTIZE", "int8", "uint8", "int16")
def per_tensor(choices: Choices, configuration: str) -> Case:
    """One scale."""
    type = TYPES[configuration]
    operands = Operands(choices)
    operands.codes(shape(choices), type, input_quantization(choices, type))
    return operands.finished("DEQUANTIZE", TensorType.FLOAT32, version=6)


@cases("DEQUANTIZE", "int4", "uint4", "int2")
def packed(choices: Choices, configuration: str) -> Case:
    """A constant of 4 or 2 bits, also of an odd number of elements."""
    type = _PACKED[configuration]
    assert type.dtype is not None
    low, high = _LIMITS[type]
    parameters = quantization(input_quantization(choices, TensorType.INT8).scale, choices.integer(low, high))
    extents = tuple(max(extent, 1) for extent in shape(choices))
    graph = Graph()
    x = graph.constant(integers(choices, extents, low, high, type.dtype), type, parameters)
    graph.operator("DEQUANTIZE", [x], [graph.output((), TensorType.FLOAT32)], version=6)
    return graph.finished()


@cases(
    "DEQUANTIZE",
    "int8 per channel",
    "uint8 per channel",
    "int4 per channel",
    "uint4 per channel",
    "int2 per channel",
)
def per_channel(choices: Choices, configuration: str) -> Case:
    """One scale for each index along any axis."""
    name = configuration.split(maxsplit=1)[0]
    type = TYPES.get(name) or _PACKED[name]
    assert type.dtype is not None
    low, high = _LIMITS[type]
    extents = tuple(choices.integer(1, 6) for _ in range(choices.integer(1, 4)))
    axis = choices.integer(0, len(extents) - 1)
    random = choices.generator()
    scales = 10.0 ** random.uniform(-3, 1, extents[axis])
    zero_points = random.integers(low, high, extents[axis], endpoint=True)
    parameters = quantization(scales, zero_points, axis)
    x = integers(choices, extents, low, high, type.dtype)
    graph = Graph()
    index = graph.constant(x, type, parameters) if name in _PACKED else graph.input(extents, type, parameters)
    graph.operator("DEQUANTIZE", [index], [graph.output((), TensorType.FLOAT32)], version=6)
    return graph.finished(*([] if name in _PACKED else [x]))


@cases("DEQUANTIZE", "float16")
def float16(choices: Choices, _: str) -> Case:
    """Every kind of half-precision number."""
    operands = Operands(choices)
    extents = shape(choices)
    if choices.choice((False, True)):
        operands.add(numbers(choices, extents, TensorType.FLOAT16), TensorType.FLOAT16)
    else:
        bits = choices.generator().integers(0, 2**16, extents, np.uint16)
        operands.add(np.asarray(bits).view(np.float16), TensorType.FLOAT16)
    return operands.finished("DEQUANTIZE", TensorType.FLOAT32, version=3)
