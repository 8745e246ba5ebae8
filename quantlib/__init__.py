"""Every bit of a quantized TFLite model, from NumPy alone.

    >>> import numpy as np
    >>> import quantlib as ql
    >>> p = ql.QuantizationParameters(scale=0.05, zero_point=-3, dtype=np.int8)
    >>> ql.quantize(np.array([0.0, 0.3, -7.0]), p).tolist()
    [-3, 3, -128]

Names are imported when they are first used, so that ``import quantlib`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quantlib._version import __version__
from quantlib.errors import (
    InvalidInputError,
    InvalidModelError,
    LimitExceededError,
    MalformedModelError,
    OracleError,
    QuantlibError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from quantlib.affine.fake_quant import fake_quant, fake_quant_gradient
    from quantlib.affine.float16 import to_float16
    from quantlib.affine.parameters import QuantizationParameters
    from quantlib.affine.quantize import dequantize, quantize
    from quantlib.affine.quantize_and_dequantize import quantize_and_dequantize
    from quantlib.affine.range_dequantize import range_dequantize
    from quantlib.affine.range_quantize import range_quantize
    from quantlib.affine.requantize import requantize
    from quantlib.calibration import observers
    from quantlib.calibration.calibrate import calibrate
    from quantlib.calibration.ranges import Ranges
    from quantlib.compiler.program import Program, compile_model
    from quantlib.evaluation.evaluate import evaluate
    from quantlib.evaluation.layers import layer_errors
    from quantlib.flatbuffer.load import read_model
    from quantlib.flatbuffer.save import save_model
    from quantlib.flatbuffer.write import write_model
    from quantlib.kernel_sets import KernelSet
    from quantlib.model.graph import Model
    from quantlib.model.limits import Limits
    from quantlib.oracle.compare import compare
    from quantlib.quantizer import recipes
    from quantlib.quantizer.converter import OpsSet, Optimize, TFLiteConverter
    from quantlib.quantizer.quantize import quantize_model
    from quantlib.runtime.claims import unclaimed
    from quantlib.runtime.execute import run
    from quantlib.runtime.interpreter import Interpreter, OpResolverType

_HOMES = {
    "Interpreter": "quantlib.runtime.interpreter",
    "KernelSet": "quantlib.kernel_sets",
    "Limits": "quantlib.model.limits",
    "Model": "quantlib.model.graph",
    "OpResolverType": "quantlib.runtime.interpreter",
    "OpsSet": "quantlib.quantizer.converter",
    "Optimize": "quantlib.quantizer.converter",
    "Program": "quantlib.compiler.program",
    "QuantizationParameters": "quantlib.affine.parameters",
    "Ranges": "quantlib.calibration.ranges",
    "TFLiteConverter": "quantlib.quantizer.converter",
    "calibrate": "quantlib.calibration.calibrate",
    "compare": "quantlib.oracle.compare",
    "compile_model": "quantlib.compiler.program",
    "dequantize": "quantlib.affine.quantize",
    "evaluate": "quantlib.evaluation.evaluate",
    "fake_quant": "quantlib.affine.fake_quant",
    "fake_quant_gradient": "quantlib.affine.fake_quant",
    "layer_errors": "quantlib.evaluation.layers",
    "quantize": "quantlib.affine.quantize",
    "quantize_and_dequantize": "quantlib.affine.quantize_and_dequantize",
    "quantize_model": "quantlib.quantizer.quantize",
    "range_dequantize": "quantlib.affine.range_dequantize",
    "range_quantize": "quantlib.affine.range_quantize",
    "read_model": "quantlib.flatbuffer.load",
    "requantize": "quantlib.affine.requantize",
    "run": "quantlib.runtime.execute",
    "save_model": "quantlib.flatbuffer.save",
    "to_float16": "quantlib.affine.float16",
    "unclaimed": "quantlib.runtime.claims",
    "write_model": "quantlib.flatbuffer.write",
}
"""Where each public name lives."""

_MODULES = {
    "observers": "quantlib.calibration.observers",
    "recipes": "quantlib.quantizer.recipes",
}
"""Modules that are public as they are."""

__all__ = [
    "Interpreter",
    "InvalidInputError",
    "InvalidModelError",
    "KernelSet",
    "LimitExceededError",
    "Limits",
    "MalformedModelError",
    "Model",
    "OpResolverType",
    "OpsSet",
    "Optimize",
    "OracleError",
    "Program",
    "QuantizationParameters",
    "QuantlibError",
    "Ranges",
    "TFLiteConverter",
    "UnsupportedError",
    "__version__",
    "calibrate",
    "compare",
    "compile_model",
    "dequantize",
    "evaluate",
    "fake_quant",
    "fake_quant_gradient",
    "layer_errors",
    "observers",
    "quantize",
    "quantize_and_dequantize",
    "quantize_model",
    "range_dequantize",
    "range_quantize",
    "read_model",
    "recipes",
    "requantize",
    "run",
    "save_model",
    "to_float16",
    "unclaimed",
    "write_model",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name in _MODULES:
        value: Any = importlib.import_module(_MODULES[name])
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'quantlib' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
