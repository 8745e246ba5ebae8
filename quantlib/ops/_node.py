"""What a kernel may know before the arrays arrive: one operator of a graph, resolved.

A kernel is bound once to a `Node` and then called with arrays. Shapes in a file may be stale
(inputs can be resized, dimensions can be unknown), so a bound kernel takes shapes from its arrays;
types, quantization parameters and constants come from the node.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast, get_type_hints

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import requantize
from quantlib.arithmetic.bounds import Bound
from quantlib.arithmetic.profile import DEFAULT_PROFILE, Profile
from quantlib.arithmetic.requantize import Requantizer
from quantlib.errors import InvalidModelError, LimitExceededError, Location, UnsupportedError
from quantlib.model.graph import Record, Tensor, TensorType
from quantlib.model.limits import Limits

__all__ = ["Array", "Kernel", "Node", "Value"]

Array: TypeAlias = NDArray[Any]
"""Any array; the node's types say which."""

Kernel: TypeAlias = Callable[..., "Array | tuple[Array, ...]"]
"""Arrays in the operator's input order (None for an absent one) to its output, or outputs.

A kernel never writes to an argument. An output may be a view of an input or of a constant.
"""

Options = TypeVar("Options")

DEFAULT_LIMITS = Limits()
"""What a node made by hand may use."""


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """One input or output of a node.

    Parameters
    ----------
    tensor : Tensor
        As in the file.
    index : int
        Its index in the subgraph.
    constant : ndarray, optional
        Its value where the file holds it: read-only, of `tensor.shape`; 4-bit types unpacked to int8.
    dequantized : bool
        Whether it is what DEQUANTIZE makes of a float16 or int8 constant, which XNNPACK's delegate
        takes for a constant.
    maker : str
        ``SQUARE`` where it is a square, or MUL of a tensor with itself; ``DEQUANTIZE`` where it is made
        of computed int8 codes with one scale and zero point 0; ``shared float16`` where it is made of a
        float16 constant and not only layers read it; else empty. XNNPACK computes these, or the
        operators that read them, in ways of its own.
    """

    tensor: Tensor
    index: int
    constant: Array | None = None
    dequantized: bool = False
    maker: str = ""

    @property
    def is_static(self) -> bool:
        """Whether XNNPACK's delegate takes it for a constant."""
        return self.constant is not None or self.dequantized

    @property
    def type(self) -> TensorType:
        """Element type."""
        return self.tensor.type

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type in memory.

        Raises
        ------
        UnsupportedError
            Elements of this type have no fixed size.
        """
        dtype = self.tensor.type.dtype
        if dtype is None:
            raise UnsupportedError(Location(tensor=self.index), self.tensor.type.name, "a numeric type")
        return dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape as the file states it."""
        return self.tensor.shape

    @property
    def scales(self) -> NDArray[np.float32]:
        """Every scale, shape (channels,); empty where the tensor is not quantized."""
        quantization = self.tensor.quantization
        return np.empty(0, np.float32) if quantization is None else quantization.scale

    @property
    def scale(self) -> np.float32:
        """The one scale, as kernels read it: 0 where there are none or several."""
        scales = self.scales
        return np.float32(scales[0]) if scales.size == 1 else np.float32(0)

    @property
    def zero_points(self) -> NDArray[np.int64]:
        """Every zero point, shape (channels,)."""
        quantization = self.tensor.quantization
        return np.empty(0, np.int64) if quantization is None else quantization.zero_point

    @property
    def zero_point(self) -> int:
        """The one zero point, as kernels read it: 0 where there are none or several."""
        zero_points = self.zero_points
        return int(zero_points[0]) if zero_points.size == self.scales.size == 1 else 0

    @property
    def is_per_axis(self) -> bool:
        """Whether several scales run along `quantized_dimension`."""
        return self.scales.size > 1

    @property
    def quantized_dimension(self) -> int:
        """The axis several scales run along."""
        quantization = self.tensor.quantization
        return 0 if quantization is None else quantization.quantized_dimension

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest code of an integer type.

        Examples
        --------
        >>> Value(Tensor(shape=(1,), type=TensorType.UINT8), index=0).limits
        (0, 255)
        """
        info = np.iinfo(self.dtype)
        return int(info.min), int(info.max)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operator, its tensors resolved.

    Parameters
    ----------
    operator : str
        Builtin operator name, or the custom code.
    inputs : tuple of Value or None
        None for an absent optional input.
    outputs : tuple of Value
    options : Record, optional
        Builtin options as the file holds them; read them with `read_options`.
    requantizer : Requantizer
        The kernel set's rule from accumulators to output units.
    position, subgraph : int
        Where the operator stands, for error texts.
    version : int
        Operator version.
    custom_options : bytes, optional
    intermediates : tuple of Value
        Tensors that carry parameters of inner computations (LSTM).
    limits : Limits
        What a kernel may allocate and compute.
    profile : Profile
        Release and processor, where they move bits.
    bound : Bound, optional
        How far the family's own bits may lie from ours, where the kernel set does not claim them.
    """

    operator: str
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]
    options: Record | None = None
    requantizer: Requantizer = requantize.two_roundings
    position: int = 0
    subgraph: int = 0
    version: int = 1
    custom_options: bytes | None = None
    intermediates: tuple[Value, ...] = ()
    limits: Limits = DEFAULT_LIMITS
    profile: Profile = DEFAULT_PROFILE
    bound: Bound | None = None

    @property
    def claimed(self) -> bool:
        """Whether the kernel set claims this node's bits."""
        return self.bound is None

    def location(self, role: str | None = None, field: str | None = None) -> Location:
        """Where this node stands, for an error."""
        return Location(
            subgraph=self.subgraph,
            operator=self.position,
            operator_name=self.operator,
            role=role,
            field=field,
        )

    def has_input(self, position: int) -> bool:
        """Whether the optional input is there."""
        return position < len(self.inputs) and self.inputs[position] is not None

    def input(self, position: int) -> Value:
        """The input at that position.

        Raises
        ------
        InvalidModelError
            It is absent.
        """
        value = self.inputs[position] if position < len(self.inputs) else None
        if value is None:
            raise InvalidModelError(self.location(f"input {position}"), "absent", "a tensor")
        return value

    def output(self, position: int = 0) -> Value:
        """The output at that position.

        Raises
        ------
        InvalidModelError
            It is absent.
        """
        if position >= len(self.outputs):
            raise InvalidModelError(self.location(f"output {position}"), "absent", "a tensor")
        return self.outputs[position]

    def input_type(self, position: int = 0) -> TensorType | None:
        """Element type of an input, None where it is absent."""
        value = self.inputs[position] if position < len(self.inputs) else None
        return None if value is None else value.type

    def require(self, condition: bool, role: str, found: object, wanted: object) -> None:
        """Refuse the model, naming this node, unless the condition holds.

        Raises
        ------
        InvalidModelError
        """
        if not condition:
            raise InvalidModelError(self.location(role), found, wanted)

    def check_size(self, shape: Sequence[int], itemsize: int = 4) -> None:
        """Refuse to make an array that the limits do not allow; ask before allocating.

        Kernels whose output is larger than what they were given ask this first, because the size
        comes from the file.

        Parameters
        ----------
        shape : sequence of int
        itemsize : int
            Bytes of one element.

        Raises
        ------
        LimitExceededError
            Too many bytes, or too many dimensions.
        InvalidModelError
            A negative dimension.
        """
        shape = [int(extent) for extent in shape]
        self.require(all(extent >= 0 for extent in shape), "output shape", shape, "no negative dimension")
        size = math.prod(shape) * itemsize
        if size > self.limits.tensor_bytes or len(shape) > max(self.limits.rank, 8):
            wanted = f"at most {self.limits.tensor_bytes} bytes and {self.limits.rank} dimensions"
            raise LimitExceededError(self.location("output shape"), f"{shape}, {size} bytes", wanted)

    def check_work(self, multiply_adds: int) -> None:
        """Refuse to compute what the limits do not allow.

        Parameters
        ----------
        multiply_adds : int
            As a Python int, which does not wrap.

        Raises
        ------
        LimitExceededError
        """
        if multiply_adds > self.limits.multiply_adds:
            wanted = f"at most {self.limits.multiply_adds}"
            raise LimitExceededError(self.location("work"), f"{multiply_adds} multiply-adds", wanted)

    def unsupported(self, role: str, found: object, wanted: object) -> UnsupportedError:
        """An error, to raise, for what is legal but not built here."""
        return UnsupportedError(self.location(role), found, wanted)

    def read_options(self, options: type[Options]) -> Options:
        """The builtin options as an operator's own frozen dataclass.

        Fields are matched by name; annotated enums are converted; a field that the file does not
        carry takes the dataclass's default.

        Raises
        ------
        InvalidModelError
            A number that the enum does not know.
        """
        given: Mapping[str, Any] = self.options if self.options is not None else {}
        hints = _hints(cast(Hashable, options))
        chosen: dict[str, Any] = {}
        for field in dataclasses.fields(options):  # type: ignore[arg-type]
            if field.name not in given:
                continue
            value = given[field.name]
            kind = hints[field.name]
            if isinstance(kind, type) and issubclass(kind, enum.Enum):
                try:
                    value = kind(value)
                except ValueError:
                    known = ", ".join(str(member.value) for member in kind)
                    raise InvalidModelError(self.location(field=field.name), value, known) from None
            chosen[field.name] = value
        return options(**chosen)


@cache
def _hints(options: Hashable) -> dict[str, Any]:
    """The annotations of an options class, which every node of an operator asks for."""
    return get_type_hints(options)
