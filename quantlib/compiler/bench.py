"""Where parts become calls on buffers: a workspace for one thread and one batch of samples.

Buffers are taken when a tensor is made and given back after its last use, so that a later tensor may
have the memory. A small tensor with a border keeps its kind of buffer to itself: only another of the same
shape, border and padding gets it, and the padding need not be written again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.compiler.alignment import aligned, aligned_bytes
from quantlib.compiler.part import Part, Unfit
from quantlib.compiler.storage import NO_BORDER, Border, Codes
from quantlib.ops._node import Array

__all__ = ["Bench", "Call"]

Call = Callable[[], object]
"""Something to do when the program runs."""

_LARGE = 1 << 18
"""Bytes from which a tensor with a border shares its memory: filling the border is then nothing."""


class Bench:
    """The buffers of one workspace while it is built, and the calls laid down so far.

    Parameters
    ----------
    codes : mapping of tensor index to Codes
    shapes : mapping of tensor index to shape
        Of every tensor that is not constant.
    dtypes : mapping of tensor index to dtype
    constants : mapping of tensor index to array
    parts : sequence of Part
    kept : frozenset of int
        Tensors that are never given back: inputs and outputs.
    """

    def __init__(
        self,
        codes: Mapping[int, Codes],
        shapes: Mapping[int, tuple[int, ...]],
        dtypes: Mapping[int, np.dtype[Any]],
        constants: Mapping[int, Array],
        parts: Sequence[Part],
        kept: frozenset[int],
    ) -> None:
        self.calls: list[Call] = []
        self.shapes = shapes
        self.bytes = 0
        self._codes = codes
        self._dtypes = dtypes
        self._constants = constants
        self._kept = kept
        self._borders: dict[int, Border] = {}
        for part in parts:
            for index, border in part.borders(shapes).items():
                self._borders[index] = self._borders.get(index, NO_BORDER).around(border)
        self._stored: dict[int, Array] = {}  # codes, with their border
        self._raw: dict[int, Array] = {}
        self._memory: dict[int, list[Array]] = {}  # what to give back with a tensor
        self._holders: Counter[int] = Counter()  # of a piece of memory, by its id
        self._free: list[Array] = []
        self._free_bordered: dict[tuple[object, ...], list[Array]] = {}
        self._bordered: dict[int, tuple[object, ...]] = {}
        self._borrowed: list[Array] = []
        self._operands: dict[tuple[int, int], tuple[Array, Array]] = {}  # the first keeps the id taken

    def lay(self, function: Callable[..., object], *arguments: object) -> None:
        """Add a call."""
        self.calls.append(partial(function, *arguments))

    def shape(self, index: int) -> tuple[int, ...]:
        """A tensor's shape."""
        return self._constants[index].shape if index in self._constants else self.shapes[index]

    def is_constant(self, index: int) -> bool:
        """Whether the file holds a tensor's value."""
        return index in self._constants

    def codes(self, index: int) -> Codes:
        """How a tensor's codes are stored."""
        return self._codes[index]

    def border(self, index: int) -> Border:
        """The padding around a tensor's images."""
        return self._borders.get(index, NO_BORDER)

    def padded(self, index: int) -> NDArray[np.float32]:
        """Stored codes (n, top + h + bottom, left + w + right, c), to read."""
        if index not in self._stored:
            raw, offset = self.raw(index), self._codes[index].offset
            inside = self.new_codes(index)
            self.lay(np.copyto, inside, raw)
            if offset:
                self.lay(np.subtract, inside, np.array(offset, np.float32), inside)
        return self._stored[index]

    def stored(self, index: int) -> NDArray[np.float32]:
        """Stored codes in the tensor's shape, to read; not contiguous where there is a border."""
        return self._inside(index, self.padded(index))

    def flat(self, index: int) -> NDArray[np.float32]:
        """Stored codes in the tensor's shape, contiguous, to read."""
        stored = self.stored(index)
        if stored.flags.c_contiguous:
            return stored
        copy = self.borrow(stored.shape)
        self.lay(np.copyto, copy, stored)
        return copy

    def raw(self, index: int) -> Array:
        """Elements as the file has them, in the tensor's shape, to read."""
        if index in self._constants:
            return self._constants[index]
        if index not in self._raw:
            if index not in self._stored:
                raise Unfit(f"tensor {index} is read before it is made")
            stored = self._inside(index, self._stored[index])
            offset = np.float32(self._codes[index].offset)
            raw = self.new_raw(index)
            self.lay(partial(np.add, casting="unsafe"), stored, offset, raw)
        return self._raw[index]

    def has_codes(self, index: int) -> bool:
        """Whether a tensor's codes have been stored."""
        return index in self._stored

    def new_codes(self, index: int) -> NDArray[np.float32]:
        """A place for a tensor's codes, in its shape."""
        shape, border = self.shape(index), self.border(index)
        if border == NO_BORDER:
            memory = self._take(math.prod(shape) * 4)
            self._hold(index, memory)
            self._stored[index] = memory[: math.prod(shape) * 4].view(np.float32).reshape(shape)
        else:
            n, h, w, c = shape
            whole = (n, border.top + h + border.bottom, border.left + w + border.right, c)
            fill, size = self._codes[index].fill, math.prod(whole) * 4
            if size > _LARGE:
                memory = self._take(size)
                self._hold(index, memory)
                self._stored[index] = memory[:size].view(np.float32).reshape(whole)
                self._lay_border(self._stored[index], border, fill)
                return self._inside(index, self._stored[index])
            key = (whole, border, fill)
            free = self._free_bordered.setdefault(key, [])
            if free:
                array = free.pop()
            else:
                array = aligned_bytes(size).view(np.float32).reshape(whole)
                array.fill(fill)
                self.bytes += array.nbytes
            self._bordered[index] = key
            self._stored[index] = array
        return self._inside(index, self._stored[index])

    def new_raw(self, index: int) -> Array:
        """A place for a tensor's elements."""
        shape, dtype = self.shape(index), self._dtypes[index]
        size = math.prod(shape) * dtype.itemsize
        memory = self._take(size)
        self._hold(index, memory)
        self._raw[index] = memory[:size].view(dtype).reshape(shape)
        return self._raw[index]

    def reshape(self, index: int, source: int) -> None:
        """A tensor whose stored codes are another's in another shape: the same memory, where it allows."""
        if self.border(index) == self.border(source) == NO_BORDER:
            self._stored[index] = self.stored(source).reshape(self.shape(index))
            for memory in self._memory.get(source, []):
                self._hold(index, memory)
        else:
            inside = self.flat(source).reshape(self.shape(index))
            self.lay(np.copyto, self.new_codes(index), inside)

    def borrow(self, shape: tuple[int, ...], dtype: type[Any] = np.float32) -> Array:
        """A buffer until the part that asked for it is bound."""
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = self._take(size)
        self._borrowed.append(memory)
        borrowed: Array = memory[:size].view(dtype).reshape(shape)
        return borrowed

    def operand(self, operand: NDArray[Any], times: int) -> NDArray[Any]:
        """A pass's operand for so many pixels side by side.

        One number for all channels comes without dimensions, which is quickest.

        Parameters
        ----------
        operand : array (channels,) or (1,)
        times : int
        """
        key = (id(operand), times)
        if key not in self._operands:
            flat = np.atleast_1d(operand)
            wide = flat[:1].reshape(()) if np.ptp(flat) == 0 else aligned(np.tile(flat, times))
            self._operands[key] = (operand, wide)
        return self._operands[key][1]

    def leave(self, index: int) -> Callable[[], Array]:
        """How to get a tensor out, once everything has run: an array that is the caller's."""
        if index in self._constants:
            return self._constants[index].copy
        if index in self._raw:
            return self._raw[index].copy
        if index not in self._stored:
            raise Unfit(f"tensor {index} is never made")
        stored = self._inside(index, self._stored[index])
        offset, dtype = np.float32(self._codes[index].offset), self._dtypes[index]

        def leave() -> Array:
            out = np.empty(stored.shape, dtype)
            np.add(stored, offset, out=out, casting="unsafe")
            return out

        return leave

    def release(self) -> None:
        """Take back what was borrowed: what is laid down from now on may use it for something else."""
        self._free += self._borrowed
        self._borrowed = []

    def bind(self, part: Part) -> None:
        """Bind a part, and take back what it used last."""
        part.bind(self)
        self.release()
        for index in part.step.last_uses:
            if index not in self._kept:
                self._give_back(index)

    def _lay_border(self, array: NDArray[np.float32], border: Border, fill: int) -> None:
        """Calls that fill the padding anew, in memory that other tensors have, too."""
        height, width = array.shape[1] - border.bottom, array.shape[2] - border.right
        sides = (array[:, : border.top], array[:, height:], array[:, :, : border.left], array[:, :, width:])
        for side in sides:
            if side.size:
                self.lay(side.fill, np.float32(fill))

    def _inside(self, index: int, whole: Array) -> Array:
        border = self.border(index)
        if border == NO_BORDER:
            return whole
        _, h, w, _ = self.shape(index)
        return whole[:, border.top : border.top + h, border.left : border.left + w]

    def _take(self, size: int) -> Array:
        """Memory of at least that many bytes, of the smallest piece that has them."""
        fitting = [piece for piece in self._free if piece.size >= size]
        if fitting:
            found = min(fitting, key=lambda piece: piece.size)
            self._free = [piece for piece in self._free if piece is not found]
            return found
        self.bytes += size
        return aligned_bytes(size)

    def _hold(self, index: int, memory: Array) -> None:
        self._memory.setdefault(index, []).append(memory)
        self._holders[id(memory)] += 1

    def _give_back(self, index: int) -> None:
        array = self._stored.pop(index, None)
        self._raw.pop(index, None)
        key = self._bordered.pop(index, None)
        if key is not None and array is not None:
            self._free_bordered[key].append(array)
        for memory in self._memory.pop(index, []):
            self._holders[id(memory)] -= 1
            if self._holders[id(memory)] == 0:
                self._free.append(memory)
