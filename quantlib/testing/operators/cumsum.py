"""Random CUMSUM models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import TensorType
from quantlib.ops.cumsum import CumsumOptions
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, cases


@cases("CUMSUM", "float32", "int32", "int64")
def plain(choices: Choices, configuration: str) -> Case:
    """Any axis, from either end; integers that wrap."""
    type = TensorType[configuration.upper()]
    shape = tuple(choices.integer(1, 7) for _ in range(choices.choice((3, 1, 2, 4, 5))))
    if type is TensorType.FLOAT32:
        x = reals(choices, shape)
        x = np.where(choices.generator().random(shape) < 0.1, np.float32(-0.0), x)
    else:
        info = np.iinfo(type.dtype or np.int32)
        x = integers(choices, shape, *choices.choice(((int(info.min), int(info.max)), (-9, 9))), info.dtype)
    axis = np.array(choices.integer(-len(shape), len(shape) - 1), np.int32)
    axis = axis.reshape(choices.choice(((), (1,))))
    options = CumsumOptions(choices.choice((False, True)), choices.choice((False, True)))
    graph = Graph()
    source = graph.input(shape, type)
    inputs: list[NDArray[Any]] = [x]
    if choices.choice((False, True)):
        along = graph.input(axis.shape, TensorType.INT32)
        inputs.append(axis)
    else:
        along = graph.constant(axis, TensorType.INT32)
    graph.operator("CUMSUM", [source, along], [graph.output((), type)], options)
    return graph.finished(*inputs)
