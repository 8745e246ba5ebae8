"""Random MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY and REDUCE_ALL models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantlib.model.graph import Quantization, TensorType
from quantlib.ops._reduce import ReducerOptions
from quantlib.testing.choices import Choices, integers, reals
from quantlib.testing.single_operator import Case, Graph, cases, quantization, random_quantization

_CODES = ("int8", "uint8", "int16")


def _shape(choices: Choices, *, largest: int = 7, empty: bool = True) -> tuple[int, ...]:
    """Ranks 0 to 5, among them extents of 1 and, rarely and where allowed, 0."""
    rank = choices.choice((4, 3, 2, 1, 0, 5))
    shape = [choices.integer(1, largest if rank < 5 else 3) for _ in range(rank)]
    if empty and rank and choices.integer(0, 19) == 0:
        shape[choices.integer(0, rank - 1)] = 0
    return tuple(shape)


def _axis(choices: Choices, rank: int) -> NDArray[np.int32]:
    """Axes in any order, from either end, repeated or none at all; the tensor itself of rank 0 to 2."""
    count = choices.integer(0, max(rank, 1)) if choices.integer(0, 4) else max(rank, 1)
    axes = [choices.integer(-rank, rank - 1) if rank else choices.integer(-9, 9) for _ in range(count)]
    if count == rank and choices.choice((False, True)):
        axes = list(range(rank))
    array = np.array(axes, np.int32)
    manner = choices.choice(("vector", "vector", "scalar", "matrix"))
    if manner == "scalar" and count == 1:
        return array.reshape(())
    return array.reshape(1, -1) if manner == "matrix" else array


def _data(
    choices: Choices, shape: tuple[int, ...], type: TensorType, *, special_numbers: bool = False
) -> NDArray[Any]:
    if type is TensorType.FLOAT32:
        x = reals(choices, shape)
        if special_numbers:
            special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, -0.0], np.float32)
            random = choices.generator()
            x = np.where(random.random(shape) < 0.5, random.choice(special, shape), x)
        return np.asarray(x, np.float32)
    if type is TensorType.BOOL:
        return np.asarray(choices.generator().random(shape) < choices.choice((0.5, 0.1, 0.9)))
    assert type.dtype is not None
    info = np.iinfo(type.dtype)
    low, high = choices.choice(((int(info.min), int(info.max)), (max(-9, int(info.min)), 9)))
    return integers(choices, shape, low, high, info.dtype)


def _case(
    choices: Choices,
    operator: str,
    x: NDArray[Any],
    axis: NDArray[np.int32],
    type: TensorType,
    parameters: Quantization | None = None,
    output: Quantization | None = None,
    keep_dims: bool | None = None,
) -> Case:
    """The axes are a constant or an input; so, more rarely, is the data."""
    sums_int16 = operator == "SUM" and type is TensorType.INT16  # refused in the reference kernels
    graph = Graph()
    inputs = [x]
    # Prepare folds products of constants, and cannot do so for bool.
    if x.size and type is not TensorType.BOOL and choices.integer(0, 9) == 0:
        source, inputs = graph.constant(x, type, parameters), []
    else:
        source = graph.input(x.shape, type, parameters)
    if x.size == 0:
        # LiteRT's Python interpreter cannot return a dynamic tensor that is empty.
        axis = axis if axis.size else np.array([0], np.int32)
        axes = graph.constant(axis, TensorType.INT32)
    elif choices.choice((False, False, True)):
        axes = graph.input(axis.shape, TensorType.INT32)
        inputs = [*inputs, axis]
    elif not x.ndim and axis.size:
        # The XNNPACK delegate fails with every other constant axis of a scalar.
        axes = graph.constant(np.zeros(1, np.int32), TensorType.INT32)
    else:
        axes = graph.constant(axis, TensorType.INT32)
    target = graph.output((), type, output)
    options = ReducerOptions(keep_dims=choices.choice((False, True)) if keep_dims is None else keep_dims)
    version = 1 if operator in ("REDUCE_ANY", "REDUCE_ALL") else 2
    graph.operator(operator, [source, axes], [target], options, version=version)
    return graph.finished(*inputs, kernels="optimized" if sums_int16 else "reference")


def _requantizing(choices: Choices, operator: str, configuration: str) -> Case:
    """Output scales a few times the input's, or equal: sums then are ties as often as not."""
    type = TensorType[configuration.split(maxsplit=1)[0].upper()]
    shape = _shape(choices, empty=False)
    if configuration.endswith("empty"):
        shape = (*shape[:2], 0, *shape[2:])
    elif choices.integer(0, 3) == 0:
        shape = (1, choices.integer(1, 60), choices.integer(1, 60), 2)
    keep_dims = None
    axis = _axis(choices, len(shape))
    if configuration.endswith("images"):
        # The optimized MEAN takes 16 channels at a time, and the rest by another rule.
        channels = choices.choice((1, 15, 16, 17, 32, 33, 40, choices.integer(1, 70)))
        shape = (choices.integer(1, 2), choices.integer(1, 9), choices.integer(1, 9), channels)
        axis, keep_dims = np.array(choices.choice(((1, 2), (2, 1), (-2, -3), (1, 2, 1))), np.int32), True
    x = _data(choices, shape, type)
    parameters = random_quantization(choices, type)
    reduced = np.prod([shape[one] for one in set(axis.reshape(-1) % max(len(shape), 1))]) if shape else 1
    growth = float(max(reduced, 1)) if operator == "SUM" else choices.choice((1.0, 1.0, 0.25))
    ratio = choices.choice((1.0, choices.real(0.3, 3.0), 2.0 ** choices.integer(-3, 3)))
    zero_point = int(random_quantization(choices, type).zero_point[0])
    if type is not TensorType.INT16 and choices.integer(0, 3):
        # Means lie around the middle of the codes; let their images do so, too.
        middle = 0 if type is TensorType.INT8 else 128
        shifted = middle - (middle - int(parameters.zero_point[0])) / ratio
        zero_point = int(np.clip(round(shifted), middle - 128, middle + 127))
    output = quantization(float(parameters.scale[0]) * growth * ratio, zero_point)
    return _case(choices, operator, x, axis, type, parameters, output, keep_dims)


@cases("MEAN", *_CODES, "int8 images", "uint8 images")
def mean(choices: Choices, configuration: str) -> Case:
    """Means of codes, with rescaling."""
    return _requantizing(choices, "MEAN", configuration)


@cases("SUM", "int8", "uint8")
def sums(choices: Choices, configuration: str) -> Case:
    """Sums of codes, with rescaling."""
    return _requantizing(choices, "SUM", configuration)


@cases("SUM", "int16", unclaimed=("reference",))
def int16_sums(choices: Choices, configuration: str) -> Case:
    """Sums that only the optimized kernel knows."""
    return _requantizing(choices, "SUM", configuration)


@cases("SUM", "int8 empty", "uint8 empty", unclaimed=("optimized", "xnnpack"))
def empty_sums(choices: Choices, configuration: str) -> Case:
    """Nothing to sum: only the reference kernel says what that is."""
    return _requantizing(choices, "SUM", configuration)


@cases("MEAN", *(f"{type} empty" for type in _CODES), unclaimed=("xnnpack",))
def empty_means(choices: Choices, configuration: str) -> Case:
    """Nothing to sum: XNNPACK does not say what that is."""
    return _requantizing(choices, "MEAN", configuration)


def _plain(choices: Choices, operator: str, configuration: str) -> Case:
    type = TensorType[configuration.split(maxsplit=1)[0].upper()]
    special = configuration.endswith("special")
    shape = _shape(choices, empty=special or type is not TensorType.FLOAT32)
    if type is TensorType.FLOAT32 and choices.integer(0, 3) == 0:
        # Sums long enough to be added in several ways.
        shape = (choices.integer(1, 3), choices.integer(1, 5), choices.integer(1, 60))
    parameters = random_quantization(choices, type) if configuration in _CODES else None
    x = _data(choices, shape, type, special_numbers=special)
    return _case(choices, operator, x, _axis(choices, len(shape)), type, parameters, parameters)


@cases("MEAN", "float32 outer")
def outer_mean(choices: Choices, configuration: str) -> Case:
    """The last axis stays."""
    return _outer(choices, "MEAN")


@cases("MEAN", "float32", "float32 special")
def float32_mean(choices: Choices, configuration: str) -> Case:
    """The order in which XNNPACK adds along the last axis is that of the processor's vectors."""
    return _plain(choices, "MEAN", configuration)


@cases("MEAN", "int32", "int64")
def plain_mean(choices: Choices, configuration: str) -> Case:
    """Means without parameters."""
    return _plain(choices, "MEAN", configuration)


@cases("SUM", "float32 outer")
def outer_sum(choices: Choices, configuration: str) -> Case:
    """The last axis stays."""
    return _outer(choices, "SUM")


@cases("SUM", "float32", "float32 special")
def float32_sum(choices: Choices, configuration: str) -> Case:
    """The order in which XNNPACK adds along the last axis is that of the processor's vectors."""
    return _plain(choices, "SUM", configuration)


@cases("SUM", "int32", "int64")
def plain_sum(choices: Choices, configuration: str) -> Case:
    """Sums without parameters."""
    return _plain(choices, "SUM", configuration)


def _outer(choices: Choices, operator: str) -> Case:
    """Reduced axes, apart or together, before the last one."""
    rank = choices.integer(2, 5)
    shape = (*(choices.integer(1, 9 if rank < 5 else 4) for _ in range(rank - 1)), choices.integer(1, 40))
    axes = [choices.integer(0, rank - 2) - choices.choice((0, rank)) for _ in range(choices.integer(1, rank))]
    x = _data(choices, shape, TensorType.FLOAT32)
    return _case(choices, operator, x, np.array(axes, np.int32), TensorType.FLOAT32)


@cases("REDUCE_MAX", *_CODES, "float32", "int32", "int64")
def largest(choices: Choices, configuration: str) -> Case:
    """The largest values."""
    return _plain(choices, "REDUCE_MAX", configuration)


@cases("REDUCE_MIN", *_CODES, "float32", "int32", "int64")
def smallest(choices: Choices, configuration: str) -> Case:
    """The smallest values."""
    return _plain(choices, "REDUCE_MIN", configuration)


@cases(
    "REDUCE_PROD",
    "float32",
    "float32 special",
    "int32",
    "int64",
    "int8 unquantized",
    "uint8 unquantized",
    "int16 unquantized",
)
def plain_product(choices: Choices, configuration: str) -> Case:
    """Products without parameters."""
    return _plain(choices, "REDUCE_PROD", configuration)


@cases("REDUCE_MAX", "float32 special", unclaimed=("xnnpack",))
def special_largest(choices: Choices, configuration: str) -> Case:
    """NaN, infinities and zeros of both signs, and no numbers at all."""
    return _plain(choices, "REDUCE_MAX", configuration)


@cases("REDUCE_MAX", "bool", unclaimed=("optimized", "xnnpack"))
def any_true(choices: Choices, configuration: str) -> Case:
    """The optimized kernel knows bool in REDUCE_ANY and REDUCE_ALL only."""
    return _plain(choices, "REDUCE_MAX", configuration)


@cases("REDUCE_MIN", "float32 special", unclaimed=("xnnpack",))
def special_smallest(choices: Choices, configuration: str) -> Case:
    """NaN, infinities and zeros of both signs, and no numbers at all."""
    return _plain(choices, "REDUCE_MIN", configuration)


@cases("REDUCE_MIN", "bool", unclaimed=("optimized", "xnnpack"))
def all_true(choices: Choices, configuration: str) -> Case:
    """As `any_true`."""
    return _plain(choices, "REDUCE_MIN", configuration)


@cases("REDUCE_PROD", "bool", unclaimed=("optimized", "xnnpack"))
def all_factors_true(choices: Choices, configuration: str) -> Case:
    """As `any_true`."""
    return _plain(choices, "REDUCE_PROD", configuration)


@cases("SUM", "bool", unclaimed=("optimized", "xnnpack"))
def any_term_true(choices: Choices, configuration: str) -> Case:
    """As `any_true`."""
    return _plain(choices, "SUM", configuration)


@cases("REDUCE_PROD", "int8", "int16")
def product(choices: Choices, configuration: str) -> Case:
    """Products of numbers around one, so that they neither vanish nor saturate."""
    type = TensorType[configuration.upper()]
    shape = tuple(max(extent, 1) for extent in _shape(choices, largest=4))
    x, axis = _data(choices, shape, type), _axis(choices, len(shape))
    scale = choices.real(1.0, 2.0) * (2.0**-6 if type is TensorType.INT8 else 2.0**-14)
    if choices.choice((False, True)):
        scale = 2.0 ** round(np.log2(scale))
    points = (choices.integer(-128, 127), choices.integer(-128, 127)) if type is TensorType.INT8 else (0, 0)
    output = quantization(scale * 2.0 ** choices.integer(-2, 2), points[1])
    return _case(choices, "REDUCE_PROD", x, axis, type, quantization(scale, points[0]), output)


@cases("REDUCE_ANY", "bool")
def disjunction(choices: Choices, configuration: str) -> Case:
    """Or."""
    return _plain(choices, "REDUCE_ANY", configuration)


@cases("REDUCE_ALL", "bool")
def conjunction(choices: Choices, configuration: str) -> Case:
    """And."""
    return _plain(choices, "REDUCE_ALL", configuration)
