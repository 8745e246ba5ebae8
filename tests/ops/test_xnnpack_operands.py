"""Sums and products of codes in XNNPACK, and when its delegate takes them."""

import numpy as np
import pytest

from quantlib.arithmetic.flush import flush_denormals
from quantlib.kernel_sets import XNNPACK
from quantlib.model.graph import TensorType
from quantlib.model.limits import Limits
from quantlib.ops import _registry
from quantlib.ops._activation import Activation
from quantlib.ops._resolve import resolve
from quantlib.ops.add import AddOptions
from quantlib.ops.mul import MulOptions
from quantlib.ops.sub import SubOptions
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, FLOAT16, INT8 = TensorType.FLOAT32, TensorType.FLOAT16, TensorType.INT8
HALF, ONE = quantization(0.5), quantization(1.0)


def test_halves_of_a_sum_are_rounded_up(compute):
    x, y = ([1, -1, 3, -3], INT8, HALF), ([0, 0, 0, 0], INT8, HALF)
    assert compute("ADD", [x, y], (INT8, ONE), kernels="xnnpack").tolist() == [1, 0, 2, -1]
    assert compute("SUB", [y, x], (INT8, ONE), kernels="xnnpack").tolist() == [0, 1, -1, 2]


def test_halves_of_a_product_are_rounded_to_even(compute):
    operands = [([1, 3, 5, -1], INT8, HALF), ([1, 1, 1, 1], INT8, ONE)]
    assert compute("MUL", operands, (INT8, ONE), kernels="xnnpack").tolist() == [0, 2, 2, 0]
    assert compute("MUL", operands, (INT8, ONE)).tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("scale", "taken"), [(2.0**-8, False), (2.0**-7, True), (2.0**10, True), (2.0**11, False)]
)
def test_a_sum_whose_ratios_are_out_of_range_is_left_to_the_optimized_kernel(compute, scale, taken):
    x, y = ([-1], INT8, ONE), ([0], INT8, ONE)
    rounds_up = compute("ADD", [x, y], (INT8, quantization(scale)), kernels="xnnpack")
    optimized = compute("ADD", [x, y], (INT8, quantization(scale)), kernels="optimized")
    assert rounds_up.tolist() == optimized.tolist()
    graph = Graph()
    parameters = quantization(scale)
    inputs = [graph.input((1,), INT8, ONE), graph.input((1,), INT8, ONE)]
    graph.operator("ADD", inputs, [graph.output((1,), INT8, parameters)])
    assert _family(graph) == ("xnnpack" if taken else "optimized")


def test_a_tensor_times_itself_is_the_square_of_a_real_number():
    graph = Graph()
    x = graph.input((1,), INT8, HALF)
    graph.operator("MUL", [x, x], [graph.output((1,), INT8, quantization(0.5, 1))])
    code = np.array([1], np.int8)
    (square,) = run(graph.model(), code, kernels="xnnpack")  # 0.5 + 1, to even
    assert square.tolist() == [2]
    graph = Graph()
    pair = [graph.input((1,), INT8, HALF) for _ in range(2)]
    graph.operator("MUL", pair, [graph.output((1,), INT8, quantization(0.5, 1))])
    (product,) = run(graph.model(), code, code, kernels="xnnpack")  # 0.5 to even, + 1
    assert product.tolist() == [1]


def test_subnormal_numbers_are_zeros():
    assert np.signbit(flush_denormals(np.array([-1e-40], np.float32)))[0]


def test_products_are_flushed_as_if_exponents_had_no_end(compute):
    # 2**-126 less one of 24 bits: denormal before it is rounded, the smallest normal number afterwards.
    x, y = ([2.0**-126, 2.0**-125], FLOAT32), ([1 - 2.0**-24, 0.5], FLOAT32)
    products = compute("MUL", [x, y], (FLOAT32,), kernels="xnnpack")
    assert products.tolist() == [0.0, 2.0**-126]


def test_float32_sums_flush_subnormal_numbers_and_keep_infinities(compute):
    x, y = ([1e-40, np.inf], FLOAT32), ([0, 1], FLOAT32)
    assert compute("ADD", [x, y], (FLOAT32,), kernels="xnnpack").tolist() == [0.0, np.inf]
    assert compute("ADD", [x, y], (FLOAT32,))[1] == np.finfo(np.float32).max


def test_bounds_keep_nan_in_float32_and_lose_it_in_float16(compute):
    options = AddOptions(Activation.RELU)
    for type, kept in ((FLOAT32, True), (FLOAT16, False)):
        out = compute("ADD", [([np.nan], type), ([1], type)], (type,), options, kernels="xnnpack")
        assert bool(np.isnan(out[0])) is kept
    operands = [([-0.0], FLOAT16), ([1], FLOAT16)]
    out = compute("MUL", operands, (FLOAT16,), MulOptions(Activation.RELU), kernels="xnnpack")
    assert not np.signbit(out[0])


@pytest.mark.parametrize(
    ("operator", "x", "y"),
    [
        ("RELU", 1e-40, 0.0),
        ("RELU6", 1e-40, 0.0),
        ("RELU_N1_TO_1", -1e-40, -0.0),
        ("FLOOR", -1e-40, -0.0),
        ("SQUARE", 1e-20, 0.0),
        ("NEG", 0.0, 0.0),
        ("NEG", -2.5, 2.5),
    ],
)
def test_operators_of_one_number_flush_what_is_subnormal(compute, operator, x, y):
    out = compute(operator, [([x], FLOAT32)], (FLOAT32,), kernels="xnnpack")
    assert (out[0], np.signbit(out[0])) == (y, np.signbit(y))


def test_quotients_are_infinite_and_differences_flushed(compute):
    x, y = ([1.0, 1e-38], FLOAT32), ([0.0, 0.95e-38], FLOAT32)
    assert compute("DIV", [x, y], (FLOAT32,), kernels="xnnpack").tolist()[0] == np.inf
    assert compute("SQUARED_DIFFERENCE", [x, y], (FLOAT32,), kernels="xnnpack").tolist() == [1.0, 0.0]


def test_operands_change_places_where_the_first_is_repeated(compute):
    scalar, row = ([np.nan], FLOAT32), ([1.0, 2.0], FLOAT32)
    for operator in ("MAXIMUM", "MINIMUM"):
        assert np.isnan(compute(operator, [scalar, row], (FLOAT32,), kernels="xnnpack")).all()
        assert compute(operator, [scalar, row], (FLOAT32,)).tolist() == [1.0, 2.0]
        assert np.isnan(compute(operator, [row, scalar], (FLOAT32,), kernels="xnnpack")).all()


def test_a_constant_of_one_element_is_a_bound(compute):
    row, bound = ([np.nan, 1.0, 5.0], FLOAT32), ([3.0], FLOAT32)
    for operator, expected in (("MAXIMUM", [3.0, 5.0]), ("MINIMUM", [1.0, 3.0])):
        for operands, position in (([row, bound], 1), ([bound, row], 0)):
            out = compute(operator, operands, (FLOAT32,), constants=[position], kernels="xnnpack")
            assert np.isnan(out[0])
            assert out.tolist()[1:] == expected
    halves = [([np.nan, 1.0, 5.0], FLOAT16), ([3.0], FLOAT16)]
    assert compute("MAXIMUM", halves, (FLOAT16,), constants=[1], kernels="xnnpack").tolist() == [
        3.0,
        3.0,
        5.0,
    ]
    out = compute("MINIMUM", halves, (FLOAT16,), constants=[1], kernels="xnnpack")
    assert out.tolist() == [-np.inf, 1.0, 3.0]


def test_a_constant_of_more_dimensions_is_no_bound(compute):
    for operator in ("MAXIMUM", "MINIMUM"):
        operands = [(np.nan, FLOAT16), ([-0.0778], FLOAT16)]
        out = compute(operator, operands, (FLOAT16,), constants=[1], kernels="xnnpack")
        assert out.shape == (1,)
        assert np.isnan(out[0])


def test_a_bound_of_minus_zero_is_zero_and_a_subnormal_one_is_minus_zero(compute):
    for bound, is_negative in ((-0.0, False), (-1e-40, True)):
        operands = [(-0.5, FLOAT32), (bound, FLOAT32)]
        out = compute("MAXIMUM", operands, (FLOAT32,), constants=[1], kernels="xnnpack")
        assert (out, np.signbit(out)) == (0, is_negative)


def test_of_two_constants_the_second_is_the_bound(compute):
    operands = [([np.nan], FLOAT16), ([3.0], FLOAT16)]
    out = compute("MAXIMUM", operands, (FLOAT16,), constants=[0, 1], kernels="xnnpack")
    assert out.tolist() == [3.0]


@pytest.mark.parametrize(("operator", "bound"), [("MAXIMUM", -np.inf), ("MINIMUM", np.inf)])
def test_a_bound_that_bounds_nothing_copies(compute, operator, bound):
    x = [1e-40, np.nan, -np.inf, np.inf]
    operands = [(x, FLOAT32), ([bound], FLOAT32)]
    out = compute(operator, operands, (FLOAT32,), constants=[1], kernels="xnnpack")
    assert np.array_equal(out, np.array(x, np.float32), equal_nan=True)
    halves = [([bound], FLOAT16), ([np.nan], FLOAT16)]
    assert np.isnan(compute(operator, halves, (FLOAT16,), constants=[0], kernels="xnnpack"))


@pytest.mark.parametrize("options", [AddOptions, SubOptions, MulOptions])
def test_a_constant_in_a_table_has_no_dimensions(compute, options):
    operator = options.__name__.removesuffix("Options").upper()
    row, one = ([4, 6, 8], INT8, ONE), ([[[2]]], INT8, HALF)
    for activation, constants, shape in (
        (Activation.RELU, [1], (3,)),
        (Activation.NONE, [1], (1, 1, 3)),
        (Activation.RELU, [], (1, 1, 3)),
        (Activation.RELU, [0, 1], (1, 1, 3)),
    ):
        out = compute(
            operator, [row, one], (INT8, ONE), options(activation), constants=constants, kernels="xnnpack"
        )
        assert out.shape == shape
    turned = compute(
        operator, [one, row], (INT8, ONE), options(Activation.RELU6), constants=[0], kernels="xnnpack"
    )
    assert turned.shape == (3,)


def test_constant_slopes_leave_subnormal_negative_numbers_alone(compute):
    operands = [([[-1e-40, -2.0]], FLOAT32), ([0.5], FLOAT32)]
    taken = compute("PRELU", operands, (FLOAT32,), constants=[1], kernels="xnnpack")
    assert taken[0, 0] == np.float32(-1e-40)
    assert taken[0, 1] == -1.0
    left = compute("PRELU", operands, (FLOAT32,), kernels="xnnpack")
    assert left[0, 0] == np.float32(-0.5e-40)


def _family(graph):
    node = resolve(graph.model(), 0, 0, Limits())
    for candidate in XNNPACK.chain:
        entry = _registry.find(node, candidate.searched)
        if entry is not None:
            return entry.family
    raise AssertionError("nobody serves it")
