"""Bit-exactness as an assertion whose message says where and how two arrays part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["assert_bit_exact", "describe_difference", "units_in_the_last_place"]

SHOWN = 5
"""Differing elements listed in a message."""


def assert_bit_exact(
    actual: ArrayLike,
    expected: ArrayLike,
    *,
    actual_name: str = "actual",
    expected_name: str = "expected",
) -> None:
    """Fail unless two arrays have the same shape, dtype and bits.

    Any NaN equals any NaN: payloads carry no meaning here. +0.0 and -0.0 differ.

    Parameters
    ----------
    actual, expected : array_like
    actual_name, expected_name : str
        What to call them in the message.

    Raises
    ------
    AssertionError
        The message gives the number of differences, where the first are, how far apart the values
        lie, and, where the pattern is telling, what it suggests.

    Examples
    --------
    >>> assert_bit_exact(np.int8([1, 2, 3]), np.int8([1, 2, 3]))
    >>> assert_bit_exact(np.int8([1, 2, 3]), np.int8([1, 3, 3]))
    Traceback (most recent call last):
    AssertionError: 1 of 3 elements differ (int8, shape (3,)); largest difference 1
      [1]: actual 2, expected 3
      every difference is one code: the rounding rules differ
    """
    message = describe_difference(
        np.asarray(actual), np.asarray(expected), actual_name=actual_name, expected_name=expected_name
    )
    if message:
        raise AssertionError(message)


def describe_difference(
    actual: NDArray[Any],
    expected: NDArray[Any],
    *,
    actual_name: str = "actual",
    expected_name: str = "expected",
) -> str:
    """What `assert_bit_exact` would say; empty where there is no difference.

    Parameters
    ----------
    actual, expected : ndarray
    actual_name, expected_name : str

    Returns
    -------
    str
    """
    if actual.dtype != expected.dtype:
        return f"dtypes differ: {actual_name} {actual.dtype}, {expected_name} {expected.dtype}"
    if actual.shape != expected.shape:
        return f"shapes differ: {actual_name} {actual.shape}, {expected_name} {expected.shape}"
    different = _different(actual, expected)
    count = int(np.count_nonzero(different))
    if not count:
        return ""
    distances = _distances(actual[different], expected[different])
    unit = " ulp" if actual.dtype.kind == "f" else ""
    largest = f"; largest difference {distances.max():g}{unit}" if distances.size else ""
    lines = [f"{count} of {actual.size} elements differ ({actual.dtype}, shape {actual.shape}){largest}"]
    for where in np.argwhere(different)[:SHOWN]:
        index = tuple(int(i) for i in where)
        lines.append(f"  {list(index)}: {actual_name} {actual[index]!s}, {expected_name} {expected[index]!s}")
    if count > SHOWN:
        lines.append(f"  and {count - SHOWN} more")
    hint = _hint(actual, different, distances)
    return "\n".join([*lines, f"  {hint}"] if hint else lines)


def units_in_the_last_place(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """How many representable numbers lie between a and b; infinity where one of them is NaN.

    Parameters
    ----------
    a, b : float arrays of the same shape and dtype

    Returns
    -------
    float64 array

    Examples
    --------
    >>> one = np.float32([1.0])
    >>> units_in_the_last_place(one, np.nextafter(one, np.float32(2))).tolist()
    [1.0]
    """
    steps = _ordered(a) - _ordered(b)
    return np.where(np.isnan(a) | np.isnan(b), np.inf, np.abs(steps))


def _ordered(x: NDArray[Any]) -> NDArray[np.float64]:
    """Floats as integers in the same order, so that neighbours differ by one."""
    bits = x.view(f"i{x.dtype.itemsize}").astype(object)
    lowest = -(1 << (8 * x.dtype.itemsize - 1))
    return np.where(bits < 0, lowest - bits, bits).astype(np.float64)


def _different(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    if a.dtype.kind not in "fc":
        return np.asarray(a != b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if a.dtype.kind == "f":
        same &= (np.signbit(a) == np.signbit(b)) | np.isnan(a)
    return np.asarray(~same)


def _distances(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    if a.dtype.kind == "f":
        return units_in_the_last_place(a, b)
    if a.dtype.kind in "iu":
        return np.abs(a.astype(np.float64) - b.astype(np.float64))
    return np.empty(0)


def _hint(a: NDArray[Any], different: NDArray[np.bool_], distances: NDArray[np.float64]) -> str:
    if a.dtype.kind in "iu" and distances.size and distances.max() == 1:
        return "every difference is one code: the rounding rules differ"
    if a.dtype.kind in "iu" and a.ndim and a.shape[-1] > 1 and different.mean() < 0.5:
        axes = tuple(range(a.ndim - 1))
        channels = np.flatnonzero(different.any(axis=axes))
        if 0 < channels.size < a.shape[-1]:
            named = ", ".join(map(str, channels[:8])) + (", ..." if channels.size > 8 else "")
            return f"only in channels {named} of {a.shape[-1]} along the last axis"
    if a.dtype.kind == "f" and distances.size and distances.max() <= 4:
        return "a few units in the last place: the order of operations, or fused multiply-add"
    return ""
