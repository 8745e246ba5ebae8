"""Quantization parameters: which real number a stored integer stands for.

    real = scale * (stored - zero_point)

One scale and zero point for a whole tensor, or one per index of an axis, or one per block of
consecutive elements along an axis (int4 weights of language models).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from quantlib.affine.intake import finite_float32, integer, real_array
from quantlib.errors import InvalidInputError

__all__ = ["QuantizationParameters"]

_TYPES: Mapping[str, tuple[np.dtype[Any], int]] = {
    "int2": (np.dtype(np.int8), 2),
    "int4": (np.dtype(np.int8), 4),
    "int8": (np.dtype(np.int8), 8),
    "uint8": (np.dtype(np.uint8), 8),
    "int16": (np.dtype(np.int16), 16),
    "int32": (np.dtype(np.int32), 32),
}
"""Stored types by name: the NumPy type of one element in memory, and how many bits of it count."""


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class QuantizationParameters:
    """Scale, zero point and stored type, checked.

    Parameters
    ----------
    scale : array_like of float
        Finite and positive, kept in float32 as in the file (subnormal scales are legal). A number
        for the whole tensor; shape (channels,) for one scale per index of `quantized_dimension`;
        with `block_size`, the tensor's shape with the blocked axis shortened to its blocks.
    zero_point : array_like of int
        Inside the stored type; a number, or an array of the shape of `scale`.
    dtype : str or dtype
        int4, int8, uint8, int16 or int32 (also int2). NumPy has no int4: write ``"int4"``; the
        elements then live in int8, one each, and `bits` is 4.
    quantized_dimension : int
        The axis that several scales run along, or that blocks lie along; from the front.
    bits : int, optional
        Bits of a stored integer; follows from `dtype`.
    block_size : int, optional
        Elements that share a scale along `quantized_dimension`.

    Attributes
    ----------
    scale : float32 array, read-only, of shape (), (channels,) or one entry per block
    zero_point : int64 array, read-only, of the same shape
    dtype : numpy.dtype
        Of one stored element in memory.
    quantized_dimension, bits, block_size
    qmin, qmax : int
        Smallest and largest stored integer.
    type_name : str
        ``"int4"``, ``"int8"`` ...
    per_axis : bool
        Whether `scale` has one entry per index of an axis.

    Raises
    ------
    InvalidInputError
        Naming the argument: a scale that is NaN, infinite, zero (also after rounding to float32)
        or negative; a zero point outside the type; lengths that differ; an unknown type.

    Examples
    --------
    >>> p = QuantizationParameters(scale=0.05, zero_point=-3, dtype=np.int8)
    >>> p
    QuantizationParameters(scale=0.05, zero_point=-3, dtype='int8')
    >>> p.qmin, p.qmax, p.per_axis
    (-128, 127, False)
    >>> QuantizationParameters([0.5, 0.25], dtype="int4", quantized_dimension=0).scale.shape
    (2,)
    >>> QuantizationParameters(scale=-1.0)
    Traceback (most recent call last):
        ...
    quantlib.errors.InvalidInputError: scale: -1.0; wanted positive

    Source: LiteRT tflite/converter/schema/schema.fbs (QuantizationParameters)
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    dtype: np.dtype[Any]
    quantized_dimension: int
    bits: int
    block_size: int | None

    def __init__(
        self,
        scale: ArrayLike,
        zero_point: ArrayLike = 0,
        dtype: DTypeLike = np.int8,
        quantized_dimension: int = 0,
        bits: int | None = None,
        block_size: int | None = None,
    ) -> None:
        stored, bits = _stored_type(dtype, bits)
        scales = finite_float32(scale, "scale").copy()
        if not (scales > 0).all():
            raise InvalidInputError("scale", scales[~(scales > 0)].flat[0], "positive")
        quantized_dimension = integer(quantized_dimension, "quantized_dimension", 0, 63)
        if block_size is not None:
            block_size = integer(block_size, "block_size", 1, 2**31 - 1)
            if scales.ndim <= quantized_dimension:
                wanted = f"one scale per block: more than {quantized_dimension} dimensions"
                raise InvalidInputError("scale", f"shape {scales.shape}", wanted)
        elif scales.ndim > 1 or scales.size == 0:
            raise InvalidInputError("scale", f"shape {scales.shape}", "a number, or shape (channels,)")
        set_field = object.__setattr__  # the dataclass is frozen
        set_field(self, "scale", _read_only(scales))
        set_field(self, "dtype", stored)
        set_field(self, "bits", bits)
        set_field(self, "quantized_dimension", quantized_dimension)
        set_field(self, "block_size", block_size)
        set_field(self, "zero_point", _read_only(self._checked_zero_point(zero_point)))

    def _checked_zero_point(self, zero_point: ArrayLike) -> NDArray[np.int64]:
        zero_points = real_array(zero_point, "zero_point")
        if zero_points.dtype.kind == "f":
            raise InvalidInputError("zero_point", f"dtype {zero_points.dtype}", "integers")
        outside = (zero_points < self.qmin) | (zero_points > self.qmax)
        if outside.any():
            wanted = f"{self.qmin} .. {self.qmax} ({self.type_name})"
            raise InvalidInputError("zero_point", int(zero_points[outside].flat[0]), wanted)
        if zero_points.ndim and zero_points.shape != self.scale.shape:
            wanted = f"as scale: shape {self.scale.shape}"
            raise InvalidInputError("zero_point", f"shape {zero_points.shape}", wanted)
        return np.broadcast_to(zero_points, self.scale.shape).astype(np.int64)

    @property
    def qmin(self) -> int:
        """Smallest stored integer."""
        return 0 if self.dtype.kind == "u" else -(1 << (self.bits - 1))

    @property
    def qmax(self) -> int:
        """Largest stored integer."""
        return (1 << self.bits) - 1 if self.dtype.kind == "u" else (1 << (self.bits - 1)) - 1

    @property
    def type_name(self) -> str:
        """Name of the stored type, ``"int4"`` where `dtype` can only say int8."""
        return f"{'uint' if self.dtype.kind == 'u' else 'int'}{self.bits}"

    @property
    def per_axis(self) -> bool:
        """Whether there is one scale per index of `quantized_dimension`."""
        return self.block_size is None and self.scale.ndim == 1

    def real_range(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The smallest and largest real number that can be stored.

        Returns
        -------
        low, high : float64 arrays of the shape of `scale`

        Examples
        --------
        >>> low, high = QuantizationParameters(0.5, -28).real_range()
        >>> float(low), float(high)
        (-50.0, 77.5)
        """
        scale = self.scale.astype(np.float64)
        return np.asarray(scale * (self.qmin - self.zero_point)), np.asarray(
            scale * (self.qmax - self.zero_point)
        )

    def check_shape(self, shape: tuple[int, ...], argument: str) -> None:
        """Refuse a tensor shape that these scales do not fit.

        Raises
        ------
        InvalidInputError
            Naming `argument`.

        Examples
        --------
        >>> QuantizationParameters([0.5, 0.25], quantized_dimension=1).check_shape((2, 3), "x")
        Traceback (most recent call last):
            ...
        quantlib.errors.InvalidInputError: x: shape (2, 3); wanted length 2 along axis 1 (one per scale)
        """
        if self.scale.ndim == 0:
            return
        axis = self.quantized_dimension
        if self.block_size is not None:
            fits = (
                len(shape) == self.scale.ndim
                and shape[axis] == self.scale.shape[axis] * self.block_size
                and shape[:axis] + shape[axis + 1 :] == self.scale.shape[:axis] + self.scale.shape[axis + 1 :]
            )
            wanted = f"blocks of {self.block_size} along axis {axis}, as many as scales of shape "
            wanted += f"{self.scale.shape}"
        else:
            fits = len(shape) > axis and shape[axis] == self.scale.size
            wanted = f"length {self.scale.size} along axis {axis} (one per scale)"
        if not fits:
            raise InvalidInputError(argument, f"shape {shape}", wanted)

    @classmethod
    def from_range(
        cls,
        min: ArrayLike,
        max: ArrayLike,
        dtype: DTypeLike = np.int8,
        *,
        symmetric: bool = False,
        narrow_range: bool = False,
        quantized_dimension: int = 0,
        profile: str = "converter",
    ) -> QuantizationParameters:
        """Parameters for real numbers between `min` and `max`, as TensorFlow would choose them.

        See `quantlib.affine.ranges.parameters_from_range` for every argument and every formula.

        Examples
        --------
        >>> QuantizationParameters.from_range(-1.0, 3.0, dtype=np.int8)
        QuantizationParameters(scale=0.015686275, zero_point=-64, dtype='int8')
        """
        from quantlib.affine import ranges

        return ranges.parameters_from_range(
            min,
            max,
            dtype,
            symmetric=symmetric,
            narrow_range=narrow_range,
            quantized_dimension=quantized_dimension,
            profile=profile,
        )

    @classmethod
    def from_data(
        cls,
        data: ArrayLike,
        dtype: DTypeLike = np.int8,
        *,
        symmetric: bool = False,
        narrow_range: bool = False,
        quantized_dimension: int | None = None,
        block_size: int | None = None,
        profile: str = "converter",
    ) -> QuantizationParameters:
        """Parameters for the smallest and largest element of `data`.

        See `quantlib.affine.ranges.parameters_from_data` for every argument.

        Examples
        --------
        >>> w = np.array([[1.0, -2.0], [0.5, 0.25]], np.float32)
        >>> p = QuantizationParameters.from_data(w, symmetric=True, narrow_range=True, quantized_dimension=0)
        >>> (p.scale * 127).tolist(), p.zero_point.tolist()
        ([2.0, 0.5], [0, 0])
        """
        from quantlib.affine import ranges

        return ranges.parameters_from_data(
            data,
            dtype,
            symmetric=symmetric,
            narrow_range=narrow_range,
            quantized_dimension=quantized_dimension,
            block_size=block_size,
            profile=profile,
        )

    def _key(self) -> tuple[object, ...]:
        # One scale has no axis to run along; two of them do.
        axis = None if self.scale.ndim == 0 else self.quantized_dimension
        return (
            self.scale.shape,
            self.scale.tobytes(),
            self.zero_point.tobytes(),
            self.type_name,
            axis,
            self.block_size,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, QuantizationParameters):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        if self.scale.ndim == 0:
            parts = f"scale={np.float32(self.scale)!s}", f"zero_point={int(self.zero_point)}"
            return f"QuantizationParameters({', '.join(parts)}, dtype={self.type_name!r})"
        ends = f"{self.scale.flat[0]!s} .. {self.scale.flat[-1]!s}, shape {self.scale.shape}"
        zero = np.unique(self.zero_point)
        zeros = str(zero[0]) if zero.size == 1 else f"<{zero.min()} .. {zero.max()}>"
        blocks = "" if self.block_size is None else f", block_size={self.block_size}"
        return (
            f"QuantizationParameters(scale=<{ends}>, zero_point={zeros}, dtype={self.type_name!r}, "
            f"quantized_dimension={self.quantized_dimension}{blocks})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (self.scale, self.zero_point, self.dtype, self.quantized_dimension)
        return type(self), (*arguments, self.bits, self.block_size)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def _stored_type(dtype: DTypeLike, bits: int | None) -> tuple[np.dtype[Any], int]:
    """The NumPy type of a stored element, and its bits."""
    name = str(dtype if isinstance(dtype, str) else getattr(dtype, "name", ""))
    if name not in _TYPES:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            name = repr(dtype)[:80]
    if name not in _TYPES:
        raise InvalidInputError("dtype", name, "int4, int8, uint8, int16 or int32")
    stored, natural_bits = _TYPES[name]
    if bits is None or bits == natural_bits:
        return stored, natural_bits
    if name != "int8" or bits not in (2, 4):
        raise InvalidInputError("bits", bits, f"{natural_bits} for {name}")
    return stored, bits
