"""SQUEEZE: drop axes of extent 1.

    y.flat[k] = x.flat[k]

(C1) x has at most eight dimensions, y has its type.
(C2) The axes named in `squeeze_dims` have extent 1; negative ones count from the end, one may be
     named repeatedly. Where none is named, every axis of extent 1 goes.
(C3) At most eight axes are named, repetitions counted.

Source: LiteRT tflite/kernels/squeeze.cc, tflite/core/api/flatbuffer_conversions.cc (ParseSqueeze).
"""

from __future__ import annotations

from dataclasses import dataclass

from quantlib.ops._movement import EVERY_TYPE, require_same_type, resolve_axis
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import rule

__all__ = ["SqueezeOptions"]


@dataclass(frozen=True, slots=True)
class SqueezeOptions:
    """The axes to drop; none means all that can be."""

    squeeze_dims: tuple[int, ...] | None = None


rule("SQUEEZE", same_scale=True, int16="same scale")


_MOST_DIMENSIONS = 8


@kernel("SQUEEZE", EVERY_TYPE)
def squeeze(node: Node) -> Kernel:
    """A view of the input where its layout allows."""
    require_same_type(node)
    named = node.read_options(SqueezeOptions).squeeze_dims or ()
    node.require(
        len(named) <= _MOST_DIMENSIONS, "squeeze_dims", f"{len(named)} axes", f"at most {_MOST_DIMENSIONS}"
    )

    def run(x: Array) -> Array:
        node.require(
            x.ndim <= _MOST_DIMENSIONS, "input 0", f"{x.ndim} dimensions", f"at most {_MOST_DIMENSIONS}"
        )
        dropped = {resolve_axis(node, "squeeze_dims", axis, x.ndim) for axis in named}
        for axis in dropped:
            node.require(
                x.shape[axis] == 1, "squeeze_dims", f"axis {axis} of {x.shape}", "an axis of extent 1"
            )
        if not named:
            dropped = {axis for axis, extent in enumerate(x.shape) if extent == 1}
        return x.reshape([extent for axis, extent in enumerate(x.shape) if axis not in dropped])

    return run
