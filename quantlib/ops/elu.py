"""ELU: the exponential linear unit.

    y = x where x >= 0, else exp(x) − 1

(C1) y has the type of x.

int8 codes are looked up in a table of 256 entries computed in float32. LiteRT's reference resolver
lacks the operator; its other resolvers have this one kernel. XNNPACK rounds the entries half to even;
its float32 is its own (`quantlib.arithmetic.xnnpack_exp`) and reproduced for processors with AVX-512.

Source: LiteRT tflite/kernels/activations.cc (EluPrepare, EluEval), internal/reference/elu.h.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import libm, xnnpack_exp
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import maps_bytes, maps_float32_by_avx512
from quantlib.ops._node import Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._table import look_up_8bit, look_up_8bit_xnnpack, require_same_type

__all__: list[str] = []


@kernel("ELU", [TensorType.INT8])
def int8(node: Node) -> Kernel:
    """A table of 256 entries."""
    require_same_type(node)
    return look_up_8bit(node, _elu)


@kernel("ELU", [TensorType.INT8], family="xnnpack", when=maps_bytes)
def xnnpack(node: Node) -> Kernel:
    """A table of 256 entries, rounded half to even."""
    require_same_type(node)
    return look_up_8bit_xnnpack(node, _elu)


@kernel("ELU", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """The C library's expm1 below 0."""
    require_same_type(node)
    return _elu


@kernel("ELU", [TensorType.FLOAT32], family="xnnpack", when=maps_float32_by_avx512)
def xnnpack_float32(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack_exp.elu


def _elu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(x < 0, libm.expm1f(x), x)
