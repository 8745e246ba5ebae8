"""Random L2_NORMALIZATION models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.l2_normalization import L2NormOptions
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, cases, quantization, random_quantization


def _shape(choices: Choices) -> tuple[int, ...]:
    leading = [choices.integer(1, 5) for _ in range(choices.choice((1, 0, 2, 3)))]
    return (*leading, choices.choice((3, 1, 2, choices.integer(1, 60))))


@cases("L2_NORMALIZATION", "int8", "uint8")
def quantized(choices: Choices, configuration: str) -> Case:
    """Rows of codes, some of them all zero or nearly so."""
    type = TensorType[configuration.upper()]
    shape, parameters = _shape(choices), random_quantization(choices, type)
    low, high = (0, 255) if type is TensorType.UINT8 else (-128, 127)
    zero_point = int(parameters.zero_point[0])
    near = (max(low, zero_point - 1), min(high, zero_point + 1))
    x = integers(choices, shape, *choices.choice(((low, high), (low, high), near)), type.dtype or np.int8)
    graph = Graph()
    source = graph.input(shape, type, parameters)
    target = graph.output((), type, quantization(1 / 128, 128 if type is TensorType.UINT8 else 0))
    graph.operator("L2_NORMALIZATION", [source], [target], L2NormOptions(), version=2)
    return graph.finished(x)


@cases("L2_NORMALIZATION", "float32")
def real(choices: Choices, configuration: str) -> Case:
    """Rows of real numbers, some of them tiny."""
    shape = _shape(choices)
    x = reals(choices, shape, choices.choice((1.0, 1e-7, 1e19)))
    if choices.integer(0, 4) == 0:
        random = choices.generator()
        special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30], np.float32)
        x = np.where(random.random(shape) < 0.2, random.choice(special, shape), x)
    graph = Graph()
    source, target = graph.input(shape, TensorType.FLOAT32), graph.output((), TensorType.FLOAT32)
    graph.operator("L2_NORMALIZATION", [source], [target], L2NormOptions())
    return graph.finished(np.asarray(x, np.float32))
