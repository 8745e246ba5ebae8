"""The largest or smallest value along axes, in the order and from the start that the kernels use.

Source: LiteRT tflite/kernels/reduce.cc (EvalType, ReduceAllDims)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._reduce import ReducerOptions, Reduction, require_reducible, require_same_parameters

__all__ = ["INTEGERS", "float32_extremum", "float32_extremum_in_order", "integer_extremum"]

INTEGERS = (
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
    TensorType.BOOL,
)
"""Types compared as integers."""


def integer_extremum(node: Node, *, largest: bool, same_parameters: bool = True) -> Kernel:
    """The kernel of codes, integers and bool.

    Parameters
    ----------
    node : Node
    largest : bool
        Else the smallest.
    same_parameters : bool
        Whether input and output must have the same scale and zero point.

    Raises
    ------
    InvalidModelError
        Types or quantization parameters that the operator refuses.
    """
    require_reducible(node)
    if same_parameters:
        require_same_parameters(node)
    options = node.read_options(ReducerOptions)
    fold = np.maximum if largest else np.minimum

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        neutral = _neutral(x.dtype, largest)
        return reduction.output(fold.reduce(reduction.rows, axis=0, initial=neutral))

    return run


def float32_extremum(node: Node, *, largest: bool) -> Kernel:
    """The kernel of real numbers: NaN loses every comparison, and of equal zeros the first stays.

    Parameters
    ----------
    node : Node
    largest : bool
        Else the smallest.

    Raises
    ------
    InvalidModelError
        Types that the operator refuses.
    """
    require_reducible(node)
    options = node.read_options(ReducerOptions)
    limit = np.float32(np.finfo(np.float32).min if largest else np.finfo(np.float32).max)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        rows = reduction.rows
        if not reduction.over_everything or reduction.count == 0:
            rows = np.concatenate((np.full((1, rows.shape[1]), limit), rows))
        comparable = np.where(np.isnan(rows), -np.inf if largest else np.inf, rows)
        # arg-extrema name the first of equals, as strict comparisons in order do.
        where = (np.argmax if largest else np.argmin)(comparable, axis=0)
        found = np.take_along_axis(rows, where[None], axis=0)[0]
        return reduction.output(np.where(np.isnan(rows[0]), rows[0], found))

    return run


def float32_extremum_in_order(node: Node, *, largest: bool) -> Kernel:
    """The optimized kernel of real numbers: z = z if z > x else x, from the first element on.

    So NaN is replaced by whatever follows it, the extremum is that of what follows the last NaN, and
    of equal zeros the last stays.

    Parameters
    ----------
    node : Node
    largest : bool
        Else the smallest, by <.

    Raises
    ------
    InvalidModelError
        Types that the operator refuses.
    """
    require_reducible(node)
    options = node.read_options(ReducerOptions)
    worst = np.float32(-np.inf if largest else np.inf)
    limit = np.float32(np.finfo(np.float32).min if largest else np.finfo(np.float32).max)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        if reduction.count == 0:
            return reduction.output(np.full(reduction.rows.shape[1], limit))
        upwards = reduction.rows[::-1]  # arg-extrema name the first of equals
        overwritten = np.logical_or.accumulate(np.isnan(upwards), axis=0)
        comparable = np.where(overwritten, worst, upwards)
        where = (np.argmax if largest else np.argmin)(comparable, axis=0)
        found = np.take_along_axis(comparable, where[None], axis=0)[0]
        return reduction.output(np.where(overwritten[0], upwards[0], found))

    return run


def _neutral(dtype: np.dtype[Any], largest: bool) -> int | bool:
    """What the search starts from."""
    if dtype.kind == "b":
        return not largest
    info = np.iinfo(dtype)
    return int(info.min if largest else info.max)
