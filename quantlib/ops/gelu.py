"""GELU: the Gaussian error linear unit.

    y = x / 2 · erfc(−x / √2),  or where `approximate`:  x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))

(C1) y has the type of x.

Codes are looked up, 8-bit ones in a table of 256 entries, int16 ones in one of 513 entries with
interpolation; these are computed with the C library's functions. Reals are computed by Eigen's: its
tanh, and its erfc, whose last bits depend on whether an element fills a packet of four.

XNNPACK's float32 and float16 are its own (`quantlib.arithmetic.xnnpack`, `xnnpack_half`), float16 being
reproduced for processors with AVX-512.

Source: LiteRT tflite/kernels/activations.cc (GeluPrepare, GeluEval), internal/reference/gelu.h.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import eigen, libm, xnnpack, xnnpack_half
from quantlib.arithmetic.lookup import RealFunction
from quantlib.model.graph import TensorType
from quantlib.ops._delegated import maps_float16_by_avx512, maps_float32
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule
from quantlib.ops._table import look_up_8bit, look_up_int16, require_same_type

__all__ = ["GeluOptions"]


@dataclass(frozen=True, slots=True)
class GeluOptions:
    """Which formula."""

    approximate: bool = False


rule("GELU", int16="own scale", versions=Versions(int8=2, int16=2))


Float32Array = NDArray[np.float32]

_HALF, _ONE = np.float32(0.5), np.float32(1)
_MINUS_SQRT_HALF = np.float32(-math.sqrt(0.5))
_SQRT_2_OVER_PI = np.float32(math.sqrt(2 / math.pi))
_CUBIC = np.float32(0.044715)


@kernel("GELU", [TensorType.INT8, TensorType.UINT8])
def eight_bit(node: Node) -> Kernel:
    """A table of 256 entries."""
    require_same_type(node)
    return look_up_8bit(node, _by_libm(node))


@kernel("GELU", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """A table of 513 entries, interpolated."""
    require_same_type(node)
    return look_up_int16(node, _by_libm(node))


@kernel("GELU", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Eigen's functions."""
    require_same_type(node)
    if node.read_options(GeluOptions).approximate:
        return _approximate_by_eigen
    return partial(_exact_by_eigen, size=node.profile.float_packet)


@kernel("GELU", [TensorType.FLOAT32], family="xnnpack", when=maps_float32)
def xnnpack_float32(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    return xnnpack.gelu_approximate if node.read_options(GeluOptions).approximate else xnnpack.gelu


@kernel("GELU", [TensorType.FLOAT16], family="xnnpack", when=maps_float16_by_avx512)
def xnnpack_float16(node: Node) -> Kernel:
    """XNNPACK's own function."""
    require_same_type(node)
    approximate = node.read_options(GeluOptions).approximate
    return xnnpack_half.gelu_approximate if approximate else xnnpack_half.gelu


@kernel("GELU", [TensorType.FLOAT16])
def float16(node: Node) -> Kernel:
    """Every step rounded to float16; tanh and erfc of single float32 numbers."""
    require_same_type(node)
    half, one, cubic = np.float16(0.5), np.float16(1), np.float16(_CUBIC)

    def approximate(x: Array) -> Array:
        inner = np.float16(_SQRT_2_OVER_PI) * (x + cubic * ((x * x) * x))
        return (half * x) * (one + libm.tanhf(inner.astype(np.float32)).astype(np.float16))

    def exact(x: Array) -> Array:
        scaled = (x * np.float16(_MINUS_SQRT_HALF)).astype(np.float32)
        return (half * x) * eigen.erfc_scalar(scaled).astype(np.float16)

    return approximate if node.read_options(GeluOptions).approximate else exact


def _by_libm(node: Node) -> RealFunction:
    return _approximate_by_libm if node.read_options(GeluOptions).approximate else _exact_by_libm


def _exact_by_libm(x: Float32Array) -> Float32Array:
    return np.asarray((_HALF * x) * libm.erfcf(x * _MINUS_SQRT_HALF))


def _approximate_by_libm(x: Float32Array) -> Float32Array:
    inner = _SQRT_2_OVER_PI * (x + ((_CUBIC * x) * x) * x)
    return np.asarray((_HALF * x) * (_ONE + libm.tanhf(inner)))


def _exact_by_eigen(x: Float32Array, *, size: int) -> Float32Array:
    return np.asarray((_HALF * x) * eigen.erfc(x * _MINUS_SQRT_HALF, size=size))


def _approximate_by_eigen(x: Float32Array) -> Float32Array:
    inner = _SQRT_2_OVER_PI * (x + _CUBIC * ((x * x) * x))
    return np.asarray((_HALF * x) * (_ONE + eigen.tanh(inner)))
