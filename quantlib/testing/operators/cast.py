"""Random CAST models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.operators._operands import TYPES, Operands, numbers, shape
from quantlib.testing.single_operator import Case, Graph, cases

_MORE = {
    "float64": TensorType.FLOAT64,
    "uint16": TensorType.UINT16,
    "complex64": TensorType.COMPLEX64,
}
_ALL = {**TYPES, **_MORE}
_PACKED = {
    "int4": (TensorType.INT4, -8, 7),
    "uint4": (TensorType.UINT4, 0, 15),
    "int2": (TensorType.INT2, -2, 1),
}


@cases(
    "CAST",
    "float32",
    "float16",
    "float64",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "bool",
    "complex64",
)
def numbers_from(choices: Choices, configuration: str) -> Case:
    """From that type to any: values at and beyond the ends of every type, with fractions."""
    type = _ALL[configuration]
    assert type.dtype is not None
    extents = shape(choices)
    random = choices.generator()
    if type.dtype.kind in "fc":
        # Around the powers of two at which integer types end.
        near = 2.0 ** random.choice([0, 4, 7, 8, 11, 15, 16, 24, 31, 32, 63], extents)
        near = random.choice([-1.0, 1.0], extents) * (
            near + random.choice([-1.5, -1, -0.5, 0, 0.5, 1], extents)
        )
        wide = TensorType.FLOAT16 if type is TensorType.FLOAT16 else TensorType.FLOAT32
        values = np.where(random.random(extents) < 0.5, near, numbers(choices, extents, wide))
        with np.errstate(over="ignore", invalid="ignore"):
            x = np.asarray(values + 1j * 3.0 if type.dtype.kind == "c" else values, type.dtype)
    else:
        x = numbers(choices, extents, type)
    operands = Operands(choices)
    operands.add(x, type)
    target = choices.choice(tuple(_ALL.values()))
    return operands.finished("CAST", target, version=6)


@cases("CAST", "int4", "uint4", "int2")
def packed_from(choices: Choices, configuration: str) -> Case:
    """A constant of 4 or 2 bits to float32."""
    type, low, high = _PACKED[configuration]
    assert type.dtype is not None
    extents = tuple(max(extent, 1) for extent in shape(choices))
    graph = Graph()
    x = graph.constant(integers(choices, extents, low, high, type.dtype), type)
    graph.operator("CAST", [x], [graph.output((), TensorType.FLOAT32)], version=6)
    return graph.finished()


@cases("CAST", "float32 to int4", "float32 to uint4", "float32 to int2")
def packed_to(choices: Choices, configuration: str) -> Case:
    """Clamped, truncated, packed."""
    type = _PACKED[configuration.rsplit(maxsplit=1)[-1]][0]
    extents = tuple(max(extent, 1) for extent in shape(choices))
    x = numbers(choices, extents, TensorType.FLOAT32) + reals(choices, extents, 5.0)
    operands = Operands(choices)
    operands.add(x, TensorType.FLOAT32)
    return operands.finished("CAST", type, version=6)
