"""LOGISTIC, TANH, ELU and HARD_SWISH where the kernel families differ."""

import math

import numpy as np
import pytest

from quantlib.arithmetic import eigen, xnnpack, xnnpack_exp, xnnpack_half
from quantlib.errors import InvalidModelError
from quantlib.model.graph import TensorType
from quantlib.ops.gelu import GeluOptions
from quantlib.testing.single_operator import quantization

FLOAT32, FLOAT16 = TensorType.FLOAT32, TensorType.FLOAT16
INT8, UINT8, INT16 = TensorType.INT8, TensorType.UINT8, TensorType.INT16


@pytest.mark.parametrize(("kernels", "expected"), [("optimized", -1), ("xnnpack", 0)])
def test_table_entries_halfway_round_by_family(compute, kernels, expected):
    # 1000 is far beyond where exp(x) - 1 is -1, half a unit of scale 2.
    operand = [([-100], INT8, quantization(10.0))]
    y = compute("ELU", operand, (INT8, quantization(2.0)), kernels=kernels)
    assert y.tolist() == [expected]
    y = compute("TANH", operand, (INT8, quantization(2.0)), kernels=kernels)
    assert y.tolist() == [expected]


def test_xnnpack_adds_the_zero_point_before_it_rounds(compute):
    operand = [([-100], INT8, quantization(10.0))]
    y = compute("TANH", operand, (INT8, quantization(2.0, 1)), kernels="xnnpack")
    assert y.tolist() == [0]  # 1 - 1/2


def test_xnnpack_asks_no_output_scale_of_logistic(compute):
    operand = [([0, 127, -128], INT8, quantization(1.0))]
    y = compute("LOGISTIC", operand, (INT8, quantization(1 / 64, 3)), kernels="xnnpack")
    assert y.tolist() == [35, 67, 3]
    for kernels in ("reference", "optimized"):
        with pytest.raises(InvalidModelError, match="scale"):
            compute("LOGISTIC", operand, (INT8, quantization(1 / 64, 3)), kernels=kernels)


def test_several_scales_keep_xnnpack_away(compute):
    operand = [([[-100], [-100]], INT8, quantization([10.0, 10.0]))]
    by_family = [
        compute("TANH", operand, (INT8, quantization(2.0)), kernels=kernels).tolist()
        for kernels in ("optimized", "xnnpack")
    ]
    assert by_family[0] == by_family[1]


def test_int16_codes_in_powers_of_two_go_through_fixed_point(compute):
    out = INT16, quantization(2.0**-15)
    one = [([4096, -4096], INT16, quantization(2.0**-12))]
    assert compute("LOGISTIC", one, out, kernels="optimized").tolist() == [23952, 8815]
    assert compute("LOGISTIC", one, out).tolist() == [23956, 8812]
    assert compute("TANH", one, out, kernels="optimized").tolist() == [24964, -24964]
    half = [([2048, 20000], INT16, quantization(2.0**-11))]
    one_and_most = [([4096, 32767], INT16, quantization(2.0**-12))]
    assert np.array_equal(
        compute("TANH", half, out, kernels="optimized"),
        compute("TANH", one_and_most, out, kernels="optimized"),
    )


@pytest.mark.parametrize("operator", ["LOGISTIC", "TANH"])
def test_other_int16_scales_are_looked_up_in_every_family(compute, operator):
    codes = np.arange(-32768, 32768, 129)
    operand, out = [(codes, INT16, quantization(0.0003))], (INT16, quantization(2.0**-15))
    expected = compute(operator, operand, out)
    for kernels in ("optimized", "xnnpack"):
        assert np.array_equal(compute(operator, operand, out, kernels=kernels), expected)


def test_real_functions_of_the_optimized_family_are_those_of_eigen(compute):
    x = np.linspace(-20, 20, 403, dtype=np.float32)
    logistic = compute("LOGISTIC", [(x, FLOAT32)], (FLOAT32,), kernels="optimized")
    assert np.array_equal(logistic, eigen.logistic(x))
    assert np.array_equal(compute("TANH", [(x, FLOAT32)], (FLOAT32,), kernels="optimized"), eigen.tanh(x))


def test_half_precision_logistic_of_the_optimized_family_rounds_every_step(compute):
    x = [0.0, math.log(3.0), 20.0, -20.0, math.inf, -math.inf]
    y = compute("LOGISTIC", [(x, FLOAT16)], (FLOAT16,), kernels="optimized")
    # exp(1.099) is 3.0 in float16; exp(20) is infinite.
    assert y.tolist() == [0.5, 0.75, 1.0, 0.0, 1.0, 0.0]


def test_the_optimized_hard_swish_divides_first_in_blocks_of_four(compute):
    x = np.full(6, 1.1, np.float32)
    y = compute("HARD_SWISH", [(x, FLOAT32)], (FLOAT32,), kernels="optimized")
    one, sixth, ramp = np.float32(1.1), np.float32(1 / 6), np.float32(1.1) + np.float32(3)
    assert y.tolist() == [float(one * sixth * ramp)] * 4 + [float(one * ramp * sixth)] * 2
    assert y[0] != y[4]


@pytest.mark.parametrize(
    ("operator", "function", "options"),
    [
        ("LOG", xnnpack.logf, None),
        ("SIN", xnnpack.sinf, None),
        ("COS", xnnpack.cosf, None),
        ("TANH", xnnpack.tanhf, None),
        ("HARD_SWISH", xnnpack.hard_swish, None),
        ("EXP", xnnpack_exp.expf, None),
        ("LOGISTIC", xnnpack_exp.logistic, None),
        ("GELU", xnnpack.gelu, GeluOptions(approximate=False)),
        ("GELU", xnnpack.gelu_approximate, GeluOptions(approximate=True)),
    ],
)
def test_xnnpack_has_its_own_real_functions(compute, operator, function, options):
    x = np.linspace(0.1, 7, 101, dtype=np.float32)
    by_family = [
        compute(operator, [(x, FLOAT32)], (FLOAT32,), options, kernels=kernels)
        for kernels in ("optimized", "xnnpack")
    ]
    assert np.array_equal(by_family[1], function(x))
    assert not np.array_equal(*by_family)
    np.testing.assert_allclose(*by_family, rtol=1e-5, atol=1e-6)


def test_the_elu_of_xnnpack_is_its_own_below_zero(compute):
    x = np.linspace(-7, 7, 101, dtype=np.float32)
    by_family = [
        compute("ELU", [(x, FLOAT32)], (FLOAT32,), kernels=kernels) for kernels in ("optimized", "xnnpack")
    ]
    assert np.array_equal(by_family[1], xnnpack_exp.elu(x))
    assert np.array_equal(by_family[0][50:], by_family[1][50:])
    assert not np.array_equal(*by_family)


@pytest.mark.parametrize(
    ("operator", "function", "options"),
    [
        ("SIN", xnnpack_half.sin, None),
        ("COS", xnnpack_half.cos, None),
        ("TANH", xnnpack_half.tanh, None),
        ("GELU", xnnpack_half.gelu, GeluOptions(approximate=False)),
        ("GELU", xnnpack_half.gelu_approximate, GeluOptions(approximate=True)),
    ],
)
def test_xnnpack_has_its_own_functions_of_float16(compute, operator, function, options):
    x = np.linspace(-9, 9, 2001).astype(np.float16)
    by_family = [
        compute(operator, [(x, FLOAT16)], (FLOAT16,), options, kernels=kernels)
        for kernels in ("optimized", "xnnpack")
    ]
    assert np.array_equal(by_family[1], function(x))
    assert not np.array_equal(*by_family)
    np.testing.assert_allclose(*by_family, rtol=4e-3, atol=1e-2)
