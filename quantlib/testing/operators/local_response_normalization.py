"""Random LOCAL_RESPONSE_NORMALIZATION models."""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops.local_response_normalization import LocalResponseNormalizationOptions
from quantlib.testing.choices import Choices, reals
from quantlib.testing.single_operator import Case, Graph, cases


@cases("LOCAL_RESPONSE_NORMALIZATION", "float32")
def real(choices: Choices, configuration: str) -> Case:
    """Neighbourhoods from none to more than there are channels."""
    shape = (choices.integer(1, 2), choices.integer(1, 4), choices.integer(1, 4), choices.integer(1, 12))
    options = LocalResponseNormalizationOptions(
        radius=choices.choice((5, 0, 1, 2, 20, -1)),
        bias=choices.choice((1.0, 2.0, 0.1, 0.0, -0.5)),
        alpha=choices.choice((1.0, 1e-4, choices.real(0.0, 3.0))),
        beta=choices.choice((0.5, 0.75, 1.0, 2.0, choices.real(-1.0, 3.0))),
    )
    graph = Graph()
    source, target = graph.input(shape, TensorType.FLOAT32), graph.output((), TensorType.FLOAT32)
    graph.operator("LOCAL_RESPONSE_NORMALIZATION", [source], [target], options)
    return graph.finished(reals(choices, shape, choices.choice((1.0, 100.0, 1e20))))
