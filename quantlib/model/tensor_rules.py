"""What the format asks of a single tensor: its shape, its constant data and its quantization.

Source: LiteRT tflite/core/tools/verifier.cc (VerifyTensors);
tflite/core/interpreter_builder.cc (ParseQuantization, ParseTensors)
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import InvalidModelError, LimitExceededError, Location
from quantlib.model.graph import Model, Quantization, Record, Tensor, TensorType
from quantlib.model.limits import Limits
from quantlib.model.sparsity import stored_elements

__all__ = ["SMALLEST_SCALE", "TensorRules", "constant_data", "tensor_bytes"]

SMALLEST_SCALE = 2.0**-126
"""The smallest normal float32: below it, products of scales lose their bits."""

_LARGEST_SCALE = float(np.finfo(np.float32).max)

_ZERO_POINTS = {
    TensorType.INT8: (-128, 127),
    TensorType.UINT8: (0, 255),
    TensorType.INT16: (-32768, 32767),
    TensorType.UINT16: (0, 65535),
    TensorType.INT32: (-(2**31), 2**31 - 1),
    TensorType.UINT32: (0, 2**32 - 1),
    TensorType.INT4: (-8, 7),
    TensorType.UINT4: (0, 15),
    TensorType.INT2: (-2, 1),
    TensorType.INT64: (-(2**63), 2**63 - 1),
}
"""The types whose elements may stand for real numbers, with the zero points they can hold."""

_BY_TENSOR = ("BlockwiseQuantization", "MultiAxisQuantization")
"""Kinds of quantization whose scales are tensors; scale and zero_point mean nothing then."""

_BIAS_TYPES = (TensorType.INT32, TensorType.INT64)
_NO_CONSTANTS = (TensorType.RESOURCE, TensorType.VARIANT)
_NO_VARIABLES = (TensorType.STRING, TensorType.RESOURCE, TensorType.VARIANT)


def constant_data(model: Model, tensor: Tensor) -> memoryview | None:
    """The bytes that the file holds for a tensor; None if it is computed at run time.

    Buffer 0 stands for no data, whatever it holds.
    """
    if tensor.buffer == 0 or tensor.external_buffer:
        return None
    return model.buffers[tensor.buffer].data


def tensor_bytes(tensor: Tensor) -> int | None:
    """Bytes that a tensor of this shape takes in a file; None where elements have no fixed size."""
    bits = tensor.type.bits
    return None if bits is None else (math.prod(tensor.shape) * bits + 7) // 8


class TensorRules:
    """The rules for tensors, with a memory of what was checked.

    Tensors of a hostile file may share one long vector of scales or one long list of strings;
    each is looked at once.

    Parameters
    ----------
    model : Model
        For its buffers.
    limits : Limits
        `rank` and `tensor_bytes` are enforced here.
    """

    def __init__(self, model: Model, limits: Limits) -> None:
        self._model = model
        self._limits = limits
        self._checked: set[tuple[object, ...]] = set()
        self._stored: dict[tuple[int, tuple[int, ...]], int] = {}

    def check(self, tensor: Tensor, tensors: int, where: Location) -> int:
        """Check one tensor; the bytes it will take at run time beside the file's own.

        Parameters
        ----------
        tensor : Tensor
        tensors : int
            How many tensors the subgraph has.
        where : Location
            Subgraph and tensor, for error texts.

        Returns
        -------
        int
            0 for constants, which are views of the file.

        Raises
        ------
        InvalidModelError
            A dimension below 0, a shape signature of another rank, a buffer that does not exist,
            constant data that are too short, or quantization parameters that mean nothing.
        LimitExceededError
            Too many dimensions or bytes.
        """
        model, limits = self._model, self._limits
        if not tensor.type.is_known:
            raise InvalidModelError(_at(where, "type"), int(tensor.type), f"0 .. {max(TensorType).value}")
        _check_shape(tensor, where, limits)
        if tensor.buffer and not 0 < tensor.buffer < len(model.buffers):
            raise InvalidModelError(_at(where, "buffer"), tensor.buffer, f"below {len(model.buffers)}")
        size = tensor_bytes(tensor) or 0
        if size > limits.tensor_bytes:
            raise LimitExceededError(
                _at(where, "shape"), f"{size} bytes", f"at most {limits.tensor_bytes} (limits.tensor_bytes)"
            )
        if tensor.is_variable and tensor.type in _NO_VARIABLES:
            raise InvalidModelError(
                _at(where, "type"), f"variable {tensor.type.name}", "a type of fixed element size"
            )
        if tensor.quantization is not None:
            self._check_quantization(tensor, tensor.quantization, tensors, where)
        data = constant_data(model, tensor)
        if data is None:
            return 0 if tensor.external_buffer else size
        self._check_constant(tensor, data, where)
        return 0

    def _check_constant(self, tensor: Tensor, data: memoryview, where: Location) -> None:
        if tensor.is_variable:
            raise InvalidModelError(_at(where, "is_variable"), "a variable with constant data", "either")
        if tensor.type in _NO_CONSTANTS:
            raise InvalidModelError(
                _at(where, "type"), f"constant {tensor.type.name}", "a type with elements"
            )
        if tensor.type is TensorType.STRING:
            if self._first_time("strings", id(data)):
                _check_strings(data, where)
            return
        wanted = tensor_bytes(tensor) or 0
        if tensor.sparsity is not None:
            key = (id(tensor.sparsity), tensor.shape)
            if key not in self._stored:
                self._stored[key] = stored_elements(tensor, where)
            wanted = (self._stored[key] * (tensor.type.bits or 8) + 7) // 8
        # TensorFlow's converter shares buffers between tensors of different length, and LiteRT takes
        # the first bytes.
        if len(data) < wanted:
            raise InvalidModelError(
                _at(where, "buffer"),
                f"{len(data)} bytes for shape {list(tensor.shape)} of {tensor.type.name}",
                f"{wanted} bytes",
            )

    def _check_quantization(
        self, tensor: Tensor, quantization: Quantization, tensors: int, where: Location
    ) -> None:
        details = quantization.details
        if details is not None and details.table in _BY_TENSOR:
            _check_details(tensor, details, tensors, where)
            return
        scale, zero_point = quantization.scale, quantization.zero_point
        bounds = _ZERO_POINTS.get(tensor.type)
        if not scale.size or bounds is None:
            return
        if zero_point.size != scale.size:
            raise InvalidModelError(
                _at(where, "quantization.zero_point"),
                f"{zero_point.size} values",
                f"{scale.size}, one per scale",
            )
        _check_axis(tensor, scale.size, quantization.quantized_dimension, where)
        if self._first_time("scale", id(scale)):
            _check_range(scale, SMALLEST_SCALE, _LARGEST_SCALE, _at(where, "quantization.scale"))
        if self._first_time("zero_point", id(zero_point), tensor.type):
            _check_range(zero_point, *bounds, _at(where, "quantization.zero_point"))

    def _first_time(self, *key: object) -> bool:
        if key in self._checked:
            return False
        self._checked.add(key)
        return True


def _check_shape(tensor: Tensor, where: Location, limits: Limits) -> None:
    rank = len(tensor.shape)
    if rank > limits.rank:
        raise LimitExceededError(
            _at(where, "shape"), f"{rank} dimensions", f"at most {limits.rank} (limits.rank)"
        )
    if rank and min(tensor.shape) < 0:
        raise InvalidModelError(_at(where, "shape"), list(tensor.shape), "no dimension below 0")
    signature = tensor.shape_signature
    if signature and (len(signature) != rank or min(signature) < -1):
        raise InvalidModelError(
            _at(where, "shape_signature"), list(signature[:16]), f"{rank} dimensions of at least -1"
        )


def _check_strings(data: memoryview, where: Location) -> None:
    """Count, then the offsets of each string and of the end, then the characters."""
    count = int.from_bytes(data[:4], "little")
    header = 4 * (count + 2)
    if len(data) < 4 or len(data) < header:
        raise InvalidModelError(
            _at(where, "buffer"), f"{count} strings in {len(data)} bytes", f"at least {max(header, 4)} bytes"
        )
    offsets = np.frombuffer(data[4:header], "<u4").astype(np.int64)
    if offsets[0] != header or offsets[-1] != len(data) or bool(np.any(np.diff(offsets) < 0)):
        raise InvalidModelError(
            _at(where, "buffer"), "string offsets that go astray", f"{header} rising to {len(data)}"
        )


def _check_range(values: NDArray[Any], low: float, high: float, where: Location) -> None:
    """Every value lies in low .. high; NaN does not."""
    if not (values.min() >= low and values.max() <= high):
        odd = next(value for value in values.tolist() if not low <= value <= high)
        raise InvalidModelError(where, odd, f"{low:.8g} .. {high:.8g}")


def _check_axis(tensor: Tensor, scales: int, axis: int, where: Location) -> None:
    rank = len(tensor.shape)
    if rank == 0 and axis >= 0:
        return
    # A vector has one axis only. The published person_detect.tflite puts the weights' axis, 3, on
    # its biases; LiteRT refuses it, TensorFlow Lite for Microcontrollers runs it.
    if rank == 1 and axis > 0 and tensor.type in _BIAS_TYPES:
        axis = 0
    if not 0 <= axis < rank:
        raise InvalidModelError(
            _at(where, "quantization.quantized_dimension"),
            f"{axis} on a tensor of rank {rank}",
            f"0 .. {rank - 1}",
        )
    if scales not in (1, tensor.shape[axis]):
        raise InvalidModelError(
            _at(where, "quantization.scale"),
            f"{scales} values",
            f"1, or {tensor.shape[axis]} along dimension {axis}",
        )


def _check_details(tensor: Tensor, details: Record, tensors: int, where: Location) -> None:
    """Scales and zero points that are tensors themselves exist, and blocks have a size."""
    for name, lowest in (("scales", 0), ("zero_points", -1), ("block_size", 0)):
        highest = tensors - 1 if lowest or name == "scales" else 2**31 - 1
        value = details.get(name, 0)
        if not lowest <= value <= highest:
            raise InvalidModelError(
                _at(where, f"quantization.details.{name}"), value, f"{lowest} .. {highest}"
            )
    if details.table == "MultiAxisQuantization":
        axes = details.get("quantized_dimensions") or ()
        rank = len(tensor.shape)
        if not axes or min(axes) < 0 or (rank and max(axes) >= rank):
            raise InvalidModelError(
                _at(where, "quantization.details.quantized_dimensions"),
                list(axes[:16]),
                f"dimensions of a tensor of rank {rank}",
            )


def _at(where: Location, field: str) -> Location:
    return dataclasses.replace(where, field=field)
