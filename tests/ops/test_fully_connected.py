"""FULLY_CONNECTED by hand."""

import numpy as np
import pytest

from quantlib.arithmetic import hybrid as hybrid_rows
from quantlib.errors import InvalidModelError, LimitExceededError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops._activation import Activation
from quantlib.ops.fully_connected import FullyConnectedOptions, WeightsFormat
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, INT2, INT4, INT8, UINT8, INT16, INT32, INT64 = (
    TensorType.FLOAT32,
    TensorType.INT2,
    TensorType.INT4,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
    TensorType.INT64,
)
ONE = quantization(1.0)
PLAIN = FullyConnectedOptions()
KEEP = FullyConnectedOptions(keep_num_dims=True)


def real(compute, x, w, *bias, options=PLAIN):
    operands = [(x, FLOAT32), (w, FLOAT32), *((one, FLOAT32) for one in bias)]
    return compute("FULLY_CONNECTED", operands, (FLOAT32,), options)


def integer(compute, x, w, *bias, x_parameters=ONE, w_parameters=ONE, y=ONE, options=PLAIN, weights=INT8):
    operands = [(x, INT8, x_parameters), (w, weights, w_parameters), *((one, INT32, ONE) for one in bias)]
    return compute("FULLY_CONNECTED", operands, (INT8, y), options, constants=(1,))


def test_every_output_weighs_a_row(compute):
    x, w = [[1.0, 10.0], [2.0, 20.0]], [[1.0, 0.0], [1.0, 1.0], [0.0, -1.0]]
    assert real(compute, x, w, [0.5, 0.0, 0.0]).tolist() == [[1.5, 11, -10], [2.5, 22, -20]]


def test_real_products_are_added_in_order(compute):
    assert real(compute, [[2.0**24, 1.0, 1.0]], np.ones((1, 3))).item() == 2.0**24
    assert real(compute, [[1.0, 1.0, 2.0**24]], np.ones((1, 3))).item() == 2.0**24 + 2


def test_rows_run_across_axes_and_a_rest_that_fills_no_row_is_ignored(compute):
    x = np.arange(1.0, 7.0)
    assert real(compute, x.reshape(3, 2), np.ones((1, 3))).tolist() == [[6.0], [15.0]]
    assert real(compute, x.reshape(1, 6), np.ones((1, 4))).tolist() == [[10.0]]
    assert real(compute, x[:2], np.ones((1, 2))).tolist() == [[3.0]]


def test_dimensions_are_kept_if_the_options_say_so(compute):
    x = np.arange(1.0, 9.0).reshape(2, 1, 2, 2)
    assert real(compute, x, np.ones((3, 2))).shape == (4, 3)
    y = real(compute, x, np.ones((3, 2)), options=KEEP)
    assert y.shape == (2, 1, 2, 3)
    assert y[..., 0].ravel().tolist() == [3, 7, 11, 15]


def test_sums_are_rounded_once_half_away_from_zero(compute):
    x = np.array([[2], [-2], [6], [-6], [1], [-3]])
    y = integer(compute, x, [[1]], [0], y=quantization(4.0, 1))
    # Exactly 0.5, -0.5, 1.5, -1.5, 0.25, -0.75, which convolutions round twice.
    assert y.ravel().tolist() == [2, 0, 3, -1, 1, 0]


def test_every_product_of_codes_is_scaled_and_rounded_once(compute):
    codes = np.arange(-128, 128)
    y = integer(compute, codes[:, None], codes[:, None], y=quantization(128.0))
    products = codes[:, None] * codes
    expected = np.sign(products) * ((np.abs(products) + 64) // 128)
    assert np.array_equal(y, np.minimum(expected, 127))


def test_zero_points_are_subtracted_and_added(compute):
    parameters = {"x_parameters": quantization(0.5, 3), "w_parameters": quantization(2.0, -2)}
    y = integer(compute, [[5, 1]], [[1, 4]], [100], **parameters, y=quantization(1.0, -10))
    assert y.item() == 84  # 2 * 3 + -2 * 6 + 100 - 10


def test_every_unit_has_its_scale_and_no_zero_point(compute):
    parameters = quantization([1.0, 0.5, 0.25], 7)
    y = integer(compute, [[8]], [[10], [10], [10]], w_parameters=parameters, y=quantization(2.0))
    assert y.tolist() == [[40, 20, 10]]


@pytest.mark.parametrize(("weights", "low", "high"), [(INT4, -8, 7), (INT2, -2, 1)])
def test_narrow_weights_are_numbers_like_others(compute, weights, low, high):
    assert integer(compute, [[3]], [[low], [high], [1]], weights=weights).tolist() == [[3 * low, 3 * high, 3]]


def test_32_bit_sums_wrap_and_what_misses_32_bits_afterwards_is_the_least(compute):
    assert integer(compute, [[1]], [[1]], [2**31 - 1], y=quantization(2.0**24)).item() == -128
    large = {"x_parameters": quantization(1e5), "y": quantization(1e-5, 5)}
    assert integer(compute, [[1]], [[1]], **large).item() == -128


def test_fused_activations_bound_the_codes(compute):
    options = FullyConnectedOptions(Activation.RELU6)
    y = integer(compute, [[-9], [3], [9]], [[1]], y=quantization(1.0, 2), options=options)
    assert y.ravel().tolist() == [2, 5, 8]


def test_an_int64_bias_of_32_bit_sums_is_read_as_pairs(compute):
    operands = [([[0]], INT8, ONE), ([[0], [0]], INT8, ONE), ([5 + (7 << 32), 9], INT64, ONE)]
    assert compute("FULLY_CONNECTED", operands, (INT8, ONE), PLAIN).tolist() == [[5, 7]]


def test_uint8_gives_uint8_or_int16(compute):
    operands = [
        ([[130]], UINT8, quantization(0.5, 128)),
        ([[97]], UINT8, quantization(2.0, 100)),
        ([700], INT32, ONE),
    ]
    assert compute("FULLY_CONNECTED", operands, (UINT8, quantization(4.0, 10)), PLAIN).item() == 184
    assert compute("FULLY_CONNECTED", operands, (INT16, ONE), PLAIN).item() == 694


def wide(compute, weights=INT8, bias=None, declared=FLOAT32, *, products=600, value=5, y=2.0**20):
    w = np.full((1, products), 127)
    operands = [(np.full((1, products), 32767), INT16, ONE), (w, weights, ONE)]
    operands += [] if bias is None else [([value], bias, ONE)]
    options = FullyConnectedOptions(quantized_bias_type=declared)
    return compute("FULLY_CONNECTED", operands, (INT16, quantization(y)), options).item()


def test_int16_sums_are_64_bits_wide_unless_the_options_say_32(compute):
    assert wide(compute) == wide(compute, INT8, INT64) == wide(compute, INT8, INT64, INT64) == 2381
    assert wide(compute, INT8, None, INT32) == wide(compute, INT8, INT32, INT32) == 2381 - 4096


@pytest.mark.parametrize(
    ("declared", "zero_point", "optimized"),
    [(FLOAT32, 0, -729), (INT32, 0, -729), (INT64, 0, -730), (FLOAT32, 1, -730)],
)
def test_optimized_32_bit_sums_are_rounded_twice_half_up(declared, zero_point, optimized):
    # 3 * -15563 / 64 is -729.515625; the first rounding gives a tie.
    graph = Graph()
    x = graph.input((1, 1), INT16, quantization(1.0))
    w = graph.constant(np.int8([[3 + zero_point]]), INT8, quantization(1.0, zero_point))
    y = graph.output((1, 1), INT16, quantization(64.0))
    graph.operator("FULLY_CONNECTED", [x, w], [y], FullyConnectedOptions(quantized_bias_type=declared))
    given = np.int16([[-15563]])
    found = [
        int(run(graph.model(), given, kernels=kernels)[0].item()) for kernels in ("reference", "optimized")
    ]
    assert found == [-730, optimized]


def test_int16_weights_always_have_64_bit_sums(compute):
    for bias, declared in ((None, FLOAT32), (None, INT32), (INT32, INT32), (INT32, FLOAT32), (INT64, INT64)):
        assert wide(compute, INT16, bias, declared) == 2381


def test_int16_weights_use_fixed_point_which_rounds_half_up(compute):
    x, w = [[1, 3, -1, -3]], np.eye(4)
    operands = [(x, INT16, ONE), (w, INT16, ONE)]
    y = compute("FULLY_CONNECTED", operands, (INT16, quantization(2.0)), PLAIN)
    assert y.tolist() == [[1, 2, 0, -1]]
    operands[1] = (w, INT8, ONE)
    y = compute("FULLY_CONNECTED", operands, (INT16, quantization(2.0)), PLAIN)
    assert y.tolist() == [[1, 2, -1, -2]]


def test_int16_weights_have_a_zero_point_or_a_scale_each(compute):
    operands = [([[2]], INT16, ONE), ([[10], [10]], INT16, quantization(1.0, 3))]
    assert compute("FULLY_CONNECTED", operands, (INT16, ONE), PLAIN).tolist() == [[14, 14]]
    operands[1] = ([[10], [10]], INT16, quantization([1.0, 0.5], 3))
    assert compute("FULLY_CONNECTED", operands, (INT16, ONE), PLAIN).tolist() == [[20, 10]]


def test_an_undeclared_int64_bias_of_int16_weights_is_read_as_pairs(compute):
    operands = [([[0]], INT16, ONE), ([[0], [0]], INT16, ONE), ([5 + (7 << 32), 9], INT64, ONE)]
    assert compute("FULLY_CONNECTED", operands, (INT16, ONE), PLAIN).tolist() == [[5, 7]]


@pytest.mark.parametrize(
    ("weights", "bias", "declared"),
    [
        (INT8, INT32, FLOAT32),
        (INT8, INT32, INT64),
        (INT8, INT64, INT32),
        (INT16, INT64, INT32),
        (INT16, INT32, INT64),
    ],
)
def test_an_int16_bias_of_another_width_than_declared_is_refused(compute, weights, bias, declared):
    with pytest.raises(InvalidModelError):
        wide(compute, weights, bias, declared)


def hybrid(compute, x, w, scale=1.0, *bias, asymmetric=False, activation=Activation.NONE, weights=INT8):
    operands = [(x, FLOAT32), (w, weights, quantization(scale)), *((one, FLOAT32) for one in bias)]
    options = FullyConnectedOptions(activation, asymmetric_quantize_inputs=asymmetric)
    return compute("FULLY_CONNECTED", operands, (FLOAT32,), options, constants=(1,))


def test_hybrid_rounds_every_row_by_itself(compute):
    x = [[0.3, -1.27], [0.5, 1.0]]  # 30 and -127 steps of 0.01; 64 (from 63.5) and 127 of 1 / 127
    y = hybrid(compute, x, [[2, 1], [0, 1]], 10.0, [1.0, 0.0])
    assert y == pytest.approx(np.array([[-5.7, -12.7], [1 + 255 * 10 / 127, 10.0]]), rel=1e-6)


def test_hybrid_rows_may_have_a_zero_point(compute):
    x = [[0.0, 2.55, 1.0], [-1.27, 0.0, 1.28]]
    y = hybrid(compute, x, [[1, 1, 1], [0, 0, 1]], [1.0, 2.0], asymmetric=True)
    assert y == pytest.approx(np.array([[3.55, 2.0], [0.01, 2.56]]), abs=1e-6)


def test_hybrid_of_nothing_but_zeros_is_the_bias_as_it_is(compute):
    y = hybrid(compute, np.zeros((2, 3)), np.ones((1, 3)), 1.0, [-0.0])
    assert np.signbit(y).all()
    # One other number anywhere, and 0 times the scale is added to -0.
    assert (
        np.signbit(hybrid(compute, [[0.0, 0.0], [1.0, 0.0]], [[0, 1]], 1.0, [-0.0])).tolist() == [[False]] * 2
    )


def test_hybrid_knows_every_activation(compute):
    x, w = [[1.0]], [[-2], [0], [8]]
    expected = {
        Activation.NONE: [-2, 0, 8],
        Activation.RELU: [0, 0, 8],
        Activation.RELU_N1_TO_1: [-1, 0, 1],
        Activation.RELU6: [0, 0, 6],
        Activation.TANH: [np.tanh(-2), 0, np.tanh(8)],
        Activation.SIGN_BIT: [1, 0, 0],
    }
    for activation, values in expected.items():
        y = hybrid(compute, x, w, activation=activation)
        assert y.ravel() == pytest.approx(np.array(values, float), abs=1e-6)


def test_hybrid_weights_called_uint8_are_int8(compute):
    assert hybrid(compute, [[1.0]], [[255], [3]], weights=UINT8).tolist() == [[-1.0, 3.0]]


def test_hybrid_has_the_quirks_of_the_byte_multiplier(compute):
    lowest = hybrid(compute, -np.ones((1, 17)), np.full((1, 17), -128))
    assert lowest.item() == pytest.approx(-15 * 128.0)  # 16 wrong, 1 right
    x = np.ones((1, 2080), np.float32)
    x[0, 0] = -0.5
    w = np.full((1, 2080), 127)
    rows = hybrid_rows.quantize_rows_asymmetric(x)
    exact = np.sum((rows.stored.astype(np.int64) - rows.zero_point[0]) * 127)
    wrapped = exact + int(rows.zero_point[0]) * (2080 * 127 + 260128)  # the sum of w came out as -260128
    y = hybrid(compute, x, w, asymmetric=True)
    assert y.item() == np.float32(wrapped) * rows.scale[0]


def test_rows_without_elements_give_zeros_whatever_the_bias(compute):
    assert real(compute, np.ones((2, 0)), np.ones((3, 0)), np.ones(3)).tolist() == [[0.0] * 3] * 2
    assert (
        integer(compute, np.ones((2, 0)), np.ones((3, 0)), [1, 1, 1], y=quantization(1.0, 9)).tolist()
        == [[0] * 3] * 2
    )
    assert hybrid(compute, np.ones((2, 0)), np.ones((3, 0)), 1.0, np.ones(3)).tolist() == [[0.0] * 3] * 2
    assert real(compute, np.ones((2, 5, 0)), np.ones((3, 0)), options=KEEP).shape == (2, 5, 3)
    assert real(compute, np.ones((0, 4)), np.ones((3, 4))).shape == (0, 3)


X, W = ((1, 2), INT8, ONE), ((2, 2), INT8, ONE)
X16, X_UINT8, W_UINT8 = ((1, 2), INT16, ONE), ((1, 2), UINT8, ONE), ((2, 2), UINT8, ONE)
REAL, REAL_W = ((1, 2), FLOAT32), ((2, 2), FLOAT32)


@pytest.mark.parametrize(
    ("x", "w", "bias", "y", "options"),
    [
        (X, ((1, 2, 2), INT8, ONE), None, (INT8, ONE), PLAIN),  # C1
        (((1, 4), INT8, ONE), W, None, (INT8, ONE), KEEP),
        (((), FLOAT32), ((1, 1), FLOAT32), None, (FLOAT32,), KEEP),
        (X, ((2, 2), INT4, quantization(1.0, 1)), None, (INT8, ONE), PLAIN),  # C2
        (X, W, ((3,), INT32, ONE), (INT8, ONE), PLAIN),  # C3
        (X, W, ((2,), INT16, ONE), (INT8, ONE), PLAIN),
        (REAL, REAL_W, ((2,), INT32, ONE), (FLOAT32,), PLAIN),
        (X16, W, None, (INT16, ONE), FullyConnectedOptions(quantized_bias_type=INT8)),
        (X, ((2, 2), INT8, quantization([1.0, 2.0], 0, 1)), None, (INT8, ONE), PLAIN),  # C4
        (X, W, ((2,), INT32, quantization(1.1)), (INT8, ONE), PLAIN),
        (X_UINT8, ((2, 2), UINT8, quantization([1.0, 2.0])), None, (UINT8, ONE), PLAIN),
        (REAL, ((3, 2), INT8, quantization([1.0, 2.0], 0, 1)), None, (FLOAT32,), PLAIN),
        (((1, 2), INT16, quantization(1.0, 1)), W, None, (INT16, ONE), PLAIN),  # C5
        (X16, W, None, (INT16, quantization(1.0, 1)), PLAIN),
        (X, W, None, (INT8, ONE), FullyConnectedOptions(Activation.TANH)),  # C6
        (REAL, REAL_W, None, (FLOAT32,), FullyConnectedOptions(Activation.SIGN_BIT)),
        (X_UINT8, W_UINT8, None, (INT16, ONE), PLAIN),  # C8
        (((1, 2), INT8), W, None, (INT8, ONE), PLAIN),
        (X16, ((2, 2), INT16), None, (INT16, ONE), PLAIN),
    ],
)
def test_parameters_that_do_not_fit_are_refused(compute, x, w, bias, y, options):
    operands = [(np.ones(given[0]), *given[1:]) for given in (x, w, bias) if given is not None]
    with pytest.raises(InvalidModelError):
        compute("FULLY_CONNECTED", operands, y, options, constants=(1,))


@pytest.mark.parametrize(
    ("x", "w", "y", "options"),
    [
        (X, W, (INT8, ONE), FullyConnectedOptions(weights_format=WeightsFormat.SHUFFLED4x16INT8)),  # C7
        (X, W, (INT16, ONE), PLAIN),  # C8
        (X_UINT8, W_UINT8, (INT8, ONE), PLAIN),
        (X16, W, (INT8, ONE), PLAIN),
        (X, ((2, 2), UINT8, ONE), (INT8, ONE), PLAIN),
    ],
)
def test_what_litert_does_and_we_do_not_is_said(compute, x, w, y, options):
    with pytest.raises(UnsupportedError):
        compute("FULLY_CONNECTED", [(np.ones(given[0]), *given[1:]) for given in (x, w)], y, options)


def test_limits_are_asked_before_the_work(compute):
    operands = [(np.ones((1000, 1)), FLOAT32), (np.ones((1000, 1)), FLOAT32)]
    with pytest.raises(LimitExceededError):
        compute("FULLY_CONNECTED", operands, (FLOAT32,), PLAIN, limits=Limits(multiply_adds=10**5))
