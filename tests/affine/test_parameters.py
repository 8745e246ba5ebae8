import copy
import dataclasses
import pickle

import numpy as np
import pytest

from quantlib.affine.parameters import QuantizationParameters
from quantlib.errors import InvalidInputError

FROM_RANGE = QuantizationParameters.from_range
FROM_DATA = QuantizationParameters.from_data


@pytest.mark.parametrize("name", ["int4", "int8", "uint8", "int16", "int32"])
def test_zero_points_may_be_anything_inside_the_type_and_nothing_else(name):
    p = QuantizationParameters(0.5, 0, name)
    for zero_point in (p.qmin, p.qmax):
        assert QuantizationParameters(0.5, zero_point, name).zero_point == zero_point
    for zero_point in (p.qmin - 1, p.qmax + 1):
        with pytest.raises(InvalidInputError) as caught:
            QuantizationParameters(0.5, zero_point, name)
        assert caught.value.argument == "zero_point"


@pytest.mark.parametrize(
    "scale", [0.0, -1.0, np.nan, np.inf, 1e-60, 1e60, [], [[1.0]], "1", None, [1.0, 0.0]]
)
def test_scales_that_no_kernel_can_use_are_refused(scale):
    with pytest.raises(InvalidInputError) as caught:
        QuantizationParameters(scale)
    assert caught.value.argument == "scale"


def test_the_smallest_and_the_largest_float32_are_scales():
    assert QuantizationParameters(2.0**-149).scale == 2.0**-149
    assert QuantizationParameters(3.4028234e38).scale > 3.4e38


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("zero_point", {"scale": [1.0, 2.0], "zero_point": [0, 0, 0]}),
        ("zero_point", {"scale": 1.0, "zero_point": [0, 0]}),
        ("zero_point", {"scale": 1.0, "zero_point": 0.5}),
        ("dtype", {"scale": 1.0, "dtype": np.float32}),
        ("dtype", {"scale": 1.0, "dtype": "int7"}),
        ("dtype", {"scale": 1.0, "dtype": object()}),
        ("bits", {"scale": 1.0, "dtype": "int16", "bits": 8}),
        ("bits", {"scale": 1.0, "dtype": "int4", "bits": 8}),
        ("quantized_dimension", {"scale": 1.0, "quantized_dimension": -1}),
        ("block_size", {"scale": [1.0], "block_size": 0}),
        ("scale", {"scale": [1.0], "block_size": 4, "quantized_dimension": 1}),
    ],
)
def test_errors_name_the_argument(argument, given):
    with pytest.raises(InvalidInputError) as caught:
        QuantizationParameters(**given)
    assert caught.value.argument == argument


def test_parameters_are_values():
    p = QuantizationParameters([0.5, 0.25], [1, 2], np.uint8, quantized_dimension=1)
    for other in (copy.deepcopy(p), pickle.loads(pickle.dumps(p)), dataclasses.replace(p)):
        assert other == p
        assert hash(other) == hash(p)
        assert not other.scale.flags.writeable
    assert dataclasses.replace(p, scale=[1.0, 2.0]) != p
    assert p != QuantizationParameters([0.5, 0.25], [1, 2], np.uint8, quantized_dimension=0)
    assert QuantizationParameters(1.0, 0, "int4") != QuantizationParameters(1.0, 0, "int8")
    assert p != "p"
    with pytest.raises(dataclasses.FrozenInstanceError):
        p.scale = 1.0
    with pytest.raises(ValueError, match="read-only"):
        p.scale[0] = 1.0


def test_the_callers_array_is_copied():
    scale = np.array([0.5, 0.25], np.float32)
    p = QuantizationParameters(scale)
    scale[0] = 7
    assert p.scale[0] == 0.5


def test_int4_lives_in_int8():
    p = QuantizationParameters(1.0, 0, "int4")
    assert (p.dtype, p.bits, p.qmin, p.qmax, p.type_name) == (np.dtype(np.int8), 4, -8, 7, "int4")


def test_representations_are_short():
    p = QuantizationParameters(np.full(1000, 0.1), 3, np.int8)
    assert repr(p) == (
        "QuantizationParameters(scale=<0.1 .. 0.1, shape (1000,)>, zero_point=3, dtype='int8', "
        "quantized_dimension=0)"
    )


@pytest.mark.parametrize("profile", ["converter", "qat", "dynamic_range"])
@pytest.mark.parametrize("dtype", ["int4", "int8", "uint8"])
@pytest.mark.parametrize("narrow_range", [False, True])
def test_zero_is_exact_and_ends_are_covered(profile, dtype, narrow_range):
    rng = np.random.default_rng(0)
    low, high = np.sort(rng.normal(size=(2, 200)), axis=0).astype(np.float32)
    p = FROM_RANGE(low, high, dtype, profile=profile, narrow_range=narrow_range)
    real_low, real_high = p.real_range()
    assert (real_low <= 0).all()
    assert (real_high >= 0).all()
    # The zero point is rounded: one end may lie up to half a step outside.
    assert (real_low - np.minimum(low, 0) <= 0.501 * p.scale).all()
    assert (np.maximum(high, 0) - real_high <= 0.501 * p.scale).all()


def test_worked_examples_of_each_profile():
    assert FROM_RANGE(0.0, 6.0).zero_point == -128
    assert FROM_RANGE(-6.0, 0.0).zero_point == 127
    assert FROM_RANGE(0.0, 6.0, np.uint8).zero_point == 0
    assert FROM_RANGE(0.0, 0.0).scale == np.float32(np.float32(2e-6) / np.float32(255))
    assert FROM_RANGE(0.0, 0.0, profile="qat") == QuantizationParameters(1e-6 / 255, -1)
    assert FROM_RANGE(0.0, 0.0, np.int16) == QuantizationParameters(1.0, 0, np.int16)
    assert FROM_RANGE(-1.0, 2.0, np.int16).scale == np.float32(2) / np.float32(32767)
    assert FROM_RANGE(-1.0, 2.0, np.int16, profile="qat").zero_point == -10923
    assert FROM_RANGE(-1.0, 2.0, symmetric=True).scale == np.float32(4) / np.float32(254)
    assert FROM_RANGE(-1.0, 2.0, np.uint8, symmetric=True).zero_point == 128
    assert FROM_RANGE(-7.0, 3.0, "int4", symmetric=True) == QuantizationParameters(1.0, 0, "int4")


@pytest.mark.parametrize(
    ("argument", "low", "high"),
    [
        ("min", np.nan, 1.0), ("max", 0.0, np.inf), ("max", 1.0, 0.0), ("max", -3e38, 3e38),
        ("max", [0.0], [1.0, 2.0]), ("min", [], []), ("min", [[0.0]], 1.0), ("min", "a", 1.0),
    ],
)  # fmt: skip
def test_ranges_that_are_none_are_refused(argument, low, high):
    with pytest.raises(InvalidInputError) as caught:
        FROM_RANGE(low, high)
    assert caught.value.argument == argument


def test_int32_has_no_range():
    with pytest.raises(InvalidInputError, match="biases"):
        FROM_RANGE(0.0, 1.0, np.int32)


def test_unknown_profiles_are_refused():
    with pytest.raises(InvalidInputError) as caught:
        FROM_RANGE(0.0, 1.0, profile="mine")
    assert caught.value.argument == "profile"


def test_data_give_the_range_of_each_channel():
    w = np.random.default_rng(1).normal(size=(3, 4, 5)).astype(np.float32)
    for axis in range(-3, 3):
        p = FROM_DATA(w, quantized_dimension=axis)
        others = tuple(i for i in range(3) if i != axis % 3)
        assert p == FROM_RANGE(w.min(axis=others), w.max(axis=others), quantized_dimension=axis % 3)
    assert FROM_DATA(w) == FROM_RANGE(w.min(), w.max())


def test_blocks_have_float16_scales_that_waste_no_code():
    w = np.random.default_rng(2).normal(size=(6, 64)).astype(np.float32)
    p = FROM_DATA(w, "int4", symmetric=True, quantized_dimension=1, block_size=16)
    assert p.scale.shape == (6, 4)
    assert (p.scale == p.scale.astype(np.float16)).all()
    largest = np.abs(w.reshape(6, 4, 16)).max(axis=2)
    np.testing.assert_array_equal(np.rint(largest / p.scale), 7)


@pytest.mark.parametrize("data", [[], [np.nan], [1.0, np.inf], [[]]])
def test_data_without_a_range_are_refused(data):
    with pytest.raises(InvalidInputError) as caught:
        FROM_DATA(data)
    assert caught.value.argument == "data"


def test_blocks_want_an_axis_they_divide():
    with pytest.raises(InvalidInputError) as caught:
        FROM_DATA(np.ones((2, 5)), block_size=2)
    assert caught.value.argument == "quantized_dimension"
    with pytest.raises(InvalidInputError) as caught:
        FROM_DATA(np.ones((2, 5)), block_size=2, quantized_dimension=1)
    assert caught.value.argument == "data"
