"""One operator, run as a model would run it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.model.limits import Limits
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph

Operand = tuple[ArrayLike, TensorType] | tuple[ArrayLike, TensorType, Quantization | None]


def compute_one(
    operator: str,
    operands: Sequence[Operand],
    output: tuple[TensorType] | tuple[TensorType, Quantization | None],
    options: object = None,
    *,
    constants: Sequence[int] = (),
    limits: Limits | None = None,
    kernels: str = "reference",
) -> NDArray[Any]:
    """The output of one operator; every operand is (values, type) or (values, type, parameters)."""
    graph = Graph()
    indices, arrays = [], []
    for position, (values, type, *parameters) in enumerate(operands):
        array = np.asarray(values, type.dtype)
        if position in constants:
            indices.append(graph.constant(array, type, *parameters))
        else:
            indices.append(graph.input(array.shape, type, *parameters))
            arrays.append(array)
    parameters = output[1] if len(output) > 1 else None
    # Several scales run along an axis, which must be there.
    shape = np.shape(operands[0][0]) if parameters is not None and parameters.scale.size > 1 else ()
    graph.operator(operator, indices, [graph.output(shape, *output)], options)
    (y,) = run(graph.model(), *arrays, kernels=kernels, limits=limits)
    return y


@pytest.fixture(scope="session")
def compute() -> Callable[..., NDArray[Any]]:
    """`compute_one`: the output of one operator."""
    return compute_one
