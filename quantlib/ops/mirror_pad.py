"""MIRROR_PAD: surround a tensor with its own reflection.

    y[before + k] = x[m(k)]      along every axis, k from −before to extent + after − 1

    REFLECT      m(−1) = 1, m(extent) = extent − 2      the border is not repeated
    SYMMETRIC    m(−1) = 0, m(extent) = extent − 1      the border is repeated

Inputs: x, paddings (rank, 2).

(C1) y has the type of x. int8, uint8, int16: also its scale and zero point; int16: zero point 0.
(C2) Paddings are int32 or int64, a row (before, after) for each axis of x.
(C3) None is negative, none larger than what there is to reflect: the extent, or one less (REFLECT).

Source: LiteRT tflite/kernels/mirror_pad.cc.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops._movement import (
    EVERY_TYPE,
    check_shape,
    require_same_parameters,
    require_same_type,
    require_type,
)
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["MirrorPadMode", "MirrorPadOptions", "mirrored"]


class MirrorPadMode(enum.IntEnum):
    """Whether the border element is repeated."""

    REFLECT = 0
    SYMMETRIC = 1


@dataclass(frozen=True, slots=True)
class MirrorPadOptions:
    """Which reflection."""

    mode: MirrorPadMode = MirrorPadMode.REFLECT


rule("MIRROR_PAD", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


_CODES = (TensorType.INT8, TensorType.UINT8, TensorType.INT16)


def mirrored(before: int, extent: int, after: int, mode: MirrorPadMode) -> NDArray[np.int64]:
    """The input's index for every index of the output, along one axis.

    Parameters
    ----------
    before, extent, after : int
        Paddings at most extent, or extent - 1 where the border is not repeated.
    mode : MirrorPadMode

    Returns
    -------
    int64 array (before + extent + after,)

    Examples
    --------
    >>> mirrored(2, 3, 2, MirrorPadMode.REFLECT).tolist()
    [2, 1, 0, 1, 2, 1, 0]
    >>> mirrored(2, 3, 2, MirrorPadMode.SYMMETRIC).tolist()
    [1, 0, 0, 1, 2, 2, 1]
    """
    skipped = 1 if mode is MirrorPadMode.REFLECT else 0
    left = skipped + np.arange(before - 1, -1, -1)
    right = extent - 1 - skipped - np.arange(after)
    return np.concatenate([left, np.arange(extent), right]).astype(np.int64)


@kernel("MIRROR_PAD", EVERY_TYPE)
def reflection(node: Node) -> Kernel:
    """Elements as they are, more than once."""
    mode = node.read_options(MirrorPadOptions).mode
    require_type(node, 1, "paddings")
    require_same_type(node)
    value = node.input(0)
    if value.type in _CODES:
        require_same_parameters(node, value, node.output())
    if value.type is TensorType.INT16:
        node.require(value.zero_point == 0, "input 0", f"zero_point {value.zero_point}", "0")

    def run(x: Array, paddings: Array) -> Array:
        role = "input 1 (paddings)"
        node.require(paddings.shape == (x.ndim, 2), role, paddings.shape, (x.ndim, 2))
        rows = [(int(before), int(after)) for before, after in paddings]
        for extent, row in zip(x.shape, rows, strict=True):
            most = extent - (1 if mode is MirrorPadMode.REFLECT else 0)
            node.require(all(0 <= amount <= most for amount in row), role, row, f"0 .. {most}")
        spans = [(before, extent, after) for extent, (before, after) in zip(x.shape, rows, strict=True)]
        check_shape(node, [sum(span) for span in spans], x.itemsize)
        return np.asarray(x[np.ix_(*(mirrored(*span, mode) for span in spans))])

    return run
