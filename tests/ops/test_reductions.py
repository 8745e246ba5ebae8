"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY and REDUCE_ALL by hand."""

import math

import numpy as np
import pytest

from quantlib.arithmetic.fused import fma32
from quantlib.errors import InvalidModelError, UnsupportedError
from quantlib.model.graph import TensorType
from quantlib.ops._reduce import ReducerOptions, fold_float32
from quantlib.ops.mean import _in_blocks, multiplier_of_mean
from quantlib.runtime.execute import run
from quantlib.testing.single_operator import Graph, quantization

FLOAT32, INT32, INT64, BOOL = TensorType.FLOAT32, TensorType.INT32, TensorType.INT64, TensorType.BOOL
INT8, UINT8, INT16 = TensorType.INT8, TensorType.UINT8, TensorType.INT16
ALL = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ANY", "REDUCE_ALL")
LARGEST = float(np.finfo(np.float32).max)
UNQUANTIZED = object()


def reduce(operator, x, axis, type=FLOAT32, parameters=None, out=UNQUANTIZED, **more):
    graph = Graph()
    x = np.asarray(x, type.dtype)
    axis = np.asarray(axis, more.get("axis_type", INT32).dtype)
    source = graph.input(x.shape, type, parameters)
    kernels = more.get("kernels", "reference")
    if kernels == "xnnpack":
        target = graph.output((), type, parameters if out is UNQUANTIZED else out)
        options = ReducerOptions(more.get("keep_dims", False))
        graph.operator(operator, [source, graph.constant(axis, INT32)], [target], options)
        return run(graph.model(), x, kernels=kernels)[0]
    given = graph.input(axis.shape, more.get("axis_type", INT32))
    target = graph.output((), more.get("out_type", type), parameters if out is UNQUANTIZED else out)
    graph.operator(operator, [source, given], [target], ReducerOptions(more.get("keep_dims", False)))
    (y,) = run(graph.model(), x, axis, kernels=kernels)
    return y


@pytest.mark.parametrize(
    ("axis", "shape"),
    [([1], (2, 4)), ([-1], (2, 3)), ([0, 2], (3,)), ([2, 0, -1], (3,)), (1, (2, 4)), ([[0], [1]], (4,))],
)
def test_axes_come_in_any_order_from_either_end_and_repeatedly(axis, shape):
    x = np.arange(24).reshape(2, 3, 4)
    expected = x.sum(axis=tuple({one % 3 for one in np.ravel(axis).tolist()}))
    y = reduce("SUM", x, axis, INT32)
    assert y.shape == shape
    assert np.array_equal(y, expected)


def test_kept_axes_have_extent_1():
    assert reduce("SUM", np.ones((2, 3, 4)), [2, 0], keep_dims=True).shape == (1, 3, 1)


@pytest.mark.parametrize("operator", ["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"])
def test_no_axis_leaves_the_data(operator):
    x = np.array([[1.5, -2.0], [4.0, 5.0]], np.float32)
    assert np.array_equal(reduce(operator, x, []), x)


@pytest.mark.parametrize("operator", ["MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"])
def test_a_scalar_ignores_the_axis(operator):
    y = reduce(operator, np.float32(7), [5])
    assert y.shape == ()
    assert y == 7


def test_codes_are_averaged_with_rescaling():
    # (1 + 2 + 4 - 3 * 1) / 3 = 1.333 units of 0.5 are 2.667 units of 0.25, on zero point -10.
    y = reduce("MEAN", [[1, 2, 4]], [1], INT8, quantization(0.5, 1), quantization(0.25, -10))
    assert y.tolist() == [-7]


def test_halves_round_up_by_the_multiplier_and_away_from_zero_by_the_shift():
    y = reduce("MEAN", [[1, 2], [-1, -2], [-3, -4]], [1], INT8, quantization(1.0))
    assert y.tolist() == [2, -1, -3]
    y = reduce("MEAN", [[1, 1, 1, 3], [-1, -1, -1, -3]], [1], INT8, quantization(1.0))
    assert y.tolist() == [2, -2]


def test_the_divided_multiplier_keeps_its_bits():
    for count in (1, 2, 3, 7, 1000, 2**20 + 1):
        multiplier, shift = multiplier_of_mean(1 << 30, 1, count)
        assert multiplier >= 1 << 29
        assert math.isclose(multiplier * 2.0 ** (shift - 31), 1 / count, rel_tol=2**-29)


def test_a_small_multiplier_gives_up_bits_rather_than_shift_too_far():
    assert multiplier_of_mean(1 << 30, -30, 8) == ((1 << 30) * 2 // 8, -31)


def test_16_bit_means_saturate():
    y = reduce("MEAN", [[32767, 32767], [-32768, -32768]], [1], INT16, quantization(1.0), quantization(0.5))
    assert y.tolist() == [32767, -32768]


def test_plain_integer_means_truncate():
    assert reduce("MEAN", [[-3, -4, 0], [3, 4, 1]], [1], INT32).tolist() == [-2, 2]
    assert reduce("MEAN", [2**31 - 1, 2**31 - 1, -7], [0], INT32) == 1431655762
    assert reduce("MEAN", [2**62] * 3, [0], INT64) == -(2**62) // 3 + 1


def test_codes_are_summed_with_rescaling():
    y = reduce("SUM", [[10, 20, 200]], [1], UINT8, quantization(0.5, 10), quantization(1.0, 3))
    assert y.tolist() == [(230 - 30) // 2 + 3]


def test_int8_sums_read_bytes_as_unsigned():
    # 246 + 236 + 5 + 255 - 0 is clamped to 255, the byte of -1.
    assert reduce("SUM", [[-10, -20, 5, -1]], [1], INT8, quantization(1.0)).tolist() == [-1]
    assert reduce("SUM", [[10, 20, 5, 1]], [1], INT8, quantization(1.0)).tolist() == [36]


def test_int16_sums_are_refused_by_name_of_the_defect():
    with pytest.raises(UnsupportedError, match="half of the output unwritten"):
        reduce("SUM", [[1, 2]], [1], INT16, quantization(1.0))


def test_plain_sums_wrap():
    assert reduce("SUM", [2**31 - 1, 1], [0], INT32) == -(2**31)
    assert reduce("SUM", [2**62] * 3, [0], INT64) == -(2**62)


def test_sums_and_products_of_bool_are_or_and_and():
    x = [[False, False], [True, False], [True, True]]
    assert reduce("SUM", x, [1], BOOL).tolist() == [False, True, True]
    assert reduce("REDUCE_PROD", x, [1], BOOL).tolist() == [False, False, True]
    assert reduce("REDUCE_MAX", x, [1], BOOL).tolist() == [False, True, True]
    assert reduce("REDUCE_MIN", x, [1], BOOL).tolist() == [False, False, True]
    assert reduce("REDUCE_ANY", x, [1], BOOL).tolist() == [False, True, True]
    assert reduce("REDUCE_ALL", x, [1], BOOL).tolist() == [False, False, True]


def test_reals_are_summed_in_order():
    assert reduce("SUM", [[1e8, 1, -1e8], [1e8, -1e8, 1]], [1]).tolist() == [0, 1]
    assert reduce("MEAN", [[1e8, 1, -1e8], [1e8, -1e8, 1]], [1]).tolist() == [
        0,
        np.float32(1) / np.float32(3),
    ]


def test_the_order_is_that_of_the_input_not_of_the_axes():
    x = np.array([[1e8, 1], [-1e8, 1]])[None]
    assert reduce("SUM", x, [1, 2]).tolist() == reduce("SUM", x, [2, 1]).tolist() == [1]


def test_a_fold_is_the_same_however_it_is_cut():
    random = np.random.default_rng(0)
    rows = random.normal(size=(2**21 + 3, 1)).astype(np.float32)
    total = np.float32(0)
    for value in rows[:5000, 0]:
        total = np.float32(total + value)
    zero = np.zeros(1, np.float32)
    assert fold_float32(np.add, rows[:5000], zero) == total
    in_two = fold_float32(np.add, rows[1000:], fold_float32(np.add, rows[:1000], zero))
    assert fold_float32(np.add, rows, zero) == in_two


def test_products_of_codes_are_rescaled_at_every_step():
    # 8 * 8 units of 1/4 are 4.0, which is 64 units of 1/16.
    y = reduce("REDUCE_PROD", [[8, 8]], [1], INT8, quantization(0.25), quantization(1 / 16))
    assert y.tolist() == [64]


def test_plain_products_wrap():
    assert reduce("REDUCE_PROD", [2**30, 4], [0], INT32) == 0
    assert reduce("REDUCE_PROD", [100, 3], [0], INT8) == 44


def test_of_equal_zeros_the_first_stays():
    x = [[-0.0, 0.0], [0.0, -0.0]]
    assert np.signbit(reduce("REDUCE_MAX", x, [1])).tolist() == [True, False]
    assert np.signbit(reduce("REDUCE_MIN", x, [1])).tolist() == [True, False]


def test_a_nan_loses_unless_the_search_starts_from_it():
    x = np.array([[np.nan, 1, 2], [1, np.nan, 0]])
    assert reduce("REDUCE_MAX", x, [1]).tolist() == [2, 1]
    assert reduce("REDUCE_MIN", x, [1]).tolist() == [1, 0]
    assert np.isnan(reduce("REDUCE_MAX", x, [0, 1]))
    assert reduce("REDUCE_MAX", x[::-1], [0, 1]) == 2


def test_an_infinity_is_not_beyond_the_start_of_the_search():
    assert reduce("REDUCE_MAX", [[-np.inf]], [1]).tolist() == [-LARGEST]
    assert reduce("REDUCE_MIN", [[np.inf]], [1]).tolist() == [LARGEST]
    assert reduce("REDUCE_MAX", [[-np.inf]], [0, 1]) == -np.inf


def test_a_sum_over_everything_keeps_negative_zero():
    assert np.signbit(reduce("SUM", [-0.0, -0.0], [0]))
    assert not np.signbit(reduce("SUM", [[-0.0, -0.0]], [1])).any()


@pytest.mark.parametrize(
    ("operator", "type", "expected"),
    [
        ("MEAN", FLOAT32, math.nan),
        ("MEAN", INT32, 0),
        ("MEAN", INT8, 0),
        ("SUM", FLOAT32, 0),
        ("SUM", UINT8, 0),
        ("REDUCE_MAX", FLOAT32, -LARGEST),
        ("REDUCE_MAX", INT8, -128),
        ("REDUCE_MIN", UINT8, 255),
        ("REDUCE_PROD", FLOAT32, 1),
        ("REDUCE_PROD", INT64, 1),
        ("REDUCE_ANY", BOOL, False),
        ("REDUCE_ALL", BOOL, True),
        ("REDUCE_MIN", BOOL, True),
    ],
)
@pytest.mark.parametrize(("shape", "out"), [((0, 2), (2,)), ((0,), ())])
def test_where_there_is_nothing_to_reduce(operator, type, expected, shape, out):
    parameters = quantization(0.5, 3) if type in (INT8, UINT8) else None
    y = reduce(operator, np.zeros(shape), [0], type, parameters)
    assert y.shape == out
    np.testing.assert_array_equal(y, np.full(out, expected))


def test_quantized_products_of_nothing_are_refused():
    with pytest.raises(UnsupportedError, match="unwritten"):
        reduce("REDUCE_PROD", np.zeros((0, 2)), [0], INT8, quantization(1.0))


def of(operator):
    """A type that the operator takes."""
    return BOOL if operator in ("REDUCE_ANY", "REDUCE_ALL") else FLOAT32


@pytest.mark.parametrize("operator", ALL)
@pytest.mark.parametrize("axis", [2, -3])
def test_c1_an_axis_that_the_input_does_not_have_is_refused(operator, axis):
    with pytest.raises(InvalidModelError, match=r"-2 \.\. 1"):
        reduce(operator, np.ones((2, 2)), [axis], of(operator))


@pytest.mark.parametrize("operator", ALL)
def test_c1_axes_of_another_type_are_refused(operator):
    with pytest.raises(InvalidModelError, match="INT64; wanted INT32"):
        reduce(operator, np.ones((2, 2)), [0], of(operator), axis_type=INT64)


@pytest.mark.parametrize("operator", ALL)
def test_c2_another_output_type_is_refused(operator):
    with pytest.raises(InvalidModelError, match="INT32; wanted"):
        reduce(operator, np.ones((2, 2)), [0], of(operator), out_type=INT32)


@pytest.mark.parametrize("operator", ["REDUCE_MAX", "REDUCE_MIN"])
@pytest.mark.parametrize("out", [quantization(0.25, 3), quantization(0.5, 4), None])
def test_c2_comparing_operators_do_not_rescale(operator, out):
    with pytest.raises(InvalidModelError, match=r"scale|zero point"):
        reduce(operator, np.ones((2, 2)), [0], INT8, quantization(0.5, 3), out)


@pytest.mark.parametrize("operator", ["MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"])
@pytest.mark.parametrize("points", [(1, 0), (0, 1)])
def test_c3_16_bit_zero_points_are_refused(operator, points):
    with pytest.raises(InvalidModelError, match="zero point 1; wanted 0"):
        reduce(operator, [[1, 2]], [1], INT16, *(quantization(0.5, point) for point in points))


def test_c4_quantized_uint8_products_are_refused():
    with pytest.raises(InvalidModelError, match="INT8 or INT16"):
        reduce("REDUCE_PROD", [[1, 2]], [1], UINT8, quantization(0.5))


def fold(compute, x, type, parameters=(), out=()):
    return compute("REDUCE_PROD", [(x, type, *parameters), ([1], INT32)], (type, *out), constants=(0, 1))


def test_a_product_of_one_constant_factor_is_copied(compute):
    coarse, fine = (quantization(0.5),), (quantization(0.25),)
    assert fold(compute, [[6], [7]], INT8, coarse, fine).tolist() == [6, 7]
    assert fold(compute, [[6]] * 9, INT8, coarse, fine).tolist() == [12] * 9
    assert fold(compute, [[6, 2]], INT8, coarse, fine).tolist() == [12]
    y = compute("REDUCE_PROD", [([[6]], INT8, *coarse), ([1], INT32)], (INT8, *fine), constants=(1,))
    assert y.tolist() == [12]


def test_c6_products_of_constant_bool_are_refused(compute):
    with pytest.raises(InvalidModelError, match="constant BOOL"):
        fold(compute, [[True, False]], BOOL)
    assert fold(compute, [[True], [False]], BOOL).tolist() == [True, False]
    assert fold(compute, [[True, False]] * 9, BOOL).tolist() == [False] * 9


def test_types_without_a_kernel_are_named():
    with pytest.raises(UnsupportedError, match="BOOL"):
        reduce("MEAN", [[True]], [1], BOOL)


def test_the_input_is_not_written_to():
    x = np.array([[1.0, -2.0], [3.0, 4.0]], np.float32)
    x.flags.writeable = False
    for operator in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        for axis in ([0], [0, 1], []):
            reduce(operator, x, axis)


def test_the_optimized_mean_of_images_rounds_halves_up_in_blocks_of_16_channels():
    # -3 / 2 at scale 1: half up in the block, away from zero in what is left of 17 channels.
    x = np.repeat([[-1], [-2]], 17, axis=1).reshape(1, 2, 1, 17)
    code = quantization(1.0)
    y = reduce("MEAN", x, [1, 2], INT8, code, kernels="optimized", keep_dims=True).ravel()
    assert y.tolist() == [-1] * 17
    x = np.repeat([[-1], [-1], [-1], [-3]], 17, axis=1).reshape(1, 2, 2, 17)
    y = reduce("MEAN", x, [2, 1], INT8, code, kernels="optimized", keep_dims=True).ravel()
    assert y.tolist() == [-1] * 16 + [-2]
    reference = reduce("MEAN", x, [1, 2], INT8, code, keep_dims=True).ravel()
    assert reference.tolist() == [-2] * 17


def test_the_optimized_mean_divides_channels_among_threads():
    assert [int(_in_blocks(40, threads).sum()) for threads in (1, 2, 4)] == [32, 32, 0]


def test_the_optimized_sum_reads_int8_as_int8():
    y = reduce("SUM", [[-3, -2, 1]], [1], INT8, quantization(1.0), kernels="optimized")
    assert y.tolist() == [-4]


@pytest.mark.parametrize(("kernels", "expected"), [("optimized", [1, -1]), ("xnnpack", [0, 0])])
def test_float32_sums_round_halves_by_family(kernels, expected):
    codes = quantization(1.0), quantization(2.0)
    y = reduce("SUM", [[1, 0], [-1, 0]], [1], INT8, *codes, kernels=kernels)
    assert y.tolist() == expected


def test_the_optimized_sum_takes_int16():
    y = reduce("SUM", [[300, -700]], [1], INT16, quantization(1.0), kernels="optimized")
    assert y.tolist() == [-400]


def test_the_xnnpack_mean_rounds_halves_to_even():
    y = reduce("MEAN", [[1, 2], [2, 3], [-1, -2]], [1], INT8, quantization(1.0), kernels="xnnpack")
    assert y.tolist() == [2, 2, -2]


@pytest.mark.parametrize(
    ("kernels", "operator"), [("optimized", "SUM"), ("xnnpack", "SUM"), ("xnnpack", "MEAN")]
)
def test_codes_of_nothing_are_refused_where_their_sum_is_not_defined(kernels, operator):
    with pytest.raises(UnsupportedError, match="no elements"):
        reduce(operator, np.zeros((2, 0)), [1], INT8, quantization(1.0), kernels=kernels)


def test_xnnpack_compares_codes_whatever_the_parameters():
    codes = quantization(1.0), quantization(0.5, 3)
    y = reduce("REDUCE_MAX", [[1, 7]], [1], INT8, *codes, kernels="xnnpack")
    assert y.tolist() == [7]
    with pytest.raises(InvalidModelError, match="scale"):
        reduce("REDUCE_MAX", [[1, 7]], [1], INT8, *codes, kernels="optimized")


def test_xnnpack_fails_with_the_axis_of_a_scalar():
    with pytest.raises(UnsupportedError, match="scalar"):
        reduce("REDUCE_MIN", np.int8(3), [5], INT8, quantization(1.0), kernels="xnnpack")
    assert reduce("REDUCE_MIN", np.int8(3), [0], INT8, quantization(1.0), kernels="xnnpack") == 3


def test_the_optimized_extremum_forgets_what_came_before_nan():
    x = [[9.0, math.nan, 1.0, 2.0], [1.0, 2.0, 3.0, math.nan], [4.0, 0.0, 1.0, 2.0]]
    y = reduce("REDUCE_MAX", x, [1], kernels="optimized")
    assert np.array_equal(y, [2.0, math.nan, 4.0], equal_nan=True)
    y = reduce("REDUCE_MIN", x, [1], kernels="optimized")
    assert np.array_equal(y, [1.0, math.nan, 0.0], equal_nan=True)


def test_the_optimized_extremum_keeps_the_last_of_equal_zeros():
    y = reduce("REDUCE_MAX", [[0.0, -0.0], [-0.0, 0.0]], [1], kernels="optimized")
    assert np.signbit(y).tolist() == [True, False]


def test_the_optimized_extremum_of_nothing_is_the_farthest_number():
    y = reduce("REDUCE_MAX", np.zeros((2, 0)), [1], kernels="optimized")
    assert y.tolist() == [-LARGEST] * 2


@pytest.mark.parametrize("operator", ["SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"])
def test_the_optimized_kernel_copies_bool_and_folds_none(operator):
    x = np.array([[True], [False]])
    assert reduce(operator, x, [1], BOOL, kernels="optimized").tolist() == [True, False]
    with pytest.raises(InvalidModelError, match="BOOL"):
        reduce(operator, x, [0], BOOL, kernels="optimized")


def test_the_optimized_product_of_one_code_is_that_code():
    codes = quantization(1.0, 5), quantization(0.5, 0)
    assert reduce("REDUCE_PROD", [[7]], [0], INT8, *codes, kernels="optimized").tolist() == [7]
    assert reduce("REDUCE_PROD", [[7]], [0], INT8, *codes).tolist() == [4]


def test_the_optimized_mean_along_the_last_axes_is_added_by_packets():
    x = np.array([[1e8, 1, -1e8, 1], [1e8, 1, -1e8, 1]], np.float32)
    assert reduce("MEAN", x, [1], kernels="optimized").tolist() == [0.5, 0.5]
    assert reduce("MEAN", x, [1]).tolist() == [0.25, 0.25]
    assert reduce("MEAN", x.T, [0], kernels="optimized").tolist() == [0.25, 0.25]
    assert math.isnan(reduce("MEAN", np.zeros((1, 0)), [1], kernels="optimized")[0])


def test_xnnpack_scales_inner_sums_before_it_adds_them():
    x = np.float32([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).reshape(3, 1, 2, 1)
    y = reduce("MEAN", x, [0, 2], kernels="xnnpack")
    share = np.float32(1) / np.float32(6)
    expected = np.float32(0)
    for pair in x.reshape(3, 2):
        expected = expected + (np.float32(0) + pair[0] + pair[1]) * share
    assert y.tolist() == [[expected]]


def test_xnnpack_adds_neighbouring_axes_as_one():
    x = np.array([[[1e8], [1.0]], [[-1e8], [1.0]]], np.float32)
    # In one run 1 is lost beside 1e8; apart, the runs are 1e8 and -1e8 + 1 = -1e8.
    assert reduce("SUM", x, [0, 1], kernels="xnnpack").tolist() == [1.0]
    assert reduce("SUM", x[:, None], [0, 2], kernels="xnnpack").tolist() == [[0.0]]


@pytest.mark.parametrize(("operator", "nothing"), [("SUM", 0.0), ("MEAN", math.nan)])
def test_xnnpack_knows_reals_of_nothing(operator, nothing):
    y = reduce(operator, np.zeros((0, 2)), [0], kernels="xnnpack")
    assert np.array_equal(y, [nothing] * 2, equal_nan=True)
    assert reduce(operator, np.zeros((2, 0)), [0], kernels="xnnpack").shape == (0,)


def test_denormals_are_zeros_in_xnnpack():
    x = np.float32([[1e-40, 1e-38, 2e-38], [1e-40, 3e-38, -1e-38]])
    assert reduce("SUM", x, [0], kernels="xnnpack").tolist() == [0, np.float32(3e-38), np.float32(2e-38)]
    assert reduce("MEAN", x, [0], kernels="xnnpack").tolist() == [0, np.float32(1.5e-38), 0]
    assert reduce("REDUCE_MAX", x, [0], kernels="xnnpack").tolist() == [
        0,
        np.float32(3e-38),
        np.float32(2e-38),
    ]
    assert reduce("REDUCE_MIN", x, [0], kernels="xnnpack").tolist() == [0, 0, 0]


def test_xnnpack_adds_the_last_axis_by_vectors_of_16():
    row = np.zeros((1, 17), np.float32)
    row[0, [0, 8, 16]] = 1e8, 1, -1e8  # the 17th meets the first
    assert reduce("SUM", row, [1], kernels="xnnpack").tolist() == [1]
    assert reduce("SUM", row, [1]).tolist() == [0]


def test_xnnpack_multiplies_and_adds_sums_of_the_last_axis_in_one_step():
    x = np.float32([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).reshape(3, 1, 2)
    share = np.float32(1) / np.float32(6)
    expected = np.float32(0)
    for pair in x.reshape(3, 2):
        expected = fma32(pair[0] + pair[1], share, expected)
    assert reduce("MEAN", x, [0, 2], kernels="xnnpack").tolist() == [float(expected)]


def test_denormal_steps_are_zeros_in_xnnpack():
    least = np.float32(2.0**-126)
    x = np.array([[1.5], [-1], [1]], np.float32) * least
    assert reduce("SUM", x, [0], kernels="xnnpack").tolist() == [float(least)]
