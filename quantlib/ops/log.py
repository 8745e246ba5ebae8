"""LOG: the natural logarithm of every element.

    y = log(x);  codes: x <= 0 gives the smallest output code

(C1) y has the type of x.
(C2) Codes have one scale and one zero point, input and output.
(C3) int16 codes have zero points 0.

int8 codes are looked up in a table of 256 entries, int16 codes in one of 513 entries with
interpolation, both computed in float32.

XNNPACK's float32 is its own (`quantlib.arithmetic.xnnpack`); NaN and infinity
are as with AVX-512.

Source: LiteRT tflite/kernels/elementwise.cc (LogLUTPrepare, LogEval).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import libm, xnnpack
from quantlib.arithmetic.lookup import RealFunction
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import maps_float32
from quantlib.ops._node import Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._table import look_up_8bit, look_up_int16, require_no_zero_point, require_same_type

__all__: list[str] = []

rule("LOG", int16="own scale", versions=Versions(int8=2, int16=2))


@kernel("LOG", [TensorType.INT8])
def int8(node: Node) -> Kernel:
    """A table of 256 entries."""
    return look_up_8bit(node, _quantized_log(node))


@kernel("LOG", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """A table of 513 entries, interpolated."""
    require_no_zero_point(node)
    return look_up_int16(node, _quantized_log(node))


@kernel("LOG", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """The C library's function."""
    require_same_type(node)
    return libm.logf


def _quantized_log(node: Node) -> RealFunction:
    require_same_type(node)
    for role, value in (("input 0", node.input(0)), ("output", node.output())):
        node.require(value.scales.size > 0, role, "no scale", "a scale and a zero point")
        if value.is_per_axis:
            raise node.unsupported(role, "several scales, of which the kernel takes the first", "one")
    y = node.output()
    smallest = np.float32(y.limits[0] - y.zero_point) * y.scale

    def log(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(x <= 0, smallest, libm.logf(x))

    return log


@kernel("LOG", [TensorType.FLOAT32], family="xnnpack", when=maps_float32)
def xnnpack_float32(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack.logf
