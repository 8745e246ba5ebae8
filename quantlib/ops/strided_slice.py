"""STRIDED_SLICE: every so many elements of a tensor, as Python's x[begin:end:stride] takes them.

    y[k] = x[start + k · stride]      along every axis

Inputs: x, begin, end, strides; vectors that say something about the first axes. Bit i of a mask says
something about their element i:

    ellipsis_mask      stands for as many whole axes as are not spoken of; axes not spoken of at the
                       end are whole, too
    new_axis_mask      inserts an axis of extent 1 (not where the ellipsis is)
    begin_mask         starts at the front (at the back for a negative stride)
    end_mask           goes on to the end (to the front)
    shrink_axis_mask   takes the one element at begin, and drops the axis
    offset             end counts from begin instead of from the front

Negative begin and end count from the back; beyond the tensor they are cut off. That holds for the
one element of a shrunken axis, too, so that an index too small gives the first element.

(C1) y has the type of x.
(C2) begin, end and strides are int32 vectors of one length, at most 31.
(C3) No stride is 0 or the smallest int32.
(C4) At most one ellipsis; no new axis beyond the length of begin, nor more elements than axes.
(C5) A shrunken axis has its element: the start lies inside, and the stride is positive. (LiteRT
     leaves the output unwritten otherwise.)
(C6) With `offset`: every axis is spoken of, there is neither ellipsis nor new axis, and begin + end
     stays inside. (LiteRT reads or leaves unwritten what happens to be there otherwise.)

Quantization parameters are not looked at: codes are copied.

Source: LiteRT tflite/kernels/strided_slice.cc, internal/reference/strided_slice.h.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops._movement import EVERY_TYPE, check_shape, integers, require_same_type, require_type
from quantlib.ops._node import Array, Kernel, Node
from quantlib.ops._registry import kernel
from quantlib.ops._rule import Versions, rule

__all__ = ["Span", "StridedSliceOptions", "resolve_spans"]


@dataclass(frozen=True, slots=True)
class StridedSliceOptions:
    """Exceptions from begin and end, a bit for each of their elements."""

    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0
    offset: bool = False


rule("STRIDED_SLICE", same_scale=True, int16="same scale", versions=Versions(int8=2, int16=2))


@dataclass(frozen=True, slots=True)
class Span:
    """What is taken along one axis of the input, new axes included.

    Parameters
    ----------
    extent : int
        Of the axis.
    start, stop, stride : int
        As in `range`.
    length : int
        Extent of the output's axis: what LiteRT reserves, which `range` has to fill.
    shrinks : bool
        The axis is dropped.
    """

    extent: int
    start: int
    stop: int
    stride: int
    length: int
    shrinks: bool = False

    @property
    def range(self) -> range:
        """The indices."""
        return range(self.start, self.stop, self.stride)


_MOST_VALUES = 31
_SMALLEST_INT32 = -(2**31)


def resolve_spans(
    node: Node,
    options: StridedSliceOptions,
    shape: Sequence[int],
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int],
) -> list[Span]:
    """A span for every axis of the input, new ones included.

    Parameters
    ----------
    node : Node
        For error texts.
    options : StridedSliceOptions
    shape : sequence of int
        Of the input.
    begin, end, strides : sequences of int, of one length

    Raises
    ------
    InvalidModelError
        (C3), (C4), (C6)

    Examples
    --------
    >>> spans = resolve_spans(Node("STRIDED_SLICE", (), ()), StridedSliceOptions(), (5, 3), [-1], [0], [-2])
    >>> [list(span.range) for span in spans]
    [[4, 2], [0, 1, 2]]
    """
    spans: list[Span] = []
    extents = list(shape)
    for index in _specified(node, options, len(shape), len(begin)):
        if index is None:
            extent = extents.pop(0)
            spans.append(Span(extent, 0, extent, 1, extent))
        elif _bit(options.new_axis_mask, index):
            spans.append(Span(1, 0, 1, 1, 1))
        else:
            span = _span(node, options, extents.pop(0), index, (begin[index], end[index], strides[index]))
            spans.append(span)
    if options.offset:
        plain = not options.ellipsis_mask and not options.new_axis_mask and len(begin) >= len(shape)
        node.require(plain, "offset", "axes that begin and end do not name one by one", "none")
    return spans


def _specified(node: Node, options: StridedSliceOptions, rank: int, count: int) -> list[int | None]:
    """For every axis, new ones included, the element of begin and end that speaks of it."""
    ellipses = [index for index in range(count) if _bit(options.ellipsis_mask, index)]
    node.require(len(ellipses) <= 1, "ellipsis_mask", options.ellipsis_mask, "at most one bit")
    beyond = options.new_axis_mask >> count
    node.require(beyond == 0, "new_axis_mask", options.new_axis_mask, f"bits below {count}")
    new = [i for i in range(count) if _bit(options.new_axis_mask, i) and i not in ellipses]
    total = rank + len(new)
    before = ellipses[0] if ellipses else count
    after = list(range(before + 1, count))
    whole = max(total - before - len(after), 1 if ellipses else 0)
    return [*range(before), *([None] * whole), *after][:total]


def _span(
    node: Node, options: StridedSliceOptions, extent: int, index: int, spoken: tuple[int, int, int]
) -> Span:
    """What one element of begin, end and strides takes from an axis."""
    begin, end, stride = spoken
    role = "input 3 (strides)"
    node.require(stride not in (0, _SMALLEST_INT32), role, stride, "neither 0 nor the smallest int32")
    low, high = (0, extent) if stride > 0 else (-1, extent - 1)
    start = min(max(begin + extent if begin < 0 else begin, low), high)
    if _bit(options.begin_mask, index):
        start = 0 if stride > 0 else extent - 1
    if _bit(options.shrink_axis_mask, index):
        return Span(extent, start, start + (start < extent), stride, 1, shrinks=True)
    stop = end + start if options.offset else end
    stop = min(max(stop + extent if stop < 0 else stop, low), high)
    if _bit(options.end_mask, index):
        stop = extent if stride > 0 else -1
    distance = end if options.offset else stop - start
    length = len(range(0, distance, stride))
    return Span(extent, start, stop, stride, length)


def _bit(mask: int, index: int) -> bool:
    return bool(mask >> index & 1)


@kernel("STRIDED_SLICE", EVERY_TYPE)
def strided_slice(node: Node) -> Kernel:
    """A view of the input."""
    options = node.read_options(StridedSliceOptions)
    for position, name in ((1, "begin"), (2, "end"), (3, "strides")):
        require_type(node, position, name, [TensorType.INT32])
    require_same_type(node)

    def run(x: Array, begin: Array, end: Array, strides: Array) -> Array:
        begins = integers(node, "input 1 (begin)", begin)
        node.require(len(begins) <= _MOST_VALUES, "input 1 (begin)", len(begins), f"at most {_MOST_VALUES}")
        ends = integers(node, "input 2 (end)", end, len(begins))
        steps = integers(node, "input 3 (strides)", strides, len(begins))
        spans = resolve_spans(node, options, x.shape, begins, ends, steps)
        shape = [span.length for span in spans if not span.shrinks]
        check_shape(node, shape, x.itemsize)
        written = math.prod(len(span.range) for span in spans)
        found = f"{written} elements taken"
        node.require(
            written == math.prod(shape), "input 1 (begin)", found, f"{math.prod(shape)}, as {shape} holds"
        )
        if not written:
            return np.empty(shape, x.dtype)
        widened = x.reshape([span.extent for span in spans])
        # range counts down to -1, a slice would count that from the back.
        picked = tuple(slice(s.start, s.stop if s.stop >= 0 else None, s.stride) for s in spans)
        return widened[(*picked, ...)].reshape(shape)

    return run
