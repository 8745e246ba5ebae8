"""EXP: e to the power of every element.

    y = exp(x)

(C1) y has the type of x.
(C2) int16 codes have zero points 0.

int8 codes are looked up in a table of 256 entries, int16 codes in one of 513 entries with
interpolation, both computed in float32.

XNNPACK's float32 is its own (`quantlib.arithmetic.xnnpack_exp`) and reproduced for processors with AVX-512.

Source: LiteRT tflite/kernels/exp.cc.
"""

from __future__ import annotations

from dataclasses import dataclass

from quantlib.arithmetic import libm, xnnpack_exp
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import maps_float32_by_avx512
from quantlib.ops._node import Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._table import look_up_8bit, look_up_int16, require_no_zero_point, require_same_type

__all__ = ["ExpOptions"]


@dataclass(frozen=True, slots=True)
class ExpOptions:
    """Nothing to choose."""


rule("EXP", int16="own scale", versions=Versions(int8=2, int16=2))


@kernel("EXP", [TensorType.INT8])
def int8(node: Node) -> Kernel:
    """A table of 256 entries."""
    require_same_type(node)
    return look_up_8bit(node, libm.expf)


@kernel("EXP", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """A table of 513 entries, interpolated."""
    require_same_type(node)
    require_no_zero_point(node)
    return look_up_int16(node, libm.expf)


@kernel("EXP", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """The C library's function."""
    require_same_type(node)
    return libm.expf


@kernel("EXP", [TensorType.FLOAT32], family="xnnpack", when=maps_float32_by_avx512)
def xnnpack_float32(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack_exp.expf
