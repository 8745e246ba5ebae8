"""SOFTMAX and LOG_SOFTMAX by hand."""

import math

import numpy as np
import pytest

from quantlib.arithmetic import eigen, eigen_sum, libm, xnnpack_exp, xnnpack_half
from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops.softmax import SoftmaxOptions
from quantlib.testing.single_operator import quantization

FLOAT32, FLOAT16 = TensorType.FLOAT32, TensorType.FLOAT16
INT8, UINT8, INT16 = TensorType.INT8, TensorType.UINT8, TensorType.INT16

ONE = SoftmaxOptions(beta=1.0)
OUTPUTS = {
    INT8: quantization(1 / 256, -128),
    UINT8: quantization(1 / 256, 0),
    INT16: quantization(1 / 32768, 0),
}
LOG_OUTPUTS = {INT8: quantization(1 / 16, 127), UINT8: quantization(1 / 16, 255)}


def exact(x, beta=1.0):
    powers = np.exp(beta * (x - x.max(axis=-1, keepdims=True)))
    return powers / powers.sum(axis=-1, keepdims=True)


def random_codes(type, shape=(20, 7)):
    info = np.iinfo(type.dtype)
    return np.random.default_rng(1).integers(info.min, info.max, shape, endpoint=True)


@pytest.mark.parametrize("type", [INT8, UINT8, INT16])
@pytest.mark.parametrize("beta", [1.0, 0.25])
def test_shares_are_those_of_the_real_function(compute, type, beta):
    codes, scale = random_codes(type), 0.02 if type is not INT16 else 0.0002
    y = compute("SOFTMAX", [(codes, type, quantization(scale))], (type, OUTPUTS[type]), SoftmaxOptions(beta))
    low, units = int(OUTPUTS[type].zero_point[0]), 1 / float(OUTPUTS[type].scale[0])
    assert np.abs(y.astype(int) - low - exact(codes * scale, beta) * units).max() <= (
        1 if units == 256 else 8
    )


def test_equal_codes_share_equally(compute):
    y = compute("SOFTMAX", [([[9, 9, 9, 9]], INT8, quantization(0.1))], (INT8, OUTPUTS[INT8]), ONE)
    assert y.tolist() == [[-64] * 4]
    y = compute("SOFTMAX", [([[9, 9]], UINT8, quantization(0.1))], (UINT8, OUTPUTS[UINT8]), ONE)
    assert y.tolist() == [[128, 128]]


def test_one_element_takes_all_that_its_type_holds(compute):
    for type, largest in ((INT8, 127), (UINT8, 255), (INT16, 32767)):
        y = compute("SOFTMAX", [([[5]], type, quantization(0.1))], (type, OUTPUTS[type]), ONE)
        assert y.tolist() == [[largest]]


@pytest.mark.parametrize("type", [INT8, UINT8])
def test_16_bits_of_output_refine_the_8_bits(compute, type):
    operand = (random_codes(type), type, quantization(0.02))
    coarse = compute("SOFTMAX", [operand], (type, OUTPUTS[type]), ONE).astype(int)
    fine = compute("SOFTMAX", [operand], (INT16, quantization(1 / 65536, -32768)), ONE).astype(int)
    low = int(OUTPUTS[type].zero_point[0])
    assert np.abs((fine + 32768) / 256 - (coarse - low)).max() <= 0.51


def test_distances_beyond_the_fixed_point_range_count_as_nothing(compute):
    # 31 is the farthest that Q5 holds: at scale 1, from distance 32 on everything is 0.
    y = compute("SOFTMAX", [([[0, -32, -100]], INT8, quantization(1.0))], (INT8, OUTPUTS[INT8]), ONE)
    assert y.tolist() == [[127, -128, -128]]
    y = compute("LOG_SOFTMAX", [([[0, -15, -32, -128]], INT8, quantization(1.0))], (INT8, LOG_OUTPUTS[INT8]))
    assert y.tolist() == [[127, 127 - 15 * 16, -128, -128]]


@pytest.mark.parametrize("type", [INT8, UINT8])
def test_logarithms_are_those_of_the_real_function(compute, type):
    codes = random_codes(type)
    y = compute("LOG_SOFTMAX", [(codes, type, quantization(0.02))], (type, LOG_OUTPUTS[type]))
    expected = np.log(exact(codes * 0.02)) * 16 + int(LOG_OUTPUTS[type].zero_point[0])
    assert np.abs(y - expected).max() <= 0.51


def test_real_rows(compute):
    x = np.array([[1, 2, 3], [1000, 1000, -1000]], np.float32)
    y = compute("SOFTMAX", [(x, FLOAT32)], (FLOAT32,), ONE)
    np.testing.assert_allclose(y, exact(x.astype(float)), rtol=1e-6)
    y = compute("LOG_SOFTMAX", [(x[:1], FLOAT32)], (FLOAT32,))
    np.testing.assert_allclose(y, np.log(exact(x[:1].astype(float))), rtol=1e-6)
    y = compute("SOFTMAX", [(x, FLOAT16)], (FLOAT16,), ONE)
    np.testing.assert_allclose(y, exact(x.astype(float)), rtol=1e-3)


def test_a_nan_spoils_its_own_row(compute):
    x = [[1, math.nan], [math.inf, 0], [-math.inf, -math.inf], [0, 0]]
    y = compute("SOFTMAX", [(x, FLOAT32)], (FLOAT32,), ONE)
    assert np.isnan(y).tolist() == [[True, True], [True, True], [True, True], [False, False]]


def test_without_options_beta_is_0(compute):
    assert compute("SOFTMAX", [([[1, 5]], FLOAT32)], (FLOAT32,)).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("operator", ["SOFTMAX", "LOG_SOFTMAX"])
@pytest.mark.parametrize("shape", [(0, 4), (3, 0)])
def test_empty_rows(compute, operator, shape):
    assert compute(operator, [(np.ones(shape), FLOAT32)], (FLOAT32,)).shape == shape
    outputs = OUTPUTS if operator == "SOFTMAX" else LOG_OUTPUTS
    options = ONE if operator == "SOFTMAX" else None
    y = compute(operator, [(np.ones(shape), INT8, quantization(0.1))], (INT8, outputs[INT8]), options)
    assert y.shape == shape


def flat(count):
    return [(np.zeros((1, count)), INT8, quantization(0.1))]


def test_softmax_c5_a_sum_that_ends_the_process_is_refused(compute):
    compute("SOFTMAX", flat(511), (INT8, OUTPUTS[INT8]), ONE)
    with pytest.raises(UnsupportedError, match="sum to 512 modulo 8192, on which LiteRT ends the process"):
        compute("SOFTMAX", flat(512), (INT8, OUTPUTS[INT8]), ONE)
    fine = (INT16, quantization(1 / 65536, -32768))
    assert compute("SOFTMAX", flat(8191), fine, ONE)[0, 0] == -32760
    with pytest.raises(UnsupportedError, match="sum to 0 modulo 8192"):
        compute("SOFTMAX", flat(8192), fine, ONE)


def test_softmax_c5_the_sum_wraps(compute):
    # As LiteRT has it: 8193 equal exponentials sum to 1.
    assert compute("SOFTMAX", flat(8193), (INT8, OUTPUTS[INT8]), ONE)[0, 0] == 127


@pytest.mark.parametrize("operator", ["SOFTMAX", "LOG_SOFTMAX"])
def test_c4_c5_a_scale_that_ends_the_process_is_refused(compute, operator):
    outputs = OUTPUTS if operator == "SOFTMAX" else LOG_OUTPUTS
    with pytest.raises(UnsupportedError, match="ends the process"):
        compute(operator, [([[1]], INT8, quantization(1e-8))], (INT8, outputs[INT8]), ONE)


def test_softmax_c6_a_sum_beyond_int32_is_refused(compute):
    with pytest.raises(UnsupportedError, match="below 65536"):
        compute("SOFTMAX", [(np.zeros((1, 70000)), INT16, quantization(0.1))], (INT16, OUTPUTS[INT16]), ONE)


def test_log_softmax_c4_a_sum_beyond_int32_is_refused(compute):
    compute("LOG_SOFTMAX", flat(4095), (INT8, LOG_OUTPUTS[INT8]))
    with pytest.raises(UnsupportedError, match="below 4096"):
        compute("LOG_SOFTMAX", flat(4096), (INT8, LOG_OUTPUTS[INT8]))


@pytest.mark.parametrize(
    ("operator", "type"),
    [
        ("SOFTMAX", FLOAT32),
        ("SOFTMAX", INT8),
        ("SOFTMAX", INT16),
        ("LOG_SOFTMAX", FLOAT32),
        ("LOG_SOFTMAX", INT8),
    ],
)
def test_c1_a_scalar_is_refused(compute, operator, type):
    outputs = OUTPUTS if operator == "SOFTMAX" else LOG_OUTPUTS
    parameters = () if type is FLOAT32 else (quantization(0.1),)
    with pytest.raises(InvalidModelError, match="a scalar"):
        compute(operator, [(1, type, *parameters)], (type, outputs.get(type)), ONE)


@pytest.mark.parametrize(
    ("operator", "types"),
    [("SOFTMAX", (INT8, UINT8)), ("SOFTMAX", (INT16, INT8)), ("LOG_SOFTMAX", (INT8, UINT8))],
)
def test_c2_another_output_type_is_refused(compute, operator, types):
    with pytest.raises(InvalidModelError, match=f"output: {types[1].name}"):
        compute(operator, [([[1]], types[0], quantization(0.1))], (types[1], OUTPUTS[types[1]]), ONE)


@pytest.mark.parametrize(
    ("type", "scale", "zero_point"),
    [(INT8, 1 / 255, -128), (INT8, 1 / 256, 0), (INT16, 1 / 32000, 0), (INT16, 1 / 32768, 1)],
)
def test_softmax_c3_c4_other_output_parameters_are_refused(compute, type, scale, zero_point):
    with pytest.raises(InvalidModelError, match=r"output: (scale|zero point)"):
        compute("SOFTMAX", [([[1]], type, quantization(0.1))], (type, quantization(scale, zero_point)), ONE)


def test_softmax_c3_a_thousandth_is_near_enough(compute):
    near = quantization(1 / 256 * 1.0009, -128)
    assert compute("SOFTMAX", [([[1]], INT8, quantization(0.1))], (INT8, near), ONE).tolist() == [[127]]


def test_softmax_c4_a_zero_point_of_16_bits_is_refused(compute):
    with pytest.raises(InvalidModelError, match="input 0: zero point 1"):
        compute("SOFTMAX", [([[1]], INT16, quantization(0.1, 1))], (INT16, OUTPUTS[INT16]), ONE)


@pytest.mark.parametrize(
    ("type", "parameters"), [(INT8, (1 / 8, 127)), (INT8, (1 / 16, 0)), (UINT8, (1 / 16, 0))]
)
def test_log_softmax_c3_other_output_parameters_are_refused(compute, type, parameters):
    with pytest.raises(InvalidModelError, match=r"output: (scale|zero point)"):
        compute("LOG_SOFTMAX", [([[1]], type, quantization(0.1))], (type, quantization(*parameters)))


def codes(compute, operator, values, type, scale, kernels):
    out = OUTPUTS if operator == "SOFTMAX" else LOG_OUTPUTS
    options = ONE if operator == "SOFTMAX" else None
    operand = [([values], type, quantization(scale))]
    return compute(operator, operand, (type, out[type]), options, kernels=kernels).ravel().tolist()


@pytest.mark.parametrize("kernels", ["optimized", "xnnpack"])
def test_optimized_shares_round_halves_up_or_away_from_zero(compute, kernels):
    # 512 equal shares are half a unit each: the reference kernel would end the process here.
    assert set(codes(compute, "SOFTMAX", [3] * 512, UINT8, 0.1, kernels)) == {1}
    assert set(codes(compute, "SOFTMAX", [3] * 512, INT8, 0.1, kernels)) == {-127}
    assert set(codes(compute, "SOFTMAX", [3] * 513, INT8, 0.1, kernels)) == {-128}


def test_one_optimized_share_saturates(compute):
    assert codes(compute, "SOFTMAX", [100, -100], INT8, 1.0, "optimized") == [127, -128]
    assert codes(compute, "SOFTMAX", [200, 0], UINT8, 1.0, "optimized") == [255, 0]


def test_optimized_codes_are_near_the_reference_codes(compute):
    values = list(range(-100, 100, 9))
    for operator in ("SOFTMAX", "LOG_SOFTMAX"):
        reference = codes(compute, operator, values, INT8, 0.05, "reference")
        optimized = codes(compute, operator, values, INT8, 0.05, "optimized")
        assert np.abs(np.subtract(reference, optimized)).max() <= 1


def test_optimized_logarithms_are_computed_in_float32(compute):
    # log(1/2) is -11.09 sixteenths.
    assert codes(compute, "LOG_SOFTMAX", [5, 5], INT8, 0.1, "optimized") == [127 - 11] * 2
    assert codes(compute, "LOG_SOFTMAX", [5, 5], UINT8, 0.1, "optimized") == [255 - 11] * 2
    assert codes(compute, "LOG_SOFTMAX", [100, -100], INT8, 1.0, "optimized") == [127, -128]


def test_optimized_reals_are_multiplied_by_one_reciprocal(compute):
    x = np.array([[0.0, 1.0, 2.5, -3.0, 0.5], [4.0, 1.0, 1.5, -2.0, 0.25]], np.float32)
    apart = x - x.max(axis=-1, keepdims=True)
    # Eight elements fill packets of the whole tensor, two do not.
    powers = np.concatenate((eigen.exp_packet(apart.ravel()[:8]), libm.expf(apart.ravel()[8:]))).reshape(2, 5)
    expected = powers * (np.float32(1) / eigen_sum.sum_rows(powers))[:, None]
    y = compute("SOFTMAX", [(x, FLOAT32)], (FLOAT32,), ONE, kernels="optimized")
    assert np.array_equal(y, expected)


def test_optimized_logarithms_of_reals_begin_a_packet_with_every_row(compute):
    x = np.array([[0.0, 1.0, 2.5, -3.0, 0.5], [4.0, 1.0, 1.5, -2.0, 0.25]], np.float32)
    apart = x - x.max(axis=-1, keepdims=True)
    powers = np.concatenate((eigen.exp_packet(apart[:, :4]), libm.expf(apart[:, 4:])), axis=1)
    pairs = (powers[:, 0] + powers[:, 2]) + (powers[:, 1] + powers[:, 3])
    expected = apart - libm.logf(pairs + powers[:, 4])[:, None]
    y = compute("LOG_SOFTMAX", [(x, FLOAT32)], (FLOAT32,), kernels="optimized")
    assert np.array_equal(y, expected)


@pytest.mark.parametrize("operator", ["SOFTMAX", "LOG_SOFTMAX"])
def test_optimized_rows_of_nothing_stay_empty(compute, operator):
    options = ONE if operator == "SOFTMAX" else None
    y = compute(operator, [(np.zeros((2, 0)), FLOAT32)], (FLOAT32,), options, kernels="optimized")
    assert y.shape == (2, 0)


@pytest.mark.parametrize(
    ("type", "softmax"), [(FLOAT32, xnnpack_exp.softmax), (FLOAT16, xnnpack_half.softmax)]
)
def test_xnnpack_takes_reals_of_beta_1_and_leaves_others_to_the_optimized_kernel(compute, type, softmax):
    x = np.linspace(-5, 5, 60).astype(type.dtype).reshape(2, 30)

    def shares(beta, kernels):
        return compute("SOFTMAX", [(x, type)], (type,), SoftmaxOptions(beta), kernels=kernels)

    assert np.array_equal(shares(1.0, "xnnpack"), softmax(x))
    assert not np.array_equal(shares(1.0, "xnnpack"), shares(1.0, "optimized"))
    assert np.array_equal(shares(0.5, "xnnpack"), shares(0.5, "optimized"))


@pytest.mark.parametrize("shape", [(2, 0), (1, 1, 1, 1, 1, 1, 3)])
def test_xnnpack_fails_with_rows_of_nothing_and_with_seven_dimensions(compute, shape):
    with pytest.raises(UnsupportedError, match="with which XNNPACK fails"):
        compute("SOFTMAX", [(np.zeros(shape), FLOAT32)], (FLOAT32,), ONE, kernels="xnnpack")


def test_xnnpack_makes_no_rows_of_no_rows(compute):
    assert compute("SOFTMAX", [(np.zeros((0, 3)), FLOAT32)], (FLOAT32,), ONE, kernels="xnnpack").shape == (
        0,
        3,
    )
