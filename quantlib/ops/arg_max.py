"""ARG_MAX, ARG_MIN: where along an axis the largest or smallest element stands.

    y[o, i] = the least k with x[o, k, i] = max over k of x[o, k, i]

Inputs: x, axis.

(C1) x is float32, int8, uint8, int32 or bool; integers are compared as codes.
(C2) `output_type` is INT32 or INT64, and the output's type.
(C3) The axis is one int32 or int64, and exists; negative ones count from the end. Its extent is 1
     or more.

NaN loses to every number, and where there is nothing else the answer is 0. Along the last axis of
four or more elements (axes of extent 1 may follow) float32 takes four at a time, each lane for
itself, and the lanes are merged by an instruction for which NaN wins now and then; that is
reproduced here, as x86 has it.

Source: LiteRT tflite/kernels/arg_min_max.cc, internal/reference/arg_min_max.h,
internal/optimized/optimized_ops.h (ArgMaxVector); Intel SDM, MAXPS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._movement import INDEX_TYPES, integer, require_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["ArgMaxOptions", "ArgMinOptions", "first_largest"]


@dataclass(frozen=True, slots=True)
class ArgMaxOptions:
    """Element type of the result."""

    output_type: TensorType = TensorType.FLOAT32


@dataclass(frozen=True, slots=True)
class ArgMinOptions:
    """Element type of the result."""

    output_type: TensorType = TensorType.FLOAT32


rule("ARG_MAX", versions=Versions(int8=2))
rule("ARG_MIN", versions=Versions(int8=2))


_INTEGERS = (TensorType.INT8, TensorType.UINT8, TensorType.INT32, TensorType.BOOL)
_LANES = 4


def first_largest(x: Array) -> NDArray[np.int64]:
    """The least index of the largest element along axis 1; NaN loses.

    Parameters
    ----------
    x : array (o, k, i), k at least 1

    Returns
    -------
    int64 array (o, i)

    Examples
    --------
    >>> first_largest(np.array([[[np.nan], [1.0], [3.0], [3.0]]])).tolist()
    [[2]]
    """
    if x.dtype.kind != "f":
        return np.asarray(np.argmax(x, axis=1))
    missing = np.isnan(x)
    found = np.argmax(np.where(missing, -np.inf, x), axis=1)
    # A NaN is found only where all numbers are -inf; then the first number counts, and without one 0.
    found_missing = np.take_along_axis(missing, found[:, None], axis=1)[:, 0]
    return np.asarray(np.where(found_missing, np.argmin(missing, axis=1), found))


def first_largest_in_lanes(x: NDArray[np.float32]) -> NDArray[np.int64]:
    """`first_largest` of rows, four elements at a time.

    Parameters
    ----------
    x : float32 array (o, k), k at least 4

    Returns
    -------
    int64 array (o,)
    """
    blocks = x.shape[1] // _LANES
    lanes = x[:, : blocks * _LANES].reshape(-1, blocks, _LANES)
    block = first_largest(lanes)  # (o, lane)
    values = np.take_along_axis(lanes, block[:, None], axis=1)[:, 0]
    halves = _maxps(values[:, ::2], values[:, 1::2])
    largest = _maxps(halves[:, 0], halves[:, 1])
    place = block * _LANES + np.arange(_LANES)
    merged = np.where(values == largest[:, None], place, np.iinfo(np.int32).max).min(axis=1)
    # The rest is compared one by one; what follows is that comparison with all of it at once.
    rest = np.concatenate([largest[:, None], x[:, blocks * _LANES :]], axis=1)
    later = first_largest(rest[:, :, None])[:, 0]
    found = np.where(later > 0, blocks * _LANES + later - 1, merged)
    return np.where(np.isnan(rest).all(axis=1), 0, found)


def _maxps(a: Array, b: Array) -> Array:
    """The instruction's maximum, as the compiler calls it: a, unless b is greater."""
    return np.where(b > a, b, a)


def _bind(node: Node, wanted: TensorType, *, largest: bool) -> Kernel:
    node.require(wanted in INDEX_TYPES, "output_type", wanted.name, "INT32 or INT64")
    node.require(node.output().type is wanted, "output", node.output().type.name, wanted.name)
    require_type(node, 1, "axis")
    dtype = node.output().dtype

    def run(x: Array, axis: Array) -> Array:
        role = "input 1 (axis)"
        along = resolve_axis(node, role, integer(node, role, axis), x.ndim)
        node.require(x.shape[along] >= 1, "input 0", f"no elements along axis {along}", "1 or more")
        shape = (*x.shape[:along], *x.shape[along + 1 :])
        outer, inner = math.prod(x.shape[:along]), math.prod(x.shape[along + 1 :])
        if 0 in shape:
            return np.empty(shape, dtype)
        # ~x and -x turn the order around without an overflow.
        ordered = x if largest else -x if x.dtype.kind == "f" else ~x
        rows = ordered.reshape(outer, x.shape[along], inner)
        if x.dtype.kind == "f" and inner == 1 and rows.shape[1] >= _LANES:
            found = first_largest_in_lanes(rows[:, :, 0])
        else:
            found = first_largest(rows)
        return found.reshape(shape).astype(dtype)

    return run


@kernel("ARG_MAX", [TensorType.FLOAT32, *_INTEGERS])
def arg_max(node: Node) -> Kernel:
    """The first largest element."""
    return _bind(node, node.read_options(ArgMaxOptions).output_type, largest=True)


@kernel("ARG_MIN", [TensorType.FLOAT32, *_INTEGERS])
def arg_min(node: Node) -> Kernel:
    """The first smallest element."""
    return _bind(node, node.read_options(ArgMinOptions).output_type, largest=False)
