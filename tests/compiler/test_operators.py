"""Programs of single operators: the executor's bits, or its errors."""

import contextlib

import pytest

import quantlib as ql
from quantlib.compiler.program import compile_model
from quantlib.errors import QuantlibError
from quantlib.kernel_sets import kernel_set
from quantlib.testing.choices import SeededChoices
from quantlib.testing.single_operator import Case, Generator, generators

FAMILIES = ("reference", "optimized", "xnnpack")


def outcome(function, case: Case, kernels: str) -> list[tuple[object, ...]] | str:
    """Dtypes, shapes and bytes of the outputs, or the error's name."""
    try:
        if function is compile_model:
            found = compile_model(case.model, kernels=kernels)(*case.inputs)
        else:
            found = ql.run(case.model, *case.inputs, kernels=kernels)
    except QuantlibError as error:
        return type(error).__name__
    return [(array.dtype, array.shape, array.tobytes()) for array in found]


def check(generator: Generator, seeds: range) -> None:
    """The same outcome for that many models in every family."""
    for kernels in FAMILIES:
        for seed in seeds:
            case = generator.make(SeededChoices(seed))
            assert outcome(compile_model, case, kernels) == outcome(ql.run, case, kernels), (kernels, seed)


@pytest.mark.parametrize("generator", generators().values(), ids=str)
def test_a_program_of_one_operator_gives_the_executors_bits(generator):
    check(generator, range(3))


@pytest.mark.slow
@pytest.mark.parametrize("generator", generators().values(), ids=str)
def test_many_programs_of_one_operator_give_the_executors_bits(generator):
    check(generator, range(3, 40))


def test_older_kernel_sets_compile_too():
    for name in ("litert-1.2/reference", "tflite-2.14/reference", "tflm"):
        assert kernel_set(name).name == name
        for generator in generators().values():
            if generator.operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD"):
                case = generator.make(SeededChoices(5))
                assert outcome(compile_model, case, name) == outcome(ql.run, case, name)


LOWERED = (
    "ADD",
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "LOGISTIC",
    "MAX_POOL_2D",
    "MEAN",
    "MUL",
    "PAD",
    "QUANTIZE",
    "RESHAPE",
    "SOFTMAX",
    "SUB",
)


@pytest.mark.parametrize("operator", LOWERED)
def test_an_operator_of_codes_has_a_faster_form(operator):
    """The comparisons above must not pass because everything runs its plain kernel."""
    rungs = set()
    for generator in generators().values():
        if generator.operator == operator:
            for seed in range(8):
                case = generator.make(SeededChoices(seed))
                with contextlib.suppress(QuantlibError):
                    rungs.update(one.rung for one in compile_model(case.model).certificates())
    assert rungs - {"kernel"}
