"""Random SOFTMAX and LOG_SOFTMAX models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.ops.log_softmax import LogSoftmaxOptions
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, cases, quantization


def _shape(choices: Choices) -> tuple[int, ...]:
    """Any rank; rows of one element to some hundred."""
    leading = [choices.integer(1, 4) for _ in range(choices.choice((1, 0, 2, 3)))]
    return (*leading, choices.choice((10, 1, 2, choices.integer(1, 40), choices.integer(100, 500))))


def _codes(choices: Choices, type: TensorType) -> NDArray[Any]:
    """Spread codes, or close ones, which make large sums."""
    assert type.dtype is not None
    info = np.iinfo(type.dtype)
    low, high = int(info.min), int(info.max)
    if choices.integer(0, 2) == 0:
        middle = choices.integer(low, high)
        low, high = max(low, middle - 5), min(high, middle + 5)
    return integers(choices, _shape(choices), low, high, info.dtype)


def _input_parameters(choices: Choices, type: TensorType) -> Quantization:
    """From scales on which one code decides everything to scales on which none does."""
    scale = 10.0 ** choices.real(-4.0, 0.0)
    if choices.choice((False, True)):
        scale = 2.0 ** round(np.log2(scale))
    if choices.integer(0, 9) == 0:
        scale = choices.choice((40.0, 15.5, 1e-6, 31.99))
    if type is TensorType.INT16:
        return quantization(scale * 2.0 ** choices.integer(-8, 0))
    low, high = (0, 255) if type is TensorType.UINT8 else (-128, 127)
    return quantization(scale, choices.integer(low, high))


def _beta(choices: Choices) -> float:
    return choices.choice((1.0, 1.0, 0.5, float(np.float32(choices.real(0.05, 3.0)))))


def _real(choices: Choices, type: TensorType) -> NDArray[Any]:
    x = reals(choices, _shape(choices), choices.choice((1.0, 5.0, 30.0)))
    if choices.integer(0, 4) == 0:
        random = choices.generator()
        special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38], np.float32)
        x = np.where(random.random(x.shape) < 0.01, random.choice(special, x.shape), x)
    with np.errstate(over="ignore"):
        return np.asarray(x, type.dtype)


_OUTPUTS = {
    "int8": (TensorType.INT8, quantization(1 / 256, -128)),
    "uint8": (TensorType.UINT8, quantization(1 / 256, 0)),
    "int16": (TensorType.INT16, quantization(1 / 32768, 0)),
    "int8 to int16": (TensorType.INT16, quantization(1 / 65536, -32768)),
    "uint8 to int16": (TensorType.INT16, quantization(1 / 65536, -32768)),
}


@cases("SOFTMAX", *_OUTPUTS)
def softmax(choices: Choices, configuration: str) -> Case:
    """Rows of codes; output parameters as the operator demands."""
    type = TensorType[configuration.split(maxsplit=1)[0].upper()]
    x = _codes(choices, type)
    graph = Graph()
    source = graph.input(x.shape, type, _input_parameters(choices, type))
    target = graph.output((), *_OUTPUTS[configuration])
    graph.operator("SOFTMAX", [source], [target], SoftmaxOptions(_beta(choices)), version=2)
    return graph.finished(x)


@cases("SOFTMAX", "float32", "float16")
def real_softmax(choices: Choices, configuration: str) -> Case:
    """Rows of real numbers."""
    type = TensorType[configuration.upper()]
    x = _real(choices, type)
    graph = Graph()
    source, target = graph.input(x.shape, type), graph.output((), type)
    graph.operator("SOFTMAX", [source], [target], SoftmaxOptions(_beta(choices)))
    return graph.finished(x)


@cases("LOG_SOFTMAX", "int8", "uint8")
def log_softmax(choices: Choices, configuration: str) -> Case:
    """Rows of codes; output parameters as the operator demands."""
    type = TensorType[configuration.upper()]
    x = _codes(choices, type)
    graph = Graph()
    source = graph.input(x.shape, type, _input_parameters(choices, type))
    target = graph.output((), type, quantization(16 / 256, 127 if type is TensorType.INT8 else 255))
    graph.operator("LOG_SOFTMAX", [source], [target], LogSoftmaxOptions(), version=2)
    return graph.finished(x)


@cases("LOG_SOFTMAX", "float32")
def real_log_softmax(choices: Choices, configuration: str) -> Case:
    """Rows of real numbers."""
    x = _real(choices, TensorType.FLOAT32)
    graph = Graph()
    source, target = graph.input(x.shape, TensorType.FLOAT32), graph.output((), TensorType.FLOAT32)
    graph.operator("LOG_SOFTMAX", [source], [target], LogSoftmaxOptions())
    return graph.finished(x)
