"""LOCAL_RESPONSE_NORMALIZATION by hand."""

import math

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops.local_response_normalization import LocalResponseNormalizationOptions as Options

FLOAT32, INT8 = TensorType.FLOAT32, TensorType.INT8


def normalize(compute, channels, options, **more):
    x = np.array(channels, np.float32).reshape(1, 1, 1, -1)
    return compute("LOCAL_RESPONSE_NORMALIZATION", [(x, FLOAT32)], (FLOAT32,), options, **more).ravel()


def test_the_last_neighbour_is_left_out(compute):
    # Energies 0 + 1, 1 + 4, 4 + 9, 9 + 16: each channel and the one before it.
    y = normalize(compute, [1, 2, 3, 4], Options(radius=1, bias=0, alpha=1, beta=1))
    np.testing.assert_allclose(y, [1, 2 / 5, 3 / 13, 4 / 25], rtol=1e-6)


@pytest.mark.parametrize("radius", [4, 100])
def test_neighbours_beyond_the_border_do_not_count(compute, radius):
    y = normalize(compute, [1, 2, 2], Options(radius=radius, bias=0, alpha=1, beta=0.5))
    np.testing.assert_allclose(y, np.float32([1, 2, 2]) / 3, rtol=1e-6)


def test_without_neighbours_the_bias_decides(compute):
    assert normalize(compute, [3, 6], Options(radius=0, bias=2, alpha=1, beta=1)).tolist() == [1.5, 3]


def test_powers_without_a_value(compute):
    assert normalize(compute, [3], Options(bias=0, beta=1)).tolist() == [math.inf]
    assert np.isnan(normalize(compute, [3], Options(bias=-1, beta=0.5)))
    assert normalize(compute, [3], Options(bias=1e30, beta=-20)).tolist() == [math.inf]
    assert normalize(compute, [3], Options(bias=-1e30, beta=-11)).tolist() == [-math.inf]


def test_empty_images(compute):
    x = np.ones((0, 2, 2, 3))
    assert compute("LOCAL_RESPONSE_NORMALIZATION", [(x, FLOAT32)], (FLOAT32,), Options(5)).shape == x.shape


def test_c1_other_ranks_are_refused(compute):
    with pytest.raises(InvalidModelError, match="3 dimensions; wanted 4"):
        compute("LOCAL_RESPONSE_NORMALIZATION", [(np.ones((1, 1, 1)), FLOAT32)], (FLOAT32,), Options())


def test_c2_another_output_type_is_refused(compute):
    with pytest.raises(InvalidModelError, match="INT8; wanted FLOAT32"):
        compute("LOCAL_RESPONSE_NORMALIZATION", [(np.ones((1, 1, 1, 1)), FLOAT32)], (INT8,), Options())


def test_types_without_a_kernel_are_named(compute):
    with pytest.raises(UnsupportedError, match="INT8"):
        compute("LOCAL_RESPONSE_NORMALIZATION", [(np.ones((1, 1, 1, 1)), INT8)], (INT8,), Options())


def test_more_work_than_allowed_is_refused(compute):
    with pytest.raises(LimitExceededError):
        normalize(compute, range(100), Options(radius=2**31 - 1), limits=Limits(multiply_adds=1000))


def test_the_optimized_kernel_counts_the_last_neighbour(compute):
    # Energies 1 + 4, 1 + 4 + 9, 4 + 9 + 16, 9 + 16.
    options = Options(radius=1, bias=0, alpha=1, beta=1)
    y = normalize(compute, [1, 2, 3, 4], options, kernels="optimized")
    np.testing.assert_allclose(y, [1 / 5, 2 / 14, 3 / 29, 4 / 25], rtol=1e-6)


def test_the_optimized_sum_forgets_small_squares_beside_a_large_one(compute):
    # 1e16 enters and swallows two squares of 4, which still leave later.
    options = Options(radius=1, bias=1, alpha=1, beta=0.5)
    y = normalize(compute, [2, 1e8, 2, 2, 2], options, kernels="optimized")
    np.testing.assert_allclose(y[3:], [2 / math.sqrt(1 + 4), 2], rtol=1e-6)


@pytest.mark.parametrize(("beta", "expected"), [(1.0, 3 / 10), (0.5, 3 / math.sqrt(10)), (2.0, 3 / 100)])
def test_optimized_exponents(compute, beta, expected):
    y = normalize(compute, [3], Options(radius=0, bias=1, alpha=1, beta=beta), kernels="optimized")
    np.testing.assert_allclose(y, [expected], rtol=1e-6)


def test_a_negative_radius_breaks_the_optimized_kernel(compute):
    with pytest.raises(UnsupportedError, match="outside its memory"):
        normalize(compute, [1, 2], Options(radius=-1, bias=1, alpha=1, beta=1), kernels="optimized")
