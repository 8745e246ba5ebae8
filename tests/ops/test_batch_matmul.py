"""BATCH_MATMUL by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops.batch_matmul import BatchMatMulOptions
from quantlib.testing.single_operator import quantization

FLOAT32, INT8, UINT8, INT16, INT32 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
)
ONE = quantization(1.0)
PLAIN = BatchMatMulOptions()
X = np.array([[1, 2, 3], [4, 5, 6]])
W = np.array([[1, 0, 2, 0], [0, 1, 0, -1], [1, 1, 1, 1]])


def real(compute, x, w, options=PLAIN):
    return compute("BATCH_MATMUL", [(x, FLOAT32), (w, FLOAT32)], (FLOAT32,), options)


def integer(compute, x, w, x_parameters=ONE, w_parameters=ONE, y=ONE, types=(INT8, INT8, INT8)):
    operands = [(x, types[0], x_parameters), (w, types[1], w_parameters)]
    return compute("BATCH_MATMUL", operands, (types[2], y), PLAIN)


def test_matrices_are_multiplied(compute):
    expected = [[4, 5, 5, 1], [10, 11, 14, 1]]
    assert real(compute, X, W).tolist() == expected
    assert integer(compute, X, W).tolist() == expected


def test_operands_may_come_transposed(compute):
    expected = real(compute, X, W).tolist()
    assert real(compute, X.T, W, BatchMatMulOptions(adj_x=True)).tolist() == expected
    assert real(compute, X, W.T, BatchMatMulOptions(adj_y=True)).tolist() == expected
    assert real(compute, X.T, W.T, BatchMatMulOptions(adj_x=True, adj_y=True)).tolist() == expected


@pytest.mark.parametrize(
    ("x_leading", "w_leading", "leading"),
    [
        ((2,), (2,), (2,)),
        ((2,), (), (2,)),
        ((), (3,), (3,)),
        ((2, 1), (3,), (2, 3)),
        ((1, 3, 1), (2, 1, 4), (2, 3, 4)),
    ],
)
def test_leading_axes_broadcast(compute, x_leading, w_leading, leading):
    random = np.random.default_rng(0)
    x = random.integers(-9, 9, (*x_leading, 2, 3)).astype(np.float32)
    w = random.integers(-9, 9, (*w_leading, 3, 4)).astype(np.float32)
    y = real(compute, x, w)
    assert y.shape == (*leading, 2, 4)
    assert np.array_equal(y, x @ w)


def test_real_products_are_added_in_order(compute):
    assert real(compute, [[2.0**24, 1.0, 1.0]], np.ones((3, 1))).item() == 2.0**24


def test_zero_points_are_subtracted_and_added(compute):
    y = integer(
        compute, [[5, 1]], [[1], [4]], quantization(0.5, 3), quantization(2.0, -2), quantization(1.0, -10)
    )
    assert y.item() == -16  # 2 * 3 + -2 * 6 - 10


def test_every_product_of_codes_is_scaled_and_rounded_twice(compute):
    codes = np.arange(-128, 128)
    y = integer(compute, codes[:, None], codes[None], y=quantization(128.0))
    halves = (codes[:, None] * codes + 1) >> 1
    expected = np.sign(halves) * ((np.abs(halves) + 32) // 64)
    assert np.array_equal(y, np.minimum(expected, 127))


def test_xnnpack_multiplies_by_more_than_255_only_where_nothing_is_constant(compute):
    parameters = (INT8, quantization(1.0, -3))
    for scale, constants, code in ((255.0, [1], -128), (255.5, [], -128), (1e20, [], 127)):  # INT32_MIN - 3
        operands = [([[-1, 0, 1]], INT8, quantization(scale)), ([[1], [1], [0]], INT8, ONE)]
        out = compute("BATCH_MATMUL", operands, parameters, PLAIN, constants=constants, kernels="xnnpack")
        assert out.tolist() == [[code]]
    operands[0] = ([[0, 0, 0]], INT8, quantization(255.5))
    with pytest.raises(UnsupportedError, match=r"multiplier: 255\.5; wanted below 255\.000015"):
        compute("BATCH_MATMUL", operands, parameters, PLAIN, constants=[1], kernels="xnnpack")


def test_int8_to_int32_is_the_bare_sum(compute):
    y = integer(
        compute, [[5, 1]], [[1], [4]], quantization(0.5, 3), quantization(2.0, -2), None, (INT8, INT8, INT32)
    )
    assert y.dtype == np.int32
    assert y.item() == 9


def test_int16_sums_are_64_bits_wide(compute):
    x, w = np.full((1, 600), 32767), np.full((600, 1), 127)
    assert integer(compute, x, w, y=quantization(2.0**20), types=(INT16, INT8, INT16)).item() == 2381
    assert integer(compute, x, x.T, y=quantization(2.0**30), types=(INT16, INT16, INT16)).item() == 600


def test_several_weight_scales_count_as_none(compute):
    y = integer(compute, X, W, w_parameters=quantization([1.0, 2.0, 3.0, 4.0], 0, 1), y=quantization(1.0, 7))
    assert y.tolist() == [[7] * 4] * 2


def hybrid(compute, x, w, scale, axis=0, **options):
    operands = [(x, FLOAT32), (w, INT8, quantization(scale, 0, axis))]
    return compute("BATCH_MATMUL", operands, (FLOAT32,), BatchMatMulOptions(**options))


def test_hybrid_rounds_every_row_by_itself(compute):
    x = [[0.3, -1.27], [0.5, 1.0]]  # 30 and -127 steps of 0.01; 64 (from 63.5) and 127 of 1 / 127
    y = hybrid(compute, x, [[2, 0], [1, 1]], 10.0)
    assert y == pytest.approx(np.array([[-6.7, -12.7], [255 * 10 / 127, 10.0]]), rel=1e-6)


def test_hybrid_rows_may_have_a_zero_point_and_columns_a_scale_each(compute):
    x, w = [[0.0, 2.55, 1.0], [-1.27, 0.0, 1.28]], np.array([[1, 0], [1, 0], [1, 1]])
    expected = np.array([[3.55, 2.0], [0.01, 2.56]])
    y = hybrid(compute, x, w, [1.0, 2.0], 1, asymmetric_quantize_inputs=True)
    assert y == pytest.approx(expected, abs=1e-6)
    y = hybrid(compute, x, w.T, [1.0, 2.0], 0, adj_y=True, asymmetric_quantize_inputs=True)
    assert y == pytest.approx(expected, abs=1e-6)


def test_hybrid_matrices_of_two_leading_axes_borrow_each_others_scales(compute):
    x = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(2, 2, 1, 1)
    w = np.ones((2, 2, 1, 1))
    # Matrix (a, b) takes the scale of matrix a + b: (1, 0) that of (0, 1), and (1, 1) that of (1, 0).
    assert hybrid(compute, x, w, 1.0).ravel() == pytest.approx(np.array([1.0, 10.0, 10.0, 100.0]))
    assert hybrid(compute, x[:1], w[:1], 1.0).ravel() == pytest.approx(np.array([1.0, 10.0]))
    # One matrix for all of them makes rows of one matrix of them.
    assert hybrid(compute, x, w[:, :1], 1.0).ravel() == pytest.approx(x.ravel())


def test_hybrid_column_sums_that_litert_never_forms_are_refused(compute):
    x, w = np.ones((2, 1, 2, 1, 1)), np.ones((2, 1, 2, 1, 1))
    assert hybrid(compute, x, w, 1.0).shape == x.shape
    with pytest.raises(UnsupportedError, match="column sums"):
        hybrid(compute, x, w, 1.0, asymmetric_quantize_inputs=True)


def test_hybrid_sums_are_rounded_to_float32(compute):
    # Beyond 2**24 float32 keeps every second integer only: 1100 * 127 * 127 = 17 741 900 is even,
    # one more is not.
    x, w = np.ones((1, 1101), np.float32), np.full((1101, 1), 127)
    w[-1] = 1
    x[0, -1] = 1 / 127
    y = hybrid(compute, x, w, 1.0)
    assert y.item() == np.float32(17741900) * np.float32(np.float32(1) / np.float32(127))


def test_nothing_to_sum_gives_zeros(compute):
    assert real(compute, np.ones((2, 0)), np.ones((0, 3))).tolist() == [[0.0] * 3] * 2
    assert (
        integer(compute, np.ones((2, 0)), np.ones((0, 3)), y=quantization(1.0, 4)).tolist() == [[4] * 3] * 2
    )
    assert real(compute, np.ones((0, 2, 3)), np.ones((3, 4))).shape == (0, 2, 4)


@pytest.mark.parametrize(
    ("x", "w"),
    [
        ((3,), (3, 4)),  # C1
        ((1,) * 4 + (2, 3), (3, 4)),
        ((2, 3), (1,) * 4 + (3, 4)),
        ((2, 3), (4, 3)),
        ((2, 2, 3), (3, 3, 4)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(compute, x, w):
    with pytest.raises(InvalidModelError):
        real(compute, np.ones(x), np.ones(w))


@pytest.mark.parametrize(
    ("types", "parameters"),
    [
        ((INT8, INT8, INT16), (ONE, ONE, ONE)),  # C2
        ((INT16, INT8, INT32), (ONE, ONE, None)),
        ((INT16, INT8, INT16), (quantization(1.0, 1), ONE, ONE)),  # C3
        ((INT16, INT8, INT16), (ONE, quantization(1.0, 1), ONE)),
        ((INT16, INT16, INT16), (ONE, ONE, quantization(1.0, 1))),
        ((FLOAT32, INT8, FLOAT32), (None, quantization([1.0, 2.0, 3.0], 0, 0), None)),  # C4
        ((FLOAT32, INT8, INT8), (None, ONE, ONE)),
    ],
)
def test_parameters_that_do_not_fit_are_refused(compute, types, parameters):
    with pytest.raises(InvalidModelError):
        integer(compute, X, W, *parameters, types=types)


@pytest.mark.parametrize("types", [(INT8, INT16, INT8), (UINT8, UINT8, UINT8), (INT8, FLOAT32, INT8)])
def test_pairs_of_types_that_litert_lacks_are_not_supported(compute, types):
    with pytest.raises(UnsupportedError):
        integer(compute, np.abs(X), np.abs(W), types=types)


def test_limits_are_asked_before_the_work(compute):
    operands = [(np.ones((1000, 1)), FLOAT32), (np.ones((1, 1000)), FLOAT32)]
    with pytest.raises(LimitExceededError):
        compute("BATCH_MATMUL", operands, (FLOAT32,), PLAIN, limits=Limits(multiply_adds=10**5))
