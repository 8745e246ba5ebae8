"""Marks that training or another tool left in a float model, read as parameters and taken out.

Quantization-aware training leaves QUANTIZE and DEQUANTIZE behind values (TensorFlow's converter writes
them, in uint8, where nobody asks it to quantize), or FAKE_QUANT with a range. Weights may be stored in
integers or float16 behind a DEQUANTIZE. All of these say how a real number is to be stored: the value
in front takes the place of the value behind, and what the mark said is kept for the integer recipe.

Source: LiteRT tflite/converter/transforms/prepare_quantize.cc; TensorFlow 2.21's conversions of such
graphs, measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.errors import Location, UnsupportedError
from quantlib.model.graph import Model, Operator, Quantization, Tensor, TensorType
from quantlib.model.tensor_rules import constant_data
from quantlib.quantizer.parameters import Parameters, from_fake_quant

__all__ = ["Mark", "marks_of"]

WEIGHTS = (TensorType.INT8, TensorType.UINT8)
"""What values behind marks are stored as."""

STORED = (*WEIGHTS, TensorType.INT32, TensorType.FLOAT16)
"""What a constant behind DEQUANTIZE may be stored as."""


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A tensor that is another one, and how it is to be stored.

    Parameters
    ----------
    source : int
        The tensor in front of the mark: real, or a stored constant.
    parameters : Parameters, optional
        int8, also where the mark says uint8; None where nothing is said (float16, biases).
    constant : ndarray, optional
        The real numbers of a stored constant.
    """

    source: int
    parameters: Parameters | None
    constant: NDArray[np.float32] | None = None


def marks_of(model: Model, subgraph_index: int) -> tuple[dict[int, Mark], frozenset[int]]:
    """The marks of a subgraph, by the tensor behind them, and the operators that they are made of.

    Parameters
    ----------
    model : Model
    subgraph_index : int

    Returns
    -------
    (dict of tensor index to Mark, set of operator positions)

    Raises
    ------
    UnsupportedError
        A FAKE_QUANT of other than 8 bits.
    """
    return _Reading(model, subgraph_index).run()


class _Reading:
    def __init__(self, model: Model, subgraph_index: int) -> None:
        self.model = model
        self.at = subgraph_index
        self.subgraph = model.subgraphs[subgraph_index]
        self.names = [model.operator_codes[each.opcode_index].name for each in self.subgraph.operators]
        self.readers: dict[int, list[int]] = {}
        for position, operator in enumerate(self.subgraph.operators):
            for index in operator.inputs:
                self.readers.setdefault(index, []).append(position)

    def run(self) -> tuple[dict[int, Mark], frozenset[int]]:
        marks: dict[int, Mark] = {}
        taken: set[int] = set()
        codes: dict[int, tuple[int, Parameters]] = {}
        for position, (operator, name) in enumerate(zip(self.subgraph.operators, self.names, strict=True)):
            if len(operator.inputs) != 1 or len(operator.outputs) != 1:
                continue
            (given,), (made,) = operator.inputs, operator.outputs
            if not self._is_alike(given, made):
                continue
            if name == "FAKE_QUANT":
                marks[made] = Mark(given, self._range(position, operator))
            elif name == "QUANTIZE" and self._is_only_dequantized(given, made):
                known = _parameters(self.subgraph.tensors[made], is_constant=self._is_constant(given))
                if known is None:
                    continue
                codes[made] = given, known
            elif name == "DEQUANTIZE" and given in codes:
                marks[made] = Mark(*codes[given])
            elif name == "DEQUANTIZE":
                mark = self._stored_constant(given)
                if mark is None:
                    continue
                marks[made] = mark
            else:
                continue
            taken.add(position)
        return marks, frozenset(taken)

    def _is_alike(self, given: int, made: int) -> bool:
        """Whether two tensors are there and have one shape."""
        tensors = self.subgraph.tensors
        return given >= 0 and made >= 0 and tensors[given].shape == tensors[made].shape

    def _is_constant(self, index: int) -> bool:
        return constant_data(self.model, self.subgraph.tensors[index]) is not None

    def _is_only_dequantized(self, given: int, made: int) -> bool:
        real, tensor = self.subgraph.tensors[given], self.subgraph.tensors[made]
        if real.type is not TensorType.FLOAT32 or made in self.subgraph.outputs:
            return False
        return all(self.names[position] == "DEQUANTIZE" for position in self.readers.get(made, ())) and (
            tensor.type in WEIGHTS
        )

    def _stored_constant(self, index: int) -> Mark | None:
        constant = self._constant(index)
        if constant is None:
            return None
        tensor = self.subgraph.tensors[index]
        known = _parameters(tensor, is_constant=True) if tensor.type in WEIGHTS else None
        return None if known is None and tensor.type in WEIGHTS else Mark(index, known, constant)

    def _constant(self, index: int) -> NDArray[np.float32] | None:
        tensor = self.subgraph.tensors[index]
        data = constant_data(self.model, tensor)
        if data is None or tensor.type not in STORED or tensor.sparsity is not None or tensor.external_buffer:
            return None
        dtype = tensor.type.dtype
        assert dtype is not None
        stored = np.frombuffer(data, dtype, math.prod(tensor.shape)).reshape(tensor.shape)
        if tensor.type is TensorType.FLOAT16:
            return stored.astype(np.float32)
        return _real(stored, tensor.quantization)

    def _range(self, position: int, operator: Operator) -> Parameters:
        options: Mapping[str, Any] = dict(operator.options.entries) if operator.options else {}
        bits = options.get("num_bits", 0)
        if bits != 8:
            where = Location(subgraph=self.at, operator=position, operator_name="FAKE_QUANT")
            raise UnsupportedError(where, f"{bits} bits", "8")
        low, high = float(options.get("min", 0.0)), float(options.get("max", 0.0))
        return from_fake_quant(low, high, narrow=bool(options.get("narrow_range", False)))


def _parameters(tensor: Tensor, *, is_constant: bool) -> Parameters | None:
    """In int8, whatever the mark says; None where it cannot be said so."""
    known = tensor.quantization
    if known is None or not known.scale.size or known.details is not None:
        return None
    points = {int(point) for point in known.zero_point} or {0}
    if len(points) != 1:
        return None
    zero_point = points.pop() - (128 if tensor.type is TensorType.UINT8 else 0)
    axis = known.quantized_dimension if known.scale.size > 1 else None
    if axis is not None and tensor.shape[axis : axis + 1] != (known.scale.size,):
        return None
    scale = tuple(known.scale.astype(np.float64).tolist())
    is_narrow = is_constant and zero_point == 0
    return Parameters(TensorType.INT8, scale, zero_point, axis, is_narrow, is_given=True)


def _real(stored: NDArray[Any], known: Quantization | None) -> NDArray[np.float32] | None:
    if known is None or not known.scale.size or known.zero_point.size not in (0, 1, known.scale.size):
        return None
    shape = [1] * stored.ndim
    if known.scale.size > 1:
        if (
            known.quantized_dimension >= stored.ndim
            or stored.shape[known.quantized_dimension] != known.scale.size
        ):
            return None
        shape[known.quantized_dimension] = -1
    points = known.zero_point.reshape(shape if known.zero_point.size > 1 else [1] * stored.ndim)
    if not known.zero_point.size:
        points = np.zeros(1, np.int64)
    return np.asarray((stored - points).astype(np.float32) * known.scale.reshape(shape), np.float32)
