"""Random LOCAL_RESPONSE_NORMALIZATION models."""

from __future__ import annotations

from quantlib.model.graph import TensorType
from quantlib.ops.local_response_normalization import LocalResponseNormalizationOptions
from quantlib.testing.choices import Choices, reals
from quantlib.testing.single_operator import Case, Graph, cases


@cases("LOCAL_RESPONSE_NORMALIZATION", "float32", "float32 root")
def reciprocal(choices: Choices, configuration: str) -> Case:
    """Exponents of which the optimized kernel makes reciprocals."""
    return _case(choices, choices.choice((5, 0, 1, 2, 20)), 0.5 if configuration.endswith("root") else 1.0)


@cases("LOCAL_RESPONSE_NORMALIZATION", "float32 power", unclaimed=("optimized", "xnnpack"))
def power(choices: Choices, configuration: str) -> Case:
    """Any exponent: Eigen's powers are not reproduced, and negative radii break the optimized kernel."""
    beta = choices.choice((0.5, 0.75, 1.0, 2.0, choices.real(-1.0, 3.0)))
    return _case(choices, choices.choice((5, 0, 1, 2, 20, -1)), beta)


def _case(choices: Choices, radius: int, beta: float) -> Case:
    """Neighbourhoods from none to more than there are channels."""
    shape = (choices.integer(1, 2), choices.integer(1, 4), choices.integer(1, 4), choices.integer(1, 12))
    options = LocalResponseNormalizationOptions(
        radius=radius,
        bias=choices.choice((1.0, 2.0, 0.1, 0.0, -0.5)),
        alpha=choices.choice((1.0, 1e-4, choices.real(0.0, 3.0))),
        beta=beta,
    )
    graph = Graph()
    source, target = graph.input(shape, TensorType.FLOAT32), graph.output((), TensorType.FLOAT32)
    graph.operator("LOCAL_RESPONSE_NORMALIZATION", [source], [target], options)
    return graph.finished(reals(choices, shape, choices.choice((1.0, 100.0, 1e20))))
