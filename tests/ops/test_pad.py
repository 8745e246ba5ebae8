"""PAD and PADV2 by hand."""

import numpy as np
import pytest

from quantlib.errors import InvalidModelError, LimitExceededError
from quantlib.model.graph import TensorType
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, INT8, UINT8, INT16, INT32 = (
    TensorType.FLOAT32,
    TensorType.INT8,
    TensorType.UINT8,
    TensorType.INT16,
    TensorType.INT32,
)
ONE_SIDED = ([[1, 0], [0, 2]], INT32)


def test_zeros_stand_around_real_numbers(compute):
    out = compute("PAD", [([[1.5, 2.5]], FLOAT32), ONE_SIDED], (FLOAT32,))
    assert out.tolist() == [[0, 0, 0, 0], [1.5, 2.5, 0, 0]]


@pytest.mark.parametrize("type", [TensorType.INT64, TensorType.INT16, INT8, TensorType.BOOL])
def test_paddings_may_have_other_types(compute, type):
    out = compute("PAD", [([7], INT32), ([[1, 0]], type)], (INT32,))
    assert out.tolist() == [0, 7]


@pytest.mark.parametrize("type", [INT8, UINT8, INT16])
def test_codes_are_padded_with_what_means_zero_in_the_output(compute, type):
    x, y = quantization(0.5, 3), quantization(0.5, 5)
    assert compute("PAD", [([9], type, x), ([[1, 1]], INT32)], (type, y)).tolist() == [5, 9, 5]


def test_without_parameters_of_the_input_only_uint8_looks_at_the_output(compute):
    y = quantization(0.5, 5)
    padded = [
        compute("PAD", [([9], type), ([[1, 0]], INT32)], (type, y)).tolist() for type in (UINT8, INT8, INT16)
    ]
    assert padded == [[5, 9], [0, 9], [0, 9]]


def test_the_zero_point_of_int32_is_not_looked_at(compute):
    parameters = quantization(0.5, 5)
    assert compute("PAD", [([9], INT32, parameters), ([[1, 0]], INT32)], (INT32, parameters)).tolist() == [
        0,
        9,
    ]


@pytest.mark.parametrize("shape", [(), (1,)])
def test_padv2_pads_with_its_constant(compute, shape):
    constant = (np.full(shape, 7), INT32)
    assert compute("PADV2", [([1], INT32), ([[1, 1]], INT32), constant], (INT32,)).tolist() == [7, 1, 7]


def test_padv2_keeps_the_bits_of_a_nan(compute):
    nan = np.array(0x7FC12345, np.uint32).view(np.float32)
    out = compute("PADV2", [(np.ones(1), FLOAT32), ([[1, 0]], INT32), (nan, FLOAT32)], (FLOAT32,))
    assert out.view(np.uint32)[0] == 0x7FC12345


def test_padv2_without_a_constant_is_pad(compute):
    parameters = quantization(0.5, 5)
    assert compute("PADV2", [([9], INT8, parameters), ([[1, 0]], INT32)], (INT8, parameters)).tolist() == [
        5,
        9,
    ]


def test_an_empty_tensor_is_padded_to_a_constant_one(compute):
    out = compute("PAD", [(np.empty((0, 2)), FLOAT32), ONE_SIDED], (FLOAT32,))
    assert out.tolist() == [[0, 0, 0, 0]]


def test_a_scalar_has_nothing_to_pad(compute):
    assert compute("PAD", [(5, INT32), (np.empty((0, 2)), INT32)], (INT32,)).tolist() == 5


def test_c1_at_most_five_dimensions(compute):
    five = np.ones((1,) * 5)
    assert compute("PAD", [(five, FLOAT32), ([[0, 1]] * 5, INT32)], (FLOAT32,)).shape == (2,) * 5
    with pytest.raises(InvalidModelError, match="6 dimensions; wanted at most 5"):
        compute("PAD", [(five[None], FLOAT32), ([[0, 1]] * 6, INT32)], (FLOAT32,))


@pytest.mark.parametrize("paddings", [[[1, 0]], [1, 0, 0, 2], [[1, 0, 0], [0, 0, 0]]])
def test_c2_there_is_a_row_for_every_axis(compute, paddings):
    with pytest.raises(InvalidModelError, match=r"input 1 \(paddings\)"):
        compute("PAD", [([[1.0]], FLOAT32), (paddings, INT32)], (FLOAT32,))


def test_c2_paddings_are_not_negative(compute):
    with pytest.raises(InvalidModelError, match="0 or more"):
        compute("PAD", [([1, 2], INT32), ([[-1, 0]], INT32)], (INT32,))


def test_c2_paddings_are_not_uint8(compute):
    with pytest.raises(InvalidModelError, match=r"input 1 \(paddings\): UINT8"):
        compute("PAD", [([1, 2], INT32), ([[1, 0]], UINT8)], (INT32,))


def test_c3_the_constant_is_one_element_of_the_same_meaning(compute):
    x, other = quantization(0.5, 3), quantization(0.5, 4)
    rows = ([[1, 0]], INT32)
    with pytest.raises(InvalidModelError, match="2 elements; wanted 1"):
        compute("PADV2", [([1], INT32), rows, ([1, 2], INT32)], (INT32,))
    with pytest.raises(InvalidModelError, match=r"input 2 \(constant\): INT32; wanted INT8"):
        compute("PADV2", [([1], INT8), rows, ([1], INT32)], (INT8,))
    with pytest.raises(InvalidModelError, match="zero_point 4; wanted 3"):
        compute("PADV2", [([1], INT8, x), rows, ([1], INT8, other)], (INT8, x))
    assert compute("PADV2", [([1], INT8), rows, ([6], INT8, other)], (INT8, x)).tolist() == [6, 1]


def test_a_zero_point_that_no_code_has_is_refused(compute):
    with pytest.raises(InvalidModelError, match="300"):
        compute("PAD", [([1], UINT8), ([[1, 0]], INT32)], (UINT8, quantization(0.5, 300)))


@pytest.mark.parametrize("amount", [2**31 - 1, 2**29])
def test_huge_paddings_are_refused_before_they_are_allocated(compute, amount):
    with pytest.raises((LimitExceededError, InvalidModelError)):
        compute("PAD", [([[1.0]], FLOAT32), ([[0, amount], [amount, 0]], INT32)], (FLOAT32,))
    with pytest.raises((LimitExceededError, InvalidModelError)):
        compute("PAD", [(np.empty((0, 1)), FLOAT32), ([[0, 0], [0, amount]], INT32)], (FLOAT32,))


def negative_padding(kernels, type, shape, paddings):
    """Which elements of ones, padded with -0.0, have a minus sign."""
    graph = Graph()
    inputs = [graph.input(shape, type), graph.constant(np.array(paddings), INT32), graph.input((), type)]
    graph.operator("PADV2", inputs, [graph.output((), type)])
    (y,) = run(graph.model(), np.ones(shape, type.dtype), np.array(-0.0, type.dtype), kernels=kernels)
    return np.signbit(y).reshape(-1).tolist()


@pytest.mark.parametrize("type", [FLOAT32, TensorType.FLOAT16])
def test_the_optimized_kernel_pads_with_zero_for_minus_zero(type):
    assert negative_padding("reference", type, (1,), [[1, 1]]) == [True, False, True]
    assert negative_padding("optimized", type, (1,), [[1, 1]]) == [False, False, False]


def test_the_optimized_kernel_keeps_minus_zero_around_float16_images():
    image = ((1, 1, 1, 1), [[0, 0], [1, 0], [0, 0], [0, 0]])
    assert negative_padding("optimized", TensorType.FLOAT16, *image) == [True, False]
    assert negative_padding("optimized", FLOAT32, *image) == [False, False]
