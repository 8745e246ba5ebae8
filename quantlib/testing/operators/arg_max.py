"""Random ARG_MAX and ARG_MIN models."""

from __future__ import annotations

import numpy as np

from quantlib.model.graph import TensorType
from quantlib.ops.arg_max import ArgMaxOptions, ArgMinOptions
from quantlib.testing.choices import Choices
from quantlib.testing.operators._movement import Movement, axis, extents
from quantlib.testing.operators._operands import TYPES, numbers
from quantlib.testing.single_operator import Case, cases

_CONFIGURATIONS = ("float32", "float32 with NaN", "int8", "uint8", "int32", "bool")


def _model(choices: Choices, configuration: str, operator: str, options: type) -> Case:
    """Many ties, and axes long enough for vector instructions."""
    movement = Movement.of(choices, TYPES[configuration.split(maxsplit=1)[0]])
    shape = extents(choices, 1, 5)
    along = axis(choices, len(shape))
    shape[along] = choices.choice((shape[along], choices.integer(1, 70)))
    x = numbers(choices, tuple(shape), movement.type)
    if configuration.endswith("NaN"):
        random = choices.generator()
        x = random.choice(np.array([1, 2, 3, 0, -0.0, np.inf, -np.inf], np.float32), shape)
        x = np.where(random.random(shape) < choices.choice((0.1, 0.5, 0.9)), np.float32(np.nan), x)
    elif movement.type is not TensorType.BOOL and choices.choice((False, True)):
        x = np.asarray(x % 4, x.dtype) if x.dtype.kind != "f" else np.rint(np.clip(np.nan_to_num(x), -3, 3))
    movement.add(np.asarray(x), movement.type, movement.quantization, constant=False)
    movement.index_parameter([along])
    wanted = choices.choice((TensorType.INT32, TensorType.INT64))
    return movement.finished(operator, options(wanted), type=wanted, version=2)


@cases("ARG_MAX", *_CONFIGURATIONS)
def arg_max(choices: Choices, configuration: str) -> Case:
    """The largest."""
    return _model(choices, configuration, "ARG_MAX", ArgMaxOptions)


@cases("ARG_MIN", *_CONFIGURATIONS)
def arg_min(choices: Choices, configuration: str) -> Case:
    """The smallest."""
    return _model(choices, configuration, "ARG_MIN", ArgMinOptions)
