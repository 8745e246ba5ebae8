"""Hypothesis strategies for numbers that quantized arithmetic gets wrong.

Uniform random numbers hardly ever meet a tie, a saturating zero point or an accumulator on which
two kernel families disagree; these do so most of the time. Failures shrink to plain parameters and
small arrays.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from quantlib.affine.parameters import QuantizationParameters
from quantlib.arithmetic import requantize

__all__ = [
    "boundary_tensors",
    "disagreeing_accumulators",
    "parameters_and_tensors",
    "quantization_parameters",
    "real_multipliers",
    "scales",
]

TYPE_NAMES = ("int8", "uint8", "int16", "int4", "int32")
"""Stored types, the simplest first."""


def scales(*, subnormal: bool = True) -> st.SearchStrategy[float]:
    """Positive finite float32 scales: powers of two, their neighbours, ordinary and extreme ones.

    Parameters
    ----------
    subnormal : bool
        Whether scales below 2**-126 may be drawn.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(scales(), lambda scale: scale < 1)
    0.5
    """
    powers = st.integers(-20, 10).map(lambda exponent: 2.0**exponent)
    near_powers = st.tuples(powers, st.booleans()).map(
        lambda drawn: float(np.nextafter(np.float32(drawn[0]), np.float32(np.inf if drawn[1] else 0)))
    )
    ordinary = st.floats(2.0**-16, 16.0, width=32)
    lowest = 2.0**-149 if subnormal else 2.0**-126
    extreme = st.floats(lowest, 2.0**127, width=32, allow_subnormal=subnormal)
    return st.one_of(st.just(0.5), powers, near_powers, ordinary, extreme)


@st.composite
def quantization_parameters(
    draw: st.DrawFn,
    dtypes: Sequence[str] = ("int8", "uint8", "int16"),
    *,
    channels: int | None = None,
    quantized_dimension: int = 0,
    subnormal: bool = False,
) -> QuantizationParameters:
    """Valid parameters; zero points favour 0, the ends of the type and their neighbours.

    Parameters
    ----------
    dtypes : sequence of str
        Stored types to choose from, the simplest first.
    channels : int, optional
        One scale per channel; None: one for the tensor.
    quantized_dimension : int
        The channels' axis.
    subnormal : bool
        Whether scales may be subnormal (which LiteRT's kernels do not all survive).

    Examples
    --------
    >>> from hypothesis import find
    >>> find(quantization_parameters(["int16"]), lambda p: p.zero_point == p.qmax)
    QuantizationParameters(scale=0.5, zero_point=32767, dtype='int16')
    """
    dtype = draw(st.sampled_from(tuple(dtypes)))
    limits = QuantizationParameters(1.0, 0, dtype)
    ends = (limits.qmin, limits.qmin + 1, limits.qmax - 1, limits.qmax)
    zero_points = st.one_of(
        st.just(max(limits.qmin, 0)), st.sampled_from(ends), st.integers(limits.qmin, limits.qmax)
    )
    scale = scales(subnormal=subnormal)
    if channels is None:
        return QuantizationParameters(draw(scale), draw(zero_points), dtype)
    return QuantizationParameters(
        np.array(draw(st.lists(scale, min_size=channels, max_size=channels)), np.float32),
        np.array(draw(st.lists(zero_points, min_size=channels, max_size=channels)), np.int64),
        dtype,
        quantized_dimension,
    )


@st.composite
def boundary_tensors(
    draw: st.DrawFn,
    parameters: QuantizationParameters,
    shape: tuple[int, ...],
    *,
    special: bool = True,
) -> NDArray[np.float32]:
    """float32 tensors at codes and at the middles between them, and one ulp to either side.

    Up to sixteen such numbers are drawn and repeated, so that large tensors stay cheap to draw.

    Parameters
    ----------
    parameters : QuantizationParameters
        Fitting `shape`; without blocks.
    shape : tuple of int
    special : bool
        Whether NaN, infinities, -0.0, subnormals and huge numbers are mixed in.

    Examples
    --------
    >>> from hypothesis import find
    >>> p = QuantizationParameters(0.5)
    >>> find(boundary_tensors(p, (1,)), lambda x: abs(x[0]) == 0.25).tolist()
    [0.25]
    """
    count = int(np.prod(shape, dtype=np.int64))
    span = parameters.qmax - parameters.qmin
    halves = st.one_of(st.integers(-9, 9), st.integers(-2 * span, 2 * span))
    palette = draw(st.lists(st.tuples(halves, st.sampled_from((0, -1, 1))), min_size=1, max_size=16))
    half_steps, side = np.resize(np.array(palette, np.int64), (count, 2)).T.reshape(2, *shape)
    scale = parameters.scale.astype(np.float64)
    if parameters.per_axis:
        scale = scale.reshape(-1, *(1,) * (len(shape) - 1 - parameters.quantized_dimension))
    with np.errstate(over="ignore"):
        x = (half_steps / 2 * scale).astype(np.float32)
        x = np.where(side < 0, np.nextafter(x, np.float32(-np.inf)), x)
        x = np.where(side > 0, np.nextafter(x, np.float32(np.inf)), x)
    if special and count:
        troubles = (np.nan, np.inf, -np.inf, -0.0, 1e-45, -1e-40, 3.4028235e38, 3e9, -3e9)
        places = draw(st.dictionaries(st.integers(0, count - 1), st.sampled_from(troubles), max_size=4))
        for place, trouble in places.items():
            x.reshape(-1)[place] = trouble
    return np.asarray(x, np.float32)


@st.composite
def parameters_and_tensors(
    draw: st.DrawFn,
    dtypes: Sequence[str] = ("int8", "uint8", "int16"),
    *,
    special: bool = True,
    subnormal: bool = False,
) -> tuple[QuantizationParameters, NDArray[np.float32]]:
    """Parameters for a whole tensor or per axis, and a boundary tensor of a shape they fit.

    Examples
    --------
    >>> from hypothesis import find
    >>> p, x = find(parameters_and_tensors(), lambda drawn: drawn[1].size > 1)
    >>> p.scale.item()
    0.5
    """
    shape = tuple(draw(st.lists(st.integers(0, 6), max_size=3)))
    axes = [axis for axis, size in enumerate(shape) if size]
    axis = draw(st.sampled_from([None, *axes]))
    parameters = draw(
        quantization_parameters(
            dtypes,
            channels=None if axis is None else shape[axis],
            quantized_dimension=axis or 0,
            subnormal=subnormal,
        )
    )
    return parameters, draw(boundary_tensors(parameters, shape, special=special))


def real_multipliers() -> st.SearchStrategy[float]:
    """Scale ratios as requantizing kernels meet them: ordinary, powers of two, just below 1.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(real_multipliers(), lambda real: real < 0.5)
    0.25
    """
    powers = st.integers(1, 30).map(lambda exponent: 2.0**-exponent)
    return st.one_of(st.just(0.5), powers, st.floats(2.0**-20, 1.0, exclude_max=True), st.floats(1.0, 256.0))


@st.composite
def disagreeing_accumulators(
    draw: st.DrawFn,
    first: requantize.Requantizer = requantize.two_roundings,
    second: requantize.Requantizer = requantize.two_roundings_half_up,
    *,
    count: int = 8,
) -> tuple[float, NDArray[np.int64]]:
    """A real multiplier, and int32 accumulators on which two requantizing rules disagree.

    By default the rules of the reference and of the optimized kernels, which part at ties. A
    multiplier that leaves no such accumulator is made smaller; where that does not help either,
    the accumulators returned lie at its ties.

    Parameters
    ----------
    first, second : rules of `quantlib.arithmetic.requantize`
    count : int
        How many accumulators, at most.

    Returns
    -------
    real : float
    accumulators : int64 array holding int32 values, not empty

    Examples
    --------
    >>> from hypothesis import find
    >>> real, acc = find(disagreeing_accumulators(), lambda drawn: len(drawn[1]) > 1)
    >>> from quantlib.arithmetic.requantize import two_roundings, two_roundings_half_up
    >>> bool((two_roundings(real)(acc) != two_roundings_half_up(real)(acc)).all())
    True
    """
    real = draw(real_multipliers())
    start = draw(st.integers(-1000, 1000))
    chosen = _ties(real, start)
    for smaller in (real, real / 4, real / 1024):
        candidates = _ties(smaller, start)
        differ = candidates[first(smaller)(candidates) != second(smaller)(candidates)]
        if len(differ):
            real, chosen = smaller, differ
            break
    offset = draw(st.integers(0, max(len(chosen) - count, 0)))
    return real, chosen[offset : offset + count]


def _ties(real: float, start: int) -> NDArray[np.int64]:
    """Accumulators whose product with `real` is about k + 1/2, with their neighbours."""
    codes = np.concatenate([np.arange(-8, 8), np.arange(start - 500, start + 500)])
    middles = (codes + 0.5) / real
    near = np.rint(middles[np.abs(middles) < 2.0**30]).astype(np.int64)
    return np.unique(np.concatenate([near - 1, near, near + 1, -near, [start]]))
