import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from quantlib.errors import InvalidInputError
from quantlib.runtime.execute import run
from quantlib.testing.assertions import assert_bit_exact
from quantlib.testing.choices import SeededChoices
from quantlib.testing.models import single_operator_cases
from quantlib.testing.single_operator import generators

GENERATORS = list(generators().values())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(single_operator_cases("CONV_2D", "int8 per channel"))
def test_drawn_models_run_and_give_the_type_and_shape_they_state(case):
    (y,) = run(case.model, *case.inputs)
    output = case.model.subgraphs[0].tensors[case.model.subgraphs[0].outputs[0]]
    assert y.shape == output.shape
    assert y.dtype == output.type.dtype


def test_unknown_operators_are_refused_with_what_there_is():
    with pytest.raises(InvalidInputError, match="CONV_2D"):
        single_operator_cases("CONV_9D")


@pytest.mark.parametrize("generator", GENERATORS, ids=str)
def test_the_same_seed_gives_the_same_model(generator):
    first, second = (generator.make(SeededChoices(7)) for _ in range(2))
    assert first.model == second.model
    for a, b in zip(first.inputs, second.inputs, strict=True):
        assert_bit_exact(a, b)


@pytest.mark.parametrize("generator", GENERATORS, ids=str)
def test_kernels_never_write_to_inputs_and_return_what_the_model_states(generator):
    claimed = next(name for name in ("reference", "optimized", "xnnpack") if name not in generator.unclaimed)
    for seed in range(5):
        case = generator.make(SeededChoices(seed))
        for array in case.inputs:
            array.flags.writeable = False
        before = [array.copy() for array in case.inputs]
        outputs = run(case.model, *case.inputs, kernels=claimed)
        for array, copy in zip(case.inputs, before, strict=True):
            assert_bit_exact(array, copy)
        tensors = [case.model.subgraphs[0].tensors[index] for index in case.model.subgraphs[0].outputs]
        for array, tensor in zip(outputs, tensors, strict=True):
            assert isinstance(array, np.ndarray)
            assert (array.dtype, array.shape) == (tensor.type.dtype, tensor.shape)
