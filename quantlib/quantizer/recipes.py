"""What a caller asks for: which numbers become integers, and of which type.

=============  ==========================================  ================
recipe         constants                                   activations
=============  ==========================================  ================
DynamicRange   large weights int8, the rest float32        float32
Float16        float16                                     float32
FullInteger    weights int8, biases int32                  int8
Int16x8        weights int8, biases int64                  int16
=============  ==========================================  ================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from quantlib.affine.intake import integer
from quantlib.errors import InvalidInputError
from quantlib.model.graph import TensorType

__all__ = ["DynamicRange", "Float16", "FullInteger", "Int16x8", "Recipe", "tensor_type"]


@dataclass(frozen=True, slots=True)
class DynamicRange:
    """Large weights in int8; activations stay float32 and are quantized at run time.

    Parameters
    ----------
    min_elements : int
        Smaller weights stay in float.
    per_channel : bool
        One scale per output channel, where the kernel has them.
    per_channel_dense : bool
        The same for dense layers.
    strict : bool
        Raise where nothing would change.
    """

    min_elements: int = 1024
    per_channel: bool = True
    per_channel_dense: bool = True
    strict: bool = False

    def __post_init__(self) -> None:
        integer(self.min_elements, "min_elements", 0, 2**31 - 1)


@dataclass(frozen=True, slots=True)
class Float16:
    """Every constant in float16, dequantized at run time (or by the delegate, for good).

    Parameters
    ----------
    strict : bool
        Raise where nothing would change.
    """

    strict: bool = False


@dataclass(frozen=True, slots=True)
class FullInteger:
    """int8 weights and activations; needs ranges.

    Parameters
    ----------
    input, output : float32, int8 or uint8
        Types of the graph's inputs and outputs.
    per_channel : bool
        One weight scale per output channel, where the kernel has them.
    per_channel_dense : bool
        The same for dense layers.
    strict : bool
        Raise where an operator would stay in float. TensorFlow, asked for integers only, leaves it
        in float and says nothing.

    Examples
    --------
    >>> FullInteger(input=np.uint8, output=np.uint8).input.name
    'UINT8'
    """

    input: DTypeLike = np.float32
    output: DTypeLike = np.float32
    per_channel: bool = True
    per_channel_dense: bool = True
    strict: bool = False

    def __post_init__(self) -> None:
        for name in ("input", "output"):
            wanted = (TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8)
            object.__setattr__(self, name, tensor_type(getattr(self, name), name, wanted))


@dataclass(frozen=True, slots=True)
class Int16x8:
    """int16 activations and int8 weights; needs ranges.

    Parameters
    ----------
    input, output : float32 or int16
        Types of the graph's inputs and outputs.
    bias : int64 or int32
        int32 where the kernel takes it.
    per_channel, per_channel_dense : bool
        As for `FullInteger`.
    strict : bool
        Raise where an operator would stay in float, as TensorFlow does here.
    """

    input: DTypeLike = np.float32
    output: DTypeLike = np.float32
    bias: DTypeLike = np.int64
    per_channel: bool = True
    per_channel_dense: bool = True
    strict: bool = False

    def __post_init__(self) -> None:
        for name in ("input", "output"):
            wanted = (TensorType.FLOAT32, TensorType.INT16)
            object.__setattr__(self, name, tensor_type(getattr(self, name), name, wanted))
        bias = tensor_type(self.bias, "bias", (TensorType.INT64, TensorType.INT32))
        object.__setattr__(self, "bias", bias)


Recipe: TypeAlias = DynamicRange | Float16 | FullInteger | Int16x8
"""Any of them."""


def tensor_type(given: object, argument: str, wanted: tuple[TensorType, ...]) -> TensorType:
    """An element type, given as the format's, as NumPy's, or by name.

    Parameters
    ----------
    given : TensorType, dtype or str
    argument : str
        For the error text.
    wanted : tuple of TensorType

    Raises
    ------
    InvalidInputError
        Another type, or none.

    Examples
    --------
    >>> tensor_type("int8", "input", (TensorType.INT8,)).name
    'INT8'
    """
    names = " or ".join(type.name.lower() for type in wanted)
    try:
        name = given.name if isinstance(given, TensorType) else np.dtype(given).name  # type: ignore[call-overload]
    except TypeError:
        name = repr(given)[:80]
    for found in wanted:
        if found.name == name.upper():
            return found
    raise InvalidInputError(argument, name.lower(), names)
