"""Random models of the operators that map every element by one function."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.ops.cos import CosOptions
from quantlib.ops.exp import ExpOptions
from quantlib.ops.gelu import GeluOptions
from quantlib.ops.hard_swish import HardSwishOptions
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, cases, quantization


def _shape(choices: Choices) -> tuple[int, ...]:
    return tuple(choices.integer(1, 6) for _ in range(choices.choice((4, 3, 2, 1, 0))))


def _codes(choices: Choices, type: TensorType) -> NDArray[Any]:
    """All 256 codes of 8 bits, or many of 16; else a few in any shape."""
    assert type.dtype is not None
    info = np.iinfo(type.dtype)
    low, high = int(info.min), int(info.max)
    if choices.choice((False, True)):
        return integers(choices, _shape(choices), low, high, info.dtype)
    if info.bits == 8:
        return np.arange(low, high + 1).astype(info.dtype).reshape(2, 128)
    start = choices.integer(0, 63)
    return np.arange(low + start, high + 1, 64).astype(info.dtype)


def _numbers(choices: Choices, type: TensorType) -> NDArray[Any]:
    """Numbers of every size; among them, at times, what is not finite."""
    shape = _shape(choices) if choices.choice((False, True)) else (choices.integer(1, 200),)
    x = reals(choices, shape, choices.choice((1.0, 5.0, 30.0)))
    random = choices.generator()
    if choices.integer(0, 2) == 0:
        special = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-39, 88.7, -87.4, -103.9, 1e30, -9.0, 16.62]
        x = np.where(random.random(shape) < 0.3, random.choice(np.array(special, np.float32), shape), x)
    with np.errstate(over="ignore"):
        return np.asarray(x, type.dtype)


def _parameters(choices: Choices, type: TensorType, reach: float) -> Quantization:
    """Codes that reach about as far as that, with any zero point."""
    bits = 16 if type is TensorType.INT16 else 8
    scale = reach * 2.0 ** choices.real(-1.0, 1.0) / 2 ** (bits - 1)
    if choices.choice((False, True)):
        scale = 2.0 ** round(np.log2(scale))
    if type is TensorType.INT16:
        return quantization(scale)
    low, high = (0, 255) if type is TensorType.UINT8 else (-128, 127)
    return quantization(scale, choices.choice((low, high, (low + high) // 2, choices.integer(low, high))))


def _case(
    operator: str,
    type: TensorType,
    x: NDArray[Any],
    parameters: Quantization | None = None,
    output: Quantization | None = None,
    options: object = None,
    kernels: str = "reference",
) -> Case:
    graph = Graph()
    source, target = graph.input(x.shape, type, parameters), graph.output((), type, output)
    graph.operator(operator, [source], [target], options)
    return graph.finished(x, kernels=kernels)


def _type(configuration: str) -> TensorType:
    return TensorType[configuration.split(maxsplit=1)[0].upper()]


def _real(choices: Choices, operator: str, configuration: str, options: object = None) -> Case:
    type = _type(configuration)
    return _case(operator, type, _numbers(choices, type), options=options)


@cases("LOGISTIC", "float32")
def float32_logistic(choices: Choices, configuration: str) -> Case:
    """Real numbers."""
    return logistic(choices, configuration)


@cases("LOGISTIC", "float16", unclaimed=("xnnpack",))
def logistic(choices: Choices, configuration: str) -> Case:
    """Real numbers; of float16 XNNPACK multiplies by an estimate that is the vendor's."""
    return _real(choices, "LOGISTIC", configuration)


@cases("TANH", "float32", "float16")
def tanh(choices: Choices, configuration: str) -> Case:
    """Real numbers."""
    return _real(choices, "TANH", configuration)


@cases("EXP", "float32")
def exp(choices: Choices, configuration: str) -> Case:
    """Real numbers."""
    return _real(choices, "EXP", configuration, ExpOptions())


@cases("LOG", "float32 finite")
def finite_log(choices: Choices, configuration: str) -> Case:
    """Real numbers without infinities and NaN."""
    x = _numbers(choices, TensorType.FLOAT32)
    return _case("LOG", TensorType.FLOAT32, np.where(np.isfinite(x), x, np.float32(2)))


@cases("LOG", "float32")
def log(choices: Choices, configuration: str) -> Case:
    """Real numbers, negative ones among them."""
    return _real(choices, "LOG", configuration)


@cases("ELU", "float32", oracle="optimized")
def elu(choices: Choices, configuration: str) -> Case:
    """Real numbers."""
    return _real(choices, "ELU", configuration)


@cases("SIN", "float32", "float16")
def sin(choices: Choices, configuration: str) -> Case:
    """Real numbers."""
    return _real(choices, "SIN", configuration)


@cases("COS", "float32", "float16")
def cos(choices: Choices, configuration: str) -> Case:
    """Real numbers."""
    return _real(choices, "COS", configuration, CosOptions())


@cases("HARD_SWISH", "float32")
def hard_swish(choices: Choices, configuration: str) -> Case:
    """Real numbers."""
    return _real(choices, "HARD_SWISH", configuration, HardSwishOptions())


@cases("GELU", "float32", "float32 approximate", "float16", "float16 approximate")
def gelu(choices: Choices, configuration: str) -> Case:
    """Real numbers."""
    return _real(choices, "GELU", configuration, GeluOptions(configuration.endswith("approximate")))


@cases("GELU", *(f"{type}{mode}" for type in ("int8", "uint8", "int16") for mode in ("", " approximate")))
def quantized_gelu(choices: Choices, configuration: str) -> Case:
    """Output ranges about as large as the input's."""
    type = _type(configuration)
    reach = choices.real(0.5, 8.0)
    options = GeluOptions(configuration.endswith("approximate"))
    parameters, output = _parameters(choices, type, reach), _parameters(choices, type, reach)
    return _case("GELU", type, _codes(choices, type), parameters, output, options)


@cases("LOGISTIC", "int8", "uint8", "int16", "int16 power of two")
def quantized_logistic(choices: Choices, configuration: str) -> Case:
    """The output's parameters are given, but for the zero point of 8 bits."""
    type = _type(configuration)
    parameters = _parameters(choices, type, choices.choice((8.0, 1.0, 100.0)))
    given = -128 if type is TensorType.INT8 else 0
    output = quantization(
        1 / 256, choices.choice((given, int(_parameters(choices, type, 1.0).zero_point[0])))
    )
    if type is TensorType.INT16:
        output = quantization(1 / 32768)
    if configuration.endswith("two"):
        # Scales within 0.07 % of a power of two count as one.
        parameters = quantization(2.0 ** choices.integer(-14, -10) * choices.choice((1.0, 1.0005, 0.9994)))
    return _case("LOGISTIC", type, _codes(choices, type), parameters, output)


_OTHERS = ("reference", "optimized")


@cases("LOGISTIC", "int8 any scale", "uint8 any scale", unclaimed=_OTHERS)
def any_logistic(choices: Choices, configuration: str) -> Case:
    """XNNPACK alone takes any output scale."""
    type = _type(configuration)
    parameters, output = _parameters(choices, type, 8.0), _parameters(choices, type, 1.0)
    return _case("LOGISTIC", type, _codes(choices, type), parameters, output, kernels="xnnpack")


@cases("TANH", "int8", "uint8", "int16", "int16 power of two")
def quantized_tanh(choices: Choices, configuration: str) -> Case:
    """The output's parameters are given for int16, and free for 8 bits."""
    type = _type(configuration)
    parameters = _parameters(choices, type, choices.choice((4.0, 1.0, 100.0)))
    output = _parameters(choices, type, 1.0)
    if type is TensorType.INT16:
        output = quantization(choices.choice((1.0, 1.0005, 0.9995)) / 32768)
    if configuration.endswith("two"):
        parameters = quantization(2.0 ** choices.integer(-14, -10) * choices.choice((1.0, 1.0005, 0.9994)))
    return _case("TANH", type, _codes(choices, type), parameters, output)


@cases("EXP", "int8", "int16")
def quantized_exp(choices: Choices, configuration: str) -> Case:
    """Output ranges about as large as the exponential of the input's middle."""
    type = _type(configuration)
    reach = choices.real(0.5, 12.0)
    output = _parameters(choices, type, float(np.exp(reach * choices.real(-0.2, 1.0))))
    return _case("EXP", type, _codes(choices, type), _parameters(choices, type, reach), output, ExpOptions())


@cases("LOG", "int8", "int16")
def quantized_log(choices: Choices, configuration: str) -> Case:
    """Half of the inputs have no logarithm unless the zero point says otherwise."""
    type = _type(configuration)
    reach = float(np.exp(choices.real(-4.0, 8.0)))
    return _case(
        "LOG", type, _codes(choices, type), _parameters(choices, type, reach), _parameters(choices, type, 6.0)
    )


@cases("ELU", "int8", oracle="optimized")
def quantized_elu(choices: Choices, configuration: str) -> Case:
    """Output ranges about as large as the input's."""
    type = _type(configuration)
    reach = choices.real(0.5, 8.0)
    output = _parameters(choices, type, max(reach, 1.0))
    return _case("ELU", type, _codes(choices, type), _parameters(choices, type, reach), output)


@cases("HARD_SWISH", "int8", "uint8")
def quantized_hard_swish(choices: Choices, configuration: str) -> Case:
    """Ramps that are shifted left and right; now and then so far that 16 bits end."""
    type = _type(configuration)
    reach = choices.choice((3.0, 8.0, 40.0, choices.real(0.1, 300.0), 1e-6))
    parameters = _parameters(choices, type, reach)
    growth = choices.choice((1.0, 1.0, 0.25, 1000.0))
    output = _parameters(choices, type, reach * growth)
    if output.scale[0] * 128 <= parameters.scale[0]:
        output = quantization(float(parameters.scale[0]), output.zero_point)
    return _case("HARD_SWISH", type, _codes(choices, type), parameters, output, HardSwishOptions())
