"""SIN: the sine of every element.

    y = sin(x)

(C1) y has the type of x.

XNNPACK's float32 and float16 are its own (`quantlib.arithmetic.xnnpack`, `xnnpack_half`), float16 being
reproduced for processors with AVX-512.

Source: LiteRT tflite/kernels/elementwise.cc (SinEval).
"""

from __future__ import annotations

from quantlib.arithmetic import libm, xnnpack, xnnpack_half
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import maps_float16_by_avx512, maps_float32
from quantlib.ops._node import Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._table import float16_function, require_same_type

__all__: list[str] = []


@kernel("SIN", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """The C library's function."""
    require_same_type(node)
    return libm.sinf


@kernel("SIN", [TensorType.FLOAT32], family="xnnpack", when=maps_float32)
def xnnpack_float32(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack.sinf


@kernel("SIN", [TensorType.FLOAT16], family="xnnpack", when=maps_float16_by_avx512)
def xnnpack_float16(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack_half.sin


@kernel("SIN", [TensorType.FLOAT16])
def float16(node: Node) -> Kernel:
    """As float32, rounded at the end."""
    require_same_type(node)
    return float16_function(libm.sinf)
