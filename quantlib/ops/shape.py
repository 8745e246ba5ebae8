"""SHAPE: the extents of a tensor, as a vector.

    y[i] = x.shape[i]

(C1) `out_type` is INT32 or INT64, and the output's type.

Source: LiteRT tflite/kernels/shape.cc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import EVERY_TYPE, INDEX_TYPES
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__ = ["ShapeOptions"]


@dataclass(frozen=True, slots=True)
class ShapeOptions:
    """Element type of the result."""

    out_type: TensorType = TensorType.FLOAT32


rule("SHAPE", int16="own scale")


@kernel("SHAPE", EVERY_TYPE)
def shape(node: Node) -> Kernel:
    """Nothing but the shape matters."""
    wanted = node.read_options(ShapeOptions).out_type
    node.require(wanted in INDEX_TYPES, "out_type", wanted.name, "INT32 or INT64")
    node.require(node.output().type is wanted, "output", node.output().type.name, wanted.name)
    dtype = node.output().dtype

    def run(x: Array) -> Array:
        return np.array(x.shape, dtype)

    return run
