import numpy as np
from hypothesis import find, given, settings

from quantlib.affine.parameters import QuantizationParameters
from quantlib.arithmetic.requantize import float32_half_to_even, two_roundings, two_roundings_half_up
from quantlib.testing import strategies


@given(strategies.scales())
def test_scales_are_valid_scales(scale):
    assert QuantizationParameters(scale).scale > 0


def test_scales_reach_powers_of_two_and_subnormals():
    assert find(strategies.scales(), lambda scale: scale < 2.0**-126) < 2.0**-126
    assert find(strategies.scales(subnormal=False), lambda scale: scale == 2.0**-20) == 2.0**-20


def test_zero_points_reach_both_ends_of_the_type():
    for end in (-128, 127):
        assert find(strategies.quantization_parameters(["int8"]), lambda p, end=end: p.zero_point == end)


@settings(max_examples=50)
@given(strategies.parameters_and_tensors(["int8", "uint8", "int16", "int4"], subnormal=True))
def test_tensors_fit_their_parameters(drawn):
    parameters, x = drawn
    parameters.check_shape(x.shape, "x")
    assert x.dtype == np.float32


def test_tensors_reach_ties_and_their_neighbours_and_nan():
    p = QuantizationParameters(0.5)
    for wanted in (0.25, np.nextafter(np.float32(0.25), np.float32(0)), -0.75):
        find(strategies.boundary_tensors(p, (2,)), lambda x, wanted=wanted: (x == wanted).any())
    find(strategies.boundary_tensors(p, (2,)), lambda x: np.isnan(x).any())


@settings(max_examples=50)
@given(strategies.disagreeing_accumulators())
def test_the_reference_and_optimized_rules_disagree_on_the_accumulators(drawn):
    real, acc = drawn
    assert (two_roundings(real)(acc) != two_roundings_half_up(real)(acc)).all()


@settings(max_examples=50)
@given(strategies.disagreeing_accumulators(two_roundings, float32_half_to_even))
def test_accumulators_are_int32_and_not_empty(drawn):
    _, acc = drawn
    assert len(acc) > 0
    assert (np.abs(acc) < 2**31).all()
