"""EMBEDDING_LOOKUP: rows of a table, as they are or as real numbers.

    y[k, ...] = table[j[k], ...]                          y has the type of the table
    y[k, ...] = f32(f32(table[j[k], ...]) · s)            8- or 4-bit table, float32 y

s is the table's scale, or that of the row. Inputs: indices j, table.

(C1) Indices are an int32 vector, each names a row.
(C2) The table has two dimensions or more.
(C3) Tables read as real numbers have zero point 0 (the first is looked at). Several scales run along
     axis 0, one per row, and only there.
(C4) No blocks of scales.

What shows of the kernel: uint8 tables are read as int8. A row of 4-bit elements starts with a whole
byte, so that in tables with rows of odd length every second row comes out one element early; s is
divided by 16 first, which rounds where it is subnormal. float16 outputs are rounded once more.

Source: LiteRT tflite/kernels/embedding_lookup.cc.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._movement import EVERY_TYPE, check_shape, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Hybrid, Versions, rule

__all__: list[str] = []

rule("EMBEDDING_LOOKUP", hybrid=Hybrid(1), versions=Versions(hybrid=3))

_REAL = (TensorType.FLOAT32, TensorType.FLOAT16)
_CODES = (TensorType.INT8, TensorType.UINT8, TensorType.INT4)


def _rows(node: Node, indices: Array, table: Array) -> NDArray[np.int64]:
    """The rows asked for, all of them in the table."""
    role = "input 0 (indices)"
    node.require(table.ndim >= 2, "input 1 (table)", f"{table.ndim} dimensions", "2 or more")
    node.require(indices.ndim == 1, role, f"{indices.ndim} dimensions", "1")
    outside = indices[(indices < 0) | (indices >= table.shape[0])]
    found = int(outside[0]) if outside.size else None
    node.require(found is None, role, found, f"0 .. {table.shape[0] - 1}")
    check_shape(node, (indices.shape[0], *table.shape[1:]), 8)
    return indices.astype(np.int64)


def _takes_real(node: Node) -> bool:
    return node.input_type(1) in _CODES and node.output().type in _REAL


@kernel("EMBEDDING_LOOKUP", _CODES, data_input=1, when=_takes_real)
def dequantized(node: Node) -> Kernel:
    """Rows times their scale."""
    value, output = node.input(1), node.output()
    require_type(node, 0, "indices", [TensorType.INT32])
    role = "input 1 (table)"
    quantization = value.tensor.quantization
    node.require(quantization is None or quantization.details is None, role, "blocks of scales", "none")
    first = int(value.zero_points[0]) if value.zero_points.size else 0
    node.require(first == 0 or output.type is not TensorType.FLOAT32, role, f"zero_point {first}", "0")
    node.require(
        not value.is_per_axis or value.quantized_dimension == 0, role, "scales along another axis", "0"
    )
    packed = value.type is TensorType.INT4

    def run(indices: Array, table: Array) -> Array:
        rows = _rows(node, indices, table)
        width = math.prod(table.shape[1:])
        scales = value.scales if value.is_per_axis else np.full(table.shape[0], value.scale)
        node.require(scales.size == table.shape[0], role, f"{scales.size} scales", f"{table.shape[0]}")
        starts = rows * width
        stored = table.view(np.int8).reshape(-1)
        scale = scales[rows].astype(np.float32)
        if packed:
            starts = starts // 2 * 2
            stored = stored * np.int8(16)
            scale = scale / np.float32(16)
        codes = stored[starts[:, None] + np.arange(width)]
        y = codes.astype(np.float32) * scale[:, None]
        return np.asarray(y, output.dtype).reshape(rows.size, *table.shape[1:])

    return run


@kernel("EMBEDDING_LOOKUP", EVERY_TYPE, data_input=1)
def copied(node: Node) -> Kernel:
    """Rows as they are."""
    value = node.input(1)
    require_type(node, 0, "indices", [TensorType.INT32])
    node.require(node.output().type is value.type, "output", node.output().type.name, value.type.name)
    node.require(not value.is_per_axis, "input 1 (table)", "several scales", "one, for rows as they are")
    return lambda indices, table: table[_rows(node, indices, table)]
