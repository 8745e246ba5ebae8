"""What callers hand in, as arrays the arithmetic can trust.

Every public function of this room takes its arrays through here, so that one sentence describes
them all: *anything that is an array of real numbers is accepted and converted to float32 once,
rounding to nearest even; everything else raises `InvalidInputError` naming the argument.*

=====================================  ==========================================================
argument                               what happens
=====================================  ==========================================================
float32, any strides, read-only        used in place, never written
float16, bfloat16, int8 ... int16      converted, exactly
float64, longdouble, int32 ... uint64  rounded to float32; beyond FLT_MAX it becomes an infinity
byte-swapped, unaligned                converted
lists, tuples, Python numbers          as NumPy would make of them, then as above
empty and 0-d arrays                   fine; the result has the same shape
bool, object, str, complex, datetime   refused: ``None`` is not NaN and ``"1.5"`` is not 1.5
masked arrays                          refused: the mask would be lost
ragged lists                           refused
=====================================  ==========================================================
"""

from __future__ import annotations

import math
import operator
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantlib.errors import InvalidInputError

__all__ = [
    "axis_index",
    "finite_float32",
    "finite_number",
    "float32_array",
    "integer",
    "one_of",
    "output_array",
    "real_array",
    "stored_array",
]

_REAL_NUMBERS = "an array of real numbers (float or integer)"


def real_array(value: ArrayLike, argument: str) -> NDArray[Any]:
    """`value` as a floating or integer array in native byte order, not copied if it is one already.

    Parameters
    ----------
    value : array_like of real numbers, any shape
    argument : str
        The caller's name for it, used in error texts.

    Returns
    -------
    array of the same shape; floating or integer dtype

    Raises
    ------
    InvalidInputError
        If `value` is not made of real numbers (see the table above).

    Examples
    --------
    >>> real_array([1, 2.5], "x").tolist()
    [1.0, 2.5]
    >>> real_array(["1.5"], "x")
    Traceback (most recent call last):
        ...
    quantlib.errors.InvalidInputError: x: dtype <U3; wanted an array of real numbers (float or integer)
    """
    if isinstance(value, np.ma.MaskedArray):
        raise InvalidInputError(argument, "a masked array", "a plain array: the mask would be lost")
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInputError(argument, f"{type(value).__name__} ({error})", _REAL_NUMBERS) from None
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)
    if array.dtype.kind not in "fiu":
        raise InvalidInputError(argument, f"dtype {array.dtype}", _REAL_NUMBERS)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array


def float32_array(value: ArrayLike, argument: str) -> NDArray[np.float32]:
    """`value` as a float32 array, rounded once to nearest even; not copied if it is one already.

    Examples
    --------
    >>> float32_array(np.array([1, 1e300]), "x")
    array([ 1., inf], dtype=float32)
    """
    array = real_array(value, argument)
    with np.errstate(over="ignore"):
        return np.asarray(array, np.float32)


def finite_float32(value: ArrayLike, argument: str) -> NDArray[np.float32]:
    """`value` as a float32 array without NaN and infinities.

    Examples
    --------
    >>> finite_float32(float("nan"), "min")
    Traceback (most recent call last):
        ...
    quantlib.errors.InvalidInputError: min: nan; wanted finite in float32
    """
    array = float32_array(value, argument)
    finite = np.isfinite(array)
    if not finite.all():
        raise InvalidInputError(argument, array[~finite].flat[0], "finite in float32")
    return array


def stored_array(
    value: ArrayLike, argument: str, dtype: np.dtype[Any], qmin: int, qmax: int
) -> NDArray[np.signedinteger[Any] | np.unsignedinteger[Any]]:
    """`value` as an array of stored integers.

    An array must have exactly the stored dtype (a uint8 array read as int8 would be wrong
    silently); Python integers and lists of them are accepted where they fit.

    Examples
    --------
    >>> stored_array([-8, 7], "q", np.dtype(np.int8), -8, 7)
    array([-8,  7], dtype=int8)
    >>> stored_array([200], "q", np.dtype(np.int8), -128, 127)
    Traceback (most recent call last):
        ...
    quantlib.errors.InvalidInputError: q: 200; wanted -128 .. 127
    """
    array = real_array(value, argument)
    if array.size == 0 and not isinstance(value, np.ndarray | np.generic):
        return np.zeros(array.shape, dtype)  # NumPy calls [] float64
    if array.dtype.kind == "f" or (isinstance(value, np.ndarray | np.generic) and array.dtype != dtype):
        raise InvalidInputError(argument, f"dtype {array.dtype}", dtype)
    info = np.iinfo(dtype)
    if array.dtype != dtype or (qmin, qmax) != (info.min, info.max):
        outside = (array < qmin) | (array > qmax)
        if outside.any():
            raise InvalidInputError(argument, int(array[outside].flat[0]), f"{qmin} .. {qmax}")
    return np.asarray(array, dtype)


def output_array(
    out: object, shape: tuple[int, ...], dtype: np.dtype[Any], argument: str = "out"
) -> NDArray[Any]:
    """`out` if it can take the result, or a new array.

    Raises
    ------
    InvalidInputError
        If `out` is not a writeable array of exactly this shape and dtype.

    Examples
    --------
    >>> output_array(np.zeros(3), (3,), np.dtype(np.int8))
    Traceback (most recent call last):
        ...
    quantlib.errors.InvalidInputError: out: float64 array of shape (3,); wanted int8 array of shape (3,)
    """
    if out is None:
        return np.empty(shape, dtype)
    wanted = f"{dtype} array of shape {shape}"
    if not isinstance(out, np.ndarray) or isinstance(out, np.ma.MaskedArray):
        raise InvalidInputError(argument, type(out).__name__, wanted)
    if out.shape != shape or out.dtype != dtype:
        raise InvalidInputError(argument, f"{out.dtype} array of shape {out.shape}", wanted)
    if not out.flags.writeable:
        raise InvalidInputError(argument, "a read-only array", f"a writeable {wanted}")
    return out


def integer(value: object, argument: str, low: int, high: int) -> int:
    """`value` as an int within low .. high; floats and bools are not integers.

    Examples
    --------
    >>> integer(np.int64(8), "num_bits", 2, 16)
    8
    """
    wanted = f"an integer, {low} .. {high}"
    if isinstance(value, bool | np.bool_):
        raise InvalidInputError(argument, value, wanted)
    try:
        number = operator.index(value)  # type: ignore[arg-type]  # what is not an integer raises
    except TypeError:
        raise InvalidInputError(argument, repr(value)[:80], wanted) from None
    if not low <= number <= high:
        raise InvalidInputError(argument, number, wanted)
    return number


def axis_index(value: object, rank: int, argument: str) -> int:
    """An axis of an array of this rank, counted from the front; negative ones count from the end.

    Examples
    --------
    >>> axis_index(-1, 4, "quantized_dimension")
    3
    """
    if rank == 0:
        raise InvalidInputError(argument, value, "no axis: the array is 0-dimensional")
    axis = integer(value, argument, -rank, rank - 1)
    return axis + rank if axis < 0 else axis


def one_of(value: object, argument: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not one of those allowed.

    Examples
    --------
    >>> one_of("HALF_UP", "round_mode", ("HALF_TO_EVEN", "HALF_AWAY_FROM_ZERO"))
    Traceback (most recent call last):
        ...
    quantlib.errors.InvalidInputError: round_mode: 'HALF_UP'; wanted 'HALF_TO_EVEN' or 'HALF_AWAY_FROM_ZERO'
    """
    if not isinstance(value, str) or value not in allowed:
        raise InvalidInputError(argument, repr(value)[:80], " or ".join(map(repr, allowed)))


def finite_number(value: SupportsFloat, argument: str) -> float:
    """`value` as a finite Python float.

    Examples
    --------
    >>> finite_number(np.float32(0.5), "ensure_minimum_range")
    0.5
    """
    number = real_array(value, argument)  # type: ignore[arg-type]  # what is not a number raises
    if number.size != 1 or not math.isfinite(float(number.reshape(())[()])):
        raise InvalidInputError(argument, repr(value)[:80], "one finite number")
    return float(number.reshape(())[()])
