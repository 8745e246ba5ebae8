"""`TFLiteConverter`: the names and combinations of TensorFlow's converter, for a float .tflite.

=====================================  ===================================================
optimizations and data set             result
=====================================  ===================================================
none                                   the model as it is
[DEFAULT]                              dynamic range
[DEFAULT], supported_types=[float16]   float16
[DEFAULT], representative_dataset      int8, inputs and outputs of the types asked for
the same, ACTIVATIONS_INT16 ops        int16 activations, int8 weights
=====================================  ===================================================

Source: tensorflow lite/python/lite.py (TFLiteConverterV2), measured with TensorFlow 2.21.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from quantlib.errors import InvalidInputError, Location, UnsupportedError
from quantlib.flatbuffer.load import read_model
from quantlib.flatbuffer.read import Source
from quantlib.flatbuffer.write import write_model
from quantlib.model.graph import Model, TensorType
from quantlib.quantizer.quantize import quantize_model
from quantlib.quantizer.recipes import DynamicRange, Float16, FullInteger, Int16x8, Recipe, tensor_type
from quantlib.quantizer.report import Report
from quantlib.quantizer.requests import require_float

__all__ = ["OpsSet", "Optimize", "TFLiteConverter", "TargetSpec"]


class Optimize(enum.Enum):
    """What to optimize for. All of them mean the same, in TensorFlow too."""

    DEFAULT = "DEFAULT"
    OPTIMIZE_FOR_SIZE = "OPTIMIZE_FOR_SIZE"
    OPTIMIZE_FOR_LATENCY = "OPTIMIZE_FOR_LATENCY"


class OpsSet(enum.Enum):
    """Which operators the new model may hold."""

    TFLITE_BUILTINS = "TFLITE_BUILTINS"
    TFLITE_BUILTINS_INT8 = "TFLITE_BUILTINS_INT8"
    EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 = (
        "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"
    )
    SELECT_TF_OPS = "SELECT_TF_OPS"


@dataclass(slots=True)
class TargetSpec:
    """What the target runs.

    Parameters
    ----------
    supported_ops : collection of OpsSet
    supported_types : collection of dtypes
        [float16] asks for float16 constants.
    """

    supported_ops: Collection[OpsSet] = (OpsSet.TFLITE_BUILTINS,)
    supported_types: Collection[DTypeLike] = ()


@dataclass(slots=True)
class TFLiteConverter:
    """A float model, and how to convert it; set the attributes, then call `convert`.

    Parameters
    ----------
    model : Model
        In float; `from_flatbuffer` reads one.
    optimizations : sequence of Optimize
    representative_dataset : callable or iterable, optional
        Samples to calibrate on, as `quantlib.calibrate` takes them.
    target_spec : TargetSpec
    inference_input_type, inference_output_type : dtype
    allow_custom_ops : bool
    report : Report, optional
        What the last conversion left in float.

    Examples
    --------
    ::

        converter = ql.TFLiteConverter.from_flatbuffer("float.tflite")
        converter.optimizations = [ql.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [ql.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = np.uint8
        data = converter.convert()
    """

    model: Model
    optimizations: Sequence[Optimize] = ()
    representative_dataset: Callable[[], Iterable[Any]] | Iterable[Any] | None = None
    target_spec: TargetSpec = field(default_factory=TargetSpec)
    inference_input_type: DTypeLike = np.float32
    inference_output_type: DTypeLike = np.float32
    allow_custom_ops: bool = False
    report: Report | None = None
    _experimental_disable_per_channel: bool = False
    _experimental_disable_per_channel_quantization_for_dense_layers: bool = False
    _experimental_full_integer_quantization_bias_type: DTypeLike = np.int64

    @classmethod
    def from_flatbuffer(cls, source: Source) -> TFLiteConverter:
        """A converter of a .tflite file.

        Parameters
        ----------
        source : str, os.PathLike, bytes-like, or binary file object

        Raises
        ------
        MalformedModelError, InvalidModelError, LimitExceededError
            As `quantlib.read_model`.
        """
        return cls(read_model(source))

    def convert(self) -> bytes:
        """The converted model, as the bytes of a .tflite file.

        Raises
        ------
        InvalidInputError
            A combination that TensorFlow refuses, too: integers only without a data set; integer
            inputs or outputs without a data set or without an optimization; types that the
            recipe does not have. A data set without samples, for which TensorFlow silently gives
            the float model.
        UnsupportedError
            int16 activations asked for without TFLITE_BUILTINS, and an operator that has none; a
            custom operator without `allow_custom_ops`.
        """
        self._check_custom_operators()
        recipe = self._recipe()
        if recipe is None:
            self.report = None
            return write_model(self.model)
        ranges = None
        if isinstance(recipe, FullInteger | Int16x8):
            from quantlib.calibration.calibrate import calibrate

            assert self.representative_dataset is not None  # else there would be another recipe
            require_float(self.model)
            ranges = calibrate(self.model, self.representative_dataset, tf_compat=True)
        result = quantize_model(self.model, recipe, ranges)
        self.report = result.report
        return write_model(result.model)

    def _recipe(self) -> Recipe | None:
        """The recipe that the attributes describe; None for the model as it is."""
        ops = _members(self.target_spec.supported_ops, OpsSet, "target_spec.supported_ops")
        optimizations = _members(self.optimizations, Optimize, "optimizations")
        wants_int16 = OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 in ops
        wants_integers_only = ops == {OpsSet.TFLITE_BUILTINS_INT8} or wants_int16
        has_data = self.representative_dataset is not None
        if optimizations and wants_integers_only and not has_data:
            wanted = "samples: full integer quantization needs a representative_dataset"
            raise InvalidInputError("representative_dataset", None, wanted)
        wants_float16 = self._wants_float16()
        if not optimizations or not has_data or wants_float16:
            self._require_float_ends()
        if not optimizations:
            return None
        if wants_float16:
            return Float16()
        channels = {
            "per_channel": not self._experimental_disable_per_channel,
            "per_channel_dense": not self._experimental_disable_per_channel_quantization_for_dense_layers,
        }
        if not has_data:
            return DynamicRange(**channels)
        if wants_int16:
            return Int16x8(
                self.inference_input_type,
                self.inference_output_type,
                self._experimental_full_integer_quantization_bias_type,
                strict=OpsSet.TFLITE_BUILTINS not in ops,
                **channels,
            )
        return FullInteger(self.inference_input_type, self.inference_output_type, **channels)

    def _wants_float16(self) -> bool:
        wanted = (TensorType.FLOAT16, TensorType.FLOAT32, TensorType.INT8)
        types = [
            tensor_type(given, "target_spec.supported_types", wanted)
            for given in self.target_spec.supported_types
        ]
        return TensorType.FLOAT16 in types

    def _require_float_ends(self) -> None:
        for name in ("inference_input_type", "inference_output_type"):
            tensor_type(getattr(self, name), name, (TensorType.FLOAT32,))

    def _check_custom_operators(self) -> None:
        custom = [code.name for code in self.model.operator_codes if code.is_custom]
        if custom and not self.allow_custom_ops:
            raise UnsupportedError(
                Location(operator_name=custom[0]),
                "a custom operator",
                "builtin operators, or allow_custom_ops",
            )


def _members(given: Collection[Any], kind: type[enum.Enum], argument: str) -> set[Any]:
    """The members of an enum that a caller listed, also by value."""
    known = {member.value: member for member in kind}
    found = set()
    for member in (given,) if isinstance(given, str | enum.Enum) else given:
        value = getattr(member, "value", member)
        if not isinstance(value, str) or value not in known:
            raise InvalidInputError(argument, repr(member)[:80], f"members of {kind.__name__}")
        found.add(known[value])
    return found
