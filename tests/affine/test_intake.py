import numpy as np
import pytest

from quantlib.affine import intake
from quantlib.affine.fake_quant import fake_quant, fake_quant_gradient
from quantlib.affine.float16 import to_float16
from quantlib.affine.parameters import QuantizationParameters
from quantlib.affine.quantize import dequantize, quantize
from quantlib.affine.quantize_and_dequantize import quantize_and_dequantize
from quantlib.affine.range_quantize import range_quantize
from quantlib.errors import InvalidInputError

P = QuantizationParameters(0.25, 3)

FUNCTIONS = {
    "quantize": lambda x: quantize(x, P),
    "quantize_half_even": lambda x: quantize(x, P, rounding="half_even"),
    "quantize_optimized": lambda x: quantize(x, P, kernels="optimized"),
    "quantize_xnnpack": lambda x: quantize(x, P, kernels="xnnpack"),
    "quantize_int32": lambda x: quantize(x, QuantizationParameters(0.25, 3, np.int32)),
    "range_quantize": lambda x: range_quantize(x, -1.0, 3.0).output,
    "range_quantize_scaled": lambda x: (
        range_quantize(x, -1.0, 3.0, np.int32, "SCALED", "HALF_TO_EVEN").output
    ),
    "range_quantize_min_first": lambda x: range_quantize(x, -1.0, 3.0, mode="MIN_FIRST").output,
    "quantize_and_dequantize": lambda x: quantize_and_dequantize(x, -1.0, 3.0),
    "fake_quant": lambda x: fake_quant(x, -1.0, 3.0),
    "fake_quant_vars": lambda x: fake_quant(x, -1.0, 3.0, variant="vars"),
    "fake_quant_gradient": lambda x: fake_quant_gradient(np.ones(np.shape(x)), x, -1.0, 3.0).dx,
    "to_float16": to_float16,
    "to_float16_inf": lambda x: to_float16(x, overflow="inf"),
}

VALUES = np.float32([[-1.0, -0.125, 0.0, 0.5, 2.75, 90.0], [1.0, 0.375, -0.0, 1e-42, np.inf, np.nan]])


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "fortran order": np.asfortranarray,
    "byte-swapped": lambda x: x.astype(x.dtype.newbyteorder("S")),
    "read-only": read_only,
    "strided": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "unaligned": lambda x: np.frombuffer(b"." + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    "list": lambda x: x.tolist(),
    "tuple of arrays": tuple,
    "memoryview": lambda x: memoryview(x),
    "float64": lambda x: x.astype(np.float64),
    "longdouble": lambda x: x.astype(np.longdouble),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_an_array_does_not_matter(function, layout):
    call = FUNCTIONS[function]
    if function == "quantize_and_dequantize" and layout == "float64":
        pytest.skip("computed in float64, as TensorFlow does")
    wanted, given = call(VALUES), LAYOUTS[layout](VALUES)
    result = call(given)
    assert result.dtype == wanted.dtype
    np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_inputs_are_never_modified(function):
    x = VALUES.copy()
    FUNCTIONS[function](x)
    assert x.tobytes() == VALUES.tobytes()


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(0,), (3, 0, 2), ()])
def test_empty_and_0d_arrays_keep_their_shape(function, shape):
    assert FUNCTIONS[function](np.zeros(shape, np.float32)).shape == shape


@pytest.mark.parametrize("function", FUNCTIONS)
def test_integers_are_real_numbers(function):
    x = np.array([-3, 0, 2, 7])
    np.testing.assert_array_equal(FUNCTIONS[function](x), FUNCTIONS[function](x.astype(np.float32)))
    np.testing.assert_array_equal(FUNCTIONS[function](x.astype(np.int8)), FUNCTIONS[function](x))


REFUSED = {
    "object": np.array([1.0, None], object),
    "None": None,
    "string": ["1.5"],
    "bytes": b"12",
    "complex": [1j],
    "datetime": np.array(["2020-01-01"], "datetime64[D]"),
    "bool": np.array([True]),
    "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
    "ragged": [[1.0], [1.0, 2.0]],
    "huge integer": [10**400],
    "record": np.zeros(2, [("a", "f4")]),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_an_array_of_real_numbers_is_refused_by_name(function, kind):
    if function == "fake_quant_gradient":
        pytest.skip("its shape is asked for first")
    with pytest.raises(InvalidInputError) as caught:
        FUNCTIONS[function](REFUSED[kind])
    assert caught.value.argument == "x"


def test_float64_beyond_float32_becomes_an_infinity_without_a_warning():
    assert intake.float32_array([1e300, -1e300], "x").tolist() == [np.inf, -np.inf]


def test_int64_is_rounded_once():
    assert intake.float32_array(np.array([2**24 + 1]), "x")[0] == 2**24


def test_bfloat16_is_widened():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    assert quantize(x, P).tolist() == [9, -5]


@pytest.mark.parametrize(
    ("value", "argument"),
    [(np.float32([1]), "q"), (np.uint8([1]), "q"), (np.int64([1]), "q"), ([128], "q"), ([1.5], "q")],
)
def test_stored_integers_of_another_type_are_refused(value, argument):
    with pytest.raises(InvalidInputError) as caught:
        dequantize(value, P)
    assert caught.value.argument == argument


def test_an_empty_list_is_an_empty_array_of_stored_integers():
    assert dequantize([], P).shape == (0,)


def test_byte_swapped_stored_integers_are_read_right():
    p = QuantizationParameters(0.5, 0, np.int16)
    q = np.array([1, -2, 300], np.int16)
    np.testing.assert_array_equal(dequantize(q.astype(">i2"), p), [0.5, -1.0, 150.0])


@pytest.mark.parametrize(
    "out",
    [
        np.zeros(3, np.int8),
        np.zeros(2, np.int16),
        [0, 0],
        read_only(np.zeros(2, np.int8)),
        np.ma.zeros(2, np.int8),
    ],
    ids=["shape", "dtype", "list", "read-only", "masked"],
)
def test_an_out_that_does_not_fit_is_refused(out):
    with pytest.raises(InvalidInputError) as caught:
        quantize([1.0, 2.0], P, out=out)
    assert caught.value.argument == "out"


@pytest.mark.parametrize("kernels", ["reference", "optimized", "xnnpack"])
def test_out_may_be_strided_or_overlap_the_input(kernels):
    x = np.linspace(-9, 9, 64, dtype=np.float32)
    wanted = quantize(x, P, kernels=kernels)
    strided = np.zeros(128, np.int8)
    result = quantize(x, P, kernels=kernels, out=strided[::2])
    np.testing.assert_array_equal(strided[::2], wanted)
    assert np.shares_memory(result, strided)
    over = x.copy()
    quantize(over, P, kernels=kernels, out=over.view(np.int8)[:64])
    np.testing.assert_array_equal(over.view(np.int8)[:64], wanted)
    shifted = np.concatenate([x, x])
    quantize(shifted[:64], P, kernels=kernels, out=shifted.view(np.int8)[3:67])
    np.testing.assert_array_equal(shifted.view(np.int8)[3:67], wanted)


def test_fake_quant_may_write_over_its_input():
    x = np.linspace(-9, 9, 64, dtype=np.float32)
    wanted = fake_quant(x, -1.0, 3.0)
    assert fake_quant(x, -1.0, 3.0, out=x) is x
    np.testing.assert_array_equal(x, wanted)


@pytest.mark.parametrize(("value", "low"), [(True, 0), (1.0, 0), ("1", 0), (None, 0), (-1, 0)])
def test_only_integers_in_range_are_integers(value, low):
    with pytest.raises(InvalidInputError) as caught:
        intake.integer(value, "num_bits", low, 16)
    assert caught.value.argument == "num_bits"


@pytest.mark.parametrize("axis", [2, -3, 0.0, None])
def test_axes_that_do_not_exist_are_refused(axis):
    with pytest.raises(InvalidInputError):
        intake.axis_index(axis, 2, "axis")
