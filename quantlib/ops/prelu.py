"""PRELU: x where x is not negative, alpha · x elsewhere, with an alpha for every element.

Quantized: y = clamp(zo + requantize(x − zx)) where x ≥ zx, with the factor sx / so, and
y = clamp(zo + requantize((x − zx) · (alpha − za))) elsewhere, with the factor sx · sa / so. Both
factors are made in float32.

(C1) alpha broadcasts to the shape of x, which is that of the output.
(C2) alpha has the type of x; for int16 it is int8.

An int16 alpha is accepted, too, and misread: the kernel takes its first bytes for int8 codes, one
byte for each element.

XNNPACK takes float32 with constant slopes; subnormal negative numbers count as −0 there.

Source: LiteRT tflite/kernels/activations.cc (PreluPrepare, PreluEval), internal/reference/prelu.h.
"""

from __future__ import annotations

import numpy as np

from quantlib.arithmetic import fixed_point, requantize
from quantlib.arithmetic.flush import flush_denormals, multiply_flushed
from quantlib.model.graph import TensorType
from quantlib.ops._broadcast import broadcast_shape
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule
from quantlib.ops._xnnpack_operands import takes_numbers

__all__: list[str] = []

rule("PRELU", weights={1: None})


@kernel("PRELU", [TensorType.FLOAT32])
def float32(node: Node) -> Kernel:
    """Real numbers."""
    _require_types(node, TensorType.FLOAT32)

    def run(x: Array, alpha: Array) -> Array:
        _require_shape(node, x, alpha)
        with np.errstate(all="ignore"):
            return np.where(x >= 0, x, x * alpha)

    return run


def _is_delegated(node: Node) -> bool:
    return takes_numbers(node) and node.input(1).constant is not None


@kernel("PRELU", [TensorType.FLOAT32], family="xnnpack", when=_is_delegated)
def float32_xnnpack(node: Node) -> Kernel:
    """Real numbers with constant slopes; subnormal ones are flushed before they are multiplied."""
    _require_types(node, TensorType.FLOAT32)

    def run(x: Array, alpha: Array) -> Array:
        _require_shape(node, x, alpha)
        flushed = flush_denormals(x)
        with np.errstate(all="ignore"):
            product = multiply_flushed(flushed, flush_denormals(alpha))
        return np.where(flushed < 0, product, x)

    return run


@kernel("PRELU", [TensorType.INT8, TensorType.UINT8])
def int8(node: Node) -> Kernel:
    """Codes of 8 bits."""
    _require_types(node, node.input(0).type)
    return _codes(node)


@kernel("PRELU", [TensorType.INT16])
def int16(node: Node) -> Kernel:
    """Codes of 16 bits, alpha of 8."""
    _require_types(node, TensorType.INT8, TensorType.INT16)
    return _codes(node)


def _codes(node: Node) -> Kernel:
    x_value, alpha_value, output = node.input(0), node.input(1), node.output()
    low, high = output.limits
    identity = node.requantizer(requantize.multiplier_float32(x_value.scale, 1.0, output.scale))
    product = node.requantizer(requantize.multiplier_float32(x_value.scale, alpha_value.scale, output.scale))

    def run(x: Array, alpha: Array) -> Array:
        _require_shape(node, x, alpha)
        if alpha.dtype == np.int16:
            alpha = _first_bytes(alpha)
        stored = fixed_point.wrap_int32(x.astype(np.int64) - x_value.zero_point)
        slope = fixed_point.wrap_int32(alpha.astype(np.int64) - alpha_value.zero_point)
        scaled = np.where(stored >= 0, identity(stored), product(fixed_point.wrap_int32(stored * slope)))
        y = fixed_point.wrap_int32(scaled + output.zero_point)
        return fixed_point.saturate(y, low, high).astype(output.dtype)

    return run


def _first_bytes(alpha: Array) -> Array:
    codes = np.ascontiguousarray(alpha).reshape(-1).view(np.int8)
    return codes[: alpha.size].reshape(alpha.shape)


def _require_types(node: Node, *types: TensorType) -> None:
    node.require(len(node.inputs) == 2, "inputs", len(node.inputs), 2)
    found, wanted = node.input(1).type, " or ".join(one.name for one in types)
    if found not in types:
        raise node.unsupported("input 1 (alpha)", found.name, wanted)
    x_type, y_type = node.input(0).type, node.output().type
    node.require(x_type is y_type, "output", y_type.name, x_type.name)


def _require_shape(node: Node, x: Array, alpha: Array) -> None:
    node.require(
        broadcast_shape(node, x, alpha) == x.shape,
        "input 1 (alpha)",
        f"shape {alpha.shape}",
        f"one that broadcasts to {x.shape}",
    )
