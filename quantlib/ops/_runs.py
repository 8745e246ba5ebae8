"""Vector blocks of the optimized kernels, and the elements that are left over.

A kernel goes through its elements in runs: all of them where shapes are equal; under broadcasting,
stretches of the output in which both operands advance, or one advances and the other stands still.
In every run whole blocks go through vector registers, with their own arithmetic; what is left over
has the reference kernel's.

Source: LiteRT tflite/kernels/internal/reference/process_broadcast_shapes.h and
internal/optimized/optimized_ops.h (BinaryBroadcastFiveFold).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.arithmetic import fixed_point
from quantlib.arithmetic.requantize import Requantize
from quantlib.ops._accumulate import Accumulating, ToOutput
from quantlib.ops._node import Array, Kernel

__all__ = ["Blocks", "InBlocks", "Run", "in_registers", "is_one_run", "narrowed_to_int16", "run_of"]


@dataclass(frozen=True, slots=True)
class Run:
    """What one call of an inner loop goes through.

    Parameters
    ----------
    length : int
        Elements of the output.
    is_scalar : bool
        Whether one operand stands still.
    """

    length: int
    is_scalar: bool = False


def run_of(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> Run | None:
    """The runs in which two operands are combined; None where the reference loop does all.

    The axes are gathered from the last on, into groups that neither, the first, neither, the second
    and neither operand repeats; the first is the one whose last differing extent is 1. A shape that
    needs more groups has no runs. A scalar run is one whose innermost group is empty.

    Parameters
    ----------
    x_shape, y_shape : tuple of int
        Of shapes that broadcast.

    Examples
    --------
    >>> run_of((2, 3), (2, 3)), run_of((4, 5, 3), (3,)), run_of((2, 1), (2, 8))
    (Run(length=6, is_scalar=False), Run(length=3, is_scalar=False), Run(length=8, is_scalar=True))
    >>> run_of((2, 1, 2, 1, 2), (1, 2, 1, 2, 1)) is None
    True
    """
    pairs = list(itertools.zip_longest(reversed(x_shape), reversed(y_shape), fillvalue=1))
    differing = [pair for pair in pairs if pair[0] != pair[1]]
    if not differing:
        return Run(int(np.prod(x_shape, dtype=np.int64)))
    if differing[0][0] != 1:
        pairs = [(y, x) for x, y in pairs]
    tests: tuple[Callable[[tuple[int, int]], bool], ...] = (
        lambda pair: pair[0] == pair[1],
        lambda pair: pair[0] == 1,
        lambda pair: pair[0] == pair[1],
        lambda pair: pair[1] == 1,
        lambda pair: pair[0] == pair[1],
    )
    extents = [1] * len(tests)
    position = 0
    for group, belongs in enumerate(tests):
        while position < len(pairs) and belongs(pairs[position]):
            extents[group] *= max(pairs[position]) if 0 not in pairs[position] else 0
            position += 1
    if position < len(pairs):
        return None
    return Run(extents[0]) if extents[0] > 1 else Run(extents[1], is_scalar=True)


def is_one_run(x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> bool:
    """Whether nothing is repeated: shapes are equal but for leading extents of 1."""
    pairs = itertools.zip_longest(reversed(x_shape), reversed(y_shape), fillvalue=1)
    return all(first == second for first, second in pairs)


@dataclass(frozen=True, slots=True)
class Blocks:
    """How many elements fill a block, in either kind of run.

    Parameters
    ----------
    elementwise, scalar : int
        0 for a loop without vector registers.
    broadcasting : bool
        Whether there are blocks at all where one operand is repeated.
    """

    elementwise: int
    scalar: int
    broadcasting: bool = True

    def contain(self, *shapes: tuple[int, ...]) -> NDArray[np.bool_]:
        """Which elements of the output lie in full blocks; of the output's shape.

        Parameters
        ----------
        *shapes : tuple of int
            Of the operands, one or two.

        Examples
        --------
        >>> Blocks(4, 2).contain((2, 5), (5,)).tolist()
        [[True, True, True, True, False], [True, True, True, True, False]]
        """
        shape = np.broadcast_shapes(*shapes)
        run = run_of(shapes[0], shapes[-1])
        if not self.broadcasting and not is_one_run(shapes[0], shapes[-1]):
            run = None
        size = 0 if run is None else self.scalar if run.is_scalar else self.elementwise
        if run is None or size == 0 or run.length == 0:
            return np.zeros(shape, np.bool_)
        count = int(np.prod(shape, dtype=np.int64))
        return (np.arange(count) % run.length < run.length // size * size).reshape(shape)


@dataclass(frozen=True, slots=True, eq=False)
class InBlocks:
    """A kernel that has one arithmetic for full blocks and another for what is left over.

    Parameters
    ----------
    elementwise, scalar : Kernel
        For full blocks, in either kind of run.
    leftover : Kernel
        The reference kernel's.
    blocks : Blocks
    """

    elementwise: Kernel
    scalar: Kernel
    leftover: Kernel
    blocks: Blocks

    def __call__(self, *operands: Array) -> Array:
        shapes = [operand.shape for operand in operands]
        left = self.leftover(*operands)  # refuses shapes that do not fit
        run = run_of(shapes[0], shapes[-1])
        assert isinstance(left, np.ndarray)
        if run is None or left.size == 0:
            return left
        inside = self.blocks.contain(*shapes)
        block = (self.scalar if run.is_scalar else self.elementwise)(*operands)
        return np.where(inside, block, left)

    def at(self, element: tuple[int, ...], *shapes: tuple[int, ...]) -> Kernel:
        """The kernel that serves one element of the output, for operands of these shapes."""
        if not self.blocks.contain(*shapes)[element]:
            return self.leftover
        run = run_of(shapes[0], shapes[-1])
        return self.scalar if run is not None and run.is_scalar else self.elementwise


def in_registers(requantize: Requantize, real: ArrayLike) -> Requantize:
    """The same rule, but 0 where a value is shifted left by 32 or more: a vector register ends there.

    (Elsewhere x86 counts shifts modulo 32.)

    Parameters
    ----------
    requantize : Requantize
        In fixed point.
    real : float
        The factor it was made from.
    """
    _, shift = fixed_point.quantize_multiplier(float(np.asarray(real)))
    return requantize if shift < 32 else np.zeros_like


Narrow = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""int32 values to an int16 register."""

_NARROW: Mapping[str, Narrow] = {
    "wrap": fixed_point.wrap_int16,
    "saturate": lambda y: fixed_point.saturate(y, -(2**15), 2**15 - 1),
}


def narrowed_to_int16(kernel: Accumulating, how: str) -> Accumulating:
    """The same kernel, but codes pass through int16 registers before they are clamped.

    The zero point is added there, and the sum wraps: a large result may become a small code.

    Parameters
    ----------
    kernel : Accumulating
    how : {"wrap", "saturate"}
        What happens to what does not fit the register, before the zero point is added.
    """
    last = kernel.to_output
    requantize = partial(_through_int16, units=last.requantize, zero_point=last.zero_point, how=how)
    to_output = ToOutput(requantize, last.zero_point, last.low, last.high, last.dtype)
    return Accumulating(kernel.accumulate, to_output)


def _through_int16(
    acc: NDArray[np.int64], *, units: Requantize, zero_point: int, how: str
) -> NDArray[np.int64]:
    return fixed_point.wrap_int16(_NARROW[how](units(acc)) + zero_point) - zero_point
