"""Reductions along axes: the options they share, the elements of every sum, and folding in order.

Every element of the output stands for the input elements that differ only along the reduced axes;
the kernels visit these in row-major order of the input, whatever order the axes are given in.

Source: LiteRT tflite/kernels/reduce.cc, internal/reference/reduce.h
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._node import Array, Kernel, Node

__all__ = [
    "ReducerOptions",
    "Reduction",
    "copied_boolean",
    "fold_float32",
    "require_reducible",
    "require_same_parameters",
    "resolve_axes",
    "sum_last_axis_float32",
]


@dataclass(frozen=True, slots=True)
class ReducerOptions:
    """Whether reduced axes stay, with extent 1."""

    keep_dims: bool = False


def resolve_axes(node: Node, axis: Array, rank: int) -> tuple[int, ...]:
    """The axes to reduce: counted from the front, each once, in ascending order.

    Parameters
    ----------
    node : Node
        For error texts.
    axis : int32 array of any shape
        Negative ones count from the end; the same axis may be named repeatedly.
    rank : int
        Of the input; a scalar has no axis and ignores what is asked.

    Raises
    ------
    InvalidModelError
        An axis that the input does not have.
    """
    if rank == 0:
        return ()
    named = axis.reshape(-1).tolist()
    node.require(all(-rank <= one < rank for one in named), "input 1 (axis)", named, f"{-rank} .. {rank - 1}")
    return tuple(sorted({one % rank for one in named}))


@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """What an operator has to fold.

    Parameters
    ----------
    rows : array (r, o)
        Column by column the elements that become one element of the output, in the kernels' order.
    shape : tuple of int
        Of the output; its product is o.
    over_everything : bool
        Every axis is reduced. The kernels then start from the first element instead of from a
        neutral one, which shows in NaN, infinities and -0.0.
    """

    rows: Array
    shape: tuple[int, ...]
    over_everything: bool

    @classmethod
    def of(cls, node: Node, options: ReducerOptions, x: Array, axis: Array) -> Self:
        """The reduction of x along the axes.

        Raises
        ------
        InvalidModelError
            As `resolve_axes`.
        """
        axes = resolve_axes(node, axis, x.ndim)
        kept = tuple(one for one in range(x.ndim) if one not in axes)
        count = math.prod(x.shape[one] for one in axes)
        size = math.prod(x.shape[one] for one in kept)
        rows = x.transpose(*axes, *kept).reshape(count, size)
        if options.keep_dims:
            shape = tuple(1 if one in axes else extent for one, extent in enumerate(x.shape))
        else:
            shape = tuple(x.shape[one] for one in kept)
        return cls(rows, shape, len(kept) == 0)

    @property
    def count(self) -> int:
        """Input elements per output element."""
        return int(self.rows.shape[0])

    def output(self, folded: Array) -> Array:
        """Folded rows, (o,), in the shape of the output."""
        return np.asarray(folded).reshape(self.shape)


def fold_float32(
    fold: np.ufunc, rows: NDArray[np.float32], start: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """((start ∘ row 0) ∘ row 1) ∘ …, each step rounded to float32.

    NumPy's own sums add in pairs, which gives other last bits; a running total has only one order.

    Parameters
    ----------
    fold : ufunc
        `np.add` or `np.multiply`.
    rows : float32 array (r, o)
    start : float32 array (o,), optional
        None starts from row 0, which must be there.

    Returns
    -------
    float32 array (o,)

    Examples
    --------
    >>> rows = np.array([[1e8], [1], [-1e8]], np.float32)
    >>> fold_float32(np.add, rows, np.zeros(1, np.float32)).tolist()
    [0.0]
    """
    total, rest = (rows[0], rows[1:]) if start is None else (start, rows)
    step = max(1, (1 << 20) // max(1, rows.shape[1]))
    for begin in range(0, rest.shape[0], step):
        block = np.concatenate((total[None], rest[begin : begin + step]))
        total = fold.accumulate(block, axis=0, dtype=np.float32)[-1]
    return total


def sum_last_axis_float32(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """((0 + x[…, 0]) + x[…, 1]) + …, each step rounded to float32.

    Parameters
    ----------
    x : float32 array (…, k)

    Returns
    -------
    float32 array (…, 1)

    Examples
    --------
    >>> sum_last_axis_float32(np.array([[1e8, 1, -1e8], [1e8, -1e8, 1]], np.float32)).tolist()
    [[0.0], [1.0]]
    """
    shape = (*x.shape[:-1], 1)
    rows = np.moveaxis(x, -1, 0).reshape(x.shape[-1], math.prod(shape))
    return fold_float32(np.add, rows, np.zeros(rows.shape[1], np.float32)).reshape(shape)


def copied_boolean(node: Node) -> Kernel:
    """The optimized kernel of bool in SUM, REDUCE_MAX, REDUCE_MIN and REDUCE_PROD: it knows no fold.

    Parameters
    ----------
    node : Node

    Raises
    ------
    InvalidModelError
        When called: more or less than one element for an element of the output.
    """
    require_reducible(node)
    options = node.read_options(ReducerOptions)

    def run(x: Array, axis: Array) -> Array:
        reduction = Reduction.of(node, options, x, axis)
        node.require(reduction.count == 1, "input 0", f"BOOL, {reduction.count} elements to fold", "1")
        return reduction.output(reduction.rows)

    return run


def require_reducible(node: Node) -> None:
    """Refuse what every reduction refuses.

    Raises
    ------
    InvalidModelError
        Axes that are not int32, another output type, 16-bit codes with a zero point.
    """
    x, axis, y = node.input(0), node.input(1), node.output()
    node.require(axis.type is TensorType.INT32, "input 1 (axis)", axis.type.name, "INT32")
    node.require(y.type is x.type, "output", y.type.name, x.type.name)
    if x.type is TensorType.INT16:
        node.require(x.zero_point == 0, "input 0", f"zero point {x.zero_point}", "0")
        node.require(y.zero_point == 0, "output", f"zero point {y.zero_point}", "0")


def require_same_parameters(node: Node) -> None:
    """Refuse 8- and 16-bit codes whose meaning would change.

    Raises
    ------
    InvalidModelError
        Input and output differ in scale or zero point.
    """
    x, y = node.input(0), node.output()
    if x.type not in (TensorType.INT8, TensorType.UINT8, TensorType.INT16):
        return
    node.require(y.scale == x.scale, "output", f"scale {y.scale}", f"the input's {x.scale}")
    node.require(y.zero_point == x.zero_point, "output", f"zero point {y.zero_point}", f"{x.zero_point}")
